"""What the user sees, word for word, when the input cannot be used; and nothing is left behind."""

from __future__ import annotations

import logging
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hybridmix.batch import MixSession, MixTrack
from hybridmix.cli.main import main
from hybridmix.engine import discovery
from hybridmix.errors import InputError

#: Makes what a case needs in its folder; what must be held while the command runs is a context.
Prepare = Callable[[Path], AbstractContextManager[object]]


def _nothing(_folder: Path) -> AbstractContextManager[object]:
    return nullcontext()


def _made(name: str, mode: int = 0o700) -> Prepare:
    def prepare(folder: Path) -> AbstractContextManager[object]:
        (folder / name).mkdir()
        (folder / name).chmod(mode)
        return nullcontext()

    return prepare


def _written(name: str, content: bytes) -> Prepare:
    def prepare(folder: Path) -> AbstractContextManager[object]:
        (folder / name).parent.mkdir(mode=0o700, exist_ok=True)
        (folder / name).write_bytes(content)
        return nullcontext()

    return prepare


def _audio(channels: int = 1, rate: int = 48000, frames: int = 4800, value: float = 0.1) -> Prepare:
    def prepare(folder: Path) -> AbstractContextManager[object]:
        tone = np.full((frames, channels), value, np.float32)
        soundfile.write(folder / "a.wav", tone, rate, subtype="FLOAT")
        return nullcontext()

    return prepare


def _both(first: Prepare, second: Prepare) -> Prepare:
    def prepare(folder: Path) -> AbstractContextManager[object]:
        first(folder)
        return second(folder)

    return prepare


def _linked(folder: Path) -> AbstractContextManager[object]:
    (folder / "elsewhere").mkdir(mode=0o700)
    (folder / "run").symlink_to(folder / "elsewhere")
    return nullcontext()


@contextmanager
def _running(folder: Path) -> Iterator[None]:
    """What a service that runs holds of its folder."""
    lock = discovery.Lock(discovery.open_folder(folder / "run"))
    yield
    lock.release()


def _published(content: bytes, mode: int) -> Prepare:
    """A service that runs, with this discovery file."""

    def prepare(folder: Path) -> AbstractContextManager[object]:
        _written("run/service.json", content)(folder)
        (folder / "run/service.json").chmod(mode)
        return _running(folder)

    return prepare


def _wrong_model(folder: Path) -> AbstractContextManager[object]:
    """The file of one model under the name of the other."""
    shipped = Path(discovery.__file__).parents[1] / "models"
    (folder / "models").mkdir()
    for name in ("equal_loudness.onnx", "headroom.onnx"):
        shutil.copy(shipped / "headroom.onnx", folder / "models" / name)
    return nullcontext()


@dataclass(frozen=True)
class Case:
    """A command in a folder that ``prepare`` filled, and what it says.

    ``{folder}``, ``{pid}`` (this process) and ``{port}`` (one in use) are filled in everywhere.
    """

    name: str
    message: str
    session: str | None = None
    prepare: Prepare = _nothing
    arguments: tuple[str, ...] = ("render", "session.toml", "--out", "mixed")
    code: int = 2
    environ: Mapping[str, str] = field(default_factory=dict)


