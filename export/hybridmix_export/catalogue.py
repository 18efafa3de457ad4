"""What is exported: every model with its inputs, outputs, tolerances and limits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import nn

from hybridmix_export.trials import (
    BreathTrial,
    DensityTrial,
    DipTrial,
    GrooveTrial,
    HeadroomTrial,
    LoudnessTrial,
    StagingTrial,
    Trial,
)
from hybridmix_models.breath import Breath, filters
from hybridmix_models.density import Density
from hybridmix_models.dip import Dip, hearing
from hybridmix_models.gain import EqualLoudness, Headroom
from hybridmix_models.groove.rule import Groove
from hybridmix_models.staging import Staging

__all__ = ["CATALOGUE", "Export", "Tensor"]

Size = int | Literal["n", "frames"]


@dataclasses.dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output.

    ``shape`` holds numbers and the names of sizes that vary; ``state`` names the output that feeds this
    input in the next frame; ``tolerance`` is how far runtimes may differ, absolute up to 1 and relative
    above (0: equal).
    """

    name: str
    dtype: torch.dtype
    shape: tuple[Size, ...]
    unit: str
    meaning: str
    state: str | None = None
    tolerance: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Export:
    """One ONNX file."""

    name: str
    build: Callable[[], nn.Module]
    summary: str
    source: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    limits: tuple[str, ...]
    out_of_scope: tuple[str, ...]
    trial: Trial
    #: Lowest and highest value of the outputs that become parameters.
    ranges: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    #: What it was trained on, with licences.
    data: tuple[str, ...] = ("none: a rule, nothing was trained",)
    #: More for the card: where a trained one comes from and how good it is.
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)


_EQUAL_LOUDNESS = Export(
    name="equal_loudness",
    build=EqualLoudness,
    summary="Causal equal loudness: the gain that brings a track's gated loudness of the last 3 s to -24 LUFS.",
    source="Recommendation ITU-R BS.1770-4, annex 1 (gates of 400 ms blocks at -70 LUFS and at -10 LU)",
    inputs=(
        Tensor(
            "energy", torch.float32, ("n",), "mean square", "K-weighted frame of 50 ms, summed over channels"
        ),
        Tensor(
            "present", torch.bool, ("n",), "flag", "false: the row's energy is ignored, state and gain hold"
        ),
        Tensor(
            "window", torch.float32, ("n", 60), "mean square", "last active frames, newest last", "window_out"
        ),
        Tensor("filled", torch.int64, ("n",), "frames", "active frames in the window", "filled_out"),
        Tensor("gain_in", torch.float32, ("n",), "dB", "gain of the frame before", "gain_db"),
        Tensor("known_in", torch.bool, ("n",), "flag", "whether that gain rests on 8 active frames", "known"),
    ),
    outputs=(
        Tensor("gain_db", torch.float32, ("n",), "dB", "gain of the track", tolerance=1e-4),
        Tensor("known", torch.bool, ("n",), "flag", "whether the gain rests on 8 active frames"),
        Tensor("window_out", torch.float32, ("n", 60), "mean square", "state for the next frame"),
        Tensor("filled_out", torch.int64, ("n",), "frames", "state for the next frame"),
    ),
    limits=(
        "Boost at most +12 dB: a track below -36 LUFS stays below the target.",
        "The gain follows the last 3 s, smoothed with a time constant of 1 s; it does not know what comes.",
        "A frame is active when it, or the 400 ms that end with it, are above -70 LUFS; otherwise the gain holds.",
        "Begin with zeros and false. Energies above +60 LUFS count as +60 LUFS, not-a-number as silence.",
    ),
    out_of_scope=(
        "Artistic balance: every active track gets the same loudness, whatever its part in the music.",
        "Bleed: what leaks into a microphone counts like the source it stands at.",
    ),
    trial=LoudnessTrial(),
    ranges={"gain_db": (EqualLoudness.MIN_GAIN_DB, EqualLoudness.MAX_BOOST_DB)},
)

