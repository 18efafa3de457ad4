"""When a close microphone's drum is hit, or a bass plucked: to the sample, frame by frame, told from other drums.

Steps of 5 ms at 16 kHz. A hit is a peak of the spectral flux; its sample is where the derivative best falls into two
stretches of different power (Akaike's criterion, Maeda 1985), from 16 to 2 ms before the end of the window that shows
the peak. Two gates tell it from bleed. What rises in another microphone at the same time explains, band by band, what
reaches this one from there: by the least that has been heard of it so far. And what is left over looks like what
rose with the microphone's strongest hits, and is not far weaker. Periods of a bass are longer than a window, and each
would be a hit: what rises there counts beside the loudest of the 50 ms before.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hybridmix.features.resampling import RATE, To16k

__all__ = ["FRAME", "LATEST_S", "Hit", "Onsets"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

#: Samples at 16 kHz in a frame of 50 ms, in a step of 5 ms, and in a window.
FRAME = RATE // 20
_STEP = RATE // 200
_WINDOW = 256
_STEPS = FRAME // _STEP
#: Steps on either side that a peak stands out from, and steps before it that its threshold is the mean of.
_AROUND, _BEFORE = 3, 20
#: Where the hit may lie: samples before the end of the window that shows the peak. A bass begins more softly.
_EARLIEST, _LATEST = 256, 32
_BASS_EARLIEST = 512
#: Samples of the past: the oldest peak is found `_AROUND` steps late, and it is looked for that far back.
_PAST = _BASS_EARLIEST + (_AROUND + 1) * _STEP
#: Steps that a bass has to rise above, and by how much, as `_RISE_DB`: its periods last up to 36 ms. And steps after a
#: note in which none begins: its first periods may grow.
_PERIOD = 9
_BASS_RISE_DB = 0.8
_NOTE = 10
#: How long after a hit it is told at the latest, in s: to the peak, to the steps behind it, to the frame's end.
LATEST_S = (_BASS_EARLIEST + _AROUND * _STEP + FRAME) / RATE
#: Lower edges of the bands in Hz; the last one ends at 7.5 kHz.
_EDGES_HZ = (40.0, 90.0, 140.0, 200.0, 280.0, 400.0, 600.0, 900.0, 1400.0, 2200.0, 3400.0, 5200.0, 7500.0)
#: Power below the loudest so far at which a band begins to count, and the least that counts at all.
_RANGE = 1e-5
_FLOOR = 1e-9
#: Power below the loudest sample of a hit that is silence.
_QUIET = 1e-4
#: A peak of the flux is this much above the mean before it, in dB of an average band.
_RISE_DB = 2.5
#: A hit of the microphone's own drum is not weaker than this beside its strongest, in the bands that these have; and
#: how much of their power may lie in bands that reach less.
_WEAKEST = 10.0 ** (-30.0 / 10.0)
#: One that is weaker than this has to look like them, too.
_WEAK = 10.0 ** (-20.0 / 10.0)
_ALIKE = 0.8
_SHARE = 0.2
#: How much of the picture has to lie in bands that nothing else explains.
_OPEN = 0.1
#: How slowly the picture of the own drum follows its hits, and how fast it forgets how loud they were, per hit.
_LEARNING = 0.15
_FADING = 0.97
#: What another microphone hears explains this many times what came from there before; from what is left, this share
#: of what rose makes a hit.
_EXPLAINS = 4.0
_LEFT = 0.1
#: A microphone tells what comes from it by rises of this share of its strongest.
_TELLS = 0.1
#: How fast the least that came from there is followed down and up, per such rise, as shares of its logarithm.
_DOWN, _UP = 0.5, 0.03


class Hit(NamedTuple):
    """One hit."""

    #: From the end of the frame that tells it, in s: negative, above minus `LATEST_S`.
    at_s: float
    #: Power that rose with it beside that of the strongest hits so far, at most 1.
    strength: float


class Onsets:
    """The hits of many microphones; one slot per member. It costs nothing for those that nobody asks about."""

    def __init__(self, rate: int) -> None:
        """Set up for audio at ``rate`` Hz. Raises InputError for a rate without whole hops."""
        self._resampler = To16k(rate)
        self._taper = np.hanning(_WINDOW + 2)[1:-1].astype(np.float32)
        hertz = np.fft.rfftfreq(_WINDOW, 1.0 / RATE)
        edges = np.array(_EDGES_HZ)
        # Bands overlap like tents, so that the lowest have a share of the few lines down there.
        centres = np.sqrt(edges[:-1] * edges[1:])
        spread = np.maximum(np.diff(edges) / 2.0, RATE / _WINDOW)
        self._bands = np.clip(1.0 - np.abs(hertz[:, None] - centres) / spread, 0.0, 1.0).astype(np.float32)
        bands = len(centres)
        #: Power of music falls with frequency: without this the lowest band would be all that counts.
        self._tilt = centres / centres[0]
        self._raw: Floats = np.zeros((0, self._resampler.past), np.float32)
        self._past: Floats = np.zeros((0, _PAST), np.float32)
        #: Band powers of the last steps, flux of the last steps, loudest power, picture and power of the own drum.
        self._powers: Doubles = np.zeros((0, max(_AROUND + 5, _PERIOD + 1), bands))
        self._flux: Doubles = np.zeros((0, _BEFORE + 2 * _AROUND))
        self._loudest: Doubles = np.zeros(0)
        self._picture: Doubles = np.zeros((0, bands))
        self._own: Doubles = np.zeros(0)
        #: Steps until a bass may begin another note.
        self._rest: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        #: Logarithm of what of another's rise comes through: hears, heard, band; infinite where not known.
        self._through: Doubles = np.zeros((0, 0, bands))

    def _states(self) -> tuple[npt.NDArray[Any], ...]:
        return (
            *(self._raw, self._past, self._powers, self._flux),
            *(self._loudest, self._picture, self._own, self._rest),
        )

    def reset(self) -> None:
        """Forget everything about everybody."""
        for state in self._states():
            state[...] = 0.0
        self._through[...] = np.inf

    def clear(self, slot: int) -> None:
        """Forget the member of ``slot``, growing to hold it where needed."""
        more = slot + 1 - len(self._own)
        if more > 0:
            grown = (
                np.concatenate([state, np.zeros((more, *state.shape[1:]), state.dtype)])
                for state in self._states()
            )
            (self._raw, self._past, self._powers, self._flux) = islice(grown, 4)
            (self._loudest, self._picture, self._own, self._rest) = grown
            size = (slot + 1, slot + 1, self._bands.shape[1])
            through = np.full(size, np.inf)
            through[: slot + 1 - more, : slot + 1 - more] = self._through
            self._through = through
        for state in self._states():
            state[slot] = 0.0
        self._through[slot] = self._through[:, slot] = np.inf

    def begin(self, slot: int) -> None:
        """Begin a run of the member in ``slot``: the sound before it does not belong to it; its drum is the same."""
        for state in (self._raw, self._past, self._powers, self._flux, self._rest):
            state[slot] = 0

    def step(
        self, slots: npt.NDArray[np.intp], audio: Floats, bass: npt.NDArray[np.bool_] | None = None
    ) -> list[list[Hit]]:
        """Return the hits that a frame tells of each member in ``slots``; ``audio`` (n, samples) is its frame, mono.

        ``bass`` (n,) says who is one; nobody when left out.
        """
        heard, self._raw[slots] = self._resampler.resample(audio, self._raw[slots])
        signal = np.concatenate([self._past[slots], heard], axis=1)
        self._past[slots] = signal[:, -_PAST:]
        ends = _PAST + _STEP * np.arange(1, _STEPS + 1)
        windows = np.lib.stride_tricks.sliding_window_view(signal, _WINDOW, axis=1)[:, ends - _WINDOW]
        spectrum = np.fft.rfft(windows * self._taper, axis=2)
        power = (spectrum.real**2 + spectrum.imag**2) @ self._bands / _WINDOW
        powers = np.concatenate([self._powers[slots], power], axis=1)
        self._powers[slots] = powers[:, -self._powers.shape[1] :]

        # Rise of each band over two steps, in dB above what is 50 dB below the loudest.
        loudest = np.maximum(self._loudest[slots], power.max(axis=(1, 2), initial=0.0))
        self._loudest[slots] = loudest
        level = 10.0 * np.log10(powers + np.maximum(_RANGE * loudest, _FLOOR)[:, None, None])
        below, least = level[:, -_STEPS - 2 : -2], np.full((len(slots), 1), _RISE_DB)
        if bass is not None and bass.any():
            period = np.lib.stride_tricks.sliding_window_view(level[:, :-2], _PERIOD, axis=1)[:, -_STEPS:]
            below = np.where(bass[:, None, None], period.max(axis=3), below)
            least[bass] = _BASS_RISE_DB
        rise = np.maximum(level[:, -_STEPS:] - below, 0.0).mean(axis=2)
        flux = np.concatenate([self._flux[slots], rise], axis=1)
        self._flux[slots] = flux[:, -self._flux.shape[1] :]

        around = np.lib.stride_tricks.sliding_window_view(flux, 2 * _AROUND + 1, axis=1)[:, -_STEPS:]
        before = np.lib.stride_tricks.sliding_window_view(flux, _BEFORE, axis=1)[:, :_STEPS]
        middle = around[:, :, _AROUND]
        stands = (middle >= around[:, :, _AROUND:].max(axis=2)) & (
            middle > around[:, :, :_AROUND].max(axis=2)
        )
        stands &= middle > before.mean(axis=2) + least
        hits: list[list[Hit]] = [[] for _ in range(len(slots))]
        rest = self._rest[slots]
        for peak, row in np.argwhere(stands.T).tolist():
            if peak < rest[row]:
                continue
            low = bass is not None and bool(bass[row])
            hit = self._look(slots, row, signal[row], powers, peak, _BASS_EARLIEST if low else _EARLIEST)
            if hit is not None:
                hits[row].append(hit)
                rest[row] = peak + _NOTE if low else 0
        self._rest[slots] = np.maximum(rest - _STEPS, 0)
        return hits

    def _look(
        self, slots: npt.NDArray[np.intp], row: int, signal: Floats, powers: Doubles, peak: int, reach: int
    ) -> Hit | None:
        """Return the hit of ``row`` whose flux peaks `_AROUND` steps before step ``peak``; None where it is bleed.

        It is looked for from ``reach`` samples before the end of the window on that shows the peak.
        """
        # The step of the peak among the powers, and the end of its window in the signal.
        at = powers.shape[1] - _STEPS + peak - _AROUND
        end = _PAST + _STEP * (peak + 1 - _AROUND)
        rises = powers[:, at : at + 2].max(axis=1) - powers[:, at - 3 : at - 1].min(axis=1)
        rises = np.maximum(rises, 0.0) * self._tilt
        slot, rose = int(slots[row]), rises[row]
        if rose.sum() < _FLOOR:
            return None
        explained = self._explained(slots, row, rises)
        left = np.maximum(rose - _EXPLAINS * explained, 0.0)
        own = float(self._own[slot])
        if rose.sum() >= _TELLS * own:
            self._learn(slots, row, rises)
        whole = float(left.sum())
        if whole < _LEFT * rose.sum():
            return None
        if whole > own:
            # Louder than everything so far: this is the own drum.
            strength, share = whole, 1.0 if whole > 4.0 * own else 0.5
        else:
            strength = _share(rose, self._picture[slot], rose > _EXPLAINS * explained)
            weak = strength < _WEAK * own
            if strength < _WEAKEST * own or (weak and _likeness(left / whole, self._picture[slot]) < _ALIKE):
                return None
            share = min(0.5, _LEARNING * strength / own)
        self._picture[slot] += share * (left / whole - self._picture[slot])
        self._own[slot] = max(strength, own * _FADING)
        first = end - reach
        place = _break(np.diff(signal[first - 1 : end - _LATEST]).astype(np.float64))
        at_s = (first + place - len(signal)) / RATE - self._resampler.delay_s
        return Hit(at_s, min(1.0, strength / float(self._own[slot])))

    def _explained(self, slots: npt.NDArray[np.intp], row: int, rises: Doubles) -> Doubles:
        """Return what of the rise of ``row`` comes through from the others, (bands,)."""
        through = self._through[slots[row], slots]
        known = np.isfinite(through)
        return np.asarray((np.exp(np.where(known, through, 0.0)) * np.where(known, rises, 0.0)).max(axis=0))

    def _learn(self, slots: npt.NDArray[np.intp], row: int, rises: Doubles) -> None:
        """Learn from a strong rise of ``row`` what of it comes through to the others."""
        rose = np.maximum(rises[row], _FLOOR)
        seen = np.log(np.maximum(rises, _FLOOR) / rose)
        known = self._through[slots, slots[row]]
        change = np.where(seen < known, _DOWN, _UP)
        with np.errstate(invalid="ignore"):
            after = np.where(np.isfinite(known), known + change * (seen - known), seen)
        after[row] = np.inf
        self._through[slots, slots[row]] = after


def _share(power: Doubles, picture: Doubles, open_bands: npt.NDArray[np.bool_]) -> float:
    """Return how much of ``picture``, whose bands sum up to 1, is in ``power``, as far as ``open_bands`` tell.

    The ratio that the bands with a fifth of the picture there do not reach: what is loud in a few bands does not
    count. Nothing where too little of the picture is open.
    """
    picture, power = picture[open_bands], power[open_bands]
    if picture.sum() < _OPEN:
        return 0.0
    ratio = power / np.maximum(picture, _FLOOR)
    order = np.argsort(ratio)
    return float(ratio[order][np.searchsorted(np.cumsum(picture[order]), _SHARE * picture.sum())])


def _likeness(one: Doubles, other: Doubles) -> float:
    """Return how alike two pictures are, 0 to 1 (the Bhattacharyya coefficient)."""
    return float(np.sqrt(one * other).sum())


def _break(values: Doubles) -> int:
    """Return where ``values`` best fall into two stretches of different power, by Akaike's criterion."""
    count = len(values)
    length = np.arange(8, count - 8)
    squares = np.square(values)
    sums = np.cumsum(squares)
    # In silence the resampler's ringing would be the break.
    least = max(_QUIET * squares.max(), _FLOOR**2)
    before = np.maximum(sums[length - 1] / length, least)
    after = np.maximum((sums[-1] - sums[length - 1]) / (count - length), least)
    return int(length[np.argmin(length * np.log(before) + (count - length) * np.log(after))])
