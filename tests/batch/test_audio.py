"""Files as streams: any block size, mixed rates, offsets, different lengths; outputs all or nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from hybridmix.batch.audio import Source, Writer, array_source, file_source, pick_rate
from hybridmix.batch.session_file import load


def _read(source: Source, block: int) -> np.ndarray:
    blocks = [source.read(block) for _ in range(0, source.frames, block)]
    return np.concatenate(blocks, axis=1)[:, : source.frames]


@pytest.mark.parametrize("block", [1, 480, 1920, 8191])
@pytest.mark.parametrize("offset", [0.0, 0.01])
def test_a_stream_gives_the_file_behind_its_offset(tmp_path: Path, block: int, offset: float) -> None:
    audio = np.random.default_rng(1).uniform(-1, 1, (2, 5000)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", audio.T, 48000, subtype="FLOAT")
    heard = _read(file_source(tmp_path / "a.wav", 48000, offset), block)
    silence = round(offset * 48000)
    assert heard.shape == (2, 5000 + silence)
    assert not heard[:, :silence].any()
    np.testing.assert_array_equal(heard[:, silence:], audio)


@pytest.mark.parametrize("rate", [44100, 96000])
def test_resampling_in_blocks_equals_resampling_at_once(rate: int) -> None:
    audio = np.random.default_rng(2).uniform(-0.5, 0.5, (1, rate)).astype(np.float32)
    heard = _read(array_source(audio, rate, 48000, 0.0), 1000)
    whole = soxr.resample(audio.T, rate, 48000).T
    assert heard.shape == (1, 48000)
    np.testing.assert_allclose(heard[:, : whole.shape[1]], whole[:, :48000], atol=1e-6)


def test_past_the_end_there_is_silence() -> None:
    source = array_source(np.ones((1, 10), np.float32), 48000, 48000, 0.0)
    assert source.read(16).tolist() == [[1.0] * 10 + [0.0] * 6]
    assert not source.read(16).any()


def test_the_session_runs_at_the_highest_rate_of_its_files(tmp_path: Path) -> None:
    for name, rate in (("a.wav", 44100), ("b.wav", 96000), ("c.wav", 22050)):
        soundfile.write(tmp_path / name, np.zeros(100), rate)
    assert pick_rate([tmp_path / "a.wav", tmp_path / "b.wav"]) == 96000
    assert pick_rate([tmp_path / "c.wav"]) == 48000


def test_a_discarded_file_leaves_the_older_one_and_nothing_else(tmp_path: Path) -> None:
    place = tmp_path / "mix.wav"
    place.write_bytes(b"older")
    with Writer(place, 48000, 2, "24") as writer:
        writer.write(np.zeros((2, 100), np.float32))
    assert [path.name for path in tmp_path.iterdir()] == ["mix.wav"]
    assert place.read_bytes() == b"older"


def test_samples_beyond_full_scale_are_counted_where_they_are_clipped(tmp_path: Path) -> None:
    loud = np.array([[0.5, 1.5, -2.0]], np.float32)
    with Writer(tmp_path / "a.wav", 48000, 1, "24") as clipping:
        clipping.write(loud)
        clipping.commit()
    with Writer(tmp_path / "b.wav", 48000, 1, "float") as keeping:
        keeping.write(loud)
        keeping.commit()
    assert (clipping.clipped, keeping.clipped) == (2, 0)
    assert soundfile.read(tmp_path / "b.wav")[0].tolist() == [0.5, 1.5, -2.0]


def test_the_session_file_of_the_docs_can_be_read(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "session-file.md"
    example = page.read_text().split("```toml\n")[1].split("```")[0]
    (tmp_path / "session.toml").write_text(example)
    parsed = load(tmp_path / "session.toml")
    assert [track.path for track in parsed.track] == ["kick.wav", "stems/pad.flac"]
    assert parsed.output.format == "flac"
