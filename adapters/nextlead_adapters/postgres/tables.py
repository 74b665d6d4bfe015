"""PostgreSQL's tables of one organisation: each call is one transaction in a session of its own."""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from nextlead.core.model import Answer, Erasure, Event, FreshLead, Lead, Pool, Reject
from nextlead.core.row import Row
from nextlead.ports import LeadFilter, StoreError, StoreRefused

from ..journalled.bodies import Step
from ..journalled.codec import RowKey
from ..journalled.match_keys import Rule
from ..journalled.packed import Columns, columns_of
from ..journalled.tables import Direct, Entry, Heads, Pools
from . import doomed, erasing, filters, history, keys, loading, reads, scrub, writing

if TYPE_CHECKING:
    from .connection import Db
    from .database import PostgresDatabase

_FEW: Final = 5_000
"""Leads that came, below which it does not matter what the planner thinks."""


class PostgresTables:
    """See `journalled.tables.Tables`. The database is opened and claimed before, and closed after."""

    beside = True

    def __init__(self, database: "PostgresDatabase", org: int) -> None:
        self.database = database
        self.name = database.name
        self.lock = asyncio.Lock()
        self._org = org
        self._claimed = False
        self._fresh = self._counted = 0

    async def open(self) -> None:
        """See `Tables.open`: sessions are opened when they are needed."""

    async def claim(self) -> int:
        """See `Tables.claim`. It is the database's epoch."""
        if not self.database.ownership.taken:
            raise StoreRefused(f"{self.name} is not claimed")
        if self._org in self.database.in_use:
            raise StoreRefused(f"organisation {self._org} in {self.name} is in use by process {os.getpid()}")
        async with self._read() as db:
            if not await db.fetchval("SELECT 1 FROM organisation WHERE no = $1", self._org):
                raise StoreRefused(f"{self.name} has no organisation {self._org}")
        self.database.in_use.add(self._org)
        self._claimed = True
        return self._epoch

    def holds(self) -> bool:
        """See `Claim.holds`."""
        return self.database.holds()

    async def anything_doomed(self) -> bool:
        """See `Tables.anything_doomed`."""
        async with self._read() as db:
            return await doomed.are_there(db, self._org)

    def due(self) -> bool:
        """Whether so many leads came that the planner would take the tables for much smaller than they are."""
        return self._fresh >= max(self._counted, _FEW)

    async def tend(self) -> None:
        """Have leads counted that came since: the server does so, too, but up to a minute later."""
        if self.due():
            self._counted, self._fresh = self._counted + self._fresh, 0
            async with self._write() as db:
                await db.execute("ANALYZE lead, lead_data, number, state")

    async def scrub(self) -> None:
        """See `Tables.scrub`, and `scrub.py`."""
        await scrub.scrub(self.database.server)

    async def close(self) -> None:
        """See `Tables.close`."""
        if self._claimed:
            self._claimed = False
            self.database.in_use.discard(self._org)

    @property
    def _epoch(self) -> int:
        return self.database.ownership.epoch

    @asynccontextmanager
    async def _read(self) -> "AsyncIterator[Db]":
        async with self.database.reader() as db:
            try:
                yield db
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise StoreError(f"{self.name} has what can't be read: {error}") from error

    def _write(self) -> "AbstractAsyncContextManager[Db]":
        return self.database.writer()

    @asynccontextmanager
    async def _change(self) -> "AsyncIterator[Db]":
        """A transaction that has found out that this process is the owner."""
        async with self._write() as db, writing.changing(db, self._org, self._epoch):
            yield db

    # -- opening and loading ----------------------------------------------------------------------------------------

    async def folded_to(self) -> int:
        """See `Reading.folded_to`."""
        async with self._read() as db:
            return await loading.folded_to(db, self._org)

    async def last(self) -> tuple[int, int]:
        """See `Reading.last`."""
        async with self._read() as db:
            return await loading.last(db, self._org)

    async def steps(self, after: int) -> list[Step]:
        """See `Reading.steps`."""
        async with self._read() as db:
            return await loading.steps(db, self._org, after)

    async def pools(self) -> dict[int, Pool]:
        """See `Reading.pools`."""
        async with self._read() as db:
            return await loading.pools(db, self._org)

    async def rules(self) -> dict[str, Rule]:
        """See `Reading.rules`."""
        async with self._read() as db:
            return await keys.rules(db, self._org)

    async def load_rows(self, after: RowKey) -> list[tuple[RowKey, Row]]:
        """See `Reading.load_rows`."""
        async with self._read() as db:
            return await loading.load_rows(db, self._org, after)

    async def load_open(self, after: int) -> list[Lead]:
        """See `Reading.load_open`."""
        async with self._read() as db:
            return await loading.load_open(db, self._org, after)

    async def load_fresh(self, after: tuple[int, int, int]) -> list[FreshLead]:
        """See `Reading.load_fresh`."""
        async with self._read() as db:
            return await loading.load_fresh(db, self._org, after)

    # -- by key -----------------------------------------------------------------------------------------------------

    async def leads_of(self, ids: Collection[int], pools: Pools) -> dict[int, Lead]:
        """See `Reading.leads_of`."""
        async with self._read() as db:
            return await reads.leads_of(db, self._org, ids, pools)

    async def existing(self, ids: Collection[int]) -> set[int]:
        """See `Reading.existing`."""
        async with self._read() as db:
            return await reads.existing(db, self._org, ids)

    async def data_of(self, ids: Collection[int]) -> dict[int, bytes]:
        """See `Reading.data_of`."""
        async with self._read() as db:
            return await reads.data_of(db, self._org, ids)

    async def users_of(self, numbers: Collection[int]) -> list[tuple[int, int]]:
        """See `Reading.users_of`."""
        async with self._read() as db:
            return await reads.users_of(db, self._org, numbers)

    async def match_users(self, rule: int, keys: Collection[bytes]) -> list[tuple[bytes, int]]:
        """See `Reading.match_users`."""
        async with self._read() as db:
            return await reads.match_users(db, self._org, rule, keys)

    async def pools_with(self, number: int) -> list[int]:
        """See `Reading.pools_with`."""
        async with self._read() as db:
            return await reads.pools_with(db, self._org, number)

    async def clones_of(self, master: int) -> list[int]:
        """See `Reading.clones_of`."""
        async with self._read() as db:
            return await reads.clones_of(db, self._org, master)

    async def rejects(self, pool: int, kind: str) -> list[Reject]:
        """See `Reading.rejects`."""
        async with self._read() as db:
            return await reads.rejects(db, self._org, pool, kind)

    async def rejects_after(self, pool: int, kind: str, after: int, limit: int) -> tuple[list[Reject], int | None]:
        """See `Reading.rejects_after`."""
        async with self._read() as db:
            return await reads.rejects_after(db, self._org, pool, kind, after, limit)

    async def file_part(self, file: int, no: int) -> bytes | None:
        """See `Reading.file_part`."""
        async with self._read() as db:
            return await reads.file_part(db, self._org, file, no)

    async def answer(self, key: str) -> Answer | None:
        """See `Reading.answer`."""
        async with self._read() as db:
            return await reads.answer(db, self._org, key)

    # -- leads by filter --------------------------------------------------------------------------------------------

    async def page(self, query: LeadFilter, skip: Collection[int], pools: Pools) -> tuple[list[Lead], int]:
        """See `Reading.page`."""
        async with self._read() as db:
            return await filters.page(db, self._org, query, skip, pools)

    async def count(self, query: LeadFilter, skip: Collection[int], pools: Pools) -> tuple[int, int]:
        """See `Reading.count`."""
        async with self._read() as db:
            return await filters.count(db, self._org, query, skip, pools)

    async def lead_from(self, at_ms: int) -> tuple[int | None, int]:
        """See `Reading.lead_from`."""
        async with self._read() as db:
            return await reads.lead_from(db, self._org, at_ms)

    async def closed_before(self, which: tuple[int, str, int], limit: int, skip: Collection[int]) -> list[Lead]:
        """See `Reading.closed_before`."""
        async with self._read() as db:
            return await reads.closed_before(db, self._org, which, limit, skip)

    # -- the journal ------------------------------------------------------------------------------------------------

    async def history(self, lead: int, last_commit: int) -> list[Event]:
        """See `Reading.history`."""
        async with self._read() as db:
            return await history.history(db, self._org, lead, last_commit)

    async def lead_at(self, no: int, lead: int) -> Lead | None:
        """See `Reading.lead_at`."""
        async with self._read() as db:
            return await history.lead_at(db, self._org, no, lead)

    async def commit_before(self, at_ms: int) -> int:
        """See `Reading.commit_before`."""
        async with self._read() as db:
            return await history.commit_before(db, self._org, at_ms)

    async def happened(self, after: int, up_to: int, limit: int) -> tuple[list[tuple[Event, Lead]], int]:
        """See `Reading.happened`."""
        async with self._read() as db:
            return await history.happened(db, self._org, after, up_to, limit)

    # -- writing ----------------------------------------------------------------------------------------------------

    async def write(self, entry: Entry, direct: Direct) -> None:
        """See `Writing.write`."""
        async with self._write() as db:
            await writing.write(db, self._org, self._epoch, entry, direct)
        self._fresh += len(direct.fresh)

    async def columns_of(self, leads: Sequence[bytes]) -> list[Columns]:
        """See `Writing.columns_of`."""
        return list(map(columns_of, leads))

    async def fold_leads(self, leads: Sequence[Columns]) -> None:
        """See `Writing.fold_leads`."""
        async with self._write() as db:
            await writing.fold_leads(db, self._org, self._epoch, leads)

    async def fold_rows(self, rows: Mapping[RowKey, Row | None]) -> None:
        """See `Writing.fold_rows`."""
        async with self._write() as db:
            await writing.fold_rows(db, self._org, self._epoch, rows)

    async def set_folded(self, up_to: int, at_ms: int) -> None:
        """See `Writing.set_folded`."""
        async with self._write() as db:
            await writing.set_folded(db, self._org, self._epoch, up_to, at_ms)

    async def take_away(self) -> bool:
        """See `Writing.take_away`."""
        async with self._change() as db:
            return await doomed.take_away(db, self._org)

    async def add_rule(self, name: str, no: int) -> None:
        """See `Writing.add_rule`."""
        async with self._change() as db:
            await keys.add_rule(db, self._org, name, no)

    async def next_leads(self, after: int, limit: int) -> list[int]:
        """See `Writing.next_leads`."""
        async with self._read() as db:
            return await keys.next_leads(db, self._org, after, limit)

    async def fill(self, name: str, rule: Rule, found: Sequence[tuple[bytes, int]]) -> None:
        """See `Writing.fill`."""
        async with self._change() as db:
            await keys.fill(db, self._org, name, rule, found)

    # -- erasing ----------------------------------------------------------------------------------------------------

    async def heads(self, erasures: Sequence[Erasure], forget: Collection[int]) -> Heads:
        """See `Writing.heads`."""
        async with self._read() as db:
            return await erasing.heads(db, self._org, erasures, forget)

    async def rewrite(self, commits: Heads) -> Heads:
        """See `Writing.rewrite`."""
        async with self._change() as db:
            return await erasing.rewrite(db, self._org, commits)

    async def delete_data(self, leads: Sequence[int]) -> None:
        """See `Writing.delete_data`."""
        async with self._change() as db:
            await erasing.delete_data(db, self._org, leads)

    async def delete_rejects(self, name: int) -> bool:
        """See `Writing.delete_rejects`."""
        async with self._change() as db:
            return await erasing.delete_rejects(db, self._org, name)

    async def delete_uses(self, number: int, after: int) -> int | None:
        """See `Writing.delete_uses`."""
        async with self._change() as db:
            return await erasing.delete_uses(db, self._org, number, after)

    async def mentions(self, numbers: Sequence[int], up_to: int) -> list[int]:
        """See `Writing.mentions`."""
        async with self._read() as db:
            return await erasing.mentions(db, self._org, numbers, up_to)

    async def rewrite_mentions(self, no: int, erasures: Collection[int], forget: Collection[int]) -> None:
        """See `Writing.rewrite_mentions`."""
        async with self._change() as db:
            await erasing.rewrite_mentions(db, self._org, no, erasures, forget)

    async def rewrite_erasures(self, ids: Sequence[int]) -> None:
        """See `Writing.rewrite_erasures`."""
        async with self._change() as db:
            await erasing.rewrite_erasures(db, self._org, ids)
