"""Settings of every training run; each names only what differs from its base."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from hybridmix.errors import InputError
from hybridmix_models.data.types import Condition

__all__ = ["EMBEDDING", "GAIN", "ROOM", "Embedding", "Gain", "Room", "Run", "settings"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What every run has."""

    steps: int
    #: The run ends after so much time on this machine, even before its last step.
    minutes: float
    learning_rate: float
    #: Steps in which the rate rises from 0; it then falls to 0 along a half cosine, or at `milestones`.
    warm_up: int = 100
    #: Shares of the run after each of which the rate is a tenth of what it was; none: the half cosine.
    milestones: tuple[float, ...] = ()
    weight_decay: float = 0.01
    #: Largest norm of the gradient.
    clip: float = 1.0
    #: Share of the old weights in the running mean that is validated and kept, per step; 0 keeps the newest.
    average: float = 0.0
    #: Scenes, or windows, per step.
    batch: int = 1
    log_every: int = 20
    validate_every: int = 500


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gain(Run):
    """A gain model: the published recipe (arXiv 2603.15995, section 3), sized for two CPU cores."""

    #: Name in ``hybridmix_models.gain.configs``.
    network: str
    conditions: tuple[Condition, ...] = ("none", "light", "heavy")
    #: Length of an excerpt, and its beginning that no loss counts, in s.
    crop_s: float = 10.0
    skip_s: float = 1.0
    #: Half range of the gain of each input, drawn after bleed.
    offset_db: float = 12.0
    #: Probability that an input jumps in an excerpt, and the half range of its jump.
    step_share: float = 0.0
    step_db: float = 15.0
    #: Control delays, one drawn per excerpt: 0 is the paper's zero latency, below 0 hears the future.
    delays_ms: tuple[float, ...] = (0.0,)
    #: Weights of the losses: of the mix, of the gains, of movement beyond ``free_db`` per frame where nothing asks for it.
    spectral: float = 1.0
    gain: float = 0.0
    movement: float = 0.0
    free_db: float = 0.2
    #: Share of the run in which the shared embedding stays as it is.
    frozen: float = 1.0
    #: Other sounds of the same role: standard deviation of what is added to a track's embeddings, one draw per
    #: excerpt, while the embedding stays as it is (its own values have about 2.9).
    blur: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Embedding(Run):
    """The embedding that all gain models share, learned from roles and bleed ratios."""

    #: Name of the gain network whose embedding is trained; all of them have the same.
    network: str = "alm-mr"
    #: Half range of the level of a window that is left as recorded, and the share of such windows.
    level_db: float = 15.0
    recorded: float = 0.5
    #: Other sounds of the same role: half range of a random curve over the bands, and of a shift by whole bands.
    curve_db: float = 8.0
    shift: int = 3
    #: Share of windows with a window of another scene in them, and how far below it is, dB.
    mixed: float = 0.5
    mixed_db: tuple[float, float] = (-6.0, 20.0)
    #: Weights of the losses: role, bleed ratio, level of the window.
    role: float = 1.0
    ratio: float = 1.0
    level: float = 0.3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Room(Run):
    """The room network."""


ROOM = Room(
    steps=3000,
    minutes=90.0,
    learning_rate=2e-3,
    weight_decay=0.05,
    batch=24,
    log_every=20,
    validate_every=300,
    average=0.995,
)

EMBEDDING = Embedding(
    steps=3000, minutes=25.0, learning_rate=1e-3, batch=64, log_every=10, validate_every=250, average=0.99
)

#: The published loss, that of the mix alone, does not get off the ground in this time (docs/training.md).
_PAPER = Gain(network="alm-mr", steps=6000, minutes=25.0, learning_rate=4e-4, batch=1, gain=1.0)
_PLUS = dataclasses.replace(
    _PAPER,
    network="alm-mr-plus",
    steps=12000,
    minutes=120.0,
    delays_ms=(20.0, 40.0, 60.0, 100.0, 200.0),
    step_share=0.4,
    movement=3.0,
    blur=1.5,
    average=0.999,
)
#: A quarter of that, to tell what each departure in training is worth.
_QUARTER = dataclasses.replace(_PLUS, steps=3000, minutes=30.0)
#: What ``hybridmix models train NAME`` runs.
GAIN: Mapping[str, Gain] = {
    "alm-mr": _PAPER,
    "alm-sr": dataclasses.replace(_PAPER, network="alm-sr"),
    "dmc-b-0l": dataclasses.replace(_PAPER, network="dmc-b-0l"),
    # Without bleed or zero latency: its gains are played in the middle of the window that they were heard in.
    "dmc-og": dataclasses.replace(_PAPER, network="dmc-og", conditions=("none",), delays_ms=(-500.0,)),
    "alm-mr-plus": _PLUS,
    "alm-mr-plus-spectral": dataclasses.replace(_PLUS, gain=0.0, steps=6000, minutes=25.0),
    "alm-mr-plus-quarter": _QUARTER,
    "alm-mr-plus-quarter-no-delays": dataclasses.replace(_QUARTER, delays_ms=(0.0,)),
    "alm-mr-plus-quarter-no-steps": dataclasses.replace(_QUARTER, step_share=0.0),
    "alm-mr-plus-quarter-no-blur": dataclasses.replace(_QUARTER, blur=0.0),
    "alm-mr-plus-quarter-no-movement": dataclasses.replace(_QUARTER, movement=0.0),
    # The published embedding and schedule, for those who have MedleyDB and a GPU: 35 songs, so 175,000 steps.
    "alm-mr-paper": dataclasses.replace(
        _PAPER,
        network="alm-mr-vggish",
        steps=175_000,
        minutes=7 * 24 * 60.0,
        learning_rate=1e-3,
        milestones=(0.02, 0.2, 0.5),
        crop_s=20.0,
        gain=0.0,
        frozen=0.02,
    ),
}


def settings(name: str) -> Gain:
    """Return the settings of the run ``name``.

    Raises:
        InputError: there is no such run.
    """
    if name not in GAIN:
        raise InputError(f"model {name!r} is unknown; expected one of: {', '.join(GAIN)}")
    return GAIN[name]
