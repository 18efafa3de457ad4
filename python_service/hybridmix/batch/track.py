"""One track of a render: its audio, what the user sets, and the shape in which it goes back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pedalboard

from hybridmix import presets
from hybridmix.batch.audio import Audio, Source, array_source, file_source
from hybridmix.errors import InputError

__all__ = ["MixTrack", "opened", "shaped"]


class MixTrack(presets.Settings, frozen=True):
    """One track: audio and what the user sets; every setting of `presets.Settings` wins over that of the preset.

    Args:
        audio: a file, or samples of shape ``(frames,)``, ``(channels, frames)`` or ``(frames, channels)``
            with 1 or 2 channels.
        label: name in reports; it also fixes the track's identity, so it is unique in a session.
        preset: name of a shipped preset, or the path of a ``.json`` file.
        mute: leave the track out of the group and of the mix.
        offset_s: where the audio begins on the timeline, in s.
        before, after: other pedalboard plugins around HybridMix on this track.
    """

    audio: Path | npt.NDArray[np.float32]
    label: str
    preset: str | None = None
    mute: bool = False
    offset_s: float = 0.0
    before: Sequence[pedalboard.Plugin] = ()
    after: Sequence[pedalboard.Plugin] = ()


def opened(track: MixTrack, rate: int) -> Source:
    """Return the audio of ``track`` as a stream at ``rate`` Hz. Raises InputError for a file that is none."""
    if isinstance(track.audio, Path):
        return file_source(track.audio, rate, track.offset_s)
    return array_source(_planar(track), rate, rate, track.offset_s)


def shaped(stem: Audio, track: MixTrack) -> npt.NDArray[np.float32]:
    """Return ``stem`` in the layout in which the track's array was given."""
    if isinstance(track.audio, Path):
        return stem
    if track.audio.ndim == 1:
        return np.asarray(stem[0])
    return np.asarray(stem.T) if track.audio.shape[0] > 2 else stem


def _planar(track: MixTrack) -> Audio:
    """Return the track's array as ``(channels, frames)`` float32."""
    audio = np.asarray(track.audio, dtype=np.float32)
    if audio.ndim == 1:
        audio = audio[np.newaxis]
    if audio.ndim != 2 or min(audio.shape) not in (1, 2):
        raise InputError(
            f"track {track.label!r}: audio has shape {audio.shape}; expected (frames,), (channels, frames) or "
            "(frames, channels) with 1 or 2 channels."
        )
    if audio.shape[0] > 2:
        audio = audio.T
    if not np.isfinite(audio).all():
        raise InputError(f"track {track.label!r}: audio contains NaN or infinite samples; replace them.")
    return np.ascontiguousarray(audio)
