"""What the user sees, word for word, when audio, plugin, model or output folder cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybridmix.batch import MixSession, MixTrack
from hybridmix.errors import InputError

from .cases import TRACK, Case, Judge, audio, both, made, written

CASES = [
    Case(
        "audio file missing",
        "audio file a.wav does not exist; correct the track's path.",
        session=TRACK,
    ),
    Case(
        "audio file is a folder",
        "audio file a.wav is a folder; name the file inside it.",
        session=TRACK,
        prepare=made("a.wav"),
    ),
    Case(
        "not audio",
        "audio file a.wav cannot be read (Error opening 'a.wav': Format not recognised); expected a format such as "
        "WAV, AIFF, FLAC, OGG or MP3.",
        session=TRACK,
        prepare=written("a.wav", b"not audio"),
    ),
    Case(
        "too many channels",
        "audio file a.wav has 4 channels; expected mono or stereo: export it so.",
        session=TRACK,
        prepare=audio(channels=4),
    ),
    Case(
        "empty audio",
        "audio file a.wav is empty; expected at least one sample.",
        session=TRACK,
        prepare=audio(frames=0),
    ),
    Case(
        "NaN in the audio",
        "audio file a.wav contains NaN or infinite samples; export it again.",
        session=TRACK,
        prepare=audio(value=float("nan")),
    ),
    Case(
        "output folder is a file",
        "output folder mixed is a file; name a folder.",
        session=TRACK,
        prepare=both(audio(), written("mixed", b"mine")),
    ),
    Case(
        "plugin missing",
        "plugin nowhere.vst3 does not exist; build it with: make plugin",
        session=TRACK,
        prepare=audio(),
        arguments=("render", "session.toml", "--plugin", "nowhere.vst3"),
    ),
    Case(
        "output folder inside a file",
        "output folder a.wav/mixed cannot be made (a.wav is a file); choose another one.",
        session=TRACK,
        prepare=audio(),
        arguments=("render", "session.toml", "--out", "a.wav/mixed"),
    ),
    Case(
        "unknown model in the session",
        "the render's service did not start: model 'magic' is unknown; expected one of: equal-loudness, raw, alm-mr-plus, alm-mr, alm-sr, dmc-b-0l, dmc-og, alm-mr-vggish.",
        session='[session]\nmodel = "magic"\n' + TRACK,
        prepare=audio(),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_message_exit_code_and_nothing_left_behind(case: Case, judge: Judge) -> None:
    judge(case)


def test_an_error_that_is_kept_does_not_keep_the_plugins_of_its_session(tmp_path: Path) -> None:
    audio(value=float("nan"))(tmp_path)
    with (
        pytest.raises(InputError) as kept,
        MixSession([MixTrack(tmp_path / "a.wav", "a")]) as session,
    ):
        session.render()
    with MixSession([MixTrack(np.zeros(48000, np.float32), "b")], sample_rate=48000) as session:
        assert session.render().report.complete
    assert "NaN" in str(kept.value)
