"""The folder for files that are worked on: uploads, originals that are cut. Nothing stays in it.

Each daemon has one of its own, and holds a lock in it for as long as it lives: an owner and its standby may run in one
place. What lies there and nobody holds was left by a daemon that was killed, and may hold personal data (SPEC R10.6).
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from nextlead.ports import StoreRefused

PREFIX: Final = "nextlead-"
"""What all of ours begin with; anything else is left alone."""
_LOCK: Final = "lock"


@contextmanager
def scratch(store: Path | None) -> Iterator[Path | None]:
    """A folder in `leads.tmp` beside `leads.db`; None, the system's, for a store that keeps nothing.

    What was left there is deleted. Call it while the store is claimed. Raises `StoreRefused` when it can't be made.
    """
    if store is None:
        yield None
        return
    place = store.with_suffix(".tmp")
    folder = place / f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        _empty(place)
        folder.mkdir(mode=0o700)
        lock = (folder / _LOCK).open("w")  # another daemon that starts now may take the folder for left
    except OSError as problem:
        raise StoreRefused(f"the folder for uploads, {place}, can't be used: {problem.strerror}") from None
    with lock:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a worker that outlives us does not hold it on
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
            with suppress(OSError):  # somebody else's is in it
                place.rmdir()


def _empty(place: Path) -> None:
    for left in place.glob(f"{PREFIX}*"):
        if not left.is_dir():
            left.unlink()
        elif not _is_held(left / _LOCK):
            shutil.rmtree(left)


def _is_held(lock: Path) -> bool:
    """Whether another process holds it."""
    try:
        with lock.open("r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
