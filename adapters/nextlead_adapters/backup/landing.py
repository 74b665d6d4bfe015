"""Files that are there whole or not at all: written beside, synced, then given their name."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nextlead.ports import StoreRefused


@contextmanager
def landing(file: Path, *, over: bool = False) -> Iterator[Path]:
    """A path beside `file`, where nothing is yet. What was written there by the end of the block becomes `file`.

    When the block raises, it goes. A file that is there already is refused (`StoreRefused`), and stays, unless `over`.
    """
    check_free(file, over=over)
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        yield part
        place(part, file, over=over)
    finally:
        part.unlink(missing_ok=True)


def check_free(file: Path, *, over: bool = False) -> None:
    """Raises `StoreRefused` unless a file of this name may be put there."""
    if not file.parent.is_dir():
        raise StoreRefused(f"there is no folder {file.parent}")
    if file.is_dir():
        raise StoreRefused(f"{file} is a folder; name a file in it")
    if file.exists() and not over:
        raise StoreRefused(f"{file} is there already")
    for beside in (Path(f"{file}.lock"), Path(f"{file}-wal")):
        if over and file.exists() and beside.exists():
            raise StoreRefused(f"{file} is a daemon's store, for {beside.name} is beside it, and is not replaced")


def place(part: Path, file: Path, *, over: bool = False) -> None:
    """Make a complete file last, under its name; raises `StoreRefused` if somebody was faster. `part` may stay."""
    _sync(part, os.O_RDWR)
    if over:
        part.replace(file)
    else:
        _name(part, file)
    _sync(file.parent, os.O_RDONLY)


def _name(part: Path, file: Path) -> None:
    try:
        os.link(part, file)
    except FileExistsError:
        raise StoreRefused(f"{file} is there already") from None
    except PermissionError:  # file systems without hard links
        check_free(file)
        part.replace(file)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
