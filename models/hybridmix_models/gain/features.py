"""What the gain networks take, from whole signals: levels and energies of F2 frames, log-mel patches.

An F2 frame is 50 ms. A patch (F1 frame, 975 ms) is due every sixth frame; `newest_patch` says which one a
frame uses. Nothing looks ahead: what belongs to a frame depends on audio up to that frame's end alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft

from hybridmix.errors import InputError
from hybridmix.features import KWeighting, To16k
from hybridmix_models.gain import logmel

__all__ = ["FLOOR_DB", "STRIDE", "energy", "level_db", "newest_patch", "patch_count", "patches"]

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

#: F2 frames from one patch to the next: 300 ms.
STRIDE = 6
#: Level of silence, dBFS.
FLOOR_DB = -100.0
#: Samples at 16 kHz in an F2 frame, and the log-mel windows that end in one.
_FRAME = logmel.RATE // 20
_COLUMNS = _FRAME // logmel.HOP
#: Frames that are weighted at once: of a whole song that would take several times its memory.
_STRETCH = 20
#: Power is summed in blocks of which frames and patches both hold whole numbers.
_BLOCK = 80


def level_db(inputs: Floats, rate: int) -> Floats:
    """Return the RMS of every F2 frame in dBFS: (n, samples) -> (n, T), at least -100.

    Samples after the last whole frame are left out. Raises InputError for a rate without whole hops of 10 ms.
    """
    power = np.mean(np.square(_framed(inputs, rate), dtype=np.float64), axis=2)
    return np.asarray(10.0 * np.log10(np.maximum(power, 10.0 ** (FLOOR_DB / 10.0))), np.float32)


def energy(inputs: Floats, rate: int) -> Floats:
    """Return the K-weighted mean square of every F2 frame (ITU-R BS.1770-4): (n, samples) -> (n, T).

    Raises InputError for a rate without whole hops of 10 ms.
    """
    framed = _framed(inputs, rate)
    tracks, frames, size = framed.shape
    if not tracks or not frames:
        return np.zeros((tracks, frames), np.float32)
    weighting, state = KWeighting(rate), np.zeros((tracks, *KWeighting.STATE_SHAPE))
    sums = []
    for first in range(0, frames, _STRETCH):
        stretch = framed[:, first : first + _STRETCH]
        squares, state = weighting.squares(stretch.reshape(tracks, -1), state)
        sums.append(squares.reshape(tracks, stretch.shape[1], -1).sum(axis=2))
    return np.asarray(np.concatenate(sums, axis=1) / size, np.float32)


def patch_count(frames: int, phase: int) -> int:
    """Return how many patches end within ``frames`` F2 frames, patch s ending with frame 6 s + ``phase``."""
    return (frames + STRIDE - 1 - phase) // STRIDE


def newest_patch(frames: int, phase: int) -> Indices:
    """Return the newest patch that each F2 frame can use, (frames,); -1 before the first.

    A patch serves from the frame after the one that it ends with: it is embedded when that one is answered.
    """
    return (np.arange(frames, dtype=np.int64) - phase - 1) // STRIDE


def patches(inputs: Floats, rate: int, phase: int = STRIDE - 1, *, normalised: bool = True) -> Floats:
    """Return the log-mel patches of every track: (n, samples) -> (n, S, 96, 64).

    Patch s is VGGish's log-mel of the last 975 ms before the end of F2 frame 6 s + ``phase`` (0 to 5), zeros
    before the beginning; the resampler delays by 2.2 ms more. ``normalised`` scales the audio of every patch
    to the RMS -20 dBFS (by at most 60 dB), so that it does not depend on the level; False leaves the level as
    recorded. Raises InputError for a rate without whole hops of 10 ms.
    """
    framed = _framed(inputs, rate)
    tracks, frames, _ = framed.shape
    resampler = To16k(rate)
    audio, _ = resampler.resample(framed.reshape(tracks, -1), np.zeros((tracks, resampler.past), np.float32))
    count = patch_count(frames, phase)
    ends = STRIDE * np.arange(count) + phase + 1
    # Column c is the window that ends after c hops; those before the beginning are empty.
    columns = (ends * _COLUMNS)[:, None] - np.arange(logmel.WINDOWS - 1, -1, -1)
    out = np.empty((tracks, count, logmel.WINDOWS, logmel.BANDS), np.float32)
    for row, samples in enumerate(audio):
        bands = np.concatenate([np.zeros((1, logmel.BANDS), np.float32), _bands(samples)])
        taken = bands[np.maximum(columns, 0)]
        if normalised:
            scale = logmel.TARGET_RMS / np.maximum(_rms(samples, ends * _FRAME), logmel.QUIETEST_RMS)
            taken *= scale[:, None, None].astype(np.float32)
        np.log(taken + np.float32(logmel.LOG_OFFSET), out=out[row])
    return out


def _framed(inputs: Floats, rate: int) -> Floats:
    """Return ``inputs`` cut into F2 frames, (n, T, samples of a frame)."""
    if rate <= 0 or rate % 100:
        raise InputError(
            f"sample rate {rate} Hz has no whole hops of 10 ms; expected a multiple of 100: convert the audio "
            "to 44100 or 48000 Hz."
        )
    if inputs.ndim != 2:
        raise InputError(
            f"audio of shape {inputs.shape} is not (tracks, samples); mix every track down to mono and stack them."
        )
    size = rate // 20
    frames = inputs.shape[1] // size
    return np.asarray(inputs[:, : frames * size], np.float32).reshape(len(inputs), frames, size)


def _bands(audio: Floats) -> Floats:
    """Return the mel magnitudes of the windows that end after 1, 2, … hops: (samples,) -> (hops, 64)."""
    padded = np.concatenate([np.zeros(logmel.WINDOW - logmel.HOP, np.float32), audio])
    windows = np.lib.stride_tricks.sliding_window_view(padded, logmel.WINDOW)[:: logmel.HOP]
    magnitudes = np.abs(fft.rfft(windows * logmel.hann().astype(np.float32), logmel.FFT, axis=1))
    return np.asarray(magnitudes @ logmel.mel_matrix().astype(np.float32), np.float32)


def _rms(audio: Floats, ends: Indices) -> npt.NDArray[np.float64]:
    """Return the RMS of the last 975 ms before every sample of ``ends`` (multiples of 80)."""
    blocks = np.square(audio, dtype=np.float64).reshape(-1, _BLOCK).sum(axis=1)
    sums = np.concatenate([[0.0], np.cumsum(blocks)])
    last = ends // _BLOCK
    first = np.maximum(last - logmel.SAMPLES // _BLOCK, 0)
    return np.asarray(np.sqrt((sums[last] - sums[first]) / logmel.SAMPLES))
