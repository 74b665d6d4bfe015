"""One file that is open: its lock, its connections, and the right to write, which all its stores share.

1. `lock` is held around everything that writes, so the two writing connections never wait for each other inside SQLite.
2. The writer's connection is synchronous FULL: when its statement returns, the commit is on the disk. Folding and
   checkpoints go through `back` at NORMAL.
3. Each store reads by a connection of its own, and waits neither for commits nor for others who read. For reading only
   there is one connection with one transaction: everything is read as of one moment, whatever the owner does.
"""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from nextlead.ports import StoreError, StoreRefused

from . import files, schema
from .connection import FULL, NORMAL, Connection, connect, connect_reader
from .upkeep import Upkeep

_NOT_SYNCED: Final = frozenset({sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC})


class DatabaseFile:
    """See above. `open`, then `claim` to write; `close`."""

    writer: Connection
    back: Connection
    upkeep: Upkeep
    _standing: files.Standing

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self.read_only = read_only
        self.lock = asyncio.Lock()
        self.claimed = False
        self.in_use: set[int] = set()
        """Organisations whose stores are claimed."""
        self._process_lock = files.Lock(self.path)
        self._connections: list[Connection] = []
        self._snapshot: Connection | None = None
        self._fd: int | None = None
        self._distrust = ""
        self._commits = 0

    async def open(self) -> None:
        """Check the file, and make it, empty, when it is not there. Raises `StoreRefused`."""
        with self.refusing():
            files.check_place(self.path)
            if not self.read_only:
                files.create(self.path)
            if not self._process_lock.held_here():
                files.check_header(self.path)  # it reads the file, and SQLite's locks would not survive that
                if not self.read_only:
                    await self._check_nothing_is_missing()
            if self.read_only:
                await self._open_snapshot()
            else:
                self.writer = await self._keep(await connect(self.path, FULL))
                await self.writer.run(schema.version)

    async def bring_up(self) -> None:
        """Make the tables, or bring those of an older version up, under the process's lock. Raises `StoreRefused`."""
        with self.refusing():
            if not self.read_only and await self.writer.run(schema.version) < len(schema.MIGRATIONS):
                self._process_lock.take()
                await self.writer.run(schema.migrate)

    async def claim(self) -> None:
        """Become the process that writes, until `close`. Raises `StoreRefused` naming the process that does."""
        if self.read_only:
            raise StoreRefused(f"{self.path} was opened for reading only")
        with self.refusing():
            self._process_lock.take()
            await self.bring_up()
            self._fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            self.back = await self._keep(await connect(self.path, NORMAL))
            self._standing = files.Standing(self.path)
            self.upkeep = Upkeep(self.back, self._fd, self.lock)
            await self.upkeep.begin()
            self._commits = await self.writer.run(_commits)
            self.claimed = True

    def check(self) -> None:
        """Call before every commit. Raises `StoreRefused` when what is written would not be found again."""
        if self._distrust:
            raise StoreRefused(self._distrust)
        self._standing.check()

    def failure(self, error: Exception) -> StoreError | StoreRefused:
        """What to raise for an error of SQLite's or of a decoder.

        After a sync that failed nothing may be tried again: the system takes what it could not write for written, so
        the next sync would be taken although a part of the log in the middle is not on the disk.
        """
        if getattr(error, "sqlite_errorcode", 0) in _NOT_SYNCED:
            self._distrust = f"{self.path} can't be trusted: the disk did not take a sync ({error})"
        return StoreRefused(self._distrust) if self._distrust else StoreError(str(error))

    def done(self) -> None:
        """Call after every commit that is durable."""
        self._commits += 1
        self._process_lock.note(self._commits)

    def asking(self) -> Connection:
        """A connection for a short question that is not a store's."""
        return self._snapshot or self.writer

    async def reader(self) -> Connection:
        """A connection to read by; give it to `give_back`."""
        return self._snapshot or await self._keep(await connect_reader(self.path))

    async def give_back(self, reader: Connection) -> None:
        """Close it, unless others read by it."""
        if reader is not self._snapshot and reader in self._connections:
            self._connections.remove(reader)
            await reader.close()

    async def close(self) -> None:
        """Leave no log behind, if the disk lets it, and give the lock back. Harmless twice."""
        if self.claimed:
            self.claimed = False
            await self.upkeep.finish()
        while self._connections:
            await self._connections.pop().close()
        if self._fd is not None:
            os.close(self._fd)  # after the connections: see scrub.py
            self._fd = None
        self._process_lock.give_back()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """What SQLite, the system or a decoder can't read or write is a file that can't be used."""
        try:
            yield
        except OSError as error:
            raise StoreRefused(f"{self.path} can't be used: {error.filename}: {error.strerror}") from error
        except (sqlite3.Error, UnicodeDecodeError, msgspec.DecodeError) as error:
            raise StoreRefused(f"{self.path} can't be used: {error}") from error

    async def _check_nothing_is_missing(self) -> None:
        """Raises `StoreRefused` if commits that were durable are not there: the log is damaged, or was deleted.

        SQLite reads a damaged log up to the damage, and does without a deleted one, and says nothing. So this is asked
        before anything is opened that writes: the last to close the file would take the log along.
        """
        lock = self._process_lock
        try:
            lock.take()
        except StoreRefused:
            return  # somebody is at work on it; `claim` says who
        try:
            if lock.acknowledged:
                reader = await connect_reader(self.path)
                try:
                    found = await reader.run(_commits)
                finally:
                    await reader.close()
                if found < lock.acknowledged:
                    raise StoreRefused(
                        f"{self.path} has {found} commits, but {lock.acknowledged} were acknowledged: its log, "
                        f"{self.path.name}-wal, is damaged or missing. Put it back, or a backup in the place of the "
                        f"database; to go on with what is there, delete {self.path.name}.lock"
                    )
        finally:
            lock.give_back()

    async def _open_snapshot(self) -> None:
        self._snapshot = await self._keep(await connect_reader(self.path))
        await self._snapshot.run(_begin)
        found = await self._snapshot.run(schema.version)
        if not found:
            raise StoreRefused(f"{self.path} is empty")
        if found < len(schema.MIGRATIONS):
            raise StoreRefused(f"{self.path} is of an older version; migrate it first")

    async def _keep(self, connection: Connection) -> Connection:
        self._connections.append(connection)
        return connection


def _begin(db: sqlite3.Connection) -> None:
    db.execute("BEGIN")


def _commits(db: sqlite3.Connection) -> int:
    """Of all organisations."""
    if not schema.version(db):
        return 0
    newest = "SELECT max(no) FROM journal WHERE org = owner.org"
    return int(db.execute(f"SELECT coalesce(sum(({newest})), 0) FROM owner").fetchone()[0])
