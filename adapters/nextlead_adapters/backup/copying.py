"""Copies a SQLite store into a new file while a daemon works on it.

Rules of this file:

1. The copy is made by `VACUUM INTO`, in a thread and on a connection of its own. It reads one snapshot, so the copy has
   every commit up to one number and nothing of a later one; and it writes rows, not pages, so what was erased and still
   lay in a page's gaps is not in it (SPEC R10.6).
2. Nobody waits for it: readers don't block commits. But while it reads, the log can't begin anew; it grows by what is
   committed meanwhile, and is cut at the next checkpoint after. Erasing waits for it, too.
3. The store's own file is never opened but through SQLite: closing a descriptor of it would drop the daemon's locks.
4. It does not begin without room for all of it and some more: who fills the disk stops the daemon.
"""

import asyncio
import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Final

from nextlead.ports import StoreError, StoreRefused

from .contents import reader

ROOM_LEFT_BYTES: Final = 256 * 1024 * 1024
"""What must be left on the disk of the store when the copy is there."""
_PATIENCE_S: Final = 2.0


class NoRoom(StoreError):
    """The disk has not enough room for a copy; the message says how much it takes."""


async def copy_store(source: Path, target: Path, *, spare_bytes: int = 0) -> None:
    """Copy the store into `target`, which must not be there; readable by its user only, not synced.

    Cancelling it ends the copy, and leaves nothing behind. Raises `NoRoom` when less than `spare_bytes` would be left,
    `StoreRefused` for what can't be read, `StoreError` when it can't be written.
    """
    _begin(source, target)
    try:
        with closing(_reader(source)) as db:
            _check_room(db, target, spare_bytes)
            await _run(db, "VACUUM INTO ?", str(target))
    except BaseException as error:
        drop(target)
        if isinstance(error, sqlite3.Error):
            raise _explained(error, source, target) from error
        raise


def _begin(source: Path, target: Path) -> None:
    if not source.exists():
        raise StoreRefused(f"there is no store {source}")
    make_private(target)


def make_private(target: Path) -> None:
    """An empty file for its user only; SQLite would make one that all can read."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, stat.S_IRUSR | stat.S_IWUSR))


def drop(target: Path) -> None:
    """The file goes, with what SQLite may have laid beside it."""
    for path in (target, target.with_name(target.name + "-journal")):
        path.unlink(missing_ok=True)


def _reader(source: Path) -> sqlite3.Connection:
    """Not synced: who needs the copy to last syncs it, once, when it is where it is to be."""
    db = reader(source, _PATIENCE_S)
    db.execute("PRAGMA synchronous = OFF")
    return db


def _check_room(db: sqlite3.Connection, target: Path, spare_bytes: int) -> None:
    names = ("page_count", "freelist_count", "page_size")
    pages, free, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    refuse_without_room((pages - free) * size, target, spare_bytes)


def refuse_without_room(needed: int, target: Path, spare_bytes: int) -> None:
    """Raises `NoRoom` when a file of about so many bytes would leave less than `spare_bytes`."""
    there = shutil.disk_usage(target.parent).free
    if there < needed + spare_bytes:
        raise NoRoom(
            f"a copy of the store takes about {needed:,} bytes in {target.parent}, where {there:,} are free"
            + (f" and {spare_bytes:,} must stay free" if spare_bytes else "")
        )


async def _run(db: sqlite3.Connection, statement: str, *values: object) -> None:
    """The statement in a thread; when this is cancelled it is broken off, and has ended when this ends."""
    running = asyncio.ensure_future(asyncio.to_thread(db.execute, statement, values))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():  # it may not have begun, and then an interrupt would be forgotten
            db.interrupt()
            await asyncio.wait([running], timeout=0.05)
        running.exception()
        raise


def _explained(error: sqlite3.Error, source: Path, target: Path) -> Exception:
    """In words for people: whose disk it is, or whose damage."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return NoRoom(f"the disk of {target.parent} is full")
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return StoreRefused(f"{source} can't be copied, it is damaged or no database: {error}")
    return StoreError(f"{source} can't be copied into {target.parent} now: {error}")
