"""A file with the stores of all organisations."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from nextlead.ports import NeverLost, Organisation, StoreAndArchive, StoreError, StoreRefused

from ..journalled.store import JournalledStore
from .database_file import DatabaseFile
from .tables import SqliteTables


class SqliteDatabase(NeverLost):
    """See `Database`. `read_only` opens a snapshot that can't be claimed: all of it is read as of one moment."""

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self._file = DatabaseFile(path, read_only=read_only)

    async def open(self) -> None:
        """See `Database.open`. A database that was refused is closed."""
        try:
            await self._file.open()
        except BaseException:
            await self.close()
            raise

    async def claim(self, waiting: Callable[[str], None] | None = None) -> None:
        """See `Database.claim`. It never waits: who takes over from a process that holds the file does not see it go.

        A database that was refused is closed.
        """
        del waiting
        if self._file.claimed:
            raise StoreRefused(f"{self._file.path} is in use by process {os.getpid()}")
        try:
            await self._file.claim()
        except BaseException:
            await self.close()
            raise

    def holds(self) -> bool:
        """See `Database.holds`: the operating system's lock can't be lost."""
        return self._file.claimed

    async def organisations(self) -> list[Organisation]:
        """See `Database.organisations`. It is claimed, or for reading only."""
        try:
            return await self._file.asking().run(_organisations)
        except sqlite3.Error as error:
            raise StoreError(f"reading failed: {error}") from error

    async def put(self, organisation: Organisation) -> None:
        """See `Database.put`. The code stays as it was made."""
        if not self._file.claimed:
            raise StoreRefused(f"{self._file.path} is not claimed")
        self._file.check()
        try:
            async with self._file.lock:
                await self._file.writer.run(_put, organisation)
        except sqlite3.Error as error:
            failure = self._file.failure(error)
            raise type(failure)(f"organisation {organisation.code} can't be written: {failure}") from error

    def store(self, no: int) -> StoreAndArchive:
        """See `Database.store`."""
        return JournalledStore(SqliteTables(self._file, no))

    async def close(self) -> None:
        """See `Database.close`. Leaves no log behind, if the disk lets it."""
        await self._file.close()


def _organisations(db: sqlite3.Connection) -> list[Organisation]:
    return [Organisation(*row) for row in db.execute("SELECT no, code, name, created_ms FROM organisation ORDER BY no")]


def _put(db: sqlite3.Connection, made: Organisation) -> None:
    db.execute(
        "INSERT INTO organisation (no, code, name, created_ms) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (no) DO UPDATE SET name = excluded.name",
        (made.no, made.code, made.name, made.created_ms),
    )
