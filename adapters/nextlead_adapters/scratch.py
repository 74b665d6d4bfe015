"""The folder for files that are worked on: uploads, originals that are cut. Nothing stays in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from nextlead.ports import StoreRefused

PREFIX: Final = "nextlead-"
"""What all of ours begin with; anything else is left alone."""


@contextmanager
def scratch(store: Path | None) -> Iterator[Path | None]:
    """A folder beside the store, `leads.tmp` for `leads.db`; None, the system's, for a store that keeps nothing.

    Call it while the store is claimed: what a daemon left there that was killed is deleted, as it may hold personal
    data (SPEC R10.6). Raises `StoreRefused` when the folder can't be made or emptied.
    """
    if store is None:
        yield None
        return
    folder = store.with_suffix(".tmp")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        _empty(folder)
    except OSError as problem:
        raise StoreRefused(f"the folder for uploads, {folder}, can't be used: {problem.strerror}") from None
    try:
        yield folder
    finally:
        _empty(folder)
        if not any(folder.iterdir()):
            folder.rmdir()


def _empty(folder: Path) -> None:
    for left in folder.glob(f"{PREFIX}*"):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()
