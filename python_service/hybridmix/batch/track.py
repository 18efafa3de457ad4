"""One track of a render: its audio, what the user sets, and the shape in which it goes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pedalboard

from hybridmix import presets
from hybridmix.batch.audio import Audio, Source, array_source, file_source
from hybridmix.errors import InputError

__all__ = ["MixTrack", "opened", "shaped"]


@dataclass(frozen=True)
class MixTrack:
    """One track: audio and what the user sets.

    Args:
        audio: a file, or samples of shape ``(frames,)``, ``(channels, frames)`` or ``(frames, channels)``
            with 1 or 2 channels.
        label: name in reports; it also fixes the track's identity, so it is unique in a session.
        role: ``"ai_stem"`` or ``"live_source"``; the preset's when left out.
        preset: name of a shipped preset, or the path of a ``.json`` file.
        overall_amount: share of every amount, 0 to 1. This and what follows: the preset's when left out.
        amount: share of the model's gain, 0 to 1.
        gain_offset_db: added after the model, -24 to 24 dB.
        staging_amount: how far it is brought to the session's level, 0 to 1.
        staging_level_db: that level, -30 to -6 dBFS RMS.
        high_pass_amount: how much of an AI stem's lows below 250 Hz goes, 0 to 1.
        dip_amount: how much an AI stem makes room for the live sources, 0 to 1.
        dip_budget_lu: most loudness that the dip may take, 0.5 to 6 LU.
        density_amount: how far a live source's loudness range is narrowed, 0 to 1.
        breath_amount: how much an AI stem takes on the movement of the live sources, 0 to 1.
        breath_depth_db: most that breath may move its level, 0 to 5 dB.
        groove_amount: how much an AI stem takes on the timing of the live drummer, 0 to 1.
        groove_limit_ms: most that groove shifts it around its constant, 5, 10 or 20 ms.
        groove_constant: ``"follow"`` the drummer or ``"zero"``.
        room_amount: how much of the live sources' room an AI stem gets, 0 to 1.
        mute: leave the track out of the group and of the mix.
        offset_s: where the audio begins on the timeline, in s.
        before, after: other pedalboard plugins around HybridMix on this track.
    """

    audio: Path | npt.NDArray[np.float32]
    label: str
    role: presets.Role | None = None
    preset: str | None = None
    overall_amount: float | None = None
    amount: float | None = None
    gain_offset_db: float | None = None
    staging_amount: float | None = None
    staging_level_db: float | None = None
    high_pass_amount: float | None = None
    dip_amount: float | None = None
    dip_budget_lu: float | None = None
    density_amount: float | None = None
    breath_amount: float | None = None
    breath_depth_db: float | None = None
    groove_amount: float | None = None
    groove_limit_ms: presets.GrooveLimit | None = None
    groove_constant: presets.GrooveConstant | None = None
    room_amount: float | None = None
    mute: bool = False
    offset_s: float = 0.0
    before: Sequence[pedalboard.Plugin] = field(default=())
    after: Sequence[pedalboard.Plugin] = field(default=())


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
