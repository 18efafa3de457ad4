"""Sound fonts through the ``fluidsynth`` command, one offline call per stem, without reverb and chorus."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import mido
import numpy as np

from hybridmix.errors import InputError
from hybridmix_models.data.generator.notes import Note
from hybridmix_models.data.generator.palette import SetName, Sound
from hybridmix_models.data.types import RATE, Floats

__all__ = ["FONTS", "find_font", "play"]

#: Sound font of each set, and the Debian package that brings it. TimGM6mb is GPL: evaluation only.
FONTS: dict[SetName, tuple[Path, str]] = {
    "synthetic-a": (Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"), "fluid-soundfont-gm"),
    "synthetic-b": (Path("/usr/share/sounds/sf2/TimGM6mb.sf2"), "timgm6mb-soundfont"),
}
#: Channel that General MIDI keeps for drums.
_DRUM_CHANNEL = 9
#: With 1000 ticks per beat and a beat of 1 s, a tick is a millisecond.
_TICKS = 1000
_TIMEOUT_S = 120


def find_font(set_name: SetName) -> Path:
    """Return the sound font of a set.

    Raises:
        InputError: fluidsynth or the font is not installed; names the Debian package.
    """
    if shutil.which("fluidsynth") is None:
        raise InputError(
            "fluidsynth: not found on the PATH; the generator renders its songs with it: "
            "install it (Debian: apt install fluidsynth)"
        )
    path, package = FONTS[set_name]
    if not path.is_file():
        raise InputError(
            f"{path}: the sound font of {set_name} is not there; install it (Debian: apt install {package})"
        )
    return path


def play(notes: Sequence[Note], sound: Sound, font: Path, samples: int, *, drums: bool = False) -> Floats:
    """Render ``notes`` with one preset to (samples,) mono at `RATE`, both channels averaged.

    ``drums`` takes ``sound.program`` from the font's drum bank.
    """
    with tempfile.TemporaryDirectory(prefix="hybridmix-") as folder:
        score, raw = Path(folder, "score.mid"), Path(folder, "audio.raw")
        _midi(notes, sound, _DRUM_CHANNEL if drums else 0).save(score)
        command = ["fluidsynth", "-ni", "-q", "-R", "0", "-C", "0", "-g", "0.3", "-r", str(RATE)]
        command += ["-O", "float", "-E", "little", "-T", "raw", "-o", "synth.dynamic-sample-loading=1"]
        command += ["-F", str(raw), str(font), str(score)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
        if done.returncode or not raw.is_file():
            raise InputError(
                f"fluidsynth ended with {done.returncode} on {font.name}: {done.stderr.strip()[-300:]}; "
                "expected a rendered file: check that the font is a whole SoundFont 2 file"
            )
        stereo = np.fromfile(raw, "<f4").reshape(-1, 2)[:samples]
    audio = np.zeros(samples, np.float32)
    audio[: len(stereo)] = stereo.mean(axis=1)
    return audio


def _midi(notes: Sequence[Note], sound: Sound, channel: int) -> mido.MidiFile:
    """Return a MIDI file of one channel that plays ``notes``."""
    events: list[tuple[int, int, mido.Message]] = []
    for note in notes:
        begin = round(note.start_s * _TICKS)
        end = max(begin + 1, round((note.start_s + note.length_s) * _TICKS))
        common = {"channel": channel, "note": note.pitch}
        events.append((begin, 1, mido.Message("note_on", velocity=note.velocity, **common)))
        events.append((end, 0, mido.Message("note_off", **common)))
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=1_000_000))
    track.append(mido.Message("control_change", channel=channel, control=0, value=sound.bank))
    track.append(mido.Message("program_change", channel=channel, program=sound.program))
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    return mido.MidiFile(ticks_per_beat=_TICKS, tracks=[track])
