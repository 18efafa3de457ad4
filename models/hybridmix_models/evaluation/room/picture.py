"""The picture of the room at work: how energy decays in a measured room, on a dry stem, and on the stem in its room."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt

from hybridmix.processors import room_fusion
from hybridmix_models.data.types import RATE
from hybridmix_models.evaluation.room import network
from hybridmix_models.evaluation.room.listening import listen, open_model
from hybridmix_models.evaluation.room.measured import Measured
from hybridmix_models.evaluation.room.score import Source, in_room
from hybridmix_models.room.network import OCTAVES_HZ

__all__ = ["draw"]

Doubles = npt.NDArray[np.float64]


def draw(room: Measured, found: Sequence[Source], plugin: Path, path: Path) -> bool:
    """Draw ``room``, heard by sources of the first song, and what ``plugin`` makes of it, to ``path``; false where nobody is believed."""
    mpl.use("Agg")
    from matplotlib import pyplot

    mine = [one for one in found if one.song == found[0].song]
    said = listen(open_model(), np.stack([in_room(one.audio, room.response) for one in mine]))
    fused = room_fusion.fuse(said)
    if fused is None:
        return False
    t60 = np.clip(fused.t60_s, 0.1, 4.0)
    bus = network.response(
        plugin, RATE, t60, fused.predelay_ms, min(10.0 ** (-fused.drr_db / 20.0), 4.0), 2
    ).mean(axis=0)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
    for response, label, style in (
        (room.response, "measured room", "k"),
        (bus, "AI stem in its room, mono", "C0"),
    ):
        decay = _decay_db(response)
        left.plot(np.arange(len(decay)) / RATE, decay, style, label=label)
    left.plot([0.0, 0.01, 0.01], [0.0, 0.0, -60.0], "C3", label="AI stem, dry")
    left.set(
        xlim=(0.0, 1.1 * float(np.nanmax(room.t30_s))),
        ylim=(-60.0, 1.0),
        xlabel="s",
        ylabel="energy left, dB",
    )
    left.legend()
    right.semilogx(OCTAVES_HZ, room.t30_s, "ko-", label="measured")
    for index in range(len(mine)):
        right.semilogx(
            OCTAVES_HZ, said.t60_s[index], "-", color="0.7", label="one track" if index == 0 else None
        )
    right.semilogx(OCTAVES_HZ, fused.t60_s, "C0o-", label="tracks together")
    right.set_xticks(OCTAVES_HZ, labels=[f"{hertz:g}" for hertz in OCTAVES_HZ])
    right.minorticks_off()
    right.set(xlabel="Hz", ylabel="T60, s", ylim=(0.0, None))
    right.legend()
    figure.suptitle(f"{room.name}: {len(mine)} tracks, {room_fusion.describe(fused, heard=True)}", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return True


def _decay_db(response: Doubles) -> Doubles:
    energy = np.cumsum(np.square(response)[::-1])[::-1]
    return np.asarray(10.0 * np.log10(energy / energy[0] + 1e-12))
