"""What the user sees, word for word, when the input cannot be used; and nothing is left behind."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hybridmix.cli.main import main


@dataclass(frozen=True)
class Case:
    """A command in a folder that ``prepare`` filled, and what it says."""

    name: str
    message: str
    session: str | None = None
    prepare: Callable[[Path], object] = lambda folder: None
    arguments: tuple[str, ...] = ("render", "session.toml", "--out", "mixed")
    code: int = 2


def _tone(path: Path, channels: int = 1, rate: int = 48000, frames: int = 4800) -> None:
    tone = 0.1 * np.sin(np.arange(frames) / 10.0)
    soundfile.write(path, np.tile(tone[:, None], (1, channels)), rate)


def _nan(path: Path) -> None:
    soundfile.write(path, np.full(4800, np.nan, np.float32), 48000, subtype="FLOAT")


def _busy_port(folder: Path) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 47613))
    (folder / "run").mkdir(mode=0o700)
    return listener


TRACK = '[[track]]\npath = "a.wav"\n'

CASES = [
    Case(
        "no session file",
        "session file missing.toml does not exist; name an existing .toml file.",
        arguments=("render", "missing.toml"),
    ),
    Case(
        "folder instead of session file",
        "session file folder is a folder; name the .toml file inside it.",
        prepare=lambda folder: (folder / "folder").mkdir(),
        arguments=("render", "folder"),
    ),
    Case(
        "neither session nor demo",
        "expected either a session file or --demo, for example: hybridmix render session.toml --out mixed",
        arguments=("render",),
    ),
    Case(
        "not UTF-8",
        "session file session.toml cannot be read ('utf-8' codec can't decode byte 0xff in position 0: "
        "invalid start byte); expected a UTF-8 text file.",
        prepare=lambda folder: (folder / "session.toml").write_bytes(b"\xff\xfe"),
    ),
    Case(
        "not TOML",
        "session file session.toml is not valid TOML: Expected ']]' at the end of an array declaration "
        "(at end of document).",
        session="[[track",
    ),
    Case(
        "no track",
        "session file session.toml: there is no [[track]]; add at least one with a path.",
        session='[session]\nname = "x"',
    ),
    Case(
        "unknown section",
        "session file session.toml: tracks is not a known field; remove it or correct its spelling "
        "(see docs/session-file.md).",
        session="tracks = 3\n" + TRACK,
    ),
    Case(
        "unknown field",
        "session file session.toml: track[0].gain is not a known field; remove it or correct its spelling "
        "(see docs/session-file.md).",
        session=TRACK + "gain = 3.0",
    ),
    Case(
        "no path",
        "session file session.toml: track[0].path is missing; add it.",
        session='[[track]]\nrole = "ai_stem"',
    ),
    Case(
        "empty path",
        "session file session.toml: track[0].path is ''; expected text of length >= 1.",
        session='[[track]]\npath = ""',
    ),
    Case(
        "unknown role",
        "session file session.toml: track[0].role is 'drums'; expected one of: ai_stem, live_source.",
        session=TRACK + 'role = "drums"',
    ),
    Case(
        "unknown preset",
        "session file session.toml: track[0].preset is 'warm'; expected one of: ai-stem, live-source.",
        session=TRACK + 'preset = "warm"',
    ),
    Case(
        "offset too large",
        "session file session.toml: track[0].gain_offset_db is 40.0; expected a number <= 24.0.",
        session=TRACK + "gain_offset_db = 40.0",
    ),
    Case(
        "mute not a boolean",
        "session file session.toml: track[0].mute is 'yes'; expected true or false, got text.",
        session=TRACK + 'mute = "yes"',
    ),
    Case(
        "negative start",
        "session file session.toml: track[0].offset_s is -1.0; expected a number >= 0.0.",
        session=TRACK + "offset_s = -1.0",
    ),
    Case(
        "everything muted",
        "session file session.toml: every track has mute = true; leave at least one audible.",
        session=TRACK + "mute = true",
    ),
    Case(
        "two tracks of one name",
        "session file session.toml: track[1] and track[0] are both called 'a'; give each its own label.",
        session=TRACK + '[[track]]\npath = "b/a.wav"',
    ),
    Case(
        "unknown control delay",
        "session file session.toml: session.control_delay_ms is 45; expected one of: 20, 40, 60, 100, 200.",
        session="[session]\ncontrol_delay_ms = 45\n" + TRACK,
    ),
    Case(
        "group out of range",
        "session file session.toml: session.group is 17; expected a whole number <= 16.",
        session="[session]\ngroup = 17\n" + TRACK,
    ),
    Case(
        "unsupported rate",
        "session file session.toml: session.sample_rate is 22050; expected a multiple of 100 from 44100 to 192000.",
        session="[session]\nsample_rate = 22050\n" + TRACK,
    ),
    Case(
        "block too large",
        "session file session.toml: session.block is 20000; expected 16 to 8192 samples.",
        session="[session]\nblock = 20000\n" + TRACK,
    ),
    Case(
        "unknown format",
        "session file session.toml: output.format is 'mp3'; expected one of: flac, wav.",
        session='[output]\nformat = "mp3"\n' + TRACK,
    ),
    Case(
        "flac in float",
        'session file session.toml: output.bits is "float" with output.format "flac"; flac holds integers only: '
        'use bits = "24", or format = "wav".',
        session='[output]\nformat = "flac"\nbits = "float"\n' + TRACK,
    ),
    Case(
        "audio file missing",
        "audio file a.wav does not exist; correct the track's path.",
        session=TRACK,
    ),
    Case(
        "audio file is a folder",
        "audio file a.wav is a folder; name the file inside it.",
        session=TRACK,
        prepare=lambda folder: (folder / "a.wav").mkdir(),
    ),
    Case(
        "not audio",
        "audio file a.wav cannot be read (Error opening 'a.wav': Format not recognised); expected a format such as "
        "WAV, AIFF, FLAC, OGG or MP3.",
        session=TRACK,
        prepare=lambda folder: (folder / "a.wav").write_text("not audio"),
    ),
    Case(
        "too many channels",
        "audio file a.wav has 4 channels; expected mono or stereo: export it so.",
        session=TRACK,
        prepare=lambda folder: _tone(folder / "a.wav", channels=4),
    ),
    Case(
        "empty audio",
        "audio file a.wav is empty; expected at least one sample.",
        session=TRACK,
        prepare=lambda folder: _tone(folder / "a.wav", frames=0),
    ),
    Case(
        "NaN in the audio",
        "audio file a.wav contains NaN or infinite samples; export it again.",
        session=TRACK,
        prepare=lambda folder: _nan(folder / "a.wav"),
    ),
    Case(
        "output folder is a file",
        "output folder mixed is a file; name a folder.",
        session=TRACK,
        prepare=lambda folder: (_tone(folder / "a.wav"), (folder / "mixed").write_text("mine")),
    ),
    Case(
        "plugin missing",
        "plugin nowhere.vst3 does not exist; build it with: make plugin",
        session=TRACK,
        prepare=lambda folder: _tone(folder / "a.wav"),
        arguments=("render", "session.toml", "--plugin", "nowhere.vst3"),
    ),
]


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_message_exit_code_and_nothing_left_behind(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    if case.session is not None:
        (tmp_path / "session.toml").write_text(case.session)
    case.prepare(tmp_path)
    before = _files(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(case.arguments)
    said = capsys.readouterr()
    assert said.err == f"error: {case.message}\n"
    assert said.out == ""
    assert end.value.code == case.code
    assert _files(tmp_path) == before
