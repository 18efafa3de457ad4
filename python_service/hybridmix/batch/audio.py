"""Audio files in and out: streamed, resampled, aligned on the session's timeline."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from hybridmix.errors import HybridMixError, InputError

__all__ = ["Audio", "Fifo", "Source", "Tape", "Writer", "file_source", "pick_rate"]

#: Samples, shape (channels, frames), float32, full scale 1.0.
Audio = npt.NDArray[np.float32]


class Fifo:
    """Samples waiting in order; they come and go in blocks of any length."""

    def __init__(self, channels: int) -> None:
        self._blocks: deque[Audio] = deque()
        self._channels = channels
        #: Samples of the first block that are gone.
        self._gone = 0
        #: Samples that wait.
        self.frames = 0

    def push(self, block: Audio) -> None:
        """Append ``block``, shape ``(channels, frames)``."""
        if block.shape[1]:
            self._blocks.append(block)
            self.frames += block.shape[1]

    def pop(self, frames: int) -> Audio:
        """Return and remove the first ``frames`` samples; there must be as many."""
        self.frames -= frames
        if self._blocks and self._gone == 0 and self._blocks[0].shape[1] == frames:
            return self._blocks.popleft()
        parts: list[Audio] = []
        while frames > 0:
            first, begin = self._blocks[0], self._gone
            part = first[:, begin : begin + frames]
            parts.append(part)
            frames -= part.shape[1]
            self._gone += part.shape[1]
            if self._gone == first.shape[1]:
                self._blocks.popleft()
                self._gone = 0
        if len(parts) == 1:
            return np.ascontiguousarray(parts[0])
        return np.concatenate(parts, axis=1) if parts else np.zeros((self._channels, 0), np.float32)


class Tape:
    """Audio of known length, written block after block where it stays."""

    def __init__(self, channels: int, frames: int) -> None:
        #: Shape ``(channels, frames)``; what was not written yet is anything.
        self.audio: Audio = np.empty((channels, frames), np.float32)
        self._at = 0

    def write(self, block: Audio) -> None:
        """Append ``block``, shape ``(channels, frames)``."""
        self.audio[:, self._at : self._at + block.shape[1]] = block
        self._at += block.shape[1]


class Source:
    """A track's audio as a stream of equal blocks, silent before it begins and after it ends.

    Args:
        reader: gives ``(channels, n)`` blocks at ``rate``; fewer than asked means the end.
        rate: its sample rate in Hz.
        target_rate: rate of the session in Hz.
        offset: samples at ``target_rate`` before the audio begins.
        frames: length at ``rate``.
    """

    def __init__(self, reader: _Reader, rate: int, target_rate: int, offset: int, frames: int) -> None:
        self.channels = reader.channels
        #: Length on the session's timeline in samples, ``offset`` included.
        self.frames = offset + -(-frames * target_rate // rate)
        self._reader = reader
        self._resampler = (
            soxr.ResampleStream(rate, target_rate, reader.channels, dtype="float32")
            if rate != target_rate
            else None
        )
        #: Samples to read at once; 0 for just as many as are asked for.
        self._step = reader.step if self._resampler is None else _FileReader.step
        self._ready = Fifo(reader.channels)
        self._ready.push(np.zeros((reader.channels, offset), np.float32))
        self._ended = False

    def read(self, frames: int) -> Audio:
        """Return the next ``frames`` samples, shape ``(channels, frames)``; zeros past the end."""
        while self._ready.frames < frames and not self._ended:
            self._pull(frames - self._ready.frames)
        if self._ready.frames < frames:
            self._ready.push(np.zeros((self.channels, frames - self._ready.frames), np.float32))
        return self._ready.pop(frames)

    def _pull(self, frames: int) -> None:
        step = self._step or frames
        block = self._reader.read(step)
        self._ended = block.shape[1] < step
        if self._resampler is not None:
            block = np.ascontiguousarray(
                self._resampler.resample_chunk(np.ascontiguousarray(block.T), last=self._ended).T
            )
        self._ready.push(block)

    def close(self) -> None:
        """Close the file behind the stream."""
        self._reader.close()


class _Reader:
    """Blocks of an array."""

    #: Samples that are best read at once; 0 where any number is as good.
    step = 0

    def __init__(self, audio: Audio) -> None:
        self.channels = audio.shape[0]
        self._audio = audio
        self._at = 0

    def read(self, frames: int) -> Audio:
        block = self._audio[:, self._at : self._at + frames]
        self._at += frames
        return block

    def close(self) -> None:
        """Nothing to close."""


class _FileReader(_Reader):
    """Blocks of a file."""

    step = 8192

    def __init__(self, path: Path, file: soundfile.SoundFile) -> None:
        self.channels = file.channels
        self._file = file
        self._path = path

    def read(self, frames: int) -> Audio:
        try:
            block = self._file.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise InputError(
                f"audio file {self._path} is damaged after {self._file.tell()} samples ({error}); export it again."
            ) from None
        if not np.isfinite(block).all():
            raise InputError(f"audio file {self._path} contains NaN or infinite samples; export it again.")
        return np.ascontiguousarray(block.T)

    def close(self) -> None:
        self._file.close()


def _open(path: Path) -> soundfile.SoundFile:
    if not path.exists():
        raise InputError(f"audio file {path} does not exist; correct the track's path.")
    if path.is_dir():
        raise InputError(f"audio file {path} is a folder; name the file inside it.")
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, PermissionError) as error:
        detail = str(error).rstrip(".")
        raise InputError(
            f"audio file {path} cannot be read ({detail}); expected a format such as WAV, AIFF, FLAC, OGG or MP3."
        ) from None
    if file.channels > 2:
        raise InputError(
            f"audio file {path} has {file.channels} channels; expected mono or stereo: export it so."
        )
    if file.frames == 0:
        raise InputError(f"audio file {path} is empty; expected at least one sample.")
    return file


def file_source(path: Path, target_rate: int, offset_s: float) -> Source:
    """Open ``path`` as a stream at ``target_rate`` Hz that begins ``offset_s`` seconds in.

    Raises:
        InputError: it is missing, empty, not audio, or has more than two channels.
    """
    file = _open(path)
    return Source(
        _FileReader(path, file), file.samplerate, target_rate, round(offset_s * target_rate), file.frames
    )


def array_source(audio: Audio, rate: int, target_rate: int, offset_s: float) -> Source:
    """Stream ``audio``, shape ``(channels, frames)`` at ``rate`` Hz, as :func:`file_source` does."""
    return Source(_Reader(audio), rate, target_rate, round(offset_s * target_rate), audio.shape[1])


def pick_rate(paths: list[Path]) -> int:
    """Return the highest sample rate of the files at ``paths`` that the plugin supports, at least 44100 Hz.

    Raises:
        InputError: a file cannot be opened.
    """
    rates: list[int] = []
    for path in paths:
        with _open(path) as file:
            rates.append(file.samplerate)
    supported = [rate for rate in rates if 44100 <= rate <= 192000 and rate % 100 == 0]
    return max(supported, default=48000)


class Writer:
    """A WAV or FLAC file, written beside its place and moved there by :meth:`commit`.

    Args:
        path: where the file will stand.
        rate: in Hz.
        channels: 1 or 2.
        bits: ``"24"`` or ``"float"`` (WAV only).
    """

    def __init__(self, path: Path, rate: int, channels: int, bits: str) -> None:
        self.path = path
        #: Samples beyond full scale that a 24-bit file had to clip.
        self.clipped = 0
        self._partial = path.with_name(f".{path.name}.partial")
        self._limit = bits == "24"
        try:
            self._file = soundfile.SoundFile(
                self._partial,
                "w",
                samplerate=rate,
                channels=channels,
                format=path.suffix[1:].upper(),
                subtype="PCM_24" if bits == "24" else "FLOAT",
            )
        except (soundfile.LibsndfileError, OSError) as error:
            raise InputError(
                f"output file {path} cannot be written ({error}); choose another folder."
            ) from None

    def write(self, block: Audio) -> None:
        """Append ``block``, shape ``(channels, frames)``.

        Raises:
            HybridMixError: the disk is full or went away.
        """
        if self._limit:
            self.clipped += int(np.count_nonzero(np.abs(block) > 1.0))
        try:
            self._file.write(block.T)
        except (soundfile.LibsndfileError, OSError) as error:
            raise HybridMixError(
                f"output file {self.path} could not be written ({error}); free some space."
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def commit(self) -> None:
        """Close the file and put it in its place, replacing an older one in one step."""
        self._file.close()
        self._partial.replace(self.path)

    def discard(self) -> None:
        """Close and remove what was not committed."""
        self._file.close()
        self._partial.unlink(missing_ok=True)
