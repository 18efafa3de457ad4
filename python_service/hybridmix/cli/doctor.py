"""``hybridmix doctor``: is everything in place, and what the plugin's status texts mean."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

__all__ = ["register"]

_NEEDED = ("msgspec", "numpy", "onnxruntime", "platformdirs", "pyloudnorm", "pyzmq", "rich", "scipy")
_OPTIONAL = ("matplotlib", "pedalboard", "soundfile", "soxr")


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    ok: bool
    #: Without it only part of the program works.
    optional: bool
    detail: str


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(epilog="Example: hybridmix doctor --json")(doctor)


def doctor(
    runtime_dir: Annotated[Path | None, typer.Option(help="Private folder of the service.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Check packages, models, plugin, runtime folder and service; explain what the plugin's Status shows.

    Ends with 0 when all is well, 1 when something that is needed is missing.
    """
    from hybridmix.engine import config
    from hybridmix.wire import status

    settings = config.load({"runtime_dir": runtime_dir}, os.environ)
    checks = [
        *(_check(f"package {name}", partial(_package, name)) for name in _NEEDED),
        *(_check(f"package {name}", partial(_package, name), optional=True) for name in _OPTIONAL),
        _check("models", lambda: _models(settings)),
        *(_check(f"plugin {form}", partial(_plugin, form), optional=True) for form in ("vst3", "clap")),
        *(Check(f"built {form}", True, True, str(path)) for form, path in _built()),
        _check("runtime folder", lambda: _folder(settings.runtime_dir)),
        _check("service", lambda: _service(settings.runtime_dir), optional=True),
    ]
    if as_json:
        typer.echo(json.dumps({"checks": [check._asdict() for check in checks]}, indent=2))
    else:
        for check in checks:
            mark = "ok  " if check.ok else ("--  " if check.optional else "FAIL")
            typer.echo(f"{mark} {check.name}: {check.detail}")
        typer.echo("\nWhat the plugin's Status means:")
        for state in status.load():
            typer.echo(f"  {state.text}: {state.sentence} {state.fix}")
    if not all(check.ok or check.optional for check in checks):
        raise typer.Exit(1)


def _check(name: str, look: Callable[[], str], *, optional: bool = False) -> Check:
    from hybridmix.errors import HybridMixError

    try:
        return Check(name, True, optional, look())
    except (HybridMixError, ImportError) as error:
        return Check(name, False, optional, str(error))


def _package(name: str) -> str:
    # Asked for, not imported: that takes seconds for some.
    return metadata.version(name)


def _models(settings: object) -> str:
    from hybridmix.engine.config import Config
    from hybridmix.engine.models import load_models

    assert isinstance(settings, Config)
    models = load_models(settings.model, settings.models_dir)
    return f"{models.name} " + " ".join(f"{name}={digest[:12]}" for name, digest in models.hashes.items())


def _plugin(form: str) -> str:
    from hybridmix import bundles
    from hybridmix.errors import InputError

    environ: Mapping[str, str] = os.environ
    installed = bundles.standard_folder(form, Path.home(), environ) / bundles.BUNDLES[form]
    if not installed.exists():
        raise InputError(f"{installed} does not exist; put it there with: hybridmix plugin install")
    return str(installed)


def _built() -> Iterator[tuple[str, Path]]:
    """Yield the bundles of the checkout, which renders take before those that are installed."""
    from hybridmix import bundles
    from hybridmix.errors import InputError

    for form in bundles.BUNDLES:
        with contextlib.suppress(InputError):
            yield form, bundles.built(form)


def _folder(folder: Path) -> str:
    from hybridmix.engine.discovery import check_folder

    if not folder.exists() and not folder.is_symlink():
        return f"{folder} (made when the service starts)"
    check_folder(folder)
    return str(folder)


def _service(folder: Path) -> str:
    from hybridmix.engine.client import Client

    with Client(folder, name="hybridmix-doctor") as client:
        service = client.status()["service"]
    return f"pid {service['pid']}, model {service['model']}, {service['endpoint']}"
