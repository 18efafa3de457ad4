"""One mixer on one scene: every figure of docs/metrics.md that applies to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hybridmix_models.data.types import Bools, Condition, Floats, Scene
from hybridmix_models.evaluation import balance, movement
from hybridmix_models.evaluation.playback import Played, play
from hybridmix_models.evaluation.scenarios import Take
from hybridmix_models.evaluation.sound import SETTLED, loudness_lufs, mr_stft, overshoot

__all__ = ["BASS", "PERCUSSION", "Score", "score"]

#: Roles of the rows for percussion and bass.
PERCUSSION = frozenset(
    {"kick", "snare", "hihat", "toms", "cymbal", "clap", "percussion", "drum_loop", "drums"}
)
BASS = frozenset({"bass", "synth_bass", "electric_bass", "upright_bass"})


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of one mixer on one scene."""

    model: str
    set_name: str
    condition: Condition
    row: str
    song: str
    cluster: str
    tracks: int
    #: By name; left out where a figure does not apply, such as bass in a song without one.
    figures: Mapping[str, float]
    #: Histograms of |change| from frame to frame, by what moved: outside and at entrances, before and after the
    #: slew limit. The largest ones are among the figures.
    changes: Mapping[str, list[int]] = field(default_factory=dict)
    #: Seconds to recover from each level step.
    recoveries_s: tuple[float, ...] = ()


def score(
    model: str,
    set_name: str,
    take: Take,
    gains_db: Floats,
    base_offset_db: float | None,
    played: Played | None = None,
) -> Score:
    """Score ``gains_db`` (n, T), as applied, of ``model`` on ``take``.

    ``base_offset_db`` is ``figures["offset_db"]`` of the same mixer on the base row of the song; steps need it.
    ``played`` is what became of the gains, where that is known and need not be worked out.
    """
    scene = take.scene
    played = played or play(scene.inputs, gains_db)
    changes: dict[str, list[int]] = {}
    recoveries: tuple[float, ...] = ()
    if take.row == "base":
        moved = _changes(scene, played, gains_db)
        changes = {name: movement.histogram(values) for name, values in moved.items()}
        largest = {f"{name}_max_db": float(values.max()) for name, values in moved.items() if values.size}
        figures = _errors(scene, played, gains_db) | _sound(scene, played) | _peaks(played) | largest
    elif take.row == "steps":
        if base_offset_db is None:
            raise ValueError("level steps are scored with the offset of the song's base row")
        figures = _peaks(played)
        recoveries = _recoveries(scene, played, base_offset_db)
    elif take.silent is not None:
        track, frame = take.silent
        figures = {"rise_db": movement.rise_db(played.gains_db[track], frame)}
    else:
        figures = _errors(scene, played, gains_db) | _peaks(played)
    known = {name: value for name, value in figures.items() if np.isfinite(value)}
    return Score(
        model,
        set_name,
        scene.condition,
        take.row,
        scene.song,
        scene.cluster,
        len(scene.inputs),
        known,
        changes,
        recoveries,
    )


def _errors(scene: Scene, played: Played, gains_db: Floats) -> dict[str, float]:
    counted = balance.counted_frames(scene.active)
    offset = balance.offset_db(played.gains_db, scene.target_db, counted)
    errors = balance.track_errors_db(played.gains_db, scene.target_db, counted, offset)
    figures = {"offset_db": offset, "gain_error_db": balance.song_error_db(errors)}
    for name, roles in (("percussion_error_db", PERCUSSION), ("bass_error_db", BASS)):
        chosen = [role.removesuffix("_standin") in roles for role in scene.roles]
        figures[name] = balance.song_error_db(errors[chosen])
    own = balance.offset_db(gains_db, scene.target_db, counted)
    figures["unlimited_error_db"] = balance.song_error_db(
        balance.track_errors_db(gains_db, scene.target_db, counted, own)
    )
    return figures


def _sound(scene: Scene, played: Played) -> dict[str, float]:
    mix, reference = played.untrimmed[SETTLED:], scene.reference[SETTLED:]
    difference = loudness_lufs(mix) - loudness_lufs(reference)
    return {"level_lu": difference, "mr_stft": mr_stft(mix, reference, difference)}


def _peaks(played: Played) -> dict[str, float]:
    early, late = overshoot(played.mix)
    return {
        "over_early": float(early.seconds > 0.0),
        "over_late": float(late.seconds > 0.0),
        "over_late_s": late.seconds,
        "over_late_db": late.db,
    }


def _changes(scene: Scene, played: Played, gains_db: Floats) -> dict[str, movement.Doubles]:
    entering: Bools = movement.entrances(scene.active)[:, 1:]
    changes = {}
    for name, gains in (("output", gains_db), ("played", played.gains_db)):
        moved = movement.changes_db(gains)
        changes[name], changes[f"{name}_entrance"] = moved[~entering], moved[entering]
    changes["trim"] = movement.changes_db(played.trim_db[None])
    return changes


def _recoveries(scene: Scene, played: Played, offset: float) -> tuple[float, ...]:
    """Return the time that each step takes, up to the end of the scene."""
    error = played.gains_db.astype(np.float64) - scene.target_db - offset
    return tuple(movement.recovery_s(error[step.track], step.frame) for step in scene.steps)
