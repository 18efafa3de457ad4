"""What the user sees, word for word, when a service cannot start or be reached."""

from __future__ import annotations

import pytest

from .cases import SERVE, Case, Judge, both, linked, made, published, running, written, wrong_model

CASES = [
    Case(
        "port in use",
        "TCP port {port} on 127.0.0.1 is in use; expected a free one: choose another with --tcp PORT, "
        "or --tcp 0 for any.",
        arguments=(*SERVE, "--tcp", "{port}"),
        prepare=made("run"),
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
        "model 'magic' is unknown; expected one of: equal-loudness, raw, alm-mr-plus, alm-mr, alm-sr, dmc-b-0l, dmc-og, alm-mr-vggish.",
        arguments=(*SERVE, "--model", "magic"),
    ),
    Case(
        "model file missing",
        "model file models/equal_loudness.onnx cannot be read (No such file or directory); install hybridmix "
        "again, or start with: hybridmix serve --model raw",
        arguments=SERVE,
        prepare=made("models"),
        environ={"HYBRIDMIX_MODELS_DIR": "models"},
    ),
    Case(
        "model file of another model",
        "model file models/equal_loudness.onnx has inputs ['audio', 'gain_db', 'held', 'peak'] and outputs "
        "['held_out', 'peak_out', 'trim_db']; expected ['energy', 'filled', 'gain_in', 'known_in', 'present', 'window'] "
        "and ['filled_out', 'gain_db', 'known', 'window_out']: install hybridmix again.",
        arguments=(*SERVE, "--model", "equal-loudness"),
        prepare=both(wrong_model, made("run")),
        environ={"HYBRIDMIX_MODELS_DIR": "models"},
    ),
    Case(
        "second start",
        "a HybridMix service (pid {pid}) already runs in {folder}/run; stop it first, or set HYBRIDMIX_RUNTIME_DIR "
        "to another folder.",
        arguments=SERVE,
        prepare=running,
        code=1,
    ),
    Case(
        "runtime folder open to others",
        "runtime folder {folder}/run has mode 0755; expected 0700: run chmod 700 {folder}/run",
        arguments=SERVE,
        prepare=made("run", 0o755),
    ),
    Case(
        "runtime folder is a symbolic link",
        "runtime folder {folder}/run is a symbolic link; expected a real folder: remove it, or set "
        "HYBRIDMIX_RUNTIME_DIR to a folder of your own.",
        arguments=SERVE,
        prepare=linked,
    ),
    Case(
        "runtime folder is a file",
        "runtime folder {folder}/run is not a folder; expected one: remove it, or set HYBRIDMIX_RUNTIME_DIR "
        "to a folder of your own.",
        arguments=SERVE,
        prepare=written("run", b""),
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
        prepare=made("run"),
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
        prepare=published(b"{}", 0o644),
    ),
    Case(
        "discovery file damaged",
        "discovery file run/service.json cannot be read (Object missing required field `protocol`); start the "
        "service again with: hybridmix serve",
        arguments=("status", "--runtime-dir", "run"),
        prepare=published(b"{}", 0o600),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_message_exit_code_and_nothing_left_behind(case: Case, judge: Judge) -> None:
    judge(case)
