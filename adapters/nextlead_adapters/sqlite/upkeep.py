"""What the file needs behind the commits: checkpoints of the write-ahead log, and that no byte is left of what went.

A checkpoint does not hold the right to write, but for the short last pass that lets the log start over. Scrubbing holds
it for single slices (`scrub.py`).
"""

import asyncio
import sqlite3
from typing import Final

from nextlead.ports import StoreError

from ..journalled.slices import batches
from . import scrub
from .connection import Connection

PAGES: Final = 8_192
"""Pages written by all stores of the file, roughly, before the log is checkpointed."""
_LOG_MAX: Final = 16_384
"""Pages in the log (64 MiB) above which a checkpoint waits for it to be empty."""
_LAST_PASS: Final = 512
"""Pages that may be left for the pass that commits wait for."""
_SCANNED: Final = 1_024
"""Pages that are looked at in one go."""
_CLEANED: Final = 256
"""Pages that are cleaned in one slice."""
_TRIES: Final = 100
"""How often the log is tried to be emptied while somebody reads it, each for a twentieth of a second."""


class Upkeep:
    """Of one file, by the connection that also folds. `lock` is the right to write; `fd` the file, see `scrub.py`."""

    def __init__(self, connection: Connection, fd: int, lock: asyncio.Lock) -> None:
        self._connection = connection
        self._fd = fd
        self._lock = lock
        self._pages = 0
        self._scrubbing = asyncio.Lock()

    async def begin(self) -> None:
        """Copy what an earlier process left in the log into the database.

        That one may have ended because the disk did not take a sync. Then the system still has the log as it was
        written, and takes it for synced, while the disk has not: nothing may be written behind such a part.
        """
        await self._connection.run(_checkpoint, "TRUNCATE")

    def note(self, pages: int) -> None:
        """A commit wrote about so many pages."""
        self._pages += pages

    def due(self) -> bool:
        """Whether it is time for `tend`."""
        return self._pages >= PAGES

    async def tend(self) -> None:
        """Copy the log into the database.

        The log starts over when a commit comes and all of it is copied; under load that moment has to be made.
        """
        self._pages = 0
        log, copied = await self._connection.run(_checkpoint, "PASSIVE")
        while log > _LOG_MAX and log - copied > _LAST_PASS:
            before = log - copied
            log, copied = await self._connection.run(_checkpoint, "PASSIVE")
            if log - copied >= before:
                break
        if log > _LOG_MAX:
            async with self._lock:
                await self._connection.run(_checkpoint, "PASSIVE")

    async def finish(self) -> None:
        """Empty the log before the file is closed, if the disk and others let it."""
        try:
            await self._connection.run(_checkpoint, "TRUNCATE")
        except sqlite3.Error:
            return

    async def scrub(self) -> None:
        """See `scrub.py`; of two stores that erase, one after the other. Raises `StoreError`."""
        async with self._scrubbing:
            await self._connection.run(_checkpoint, "PASSIVE")
            await self._clean([])
            shape = await self._connection.run(scrub.shape_of, self._fd)
            if not shape.plain:
                async with self._lock:
                    await self._connection.run(_vacuum)
            found: list[int] = []
            for first in range(1, shape.pages + 1, _SCANNED) if shape.plain else ():
                found += await self._connection.run(scrub.find, self._fd, first, _SCANNED)
            for pages in batches(found, _CLEANED):
                await self._clean(pages)
            await self._clean([])

    async def _clean(self, pages: list[int]) -> None:
        for _ in range(_TRIES):
            async with self._lock:
                try:
                    await self._connection.run(scrub.clean, self._fd, pages)
                except scrub.LogIsRead:
                    continue
                return
        raise StoreError("the log can't be emptied: somebody else reads the database")


def _checkpoint(db: sqlite3.Connection, mode: str) -> tuple[int, int]:
    """Pages in the log, and how many of them are in the database now."""
    _, log, copied = db.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    return log, copied


def _vacuum(db: sqlite3.Connection) -> None:
    """The last resort, for files whose pages can't be told apart: everything waits until all of it is written anew."""
    db.execute("VACUUM")
