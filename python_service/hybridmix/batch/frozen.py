"""Frozen tracks: plugins that play their plan, and what stands for the service in a render that has none."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import numpy as np
import numpy.typing as npt
import pedalboard

from hybridmix.batch.audio import Audio
from hybridmix.batch.folder import file_name
from hybridmix.batch.meter import Meter
from hybridmix.batch.plugin import bundle_path, identity
from hybridmix.batch.report import Counters
from hybridmix.batch.strip import Strip
from hybridmix.engine import trace
from hybridmix.errors import InputError
from hybridmix.plan import document
from hybridmix.plan.document import Learned, PlanFile, TrackPlan
from hybridmix.presets.host import vst_preset
from hybridmix.wire import parameters
from hybridmix.wire.limits import FRAMES_PER_SECOND

__all__ = ["FROZEN", "Record", "frozen_plugin", "learned_track", "write_presets"]

#: Value of the plugin's parameter ``plan``: its number in the list, after "Off".
FROZEN = 1.0


def learned_track(plan: PlanFile, label: str) -> Learned:
    """Return what ``plan`` has for the track called ``label``.

    Raises:
        InputError: it has none of that name.
    """
    found = plan.tracks.get(label)
    if found is None:
        raise InputError(
            f"the plan has no track called {label!r}; it has {', '.join(sorted(plan.tracks))}: learn again."
        )
    return found


def frozen_plugin(plan: PlanFile | Path, label: str, plugin: Path | None = None) -> pedalboard.VST3Plugin:
    """Return the real plugin, frozen, for a pedalboard of one's own: it plays ``label`` of ``plan`` and needs no service.

    A call of its ``process`` begins the song from its start, unless ``reset=False`` goes on with it.

    Raises:
        InputError: the plan cannot be read or has no such track, or there is no plugin.
    """
    state = _state(document.load(plan) if isinstance(plan, Path) else plan, label, uuid4())
    loaded = pedalboard.VST3Plugin(str(bundle_path(plugin)))
    # The property itself: a plain assignment has pedalboard ask every parameter for a thousand texts first.
    pedalboard.VST3Plugin.preset_data.__set__(loaded, vst_preset(state))
    return loaded


def write_presets(plan: PlanFile, folder: Path) -> list[Path]:
    """Write the frozen state of every track of ``plan`` into ``folder`` as a ``.vstpreset`` file, for DAWs.

    Raises:
        InputError: the folder cannot be written.
    """
    session, written = uuid4(), []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for label in plan.tracks:
            path = folder / f"{file_name(label)}.vstpreset"
            partial = path.with_name(f".{path.name}.partial")
            partial.write_bytes(vst_preset(_state(plan, label, session)))
            written.append(partial.replace(path))
    except OSError as error:
        raise InputError(
            f"preset folder {folder} cannot be written ({error.strerror}); choose another with --presets."
        ) from None
    return written


def _state(plan: PlanFile, label: str, session: UUID) -> dict[str, Any]:
    """Return the state of a plugin that plays ``label`` of ``plan``."""
    track = learned_track(plan, label)
    return {
        "format": "hybridmix-state",
        "instance": str(identity(label)),
        "label": label,
        "params": {**track.settings, "plan": FROZEN},
        "plan": msgspec.to_builtins(track.plan),
        "session": str(session),
        "start": {},
        "version": 1,
    }


class Record:
    """What a frozen render measures and was told by its plan, in the words in which a service says it."""

    def __init__(self, rate: int, strips: Sequence[Strip], plans: Mapping[str, TrackPlan]) -> None:
        self._frame = rate // FRAMES_PER_SECOND
        self._strips = strips
        self._plans = plans
        self._meter = Meter(rate, [strip.channels for strip in strips])
        #: No file: nothing is written while it plays.
        self.trace = Path(os.devnull)

    def heard(self, inputs: Sequence[Audio]) -> None:
        """Measure what the plugins heard, in their order."""
        self._meter.add(inputs)

    def unfit(self) -> list[str]:
        """Return the labels of the tracks whose plan no longer fits."""
        return [strip.shim.label for strip in self._strips if strip.shim.status() == "plan_unfit"]

    def status(self) -> dict[str, Any]:
        """Return counters: nothing is late or lost; a track that does not fit makes the render incomplete."""
        totals = dict.fromkeys(Counters.__struct_fields__, 0)
        return {"models": {}, "totals": {**totals, "incomplete": len(self.unfit())}, "groups": []}

    def wait_for(self, done: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:  # noqa: ARG002
        """Return the status: nobody has to be waited for."""
        return self.status()

    def traced(self, skip: int) -> npt.NDArray[Any]:  # noqa: ARG002
        """Return what each track was told, a record per frame."""
        return np.concatenate([self._rows(index, strip) for index, strip in enumerate(self._strips)])

    def seconds(self, epoch: int | None) -> list[trace.Second]:  # noqa: ARG002
        """Return nothing: what a plan is made of says no reasons."""
        return []

    def _rows(self, index: int, strip: Strip) -> npt.NDArray[Any]:
        plan = self._plans[strip.shim.label]
        rows = np.zeros(plan.frames, trace.RECORD)
        instance: UUID = strip.shim.instance
        rows["member"] = instance.bytes
        rows["apply_at"] = (plan.begin + np.arange(plan.frames)) * self._frame
        rows["end"] = rows["apply_at"] + self._frame
        energies = np.repeat(self._meter.energies(index), 2)[: plan.frames]
        rows["energy"][: len(energies)] = energies
        for name in (parameter.name for parameter in parameters.load().parameters):
            table = plan.table(name)
            rows[name] = np.nan if table is None else table
        rows["flags"] = trace.FLAG_WHOLE + np.isfinite(rows["gain_db"]) * trace.FLAG_KNOWN
        return rows
