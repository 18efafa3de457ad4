"""What the room network learns from: the same from the same seed, however often it was interrupted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hybridmix.errors import InputError
from hybridmix_models.data.types import RATE, Song, Stem
from hybridmix_models.training import room_excerpts
from hybridmix_models.training.room_excerpts import DRY_DB, load, write, write_rooms


def _songs(*_: object) -> Iterator[Song]:
    for number in range(2):
        rng = np.random.default_rng(number)
        clicks = np.zeros((3, 11 * RATE), np.float32)
        clicks[:, :: RATE // 2] = rng.uniform(0.1, 0.9, clicks[:, :: RATE // 2].shape)
        # The last never sounds.
        clicks[2] = 0.0
        stems = tuple(Stem(f"stem{index}", "snare", one, 0.0) for index, one in enumerate(clicks))
        yield Song(f"song{number}", stems, f"song{number}")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rooms of each kind, one song in a part."""
    for name, value in (("_ROOMS", 1), ("_PLACES", 2), ("_SHAPED", 2), ("_SONGS", 1), ("_DRY", 0.25)):
        monkeypatch.setattr(room_excerpts, name, value)
    monkeypatch.setattr(room_excerpts, "_ROOM_PARTS", {"training": 1, "validation": 1})
    monkeypatch.setattr(room_excerpts, "load_songs", _songs)


def _prepare(folder: Path) -> dict[str, str]:
    for split in ("training", "validation"):
        list(write_rooms(folder, split, 3))
        list(write(Path("songs"), folder, split, 3))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_a_preparation_that_was_interrupted_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole = _prepare(tmp_path)
    assert len(whole) == 6
    (tmp_path / "excerpts-training-001.npz").unlink()
    (tmp_path / "rooms-validation-000.npz").unlink()
    (tmp_path / "excerpts-validation-000.npz").unlink()
    assert _prepare(tmp_path) == whole


def test_stems_share_rooms_in_validation_alone(tmp_path: Path) -> None:
    _prepare(tmp_path)
    validation, training = load(tmp_path, "validation"), load(tmp_path, "training")
    # Two songs, two stems that sound, and so many draws of a room.
    assert len(validation.levels) == 2 * 2 * 8
    assert len(training.levels) == 2 * 2 * 6
    for data, shared in ((validation, True), (training, False)):
        pairs = [data.t60_s[data.room == room] for room in np.unique(data.room)]
        assert all(len(pair) == 2 for pair in pairs)
        assert all(np.array_equal(one, other, equal_nan=True) for one, other in pairs) == shared
    dry = validation.drr_db == DRY_DB
    assert 0 < dry.sum() < len(dry)
    assert np.isnan(validation.t60_s[dry]).all()
    assert np.isfinite(validation.t60_s[~dry]).any(axis=1).all()
    assert np.ptp(validation.drr_db[~dry]) > 10.0


def test_what_is_missing_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no rooms; make them with: hybridmix models prepare-room"):
        list(write(Path("songs"), tmp_path, "training", 0))
    with pytest.raises(InputError, match=r"holds no excerpts of split training; make them with"):
        load(tmp_path, "training")
