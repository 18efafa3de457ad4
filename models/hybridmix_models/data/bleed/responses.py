"""Impulse responses of a room, relative to each microphone's own direct sound.

Images of the sources (Allen and Berkley 1979, by pyroomacoustics) as long as all of them are known, then the
diffuse field that they tend to. Equations: docs/bleed.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyroomacoustics
from scipy import fft

from hybridmix_models.data.bleed.rooms import Doubles, Room
from hybridmix_models.data.types import Floats

__all__ = ["SOUND_SPEED", "convolve", "responses"]

#: m/s, that of pyroomacoustics.
SOUND_SPEED = 343.0
#: Reflections per image.
ORDER = 6
#: Samples on each side of an arrival: half of its windowed sinc.
_HALF = 20
#: The tail ends where it has fallen by this many dB.
_FALL_DB = 50.0


def responses(room: Room, places: Sequence[int], rate: int) -> Floats:
    """Return (n, n, samples): what microphone i hears of source j beside its own direct sound.

    The own direct sound of each microphone, which is left out, would be a single 1.0 at sample 0 of its row:
    every row begins there and is scaled by it.
    """
    index = np.asarray(places)
    sources, microphones = room.sources[index], room.microphones[index]
    own = np.linalg.norm(sources - microphones, axis=1)
    complete = _complete_until(room)
    early = _images(room, index, own, rate, complete)
    samples = max(early.shape[-1], math.ceil(_FALL_DB / 60.0 * room.rt60 * rate))
    late = _diffuse(room, index, own, rate, complete, samples)
    late[:, :, : early.shape[-1]] += early
    return late


def _complete_until(room: Room) -> float:
    """Return the time in s before which images up to `ORDER` are all there are, but for few.

    The shortest path of n reflections in a box is about n / sqrt(sum of 1/side²).
    """
    return float(0.8 * (ORDER + 1) / np.sqrt(np.sum(room.size**-2.0)) / SOUND_SPEED)


def _fade(time: Doubles, complete: float) -> Doubles:
    """Return 0 where only images count to 1 where only the diffuse field does, as a phase of a quarter turn."""
    return np.asarray(np.clip((time / complete - 0.75) / 0.25, 0.0, 1.0) * (math.pi / 2.0))


def _images(room: Room, index: npt.NDArray[np.int64], own: Doubles, rate: int, complete: float) -> Doubles:
    box = pyroomacoustics.ShoeBox(
        room.size, fs=rate, materials=pyroomacoustics.Material(room.absorption), max_order=ORDER
    )
    for position in room.sources[index]:
        box.add_source(position)
    microphones = room.microphones[index]
    box.add_microphone(microphones.T)
    box.image_source_model()
    # (1, sources, images, …)
    images = np.stack([source.images.T for source in box.sources]).astype(np.float64)[None]
    strength = np.stack([source.damping[0] for source in box.sources]).astype(np.float64)[None]
    reflections = np.stack([source.orders for source in box.sources])[None]

    path = images - microphones[:, None, None]
    distance = np.linalg.norm(path, axis=-1)
    aim = (room.sources[index] - microphones) / own[:, None]
    cosine = np.einsum("mskx,mx->msk", path, aim) / distance
    pattern = room.pattern[index][:, None, None]
    gain = strength * (own[:, None, None] / distance) * (pattern + (1.0 - pattern) * cosine)
    gain *= np.cos(_fade(distance / SOUND_SPEED, complete))
    gain[(reflections == 0) & np.eye(len(index), dtype=bool)[:, :, None]] = 0.0  # the own direct sound

    delay = (distance - own[:, None, None]) / SOUND_SPEED * rate
    samples = math.ceil(complete * rate)
    heard = (gain != 0.0) & (delay < samples)
    row = np.nonzero(heard)
    whole = np.floor(delay[heard]).astype(np.int64)
    taps = np.arange(1 - _HALF, _HALF + 1)
    offset = taps - (delay[heard] - whole)[:, None]
    kernel = np.sinc(offset) * np.cos(offset * (math.pi / (2.0 * (_HALF + 1)))) ** 2
    length = samples + 2 * _HALF  # the part of a kernel before sample 0 is cut off below
    at = ((row[0] * len(index) + row[1]) * length + whole + _HALF)[:, None] + taps
    flat = np.bincount(
        at.ravel(), (gain[heard][:, None] * kernel).ravel(), minlength=len(index) ** 2 * length
    )
    return np.asarray(flat.reshape(len(index), len(index), length)[:, :, _HALF:])


def _diffuse(
    room: Room, index: npt.NDArray[np.int64], own: Doubles, rate: int, complete: float, samples: int
) -> Floats:
    random = np.random.default_rng([room.seed, *index.tolist()])
    tail = random.standard_normal((len(index), len(index), samples), dtype=np.float32)
    time = np.arange(samples) / rate + (own / SOUND_SPEED)[:, None]
    pattern = room.pattern[index]
    directivity = pattern**2 + (1.0 - pattern) ** 2 / 3.0
    power = 4.0 * math.pi * SOUND_SPEED * own**2 * directivity / (room.volume * rate)
    envelope = np.sqrt(power)[:, None] * 10.0 ** (-3.0 * time / room.rt60) * np.sin(_fade(time, complete))
    tail *= envelope.astype(np.float32)[:, None]
    return tail


def convolve(sources: Floats, kernels: Floats) -> Floats:
    """Return (m, N): the sum over n of ``sources`` (n, N), each through its ``kernels`` (m, n, L).

    Overlap-add over blocks about as long as the kernels, all pairs of a frequency in one product.
    """
    count, samples = sources.shape
    length = kernels.shape[-1]
    size = max(1 << (2 * length - 1).bit_length(), 4096)
    hop = size - length + 1
    blocks = -(-samples // hop)
    padded = np.zeros((count, blocks * hop), np.float32)
    padded[:, :samples] = sources
    spectra = fft.rfft(padded.reshape(count, blocks, hop), size)
    transfer = fft.rfft(kernels, size)
    product = np.matmul(transfer.transpose(2, 0, 1), spectra.transpose(2, 0, 1))
    parts = fft.irfft(np.ascontiguousarray(product.transpose(1, 2, 0)), size)
    out = np.zeros((len(kernels), blocks * hop + size), np.float32)
    for block in range(blocks):
        out[:, block * hop : block * hop + size] += parts[:, block]
    return out[:, :samples]