_HEADROOM = Export(
    name="headroom",
    build=Headroom,
    summary="Group trim that keeps the sum of the gained tracks below -1 dBFS.",
    source="Running sample peak: up at once, held for 2 s after the last peak within 2 dB, down by 1.5 dB/s (compare ITU-R BS.1770-4, annex 2)",
    inputs=(
        Tensor(
            "audio",
            torch.float32,
            ("n", "frames"),
            "full scale 1",
            "50 ms of each track: left, then right, mono given twice",
        ),
        Tensor("gain_db", torch.float32, ("n",), "dB", "gain of each track"),
        Tensor("peak", torch.float32, (1,), "full scale 1", "running peak of the sum", "peak_out"),
        Tensor(
            "held",
            torch.float32,
            (1,),
            "frames",
            "frames since the sum came within 2 dB of that peak",
            "held_out",
        ),
    ),
    outputs=(
        Tensor("trim_db", torch.float32, (1,), "dB", "trim of every track of the group", tolerance=1e-4),
        Tensor("peak_out", torch.float32, (1,), "full scale 1", "state for the next frame", tolerance=1e-5),
        Tensor("held_out", torch.float32, (1,), "frames", "state for the next frame"),
    ),
    limits=(
        "A peak is answered after it was heard: the first one passes, later ones of its height do not.",
        "Sample peak, not true peak: between samples the sum may reach above -1 dBFS.",
        "Begin with zeros. Where the sum of the tracks is not finite or beyond 1e8 the sample does not count.",
    ),
    out_of_scope=(
        "What the host does after the plugin (faders, buses, the master): the sum heard there is another one.",
        "Limiting: this is a slow trim, no peak limiter.",
    ),
    trial=HeadroomTrial(),
    ranges={"trim_db": (Headroom.MIN_TRIM_DB, 0.0)},
)

_BINS = len(hearing.BIN_HZ)
#: How far runtimes may differ in a processor, as a share of an output's range.
_OF_RANGE = 1e-4


def _kept(
    name: str, size: int | None, unit: str, meaning: str, tolerance: float = 1e-3
) -> tuple[Tensor, Tensor]:
    """Return a state as its input and its output."""
    shape: tuple[Size, ...] = ("n",) if size is None else ("n", size)
    back = f"{name}_out"
    return (
        Tensor(name, torch.float32, shape, unit, meaning, back),
        Tensor(back, torch.float32, shape, unit, "state for the next frame", tolerance=tolerance),
    )


_DIP_STATES = (
    _kept("past", hearing.WINDOW - hearing.FRAME, "full scale 1", "samples before the frame"),
    _kept("cut", None, "dB", "depth of the frame before", _OF_RANGE * 12.0),
    _kept("centre", None, "280 Hz", "centre of the frame before, 0 for 280 Hz"),
    _kept("given", None, "mean square", "power of the row so far, as loudness counts it, fading over 10 s"),
    _kept("lost", None, "mean square", "how much of it the dip has taken"),
    _kept("count", None, "frames", "frames that the transfer function rests on, at most 80"),
    _kept("heard", _BINS, "mean square", "mean power of the sum of the AI stems in each bin"),
    _kept("real", _BINS, "mean square", "its mean product with the row's spectrum, real part"),
    _kept("imaginary", _BINS, "mean square", "imaginary part"),
    _kept("ringing", _BINS, "mean square", "power of the sum of the AI stems as a room lets it fade"),
    _kept("mean", _BINS, "mean square", "mean power of the row in each bin"),
)

