"""How plugins find the service: a private folder, a lock that says who is alive, one small file.

The folder has mode 0700 and belongs to the user; both sides check that before they use anything in it,
because whoever can write there could pose as the service. The lock, not the pid, decides whether the
discovery file is stale: the system drops a lock when its holder dies, whatever the reason.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from hybridmix.errors import HybridMixError, InputError

__all__ = [
    "Discovery",
    "Lock",
    "check_folder",
    "find",
    "open_folder",
    "publish",
    "runtime_folder",
    "withdraw",
]

LOCK = "service.lock"
FILE = "service.json"
SOCKET = "service.sock"
#: Longest path of a socket in characters; the system's own limit is a few more.
MAX_SOCKET_PATH = 100
#: A client that looks whether the lock is held does so for microseconds; a service stays.
_LOCK_PATIENCE_S = 0.3


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """Content of ``service.json``."""

    protocol: tuple[int, int]
    endpoint: str
    pid: int
    #: 32 random bytes in hex, new at every start; never leaves this file and its readers.
    token: str
    version: str


def runtime_folder(environ: Mapping[str, str]) -> Path:
    """The folder that ``environ`` asks for; it need not exist."""
    if own := environ.get("HYBRIDMIX_RUNTIME_DIR"):
        return Path(own)
    if shared := environ.get("XDG_RUNTIME_DIR"):
        return Path(shared) / "hybridmix"
    return Path(f"/tmp/hybridmix-{os.getuid()}")


def check_folder(folder: Path) -> None:
    """Raise InputError unless ``folder`` is a real folder of ours with mode 0700."""
    fix = "set HYBRIDMIX_RUNTIME_DIR to a folder of your own"
    try:
        found = folder.lstat()
    except OSError as error:
        raise InputError(f"runtime folder {folder} cannot be read ({error.strerror}); {fix}.") from error
    if stat.S_ISLNK(found.st_mode):
        raise InputError(
            f"runtime folder {folder} is a symbolic link; expected a real folder: remove it, or {fix}."
        )
    if not stat.S_ISDIR(found.st_mode):
        raise InputError(f"runtime folder {folder} is not a folder; expected one: remove it, or {fix}.")
    if found.st_uid != os.getuid():
        raise InputError(
            f"runtime folder {folder} belongs to user {found.st_uid}; expected user {os.getuid()}: {fix}."
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode != 0o700:
        raise InputError(
            f"runtime folder {folder} has mode {mode:04o}; expected 0700: run chmod 700 {folder}"
        )


def open_folder(folder: Path) -> Path:
    """Create ``folder`` if it is missing and check it; returns its absolute path. Raises InputError."""
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow a symbolic link
    socket = str(folder / SOCKET)
    if len(os.fsencode(socket)) > MAX_SOCKET_PATH:
        raise InputError(
            f"socket path {socket} has {len(os.fsencode(socket))} bytes; expected at most {MAX_SOCKET_PATH}: "
            "set HYBRIDMIX_RUNTIME_DIR to a shorter path."
        )
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise InputError(
            f"runtime folder {folder} cannot be made ({error.strerror}); "
            "set HYBRIDMIX_RUNTIME_DIR to a folder that can be."
        ) from error
    check_folder(folder)
    return folder


class Lock:
    """Exclusive lock of the service on its folder, held until `release` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Take the lock in ``folder`` or raise HybridMixError with the holder's pid."""
        self._file = _open_lock(folder, os.O_RDWR | os.O_CREAT)
        give_up = time.monotonic() + _LOCK_PATIENCE_S
        while not _try_lock(self._file, fcntl.LOCK_EX):
            if time.monotonic() > give_up:
                holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip() or "unknown"
                os.close(self._file)
                raise HybridMixError(
                    f"a HybridMix service (pid {holder}) already runs in {folder}; stop it first, "
                    "or set HYBRIDMIX_RUNTIME_DIR to another folder."
                )
            time.sleep(0.01)
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would let two services hold two locks."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


def _open_lock(folder: Path, flags: int) -> int:
    return os.open(folder / LOCK, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _try_lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def publish(folder: Path, discovery: Discovery) -> None:
    """Write ``service.json`` with mode 0600, whole or not at all."""
    new = folder / f"{FILE}.{os.getpid()}"
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as stream:
        stream.write(msgspec.json.encode(discovery))
    new.replace(folder / FILE)


def withdraw(folder: Path) -> None:
    """Remove the discovery file and the socket, and what a killed service left half written."""
    for path in (folder / FILE, folder / SOCKET, *folder.glob(f"{FILE}.*")):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def find(folder: Path) -> Discovery:
    """The running service of ``folder``.

    Raises InputError for a folder that cannot be trusted, HybridMixError where no service runs.
    """
    absent = HybridMixError(f"no HybridMix service runs in {folder}; start it with: hybridmix serve")
    if not folder.exists() and not folder.is_symlink():
        raise absent
    check_folder(folder)
    try:
        lock = _open_lock(folder, os.O_RDONLY)
    except FileNotFoundError:
        raise absent from None
    try:
        if _try_lock(lock, fcntl.LOCK_SH):
            raise absent
        return _read(folder / FILE)
    except FileNotFoundError:
        raise absent from None
    finally:
        os.close(lock)


def _read(path: Path) -> Discovery:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(file, "rb") as stream:
        found = os.fstat(file)
        if found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise InputError(
                f"discovery file {path} is open to others; expected mode 0600 and user {os.getuid()}: "
                "remove it and start the service again with: hybridmix serve"
            )
        content = stream.read(65536)
    try:
        return msgspec.json.decode(content, type=Discovery)
    except msgspec.DecodeError as error:
        raise InputError(
            f"discovery file {path} cannot be read ({error}); start the service again with: hybridmix serve"
        ) from error
