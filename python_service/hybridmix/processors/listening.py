"""What was played in the slots of a whole recording: the hits of its live sources on the grid of its tempo."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hybridmix.features import Onsets
from hybridmix.processors.slots import TOLERANCE_MS, Beat

__all__ = ["listen"]

Doubles = npt.NDArray[np.float64]


def listen(
    microphones: npt.NDArray[np.float32], beat: Beat, slots: int | None = None
) -> tuple[Doubles, Doubles]:
    """Return how late the strongest hit of each slot from slot 0 on is, in ms, and how strong, 0 to 1; (slots,) each.

    ``microphones`` is (n, samples) of live sources, mono, from sample 0 of ``beat``; NaN where nobody played. As many
    ``slots`` as the recording has when left out.
    """
    rate, frame = beat.rate, beat.rate // 20
    length = microphones.shape[1]
    count = beat.last_slot(length) + 1 if slots is None else slots
    late, strength = np.full(count, np.nan), np.full(count, np.nan)
    # Hits are told late: silence until all are.
    audio = np.pad(microphones, ((0, 0), (0, 4 * frame - length % frame)))
    onsets = Onsets(rate)
    rows = np.arange(len(audio))
    for row in rows.tolist():
        onsets.clear(row)
    for end in range(frame, audio.shape[1] + 1, frame):
        for hits in onsets.step(rows, audio[:, end - frame : end]):
            for hit in hits:
                slot, off = beat.place(end + hit.at_s * rate)
                known = 0 <= slot < count and abs(off) <= TOLERANCE_MS
                if known and not strength[slot] >= hit.strength:
                    late[slot], strength[slot] = off, hit.strength
    return late, strength