_DIP = Export(
    name="dip",
    build=Dip,
    summary="Dip: depth and centre of a bell that cuts each AI stem where it masks the live sources, 200-600 Hz.",
    source="Excitation by rounded-exponential filters (Moore and Glasberg 1983, ERB scale of 1990), spread by 9 dB "
    "per ERB up and 25 down; loudness by the K-weighting of ITU-R BS.1770-4",
    inputs=(
        Tensor(
            "audio",
            torch.float32,
            ("n", hearing.FRAME),
            "full scale 1",
            "50 ms of each track at 16 kHz, the mean of its channels",
        ),
        Tensor("gain_db", torch.float32, ("n",), "dB", "gain of each track"),
        Tensor("is_ai", torch.bool, ("n",), "flag", "AI stems that are there"),
        Tensor("is_live", torch.bool, ("n",), "flag", "live sources that are there; rows of neither hold"),
        Tensor("amount", torch.float32, ("n",), "1", "0 to 1: share of the depth that the rule asks for"),
        Tensor("budget_lu", torch.float32, ("n",), "LU", "loudness that the row may lose over about 10 s"),
        *(given for given, _ in _DIP_STATES),
    ),
    outputs=(
        Tensor("dip_db", torch.float32, ("n",), "dB", "depth of the bell", tolerance=_OF_RANGE * 12.0),
        Tensor("dip_hz", torch.float32, ("n",), "Hz", "centre of the bell", tolerance=_OF_RANGE),
        *(back for _, back in _DIP_STATES),
    ),
    limits=(
        "The depth moves by at most 24 dB/s and the centre by 200 Hz/s: attacks pass before it is there.",
        "It hears the tracks before the plugin's own bell; what the host does to them afterwards it does not know.",
        "Loudness is estimated from 16 kHz mono; two channels that cancel each other count as silence.",
        "Begin with zeros.",
    ),
    out_of_scope=(
        "Masking outside 200-600 Hz, and of AI stems by live sources.",
        "Taste: where an AI stem is meant to cover the live sources, leave it off.",
    ),
    trial=DipTrial(),
    ranges={"dip_db": (-Dip.MAX_CUT_DB, 0.0), "dip_hz": Dip.CENTRE_HZ},
)

_BREATH_STATES = (
    _kept("levels", filters.FRAMES, "dB above -120 LUFS", "levels of the last 12.8 s, those of gaps held"),
    _kept("ridden", filters.FRAMES, "dB", "gain that acted on each of them"),
    _kept("sent", Breath.SENT, "dB", "gains of the last frames"),
    _kept(
        "own", filters.BANDS, "dB squared", "mean square of the movement in each octave band from 0.125 Hz"
    ),
    _kept("moved", filters.BANDS, "dB squared", "the same with the gains"),
    _kept("shape", filters.BANDS, "dB squared", "mean square of the movement foreseen"),
    _kept("drive", filters.BANDS, "dB", "how much of each band is in the gain"),
    _kept("count", None, "frames", "frames that the means rest on, at most 200"),
    _kept("loudest", None, "dB above -120 LUFS", "loudest level, sinking by 0.2 dB/s"),
    _kept("quiet", None, "frames", "frames since the row sounded, at most 80"),
    _kept("given", None, "mean square", "power of the row so far, fading over 10 s"),
    _kept("returned", None, "mean square", "the same with the gains"),
    _kept("trim", None, "dB", "what keeps both equal"),
)

_BREATH = Export(
    name="breath",
    build=Breath,
    summary="Breath: gain of each AI stem that expands its own level modulation towards that of the live sources.",
    source="Level modulation in six octave bands, 0.125-8 Hz, of the K-weighted level (ITU-R BS.1770-4); foreseen by "
    "least squares over the control delay",
    inputs=(
        Tensor(
            "energy", torch.float32, ("n",), "mean square", "K-weighted frame of 50 ms, summed over channels"
        ),
        Tensor("is_ai", torch.bool, ("n",), "flag", "AI stems that are there"),
        Tensor("is_live", torch.bool, ("n",), "flag", "live sources that are there; rows of neither hold"),
        Tensor("amount", torch.float32, ("n",), "1", "0 to 1: share of what is lacking, and of the gain"),
        Tensor("depth_db", torch.float32, ("n",), "dB", "0 to 5: the gain stays within plus and minus this"),
        Tensor("delay_s", torch.float32, ("n",), "s", "control delay: 0.02, 0.04, 0.06, 0.1 or 0.2"),
        Tensor(
            "both_ways", torch.bool, ("n",), "flag", "what moves more than the live sources is to move less"
        ),
        Tensor("fills", torch.bool, ("n",), "flag", "a stem that hardly moves is to take swell for its own"),
        Tensor(
            "swell", torch.float32, ("n", filters.BANDS), "1", "movement for it in each band now, about 1 rms"
        ),
        *(given for given, _ in _BREATH_STATES),
    ),
    outputs=(
        Tensor("breath_db", torch.float32, ("n",), "dB", "gain of the track", tolerance=_OF_RANGE * 10.0),
        *(back for _, back in _BREATH_STATES),
    ),
    limits=(
        "Asked to compress too, it takes away only what it foresees.",
        "It foresees what a stem does by 65 to 245 ms; what moves faster than about 2 Hz it can hardly follow.",
        "A stem that does not move at all has nothing to expand, and stays so unless it is given a movement.",
        "Begin with zeros. Means rest on 10 s; for the first second of a track nothing moves.",
    ),
    out_of_scope=(
        "Copying the live sources' movement: a stem that moves scales its own.",
        "Fades at chord changes: they need to know what comes.",
    ),
    trial=BreathTrial(),
    ranges={"breath_db": (-Breath.MAX_DEPTH_DB, Breath.MAX_DEPTH_DB)},
)

