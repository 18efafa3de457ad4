"""The figures of the dip, on pairs whose masking is known."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hybridmix.cli.main import main
from hybridmix.measures.masking import Bark, Erb, masked_share
from hybridmix_models.data.types import RATE, Floats
from hybridmix_models.dip import Dip
from hybridmix_models.evaluation.dip import pairs, playing
from hybridmix_models.evaluation.statistics import clustered_median

SECONDS = 5


def _tone(hertz: float, seconds: float = SECONDS) -> Floats:
    time = np.arange(round(seconds * RATE)) / RATE
    # Beats of 5 Hz, so that levels move.
    return np.asarray(
        0.1 * np.sin(2.0 * np.pi * hertz * time) * (1.0 + 0.3 * np.sin(31.4 * time)), np.float32
    )


@pytest.mark.parametrize("make", [Erb, Bark])
def test_what_is_much_louder_masks_and_what_is_far_away_does_not(make: type) -> None:
    model = make()
    live = model.live_db(_tone(300.0, 2.0))
    assert masked_share(live, model.over_db(10.0 * _tone(300.0, 2.0))) > 0.9
    assert masked_share(live, model.over_db(np.float32(0.01) * _tone(300.0, 2.0))) == 0.0
    assert masked_share(live, model.over_db(_tone(3000.0, 2.0))) == 0.0
    assert np.isnan(masked_share(live - 200.0, live))


def test_a_standing_bell_is_played_as_it_stands() -> None:
    audio, frames = _tone(300.0, 2.0), 40
    played = playing.played(audio, np.full(frames, -6.0), np.full(frames, 300.0))
    standing = playing.static_bell(audio, -6.0, 300.0, Dip.Q)
    np.testing.assert_allclose(played[RATE:], standing[RATE:], atol=1e-4)
    np.testing.assert_allclose(played[: RATE // 25], audio[: RATE // 25], atol=2e-2)


def test_a_median_keeps_its_clusters_together() -> None:
    interval = clustered_median([1.0, 1.0, 1.0, 5.0], ["a", "a", "a", "b"])
    assert (interval.mean, interval.low, interval.high) == (1.0, 1.0, 5.0)


def test_the_command_scores_stand_ins_and_generated_stems(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "_SECONDS", SECONDS)
    rows = [
        ("song/voice.wav", "lead_vocal", 300.0),
        ("song/pad.wav", "pad", 310.0),
        ("song/ai.wav", "generated_pad", 290.0),
    ]
    (tmp_path / "song").mkdir()
    for file, _, hertz in rows:
        soundfile.write(tmp_path / file, _tone(hertz), RATE)
    with (tmp_path / "MANIFEST.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows(
            [["file", "role", "split"], *([file, role, "test"] for file, role, _ in rows)]
        )
    with pytest.raises(SystemExit) as ended:
        main(["models", "evaluate", "--processor", "dip", "--data", str(tmp_path), "--json"])
    assert ended.value.code == 0
    figures = json.loads(capsys.readouterr().out)
    for kind in ("standin", "generated"):
        assert figures[f"masked_change_{kind}"]["mean"] < 0.0
        assert 0.0 < figures[f"loudness_loss_lu_{kind}"]["mean"] < 1.3
        assert list(figures[f"detail_{kind}"]["by_budget_lu"]) == ["0.5", "1", "1.5", "2", "2.5", "3"]
    with pytest.raises(SystemExit) as ended:
        main(["models", "evaluate", "--processor", "dip", "--data", str(tmp_path / "none")])
    assert ended.value.code == 2
