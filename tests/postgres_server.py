"""PostgreSQL servers from the wheel `pgserver`, which nobody has to stop.

Rules of this file:

1. A server is in a folder, and beside the folder is a lock, which all processes that use the server share.
2. Who goes last stops the server, and deletes folder and lock. A process that is killed lets go of the lock, too: who
   comes next ends the servers that nobody uses any more.
3. A lock counts only while its file is there: it may have been deleted by who had it before.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Final

PLACE: Final = Path("/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir())  # noqa: S108
"""In memory where there is such a place: it syncs as it does elsewhere, only no test waits for a disk."""
_PREFIX: Final = "nextlead-test-"
_TRIES: Final = 20
"""For pgserver waits ten seconds until a server has started, and no longer."""


@contextmanager
def shared_server(name: str) -> Iterator[Any]:
    """A server for all who name it so, as pgserver has it."""
    _end_what_nobody_uses()
    folder = PLACE / f"{_PREFIX}{name}"
    with _locked(folder, fcntl.LOCK_SH) as lock:
        folder.mkdir(exist_ok=True)
        try:
            found = _started(folder)
            yield found
            found.cleanup()  # its `cleanup_mode` is none: it only forgets the server
        finally:
            with suppress(BlockingIOError):  # somebody else uses it
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _end(folder)


def _started(folder: Path) -> Any:
    pgserver = _pgserver()
    for _ in range(_TRIES):
        with suppress(subprocess.TimeoutExpired, AssertionError):
            return pgserver.get_server(folder, cleanup_mode=None)
        pgserver.PostgresServer._instances.pop(folder, None)
        time.sleep(1)  # it is still starting
    return pgserver.get_server(folder, cleanup_mode=None)


def _pgserver() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it keeps a lock of its own
        return import_module("pgserver")


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[IO[bytes]]:
    while True:
        with _lock_of(folder).open("ab") as lock:
            fcntl.flock(lock, how)
            if _is_there(lock):
                yield lock
                return


def _is_there(lock: IO[bytes]) -> bool:
    """See rule 3."""
    try:
        return os.path.samestat(Path(lock.name).stat(), os.fstat(lock.fileno()))
    except FileNotFoundError:
        return False


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _end_what_nobody_uses() -> None:
    for path in PLACE.glob(f"{_PREFIX}*.lock"):
        folder = path.with_suffix("")
        with suppress(BlockingIOError, PermissionError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            _end(folder)


def _end(folder: Path) -> None:
    if (folder / "postmaster.pid").exists():
        with suppress(subprocess.CalledProcessError):  # it does not run
            _pgserver().pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=folder, user=folder.stat().st_uid)
    shutil.rmtree(folder, ignore_errors=True)
    _lock_of(folder).unlink(missing_ok=True)