_LEVELS = len(Staging().bins)
_STAGING_STATES = (
    _kept("counts", _LEVELS, "frames", "frames at each level from -62 dBFS, every 0.5 dB"),
    _kept("sums", _LEVELS, "mean square", "their mean squares, summed"),
    _kept("loudest", None, "dB above -120 dBFS", "loudest frame"),
    _kept("highest", None, "full scale 1", "largest true peak"),
    _kept("level", None, "dB above -120 dBFS", "level of the track"),
    _kept("trim", None, "dB", "trim before the amount"),
)

_STAGING = Export(
    name="staging",
    build=Staging,
    summary="Staging: the static trim that brings each track to the session's level, converging, then held.",
    source="Mean square over frames of 50 ms above -60 dBFS and within 30 dB of the loudest (docs/metrics.md, Staging); "
    "true peak by ITU-R BS.1770-4, annex 2",
    inputs=(
        Tensor(
            "power", torch.float32, ("n",), "mean square", "frame of 50 ms, mean over samples and channels"
        ),
        Tensor(
            "peak",
            torch.float32,
            ("n",),
            "full scale 1",
            "its largest true peak; 0 where it cannot be the largest so far",
        ),
        Tensor("there", torch.bool, ("n",), "flag", "false: the row holds"),
        Tensor("amount", torch.float32, ("n",), "1", "0 to 1: share of the trim"),
        Tensor("target_db", torch.float32, ("n",), "dBFS", "level to be brought to"),
        *(given for given, _ in _STAGING_STATES),
    ),
    outputs=(
        Tensor("staging_db", torch.float32, ("n",), "dB", "trim of the track", tolerance=_OF_RANGE * 72.0),
        Tensor(
            "level_db",
            torch.float32,
            ("n",),
            "dBFS",
            "level so far, -120 where not known",
            tolerance=_OF_RANGE,
        ),
        *(back for _, back in _STAGING_STATES),
    ),
    limits=(
        "It converges within the first seconds that sound and is settled after 30 s of sound: it does not know what "
        "comes.",
        "The trim moves by at most 10 dB/s; where a peak asks for less, down by 48 dB/s, after that peak.",
        "Begin with zeros.",
    ),
    out_of_scope=(
        "Balance: every track gets the same level, whatever its part in the music; that is the gain model's.",
    ),
    trial=StagingTrial(),
    ranges={"staging_db": Staging.RANGE_DB},
)

_LOUDNESSES = len(Density().bins)
_DENSITY_STATES = (
    _kept("window", Density.WINDOW, "mean square", "last energies, newest last"),
    _kept("filled", None, "frames", "how many of them there are"),
    _kept("counts", _LOUDNESSES, "frames", "frames at each short-term loudness from -71 LUFS, every 0.5 LU"),
    _kept("threshold", None, "dB above -30 dBFS", "threshold of the frame before", _OF_RANGE * 90.0),
    _kept("mix", None, "1", "mix of the frame before, before the amount"),
)

