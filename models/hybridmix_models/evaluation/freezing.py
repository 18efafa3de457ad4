"""A stem through the real plugin, frozen by a plan of its own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

import hybridmix
from hybridmix.batch import frozen_plugin
from hybridmix.plan.document import LEVEL, Learned, PlanFile, TrackPlan, series, steps
from hybridmix.plan.levels import Levels
from hybridmix_models.data.types import FRAME, RATE, Floats

__all__ = ["frozen"]

Doubles = npt.NDArray[np.float64]


def frozen(audio: Floats, values: Mapping[str, Doubles]) -> Floats:
    """Return mono ``audio`` (samples,) at `RATE` as the plugin plays it, frozen to ``values`` by parameter, (T,) each."""
    levels = Levels(FRAME, 1)
    levels.add(audio[np.newaxis])
    (frames,) = {len(table) for table in values.values()}
    track = TrackPlan(
        frames=frames,
        level=series(levels.dbfs(frames), LEVEL),
        values={name: series(table, steps(name)) for name, table in values.items()},
    )
    plan = PlanFile(
        hybridmix=hybridmix.__version__,
        session="",
        model="",
        sample_rate=RATE,
        tracks={"stem": Learned(track, {})},
    )
    plugin = frozen_plugin(plan, "stem")
    heard = plugin.process(audio[np.newaxis], RATE)[0]
    if plugin.parameters["status"].string_value != "Frozen":
        raise RuntimeError(f"the plugin is not frozen: {plugin.parameters['status'].string_value}")
    return np.asarray(heard, np.float32)
