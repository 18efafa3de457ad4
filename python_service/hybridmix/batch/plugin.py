"""The real plugin, hosted by pedalboard: where it is found, its state, its blocks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import pedalboard
from platformdirs import user_data_path

from hybridmix.batch.audio import Audio
from hybridmix.errors import InputError
from hybridmix.presets.host import vst_preset
from hybridmix.wire import status

__all__ = ["Shim", "bundle_path", "identity"]

_BUNDLE = "HybridMix.vst3"


def bundle_path(explicit: Path | None = None) -> Path:
    """Return the VST3 bundle: ``explicit``, ``$HYBRIDMIX_PLUGIN``, the checkout's build, or the user's plugin folder.

    Raises:
        InputError: there is none.
    """
    named = explicit or (Path(os.environ["HYBRIDMIX_PLUGIN"]) if "HYBRIDMIX_PLUGIN" in os.environ else None)
    if named is not None:
        if not named.exists():
            raise InputError(f"plugin {named} does not exist; build it with: make plugin")
        return named
    places = [
        Path(__file__).parents[3] / "build" / "plugin" / _BUNDLE,
        Path.home() / ".vst3" / _BUNDLE,
        Path.home() / "Library" / "Audio" / "Plug-Ins" / "VST3" / _BUNDLE,
        user_data_path() / "Programs" / "Common" / "VST3" / _BUNDLE,
    ]
    for place in places:
        if place.exists():
            return place
    raise InputError(
        "plugin HybridMix.vst3 was found neither in the checkout's build folder nor among the user's VST3 plugins; "
        "build it with: make plugin, or install it with: hybridmix plugin install"
    )


def identity(label: str) -> UUID:
    """Return the instance identity of a batch track: the same for the same label in every render."""
    return uuid5(NAMESPACE_URL, f"https://hybridmix.invalid/track/{label}")


class Shim:
    """One instance of the plugin on one track.

    Args:
        bundle: the VST3 bundle.
        label: the track's name; also fixes the instance's identity.
        session: session id that the tracks of a render share.
        params: host parameters by permanent id, plain values.
        plan: what a frozen track plays, as the state has it.
    """

    def __init__(
        self,
        bundle: Path,
        label: str,
        session: UUID,
        params: dict[str, float],
        plan: dict[str, Any] | None = None,
    ) -> None:
        self.label = label
        self.instance = identity(label)
        self._session = session
        self._params = params
        self._plan = plan
        self._plugin = pedalboard.VST3Plugin(str(bundle))
        #: Whether it is asked to bring the track to the session's level.
        self.is_staged = params.get("staging_amount", 0.0) > 0.0
        #: Values that the next run from a stop begins with, by parameter name.
        self.start_values: dict[str, float] = {}
        self.start({})

    def start(self, values: dict[str, float]) -> None:
        """Load the state: identity, parameters, and ``values`` to begin with, by parameter name."""
        state = {
            "format": "hybridmix-state",
            "instance": str(self.instance),
            "label": self.label,
            "params": self._params,
            "session": str(self._session),
            "start": values,
            "version": 1,
        }
        if self._plan is not None:
            state["plan"] = self._plan
        self.start_values = values
        # The property itself: a plain assignment has pedalboard ask every parameter for a thousand texts first.
        pedalboard.VST3Plugin.preset_data.__set__(self._plugin, vst_preset(state))

    def reset(self) -> None:
        """Begin anew: the next block is the first of a run."""
        self._plugin.reset()

    def process(self, block: Audio, rate: int) -> Audio:
        """Process one block, shape ``(channels, frames)``, and return one of the same shape."""
        out: Audio = self._plugin.process(block, rate, buffer_size=block.shape[1], reset=False)
        return out

    def status(self) -> str:
        """Return the name of the status that the plugin shows, as declared in ``schema/status.toml``."""
        shown = self._plugin.parameters["status"].string_value
        return next(state.name for state in status.load() if state.text == shown)

    def close(self) -> None:
        """Let go of the plugin, whoever still holds this object: the traceback of an error does."""
        del self._plugin