_DENSITY = Export(
    name="density",
    build=Density,
    summary="Density: threshold and mix of each live source's parallel compression, from its loudness range so far.",
    source="Loudness range by EBU Tech 3342 of short-term loudness (ITU-R BS.1770-4, EBU Tech 3341)",
    inputs=(
        Tensor(
            "energy", torch.float32, ("n",), "mean square", "K-weighted frame of 50 ms, summed over channels"
        ),
        Tensor("level_db", torch.float32, ("n",), "dBFS", "level so far, as staging gives it"),
        Tensor("staging_db", torch.float32, ("n",), "dB", "trim before the compression"),
        Tensor("is_live", torch.bool, ("n",), "flag", "live sources that are there; other rows hold"),
        Tensor("amount", torch.float32, ("n",), "1", "0 to 1: share of the mix"),
        *(given for given, _ in _DENSITY_STATES),
    ),
    outputs=(
        Tensor(
            "density_threshold_db",
            torch.float32,
            ("n",),
            "dBFS",
            "where compression begins",
            tolerance=_OF_RANGE * 90.0,
        ),
        Tensor(
            "density_mix", torch.float32, ("n",), "1", "share of the compressed copy", tolerance=_OF_RANGE
        ),
        Tensor("range_lu", torch.float32, ("n",), "LU", "loudness range so far", tolerance=_OF_RANGE * 70.0),
        *(back for _, back in _DENSITY_STATES),
    ),
    limits=(
        "It needs 7 s of sound before it begins, and 14 s before it does all that it does.",
        "The range is a histogram's, in steps of 0.5 LU with straight lines between.",
        "Begin with zeros.",
    ),
    out_of_scope=("Taste: where the performer's dynamics are the music, leave it off.",),
    trial=DensityTrial(),
    ranges={"density_threshold_db": Density.THRESHOLD_DBFS, "density_mix": (0.0, Density.MAX_MIX)},
)

_GROOVE = Export(
    name="groove",
    build=Groove,
    summary="Groove: how late an AI stem plays a sixteenth, foreseen from those that a live drummer has played.",
    source="Autoregression on the deviations of sixteenths from the grid, around a fading mean",
    inputs=(
        Tensor(
            "deviation_ms",
            torch.float32,
            ("n", Groove.SLOTS),
            "ms",
            "how far behind its begin the strongest hit of each slot so far was, newest last",
        ),
        Tensor("known", torch.bool, ("n", Groove.SLOTS), "flag", "slots in which somebody played"),
        Tensor(
            "ahead", torch.float32, ("n",), "slots", "1 to 4: from the newest to the one that is asked for"
        ),
        Tensor("amount", torch.float32, ("n",), "1", "0 to 1: share of the shift"),
        Tensor("limit_ms", torch.float32, ("n",), "ms", "0 to 20: most around the constant, either way"),
        Tensor("constant_limit_ms", torch.float32, ("n",), "ms", "0 to 20: most of the constant, either way"),
    ),
    outputs=(
        Tensor(
            "groove_ms",
            torch.float32,
            ("n",),
            "ms",
            "how late the track is to play",
            tolerance=_OF_RANGE * 2.0 * (Groove.MAX_LIMIT_MS + Groove.MAX_CONSTANT_MS),
        ),
        Tensor(
            "constant_ms",
            torch.float32,
            ("n",),
            "ms",
            "how much of it is the constant",
            tolerance=_OF_RANGE * 2.0 * Groove.MAX_CONSTANT_MS,
        ),
    ),
    limits=(
        "It foresees drift and habits that return; what a drummer does once it cannot know.",
        "Begin with nothing known: the constant is drawn to the grid until a few slots were played.",
        "Rows whose ahead is no whole number mix two sets of weights.",
    ),
    out_of_scope=(
        "Triplets, swing that is no sixteenth, and tempos that change within the slots remembered.",
    ),
    trial=GrooveTrial(),
    ranges={"groove_ms": (-40.0, 40.0)},
    data=(
        "weights fitted to the Groove MIDI Dataset (Gillick et al. 2019, Google, CC BY 4.0), without the two "
        "performances that are behind recordings used for evaluation",
    ),
)

CATALOGUE: tuple[Export, ...] = (_EQUAL_LOUDNESS, _HEADROOM, _DIP, _BREATH, _STAGING, _DENSITY, _GROOVE)
