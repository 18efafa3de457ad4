"""The loop of every run: seeded, resumable at any moment, watched.

Whatever step k draws comes from the seed and k alone, so a run that was killed goes on from its last
checkpoint with the same numbers as if nothing had happened.
"""

from __future__ import annotations

import copy
import dataclasses
import fcntl
import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypedDict

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from hybridmix.errors import HybridMixError, InputError
from hybridmix_models.training import checkpoint, curves
from hybridmix_models.training.configs import Run

__all__ = ["Summary", "Task", "rate", "train"]


class Summary(TypedDict):
    """What ``run.json`` says."""

    name: str
    seed: int
    step: int
    steps: int
    minutes: float
    steps_per_second: float
    complete: bool
    best: dict[str, float]
    settings: dict[str, Any]


class Task(Protocol):
    """What is trained."""

    @property
    def module(self) -> nn.Module:
        """What learns; its state is what a run gives."""
        ...

    @property
    def begins(self) -> str:
        """What it begins with beside seed and settings, such as a digest of weights; a run is bound to it."""
        ...

    def losses(self, step: int) -> dict[str, Tensor]:
        """Return the weighted losses of step ``step``, each (); their sum is minimised."""
        ...

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Return figures of ``module`` on the validation data; the run with the smallest ``error`` is kept."""
        ...

    def finished(self, module: nn.Module, figures: dict[str, float]) -> nn.Module:
        """Return ``module``, which validated with ``figures``, as it is kept: itself, or a copy that was corrected."""
        ...


def rate(run: Run, step: int) -> float:
    """Return the learning rate of ``step``, counted from 0."""
    if step < run.warm_up:
        return run.learning_rate * (step + 1) / run.warm_up
    share = (step - run.warm_up) / max(run.steps - run.warm_up, 1)
    if run.milestones:
        return float(run.learning_rate * 0.1 ** sum(share >= milestone for milestone in run.milestones))
    return run.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(share, 1.0)))


def train(name: str, task: Task, run: Run, out: Path, seed: int, console: Console) -> Summary:
    """Train ``task`` into the folder ``out``, or go on with what is there; returns what ``run.json`` says.

    Writes ``best.pt`` (the weights that validated best), ``checkpoint.pt`` (to go on from), ``log.jsonl``,
    ``curves.png`` and ``run.json``.

    Raises:
        InputError: ``out`` holds another run, or another process is training in it.
        HybridMixError: the loss is not finite any more.
    """
    out.mkdir(parents=True, exist_ok=True)
    with _alone(out):
        return _train(name, task, run, out, seed, console)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep other processes from training in ``out``; the system lets go when this one ends, however it ends."""
    with (out / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"another process is training in folder {out}; wait until it ends, or choose another --out"
            ) from None
        yield


