"""One session, composed, rendered and balanced from a seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyloudnorm

from hybridmix.errors import InputError
from hybridmix_models.data.generator.fluid import find_font, play
from hybridmix_models.data.generator.grooves import Groove, groove_files, read_groove
from hybridmix_models.data.generator.kit import Kit
from hybridmix_models.data.generator.notes import Timeline, progression
from hybridmix_models.data.generator.palette import DRUMS, PALETTES, ROLES, SetName, Sound, SplitName
from hybridmix_models.data.generator.parts import write_part, write_percussion
from hybridmix_models.data.generator.rules import RULES
from hybridmix_models.data.generator.voice import sing
from hybridmix_models.data.types import FRAME, RATE, Floats, Song, Stem

__all__ = ["VERSION", "Facts", "Generator"]

#: Raised whenever the same seed gives another song.
VERSION = 1
#: Sample peak of every stem: its stored level says nothing about its place in the mix.
_PEAK = 0.5
#: A stem whose loudness is below this was not played.
_SILENT_LUFS = -60.0
#: Seconds of a song, drawn in whole frames.
_SECONDS = (20.0, 30.0)
#: Synthetic-B: how far the reference balance of a role strays per song, dB.
_BALANCE_SPREAD_DB = 2.0
#: Roles that play written parts, twice over: so many tracks there are for any groove.
_MOST_TRACKS = 2 * (len(ROLES) - len(DRUMS))
_SETS = ("synthetic-a", "synthetic-b")
_SPLITS = ("training", "validation", "test")


@dataclass(slots=True)
class Facts:
    """What a song was made of."""

    groove: str
    bpm: float
    seconds: float
    #: What plays each stem, such as ``FluidR3_GM 0:33``.
    sounds: dict[str, str] = field(default_factory=dict)


class Generator:
    """Makes the songs of one set and split; song i depends on the seed and i alone."""

    def __init__(
        self, set_name: SetName, split: SplitName, seed: int, tracks: tuple[int, int], data: Path
    ) -> None:
        """Find all that the songs need.

        Args:
            set_name: ``synthetic-a``, or ``synthetic-b``, which has a test split only.
            split: which sounds and grooves.
            seed: 0 or more.
            tracks: smallest and largest number of tracks.
            data: folder that holds ``groove_midi``.

        Raises:
            InputError: an argument, a program, a sound font or a folder does not do.
        """
        if (set_name, split) not in PALETTES:
            known = "; ".join(" ".join(key) for key in PALETTES)
            raise InputError(f"{set_name} {split}: no such set and split; expected one of: {known}")
        if not 1 <= tracks[0] <= tracks[1] <= _MOST_TRACKS:
            raise InputError(
                f"tracks {tracks[0]}-{tracks[1]}: expected 1 <= smallest <= largest <= {_MOST_TRACKS}"
            )
        self.set_name, self.split, self.seed, self.tracks = set_name, split, seed, tracks
        self._palette, self._rules = PALETTES[set_name, split], RULES[set_name]
        self._font = find_font(set_name)
        self._kit = None if self._palette.kits else Kit()
        files = groove_files(data / "groove_midi", set_name, split)
        order = self._random(-1).permutation(len(files))
        self._files = [files[i] for i in order]
        self._meter = pyloudnorm.Meter(RATE)

    def _random(self, index: int) -> np.random.Generator:
        """Return the random numbers of song ``index``; -1 for what all songs share."""
        place = (_SETS.index(self.set_name), _SPLITS.index(self.split))
        return np.random.default_rng([self.seed, *place, index + 1])

    def name(self, index: int) -> str:
        """Return the name of song ``index``."""
        return f"{self.set_name}-{self.split}-{self.seed}-{index:04d}"

    def make(self, index: int) -> tuple[Song, Facts]:
        """Make song ``index``, 0 or more; grooves come back only after all were played."""
        rng = self._random(index)
        file = self._files[index % len(self._files)]
        wanted = min(rng.uniform(*_SECONDS), file.duration_s)
        samples = int(wanted * RATE / FRAME) * FRAME
        groove = read_groove(file, samples / RATE, rng)
        timeline = self._timeline(file.bar_s, samples, rng)
        facts = Facts(file.name, file.bpm, samples / RATE)
        program = int(rng.choice(self._palette.kits)) if self._palette.kits else 0
        count = int(rng.integers(self.tracks[0], self.tracks[1] + 1))
        stems: list[Stem] = []
        for name, role in self._ranking(groove, rng):
            if len(stems) == count:
                break
            audio, sound = self._render(role, groove, timeline, program, samples, rng)
            target = ROLES[role].target_lu
            if self.set_name == "synthetic-b":
                target += rng.uniform(-_BALANCE_SPREAD_DB, _BALANCE_SPREAD_DB)
            stem = self._stem(name, role, audio, target)
            if stem is not None:
                stems.append(stem)
                facts.sounds[name] = sound
        stems.sort(key=lambda stem: list(ROLES).index(stem.role))
        name = self.name(index)
        return Song(name, tuple(stems), cluster=name), facts

    def _timeline(self, bar_s: float, samples: int, rng: np.random.Generator) -> Timeline:
        """Draw key and harmony for enough bars."""
        text, scale = self._rules.harmony[int(rng.integers(len(self._rules.harmony)))]
        key = int(rng.integers(12))
        loop = progression(text, key)
        bars = int(np.ceil(samples / RATE / bar_s))
        chords = tuple(loop[bar % len(loop)] for bar in range(bars))
        return Timeline(bar_s, chords, tuple((key + tone) % 12 for tone in scale), self._rules.section)

    def _ranking(self, groove: Groove, rng: np.random.Generator) -> list[tuple[str, str]]:
        """Return names and roles of the tracks that can be played, in the order in which they are taken.

        Each role comes once, drawn by its weight; then those with written parts come again.
        """
        roles = [role for role in ROLES if role not in DRUMS or role in groove.drums]
        weights = np.array([ROLES[role].weight for role in roles])
        order = [str(role) for role in rng.choice(roles, len(roles), False, weights / weights.sum())]
        again = [(f"{role}_2", role) for role in order if role not in DRUMS]
        return [(role, role) for role in order] + again

    def _render(
        self,
        role: str,
        groove: Groove,
        timeline: Timeline,
        program: int,
        samples: int,
        rng: np.random.Generator,
    ) -> tuple[Floats, str]:
        """Return the audio of ``role``, (samples,), and what played it."""
        font = self._font.stem
        if role in DRUMS:
            notes = groove.drums[role]
            if self._kit is not None:
                return self._kit.play(notes, samples), "The Black Pearl 1.0"
            return play(notes, Sound(program), self._font, samples, drums=True), f"{font} 128:{program}"
        if role == "percussion":
            keys = self._palette.percussion[int(rng.integers(len(self._palette.percussion)))]
            notes = write_percussion(timeline, keys, self._rules, rng)
            return play(notes, Sound(0), self._font, samples, drums=True), f"{font} 128:0 keys {keys}"
        notes = write_part(timeline, ROLES[role], self._rules, rng)
        if role == "lead_vocal":
            tract = rng.uniform(*self._palette.tract)
            return sing(notes, self._rules, tract, samples, rng), f"formants / {tract:.3f}"
        presets = self._palette.presets[role]
        sound = presets[int(rng.integers(len(presets)))]
        return play(notes, sound, self._font, samples), f"{font} {sound.bank}:{sound.program}"

    def _stem(self, name: str, role: str, audio: Floats, target_lu: float) -> Stem | None:
        """Return ``audio`` at the peak of all stems, on a grid of 16 bits, or nothing where it is silent."""
        peak = float(np.max(np.abs(audio)))
        if peak == 0.0:
            return None
        # The grid makes a song from the cache the same, bit for bit, as one just made.
        audio = (np.round(audio * (_PEAK / peak) * 32768.0) / 32768.0).astype(np.float32)
        loudness = float(self._meter.integrated_loudness(audio))
        if loudness < _SILENT_LUFS:
            return None
        return Stem(name, role, audio, target_lu - loudness)
