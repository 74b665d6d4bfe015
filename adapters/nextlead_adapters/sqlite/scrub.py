"""Make the bytes go that SQLite leaves lying in its pages.

`secure_delete` overwrites rows that are deleted and pages that are freed. But when a page is split or joined, SQLite
moves rows to other pages, and what they were stays behind in the space between a page's cell pointers and its cells:
there, a row that was moved before it was deleted can still be read. So, after personal data was deleted:

1. The log is emptied into the file and begins anew, by which other connections know that the pages they keep in memory
   may be old; this one, which did it, is told to drop its own. From here on nothing can bring back what is in a page's
   unallocated space but that page itself.
2. The file is read, page by page, for unallocated space that is not zero.
3. Those pages are cleaned in the file itself: under the right to write, inside a write transaction that keeps strangers
   off, with the log emptied before, so that nothing else writes to the file meanwhile and no newer page waits to be
   copied over it. Only bytes that mean nothing to SQLite are written, so readers are not disturbed, and a crash leaves
   pages that are clean or not, but whole.
4. What was cut and what was overwritten is synced, which SQLite has no reason to do: else a loss of power could bring
   back the old log, and with it the old pages. `tests/crash/test_power_loss.py` guards it.

The file is read and written through a descriptor of our own. POSIX drops a process's locks on a file with the first
descriptor that is closed, so it is opened with the store and closed after the last connection.
"""

import os
import sqlite3
from collections.abc import Iterator
from typing import Final

BATCH: Final = 64
"""Pages that are read at once; the interpreter's lock is given up between."""
_HEADER_BYTES: Final = 100
_INTERIOR: Final = frozenset({2, 5})
_KINDS: Final = _INTERIOR | {10, 13}
_PAGES_MAX: Final = 1 << 25
"""Beyond it (128 GiB) an overflow page can begin like a page of a tree."""
_PATIENCE_MS: Final = 50


class LogIsRead(Exception):
    """A reader holds on to the log, so it can't be emptied now."""


class Shape:
    """Page size and count of a database file whose log is empty."""

    def __init__(self, fd: int) -> None:
        header = os.pread(fd, _HEADER_BYTES, 0)
        size = int.from_bytes(header[16:18], "big")
        self.page_bytes = 65_536 if size == 1 else size
        self.usable = self.page_bytes - header[20]
        self.pages = int.from_bytes(header[28:32], "big")
        self.plain = self.pages < _PAGES_MAX and not any(header[52:56])
        """Whether pages tell what they are: not in a very large file, nor with auto-vacuum."""


def empty_log(db: sqlite3.Connection) -> None:
    """Copy all of the log into the file and cut it to nothing, for good. Raises `LogIsRead`."""
    (usual,) = db.execute("PRAGMA busy_timeout").fetchone()
    db.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}").fetchall()
    try:
        busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        db.execute(f"PRAGMA busy_timeout = {usual}").fetchall()
    if busy:
        raise LogIsRead
    _sync_log(db)


def _sync_log(db: sqlite3.Connection) -> None:
    """SQLite has no locks on the log itself, so it may be opened and closed."""
    (_, _, path) = db.execute("PRAGMA database_list").fetchone()
    fd = os.open(f"{path}-wal", os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def shape_of(_db: sqlite3.Connection, fd: int) -> Shape:
    """The file's."""
    return Shape(fd)


def find(_db: sqlite3.Connection, fd: int, first: int, count: int) -> list[int]:
    """The pages among `count` from `first` (which counts from 1) that have something left in unallocated space.

    It is run by the connection that makes checkpoints, so that none runs meanwhile.
    """
    shape = Shape(fd)
    return [no for no, page in _pages(fd, shape, first, count) if next(_left(no, page, shape), None)]


def clean(db: sqlite3.Connection, fd: int, pages: list[int]) -> None:
    """Overwrite the unallocated space of these pages, for good; the caller holds the right to write.

    Raises `LogIsRead`.
    """
    empty_log(db)
    db.execute("BEGIN IMMEDIATE")
    try:
        shape = Shape(fd)
        for no in pages:
            page = os.pread(fd, shape.page_bytes, (no - 1) * shape.page_bytes)
            for start, end in _left(no, page, shape):
                os.pwrite(fd, bytes(end - start), (no - 1) * shape.page_bytes + start)
        if pages:
            os.fsync(fd)
    finally:
        db.execute("ROLLBACK")
    db.execute("PRAGMA shrink_memory").fetchall()


def _pages(fd: int, shape: Shape, first: int, count: int) -> Iterator[tuple[int, bytes]]:
    last = min(first + count - 1, shape.pages)
    for at in range(first, last + 1, BATCH):
        many = os.pread(fd, min(BATCH, last + 1 - at) * shape.page_bytes, (at - 1) * shape.page_bytes)
        for i in range(len(many) // shape.page_bytes):
            yield at + i, many[i * shape.page_bytes : (i + 1) * shape.page_bytes]


def _left(no: int, page: bytes, shape: Shape) -> Iterator[tuple[int, int]]:
    """Where something is left in a page of a tree, from and to: between pointers and cells, and in freed cells."""
    at = _HEADER_BYTES if no == 1 else 0
    kind = page[at]
    if kind not in _KINDS:
        return
    start = at + (12 if kind in _INTERIOR else 8) + 2 * _short(page, at + 3)
    end = _short(page, at + 5) or 65_536
    if start <= end <= shape.usable and page[start:end].strip(b"\0"):
        yield start, end
    free = _short(page, at + 1)
    while free and free + 4 <= shape.usable:
        following, size = _short(page, free), _short(page, free + 2)
        if free + size <= shape.usable and page[free + 4 : free + size].strip(b"\0"):
            yield free + 4, free + size
        free = following if following > free else 0


def _short(page: bytes, at: int) -> int:
    return page[at] << 8 | page[at + 1]