def _train(name: str, task: Task, run: Run, out: Path, seed: int, console: Console) -> Summary:
    state = _State(name, task, run, out, seed)
    log = checkpoint.Log(out / "log.jsonl", state.step)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    began, first, spent = time.monotonic(), state.step, state.seconds
    seen: list[dict[str, float]] = []
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        shown = bar.add_task(name, total=run.steps, completed=state.step, figures="")
        while state.step < run.steps and state.seconds < 60.0 * run.minutes:
            seen.append(state.advance())
            if state.step % run.log_every and state.step < run.steps:
                continue
            state.seconds = spent + time.monotonic() - began
            means = {key: sum(losses[key] for losses in seen) / len(seen) for key in seen[0]}
            seen.clear()
            if not all(math.isfinite(value) for value in means.values()):
                raise HybridMixError(
                    f"the loss of {name!r} is not finite at step {state.step}; train with a lower learning rate"
                )
            row = {"step": state.step, "learning_rate": rate(run, state.step - 1), **means}
            last = state.step == run.steps or state.seconds >= 60.0 * run.minutes
            if last or state.step % run.validate_every == 0:
                row |= {f"validation_{key}": value for key, value in state.validate().items()}
                _say(console, state, row, first, time.monotonic() - began)
            log.add(row)
            state.save()
            if last or state.step % run.validate_every == 0:
                curves.draw(log.rows, f"{name}, seed {seed}", out / "curves.png")
            bar.update(shown, completed=state.step, figures=f"loss {_total(row):.3f}")
    summary: Summary = {
        "name": name,
        "seed": seed,
        "step": state.step,
        "steps": run.steps,
        "minutes": round(state.seconds / 60.0, 2),
        "steps_per_second": round(state.step / max(state.seconds, 1e-9), 3),
        "complete": state.step >= run.steps,
        "best": state.best,
        "settings": dataclasses.asdict(run),
    }
    (out / "run.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def _total(row: Mapping[str, float]) -> float:
    return sum(value for key, value in row.items() if key.startswith("loss_"))


def _say(console: Console, state: _State, row: Mapping[str, float], first: int, seconds: float) -> None:
    figures = ", ".join(
        f"{key.removeprefix('validation_').replace('_', ' ')} {value:.3f}"
        for key, value in row.items()
        if key.startswith("validation_")
    )
    console.print(
        f"step {state.step}: loss {_total(row):.3f}, {figures}; {(state.step - first) / seconds:.2f} steps/s",
        soft_wrap=True,
    )


class _State:
    """A run between two steps."""

    def __init__(self, name: str, task: Task, run: Run, out: Path, seed: int) -> None:
        self.name, self.task, self.run, self.out, self.seed = name, task, run, out, seed
        self.step, self.seconds = 0, 0.0
        self.best: dict[str, float] = {}
        # What cannot change between a run and its continuation; a run may be given more time.
        self.settings = {**dataclasses.asdict(run), "name": name, "seed": seed, "start": task.begins}
        self.optimiser = torch.optim.AdamW(
            task.module.parameters(), lr=run.learning_rate, weight_decay=run.weight_decay
        )
        self.mean = copy.deepcopy(task.module) if run.average else None
        if (out / "checkpoint.pt").exists():
            self._resume()

    def _resume(self) -> None:
        path = self.out / "checkpoint.pt"
        saved = checkpoint.read(path)
        # Checkpoints of before 2026-11-22 do not say what they began with.
        known = {"start": self.settings["start"], **saved["settings"]}
        differing = [
            key
            for key, value in self.settings.items()
            if key != "minutes" and _plain(known.get(key)) != _plain(value)
        ]
        if differing:
            raise InputError(
                f"folder {self.out} holds a run with another {', '.join(differing)}; choose another --out"
            )
        self.task.module.load_state_dict(saved["module"])
        self.optimiser.load_state_dict(saved["optimiser"])
        if self.mean is not None:
            self.mean.load_state_dict(saved["mean"])
        self.step, self.seconds, self.best = saved["step"], saved["seconds"], saved["best"]

    def advance(self) -> dict[str, float]:
        """Make one step and return its losses."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.run, self.step)
        self.task.module.train()
        self.optimiser.zero_grad(set_to_none=True)
        losses = self.task.losses(self.step)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.task.module.parameters(), self.run.clip)
        self.optimiser.step()
        self.step += 1
        if self.mean is not None:
            # In the beginning the mean forgets quickly, so that it does not hold on to the first weights.
            kept = min(self.run.average, self.step / (self.step + 10.0))
            with torch.no_grad():
                for mean, value in zip(
                    self.mean.state_dict().values(), self.task.module.state_dict().values(), strict=True
                ):
                    mean.lerp_(value, 1.0 - kept) if mean.is_floating_point() else mean.copy_(value)
        return {f"loss_{key}": float(value.detach()) for key, value in losses.items()}

    def validate(self) -> dict[str, float]:
        """Validate, and keep the weights when they are the best so far."""
        module = self.task.module if self.mean is None else self.mean
        module.eval()
        with torch.no_grad():
            figures = self.task.validate(module)
        if not self.best or figures["error"] < self.best["error"]:
            self.best = {**figures, "step": self.step}
            checkpoint.write(
                self.out / "best.pt",
                {
                    "state": self.task.finished(module, figures).state_dict(),
                    "settings": _plain(self.settings),
                    "best": self.best,
                },
            )
        return figures

    def save(self) -> None:
        """Write the checkpoint."""
        checkpoint.write(
            self.out / "checkpoint.pt",
            {
                "module": self.task.module.state_dict(),
                "mean": None if self.mean is None else self.mean.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "settings": _plain(self.settings),
                "step": self.step,
                "seconds": self.seconds,
                "best": self.best,
            },
        )


def _plain(value: Any) -> Any:
    """Return ``value`` as JSON would give it back."""
    return json.loads(json.dumps(value))
