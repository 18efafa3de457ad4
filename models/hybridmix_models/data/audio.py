"""Audio files of any rate and channels as songs need them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from hybridmix.errors import InputError
from hybridmix_models.data.types import RATE, Floats

__all__ = ["read_mono", "refuse", "same_length", "seconds_of"]


def read_mono(path: Path) -> Floats:
    """Return (samples,) at `RATE`: the mean of all channels, resampled where needed.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        audio, rate = sf.read(path, dtype="float32", always_2d=True)
    except (OSError, sf.LibsndfileError) as error:
        raise InputError(
            f"{path}: cannot be read ({error}); expected WAV, FLAC, AIFF or Ogg Vorbis: fetch or make it again"
        ) from error
    mono = audio.mean(axis=1, dtype=np.float32)
    return np.asarray(mono if rate == RATE else soxr.resample(mono, rate, RATE), np.float32)


def seconds_of(path: Path) -> float | str:
    """Return the length of an audio file in s, or what is wrong with it."""
    try:
        return float(sf.info(path).duration)
    except (OSError, sf.LibsndfileError) as error:
        return f"{path}: cannot be read ({error})" if path.exists() else f"{path}: is not there"


def same_length(tracks: Sequence[Floats]) -> list[Floats]:
    """Cut all to the shortest: resampling leaves a sample more or less."""
    samples = min(len(track) for track in tracks)
    return [track[:samples] for track in tracks]


def refuse(source: Path, problems: Sequence[str], fix: str) -> None:
    """Report all problems of a folder in one error, or do nothing where there are none.

    Raises:
        InputError: there are problems.
    """
    if problems:
        found = f"{len(problems)} problems" if len(problems) > 1 else "1 problem"
        raise InputError(f"{source}: {found}: {'; '.join(problems)}; {fix}")
