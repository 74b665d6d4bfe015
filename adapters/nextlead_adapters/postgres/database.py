"""The database as a whole: opened, claimed for all organisations at once, asked for the store of one."""

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Final

from nextlead.ports import Organisation, StoreAndArchive, StoreError, StoreRefused

from ..journalled.store import JournalledStore
from . import schema
from .connection import Pool, Server, Snapshot
from .ownership import Ownership, Times
from .tables import PostgresTables
from .writing import refusal

if TYPE_CHECKING:
    from .connection import Db

_PUT: Final = """
WITH mine AS (SELECT epoch FROM owner WHERE epoch = $1::bigint FOR NO KEY UPDATE),
put AS (
    INSERT INTO organisation (no, code, name, created_ms, epoch) SELECT $2::integer, $3, $4, $5, epoch FROM mine
    ON CONFLICT (no) DO UPDATE SET name = excluded.name
),
folding AS (INSERT INTO folding (org, epoch, folded_to) SELECT $2::integer, epoch, 0 FROM mine ON CONFLICT DO NOTHING)
SELECT count(*) FROM mine"""
_KEY_MARK: Final = """
UPDATE owner SET key_mark = coalesce(key_mark, $2) WHERE epoch = $1 RETURNING key_mark"""


class PostgresDatabase:
    """See `ports.Database`. `read_only` reads everything as of the moment of `open`, and never claims."""

    def __init__(self, url: str, times: Times | None = None, *, read_only: bool = False) -> None:
        self.server = Server(url)
        self.name = self.server.shown
        self.ownership = Ownership(self.server, times or Times())
        self.in_use: set[int] = set()
        """Organisations whose stores are claimed."""
        self._pool = None if read_only else Pool(self.server)
        self._snapshot = Snapshot(self.server) if read_only else None

    async def open(self) -> None:
        """See `Database.open`. Raises `StoreRefused` when the server can't be reached, too."""
        try:
            if self._snapshot is not None:
                await self._snapshot.open()
                async with self._snapshot.reader() as db:
                    await schema.check_current(db, self.name)
            else:
                await self._create()
        except StoreError as error:
            await self.close()
            raise StoreRefused(f"{self.name} can't be used: {error}") from error
        except BaseException:
            await self.close()
            raise

    async def claim(self, waiting: Callable[[str], None] | None = None) -> None:
        """See `Database.claim`."""
        if self._pool is None:
            raise StoreRefused(f"{self.name} was opened for reading only")
        if self.ownership.taken:
            raise StoreRefused(f"{self.name} is in use by process {os.getpid()}")
        with self.server.errors():
            await self.ownership.take(waiting)
        await self._pool.start_over()
        async with self.writer() as db:
            await schema.migrate(db)

    def holds(self) -> bool:
        """See `Claim.holds`."""
        return self.ownership.holds()

    async def doubted(self) -> None:
        """See `Database.doubted`. Nobody waits for the server from then on: what was asked of it is cut off."""
        await self.ownership.doubted()
        if self._pool is not None:
            self._pool.cut()

    async def lost(self) -> str:
        """See `Database.lost`."""
        return await self.ownership.lost()

    async def organisations(self) -> list[Organisation]:
        """See `Database.organisations`."""
        async with self.reader() as db:
            found = await db.fetch("SELECT no, code, name, created_ms FROM organisation ORDER BY no")
        return [Organisation(*row) for row in found]

    async def put(self, organisation: Organisation) -> None:
        """See `Database.put`."""
        row = (organisation.no, organisation.code, organisation.name, organisation.created_ms)
        self._check_claimed()
        async with self.writer() as db:
            if not await db.fetchval(_PUT, self.ownership.epoch, *row):
                raise await refusal(db)

    async def knows_key(self, mark: bytes) -> bool:
        """See `Database.knows_key`."""
        async with self.reader() as db:
            return await db.fetchval("SELECT key_mark FROM owner") in (None, mark)

    async def keep_key(self, mark: bytes) -> None:
        """See `Database.keep_key`."""
        async with self.writer() as db:
            if await db.fetchval(_KEY_MARK, self.ownership.epoch, mark) is None:
                raise await refusal(db)

    def store(self, no: int) -> StoreAndArchive:
        """See `Database.store`."""
        return JournalledStore(PostgresTables(self, no))

    async def close(self) -> None:
        """See `Database.close`. Harmless twice."""
        try:
            await self.ownership.give_back()
        finally:
            for sessions in (self._pool, self._snapshot):
                if sessions is not None:
                    await sessions.close()

    def reader(self) -> "AbstractAsyncContextManager[Db]":
        """A session that reads."""
        sessions = self._pool or self._snapshot
        assert sessions is not None
        return sessions.reader()

    def writer(self) -> "AbstractAsyncContextManager[Db]":
        """A session for one transaction."""
        if self._pool is None:
            raise StoreRefused(f"{self.name} was opened for reading only")
        return self._pool.writer()

    def _check_claimed(self) -> None:
        if not self.ownership.epoch:
            raise StoreRefused(f"{self.name} is not claimed")

    async def _create(self) -> None:
        async with self.writer() as db:
            await schema.create(db)
