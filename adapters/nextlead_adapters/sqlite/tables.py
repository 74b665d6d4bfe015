"""SQLite's tables of one organisation: each call is one hop to a connection's thread, and there one transaction."""

import os
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Concatenate, Final, ParamSpec, TypeVar

import msgspec

from nextlead.core.model import Answer, Erasure, Event, FreshLead, Lead, Pool, Reject
from nextlead.core.row import Row
from nextlead.ports import LeadFilter, StoreError, StoreRefused

from ..journalled.bodies import Step
from ..journalled.codec import RowKey
from ..journalled.direct import pages_of
from ..journalled.match_keys import Rule
from ..journalled.packed import Columns
from ..journalled.tables import Direct, Entry, Heads, Pools
from . import doomed, erasing, filters, journal, reads, writes
from . import keys as match_keys
from .connection import Connection, transaction
from .database_file import DatabaseFile

P = ParamSpec("P")
T = TypeVar("T")
_Work = Callable[Concatenate[sqlite3.Connection, int, P], T]
"""Statements about an organisation."""
_CANT: Final = (sqlite3.Error, UnicodeDecodeError, msgspec.DecodeError)


class SqliteTables:
    """See `journalled.tables.Tables`. The file is opened and claimed before, and closed after."""

    beside = False

    def __init__(self, file: DatabaseFile, org: int) -> None:
        self.file = file
        self.name = str(file.path)
        self.lock = file.lock
        self.reader: Connection | None = None
        self._org = org
        self._epoch = 0
        self._claimed = False

    async def open(self) -> None:
        """See `Tables.open`."""
        with self.file.refusing():
            self.reader = await self.file.reader()

    async def claim(self) -> int:
        """See `Tables.claim`. The epoch rises with each."""
        file = self.file
        if not file.claimed:
            raise StoreRefused(f"{self.name} is not claimed")
        if self._org in file.in_use:
            raise StoreRefused(f"organisation {self._org} in {self.name} is in use by process {os.getpid()}")
        file.in_use.add(self._org)
        self._claimed = True
        async with self.lock:
            self._epoch = await self._by(file.writer, _next_epoch)
        return self._epoch

    def holds(self) -> bool:
        """The operating system's lock can't be lost."""
        return self.file.claimed

    def due(self) -> bool:
        """See `Tables.due`."""
        return self.file.upkeep.due()

    async def tend(self) -> None:
        """See `Tables.tend`: a checkpoint."""
        try:
            await self.file.upkeep.tend()
        except sqlite3.Error as error:
            raise self.file.failure(error) from error

    async def scrub(self) -> None:
        """See `Tables.scrub`, and `scrub.py`."""
        try:
            await self.file.upkeep.scrub()
        except sqlite3.Error as error:
            raise self.file.failure(error) from error

    async def close(self) -> None:
        """See `Tables.close`. The file stays open."""
        reader, self.reader = self.reader, None
        if self._claimed:
            self._claimed = False
            self.file.in_use.discard(self._org)
        if reader:
            await self.file.give_back(reader)

    # -- opening and loading ----------------------------------------------------------------------------------------

    async def folded_to(self) -> int:
        """See `Reading.folded_to`."""
        return await self._read(_folded_to)

    async def last(self) -> tuple[int, int]:
        """See `Reading.last`."""
        return await self._read(journal.last)

    async def steps(self, after: int) -> list[Step]:
        """See `Reading.steps`. By the writer's thread, which has ended whatever was sent to it before."""
        if self._claimed:
            return await self._by(self.file.writer, journal.steps_after, after)
        return await self._read(journal.steps_after, after)

    async def pools(self) -> dict[int, Pool]:
        """See `Reading.pools`."""
        return await self._read(reads.pools)

    async def rules(self) -> dict[str, Rule]:
        """See `Reading.rules`."""
        return await self._read(match_keys.rules)

    async def anything_doomed(self) -> bool:
        """See `Tables.anything_doomed`."""
        return await self._read(doomed.are_there)

    async def load_rows(self, after: RowKey) -> list[tuple[RowKey, Row]]:
        """See `Reading.load_rows`."""
        return await self._read(reads.load_rows, after)

    async def load_open(self, after: int) -> list[Lead]:
        """See `Reading.load_open`."""
        return await self._read(reads.load_open, after)

    async def load_fresh(self, after: tuple[int, int, int]) -> list[FreshLead]:
        """See `Reading.load_fresh`."""
        return await self._read(reads.load_fresh, after)

    # -- by key -----------------------------------------------------------------------------------------------------

    async def leads_of(self, ids: Collection[int], pools: Pools) -> dict[int, Lead]:
        """See `Reading.leads_of`."""
        return await self._read(reads.leads_of, ids, pools)

    async def existing(self, ids: Collection[int]) -> set[int]:
        """See `Reading.existing`."""
        return await self._read(reads.existing, ids)

    async def data_of(self, ids: Collection[int]) -> dict[int, bytes]:
        """See `Reading.data_of`."""
        return await self._read(reads.data_of, ids)

    async def users_of(self, numbers: Collection[int]) -> list[tuple[int, int]]:
        """See `Reading.users_of`."""
        return await self._read(reads.users_of, numbers)

    async def match_users(self, rule: int, keys: Collection[bytes]) -> list[tuple[bytes, int]]:
        """See `Reading.match_users`."""
        return await self._read(match_keys.users_of, rule, keys)

    async def pools_with(self, number: int) -> list[int]:
        """See `Reading.pools_with`."""
        return await self._read(reads.pools_with, number)

    async def clones_of(self, master: int) -> list[int]:
        """See `Reading.clones_of`."""
        return await self._read(reads.clones_of, master)

    async def rejects(self, pool: int, kind: str) -> list[Reject]:
        """See `Reading.rejects`."""
        return await self._read(reads.rejects, pool, kind)

    async def rejects_after(self, pool: int, kind: str, after: int, limit: int) -> tuple[list[Reject], int | None]:
        """See `Reading.rejects_after`."""
        return await self._read(reads.rejects_after, pool, kind, after, limit)

    async def file_part(self, file: int, no: int) -> bytes | None:
        """See `Reading.file_part`."""
        return await self._read(reads.file_part, file, no)

    async def answer(self, key: str) -> Answer | None:
        """See `Reading.answer`."""
        return await self._read(reads.answer, key)

    # -- leads by filter --------------------------------------------------------------------------------------------

    async def page(self, query: LeadFilter, skip: Collection[int], pools: Pools) -> tuple[list[Lead], int]:
        """See `Reading.page`."""
        return await self._read(filters.page, query, skip, pools)

    async def count(self, query: LeadFilter, skip: Collection[int], pools: Pools) -> tuple[int, int]:
        """See `Reading.count`."""
        return await self._read(filters.count, query, skip, pools)

    async def lead_from(self, at_ms: int) -> tuple[int | None, int]:
        """See `Reading.lead_from`."""
        return await self._read(reads.lead_from, at_ms)

    async def closed_before(self, which: tuple[int, str, int], limit: int, skip: Collection[int]) -> list[Lead]:
        """See `Reading.closed_before`."""
        return await self._read(reads.closed_before, which, limit, skip)

    # -- the journal ------------------------------------------------------------------------------------------------

    async def history(self, lead: int, last_commit: int) -> list[Event]:
        """See `Reading.history`."""
        return await self._read(journal.history, lead, last_commit)

    async def lead_at(self, no: int, lead: int) -> Lead | None:
        """See `Reading.lead_at`."""
        return await self._read(journal.lead_at, no, lead)

    async def commit_before(self, at_ms: int) -> int:
        """See `Reading.commit_before`."""
        return await self._read(journal.commit_before, at_ms)

    async def happened(self, after: int, up_to: int, limit: int) -> tuple[list[tuple[Event, Lead]], int]:
        """See `Reading.happened`."""
        return await self._read(journal.happened, after, up_to, limit)

    # -- writing ----------------------------------------------------------------------------------------------------

    async def write(self, entry: Entry, direct: Direct) -> None:
        """See `Writing.write`. One statement and one hop to the writer's thread, unless leads come or go."""
        self.file.check()
        file, row = self.file, (entry.no, entry.at_ms, self._epoch, entry.body)
        try:
            if direct:
                await file.writer.run(writes.write_commit, self._org, row, direct)
            else:
                await file.writer.run(journal.insert, self._org, row)
        except _CANT as error:
            raise file.failure(error) from error
        file.done()
        file.upkeep.note(pages_of(entry, direct))

    async def columns_of(self, leads: Sequence[bytes]) -> list[Columns]:
        """See `Writing.columns_of`. By the thread that folds."""
        return await self._change(writes.columns, leads)

    async def fold_leads(self, leads: Sequence[Columns]) -> None:
        """See `Writing.fold_leads`."""
        await self._change(writes.fold_leads, leads)

    async def fold_rows(self, rows: Mapping[RowKey, Row | None]) -> None:
        """See `Writing.fold_rows`."""
        await self._change(writes.fold_rows, rows)

    async def set_folded(self, up_to: int, at_ms: int) -> None:
        """See `Writing.set_folded`."""
        await self._change(writes.set_folded, up_to, at_ms)

    async def take_away(self) -> bool:
        """See `Writing.take_away`."""
        return await self._change(doomed.take_away)

    async def add_rule(self, name: str, no: int) -> None:
        """See `Writing.add_rule`."""
        await self._by(self.file.writer, match_keys.add_rule, name, no)

    async def next_leads(self, after: int, limit: int) -> list[int]:
        """See `Writing.next_leads`."""
        return await self._read(match_keys.next_leads, after, limit)

    async def fill(self, name: str, rule: Rule, found: Sequence[tuple[bytes, int]]) -> None:
        """See `Writing.fill`."""
        await self._change(match_keys.fill, name, rule, found)

    # -- erasing ----------------------------------------------------------------------------------------------------

    async def heads(self, erasures: Sequence[Erasure], forget: Collection[int]) -> Heads:
        """See `Writing.heads`."""
        return await self._change(erasing.heads, erasures, forget)

    async def rewrite(self, commits: Heads) -> Heads:
        """See `Writing.rewrite`."""
        return await self._change(erasing.rewrite, commits)

    async def delete_data(self, leads: Sequence[int]) -> None:
        """See `Writing.delete_data`."""
        await self._change(erasing.delete_data, leads)

    async def delete_rejects(self, name: int) -> bool:
        """See `Writing.delete_rejects`."""
        return await self._change(erasing.delete_rejects, name)

    async def delete_uses(self, number: int, after: int) -> int | None:
        """See `Writing.delete_uses`."""
        return await self._change(erasing.delete_uses, number, after)

    async def mentions(self, numbers: Sequence[int], up_to: int) -> list[int]:
        """See `Writing.mentions`."""
        return await self._change(erasing.mentions, numbers, up_to)

    async def rewrite_mentions(self, no: int, erasures: Collection[int], forget: Collection[int]) -> None:
        """See `Writing.rewrite_mentions`."""
        await self._change(erasing.rewrite_mentions, no, erasures, forget)

    async def rewrite_erasures(self, ids: Sequence[int]) -> None:
        """See `Writing.rewrite_erasures`."""
        await self._change(erasing.rewrite_erasures, ids)

    # -- inside -----------------------------------------------------------------------------------------------------

    async def _read(self, work: _Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self.reader is None:
            raise StoreError("reading failed: the store is closed")
        try:
            return await self.reader.run(work, self._org, *args, **kwargs)
        except _CANT as error:
            raise StoreError(f"reading failed: {error}") from error

    async def _change(self, work: _Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._by(self.file.back, work, *args, **kwargs)

    async def _by(self, connection: Connection, work: _Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await connection.run(work, self._org, *args, **kwargs)
        except _CANT as error:
            raise self.file.failure(error) from error


def _folded_to(db: sqlite3.Connection, org: int) -> int:
    row = db.execute("SELECT folded_to FROM owner WHERE org = ?", (org,)).fetchone()
    return row[0] if row else 0


def _next_epoch(db: sqlite3.Connection, org: int) -> int:
    with transaction(db):
        db.execute("INSERT OR IGNORE INTO owner (org, epoch, pid, folded_to) VALUES (?, 0, 0, 0)", (org,))
        db.execute("UPDATE owner SET epoch = epoch + 1, pid = ? WHERE org = ?", (os.getpid(), org))
        return int(db.execute("SELECT epoch FROM owner WHERE org = ?", (org,)).fetchone()[0])