SERVE = ("serve", "--runtime-dir", "run")
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
        prepare=_made("folder"),
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
        prepare=_written("session.toml", b"\xff\xfe"),
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
        prepare=_made("a.wav"),
    ),
    Case(
        "not audio",
        "audio file a.wav cannot be read (Error opening 'a.wav': Format not recognised); expected a format such as "
        "WAV, AIFF, FLAC, OGG or MP3.",
        session=TRACK,
        prepare=_written("a.wav", b"not audio"),
    ),
    Case(
        "too many channels",
        "audio file a.wav has 4 channels; expected mono or stereo: export it so.",
        session=TRACK,
        prepare=_audio(channels=4),
    ),
    Case(
        "empty audio",
        "audio file a.wav is empty; expected at least one sample.",
        session=TRACK,
        prepare=_audio(frames=0),
    ),
    Case(
        "NaN in the audio",
        "audio file a.wav contains NaN or infinite samples; export it again.",
        session=TRACK,
        prepare=_audio(value=float("nan")),
    ),
    Case(
        "output folder is a file",
        "output folder mixed is a file; name a folder.",
        session=TRACK,
        prepare=_both(_audio(), _written("mixed", b"mine")),
    ),
    Case(
        "plugin missing",
        "plugin nowhere.vst3 does not exist; build it with: make plugin",
        session=TRACK,
        prepare=_audio(),
        arguments=("render", "session.toml", "--plugin", "nowhere.vst3"),
    ),
    Case(
        "output folder inside a file",
        "output folder a.wav/mixed cannot be made (a.wav is a file); choose another one.",
        session=TRACK,
        prepare=_audio(),
        arguments=("render", "session.toml", "--out", "a.wav/mixed"),
    ),
    Case(
        "unknown model in the session",
        "the render's service did not start: model 'magic' is unknown; expected one of: equal-loudness, raw.",
        session='[session]\nmodel = "magic"\n' + TRACK,
        prepare=_audio(),
    ),
    Case(
        "port in use",
        "TCP port {port} on 127.0.0.1 is in use; expected a free one: choose another with --tcp PORT, "
        "or --tcp 0 for any.",
        arguments=(*SERVE, "--tcp", "{port}"),
        prepare=_made("run"),
    ),
    Case(
        "port out of range",
        "TCP port '70000' cannot be used; expected a number from 0 to 65535.",
        arguments=(*SERVE, "--tcp", "70000"),
    ),
    Case(
        "port in the environment is no number",
        "TCP port 'auto' cannot be used; expected a number from 0 to 65535.",
        arguments=SERVE,
        environ={"HYBRIDMIX_TCP": "auto"},
    ),
    Case(
        "switch in the environment",
        "HYBRIDMIX_QUIET is 'yes'; expected 0 or 1.",
        arguments=SERVE,
        environ={"HYBRIDMIX_QUIET": "yes"},
    ),
    Case(
        "unknown model",
        "model 'magic' is unknown; expected one of: equal-loudness, raw.",
        arguments=(*SERVE, "--model", "magic"),
    ),
    Case(
        "model file missing",
        "model file models/equal_loudness.onnx cannot be read (No such file or directory); install hybridmix "
        "again, or start with: hybridmix serve --model raw",
        arguments=SERVE,
        prepare=_made("models"),
        environ={"HYBRIDMIX_MODELS_DIR": "models"},
    ),
    Case(
        "model file of another model",
        "model file models/equal_loudness.onnx has inputs ['audio', 'gain_db', 'held', 'peak'] and outputs "
        "['held_out', 'peak_out', 'trim_db']; expected ['energy', 'filled', 'gain_in', 'known_in', 'present', 'window'] "
        "and ['filled_out', 'gain_db', 'known', 'window_out']: install hybridmix again.",
        arguments=SERVE,
        prepare=_both(_wrong_model, _made("run")),
        environ={"HYBRIDMIX_MODELS_DIR": "models"},
    ),
    Case(
        "second start",
        "a HybridMix service (pid {pid}) already runs in {folder}/run; stop it first, or set HYBRIDMIX_RUNTIME_DIR "
        "to another folder.",
        arguments=SERVE,
        prepare=_running,
        code=1,
    ),
    Case(
        "runtime folder open to others",
        "runtime folder {folder}/run has mode 0755; expected 0700: run chmod 700 {folder}/run",
        arguments=SERVE,
        prepare=_made("run", 0o755),
    ),
    Case(
        "runtime folder is a symbolic link",
        "runtime folder {folder}/run is a symbolic link; expected a real folder: remove it, or set "
        "HYBRIDMIX_RUNTIME_DIR to a folder of your own.",
        arguments=SERVE,
        prepare=_linked,
    ),
    Case(
        "runtime folder is a file",
        "runtime folder {folder}/run is not a folder; expected one: remove it, or set HYBRIDMIX_RUNTIME_DIR "
        "to a folder of your own.",
        arguments=SERVE,
        prepare=_written("run", b""),
    ),
    Case(
        "runtime folder cannot be made",
        "runtime folder {folder}/gone/run cannot be made (No such file or directory); set HYBRIDMIX_RUNTIME_DIR "
        "to a folder that can be.",
        arguments=("serve", "--runtime-dir", "gone/run"),
    ),
    Case(
        "runtime folder too long for a socket",
        "socket path /"
        + 100 * "r"
        + "/service.sock has 114 bytes; expected at most 100: set HYBRIDMIX_RUNTIME_DIR "
        "to a shorter path.",
        arguments=("serve",),
        environ={"HYBRIDMIX_RUNTIME_DIR": "/" + 100 * "r"},
    ),
    Case(
        "trace in a folder that is not there",
        "trace file gone/trace.bin cannot be written (No such file or directory); name a file in an existing folder.",
        arguments=(*SERVE, "--trace", "gone/trace.bin"),
        prepare=_made("run"),
    ),
    Case(
        "status without a service",
        "no HybridMix service runs in run; start it with: hybridmix serve",
        arguments=("status", "--runtime-dir", "run"),
        code=1,
    ),
    Case(
        "discovery file open to others",
        "discovery file run/service.json is open to others; expected mode 0600 and user {user}: remove it and start "
        "the service again with: hybridmix serve",
        arguments=("status", "--runtime-dir", "run"),
        prepare=_published(b"{}", 0o644),
    ),
    Case(
        "discovery file damaged",
        "discovery file run/service.json cannot be read (Object missing required field `protocol`); start the "
        "service again with: hybridmix serve",
        arguments=("status", "--runtime-dir", "run"),
        prepare=_published(b"{}", 0o600),
    ),
]


@pytest.fixture(scope="module")
def busy_port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener.getsockname()[1]


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service sets up logging for a process of its own."""
    logger = logging.getLogger("hybridmix")
    for name, value in (("handlers", []), ("level", logger.level), ("propagate", logger.propagate)):
        monkeypatch.setattr(logger, name, value)


def _files(folder: Path) -> dict[str, bytes]:
    """Everything in ``folder`` but the lock, which stays on purpose."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
        if path.name != discovery.LOCK
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_message_exit_code_and_nothing_left_behind(
    case: Case,
    tmp_path: Path,
    busy_port: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fill(text: str) -> str:
        values = {"folder": tmp_path, "pid": os.getpid(), "port": busy_port, "user": os.getuid()}
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    monkeypatch.chdir(tmp_path)
    for variable in [name for name in os.environ if name.startswith("HYBRIDMIX_")]:
        monkeypatch.delenv(variable)
    for variable, value in case.environ.items():
        monkeypatch.setenv(variable, value)
    if case.session is not None:
        (tmp_path / "session.toml").write_text(case.session)
    with case.prepare(tmp_path):
        before = _files(tmp_path)
        with pytest.raises(SystemExit) as end:
            main([fill(argument) for argument in case.arguments])
    said = capsys.readouterr()
    assert said.err == f"error: {fill(case.message)}\n"
    assert said.out == ""
    assert end.value.code == case.code
    assert _files(tmp_path) == before


def test_an_error_that_is_kept_does_not_keep_the_plugins_of_its_session(tmp_path: Path) -> None:
    _audio(value=float("nan"))(tmp_path)
    with (
        pytest.raises(InputError) as kept,
        MixSession([MixTrack(tmp_path / "a.wav", "a")]) as session,
    ):
        session.render()
    with MixSession([MixTrack(np.zeros(48000, np.float32), "b")], sample_rate=48000) as session:
        assert session.render().report.complete
    assert "NaN" in str(kept.value)
