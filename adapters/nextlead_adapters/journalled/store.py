"""The write side: a commit is one row in the journal; the tables follow.

1. Commits go one after the other (`_committing`). Whatever changes tables holds `Tables.lock`: a commit does, too, if
   it has a `Direct` (or the database can't do two things at once), and waits for at most one slice of folding then.
   Who needs both locks takes that of commits first.
2. A commit is durable when `Tables.write` returns. Losing a fold loses nothing, as the journal has it.
3. What is durable and not in the tables is in the overlay. After a commit that ended in an error, or was cancelled,
   `_doubt` is set, and the journal is asked before the next commit is written; if it held `Tables.lock`, before
   anything else is, too.
4. Folding may be broken off anywhere and begun again: `folded_to` moves last, and rows are written whole.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import Final

from nextlead.core.changes import Changes
from nextlead.core.model import Erasure, Pool, Status
from nextlead.core.row import Row
from nextlead.ports import Claim, Commit, Part, StoreError, StoreRefused

from . import bodies
from .archive import JournalledArchive
from .codec import RowKey
from .direct import direct_of, doomed_of, pages_of
from .erasing import Eraser
from .match_keys import Rule, keys_of_leads, plain
from .overlay import Overlay
from .packed import pack_leads, unpack_lead
from .slices import SLICE, batches
from .tables import Direct, Entry, Tables
from .tending import Tending

_AT_ONCE: Final = 2_048
"""Rows that wait to be folded and are loaded in one part."""
_UNCLAIMED: Final = "the store is not claimed"


class JournalledStore(JournalledArchive):
    """Store and archive of one organisation, over a database's tables."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self._tending: Tending | None = None
        self._eraser: Eraser | None = None
        self._no = 0
        self._doubt = False
        self._tables_in_doubt = False
        self._committing = asyncio.Lock()
        self._filling = asyncio.Lock()

    # -- Store ------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """See `Store.open`."""
        try:
            with self._refusing():
                await self._tables.open()
                await self._catch_up()
        except BaseException:
            await self.close()
            raise

    async def claim(self) -> Claim:
        """See `Store.claim`. A store that was refused is closed."""
        tables = self._tables
        if self._tending:
            raise StoreRefused(f"{tables.name} is in use by process {os.getpid()}")
        try:
            with self._refusing():
                epoch = await tables.claim()
                await self._catch_up()
                doomed = await tables.anything_doomed()
        except BaseException:
            await self.close()
            raise
        self._tending = Tending(tables, self._overlay, self._changing, doomed=doomed)
        self._eraser = Eraser(tables, self._tending, self._changing)
        return Claim(epoch, self._no, self._at_ms, tables.holds)

    async def load(self) -> AsyncIterator[Part]:
        """See `Store.load`. Nothing may be committed meanwhile."""
        leads, rows = self._overlay.leads(), self._overlay.rows()
        with self._refusing():
            async for part in self._load_rows(rows):
                yield part
            async for part in self._load_open(leads):
                yield part
            after = (0, 0, 0)
            while fresh := await self._tables.load_fresh(after):
                after = (fresh[-1].pool, fresh[-1].ordinal, fresh[-1].id)
                yield Part(fresh=[lead for lead in fresh if lead.id not in leads] if leads else fresh)

    async def commit(self, commit: Commit) -> None:
        """See `Store.commit`."""
        tending = self._tending
        if tending is None:
            raise StoreRefused(_UNCLAIMED)
        await tending.relief()
        async with self._committing:
            if self._doubt:
                await self._settle()
            if commit.no == self._no:
                return
            if commit.no != self._no + 1:
                raise StoreRefused(f"commit {commit.no} does not follow commit {self._no}")
            pages = await self._write(commit)
        tending.note(pages, commit.at_ms, doomed=any(doomed_of(commit.changes)))

    async def erase(self, erasures: Sequence[Erasure]) -> None:
        """See `Store.erase`, and `erasing.py`."""
        if self._eraser is None:
            raise StoreRefused(_UNCLAIMED)
        try:
            await self._eraser.erase(erasures, self._no)
        except StoreError as error:
            raise StoreError(f"erasing failed: {error}") from error

    async def close(self) -> None:
        """See `Store.close`. Leaves the tables complete, if the database lets it."""
        tending, self._tending, self._eraser = self._tending, None, None
        try:
            if tending:
                await tending.stop()
        finally:
            await self._tables.close()

    # -- duplicate rules --------------------------------------------------------------------------------------------

    async def match_rule(self, rule: str) -> None:
        """See `Archive.match_rule`."""
        if self._tending is None:
            raise StoreRefused(_UNCLAIMED)
        name = plain(rule)
        async with self._filling:
            try:
                if name not in self._rules:
                    await self._add_rule(name)
                while not self._rules[name].ready:
                    await self._fill(name, self._rules[name])
            except StoreError as error:
                raise StoreError(f"rule {name} can't be prepared: {error}") from error

    async def _add_rule(self, name: str) -> None:
        """While no commit is under way: from the next one on, changed data go to the keys with it."""
        async with self._committing:
            await self._settle()
            async with self._tables.lock:
                no = 1 + max((rule.no for rule in self._rules.values()), default=0)
                await self._tables.add_rule(name, no)
                self._rules[name] = Rule(no)

    async def _fill(self, name: str, rule: Rule) -> None:
        """A slice of what was there before the rule."""
        async with self._changing():
            ids = await self._tables.next_leads(rule.filled_to, SLICE)
            rows, data = await self._rows(ids), await self._data(ids)
            found = keys_of_leads(name, rows.values(), data)
            filled = Rule(rule.no, ids[-1] if ids else rule.filled_to, ready=not ids)
            await self._tables.fill(name, filled, found)
            self._rules[name] = filled

    # -- opening and loading ----------------------------------------------------------------------------------------

    async def _catch_up(self) -> None:
        """Take in what the journal has and the tables lack."""
        tables = self._tables
        folded_to = await tables.folded_to()
        last, self._at_ms = await tables.last()
        self._overlay = Overlay(folded_to)
        self._pools = await tables.pools()
        self._rules = await tables.rules()
        self._no = folded_to
        await self._take_steps()
        if not folded_to <= last <= self._no:
            raise StoreRefused(f"the store is damaged: its tables are at commit {folded_to}, its journal at {last}")

    async def _load_rows(self, recent: dict[RowKey, Row | None]) -> AsyncIterator[Part]:
        after: RowKey = ("", 0)
        while found := await self._tables.load_rows(after):
            after = found[-1][0]
            yield Part(rows=[(key[0], row) for key, row in found if key not in recent])
        plain = [(table, row) for (table, _), row in recent.items() if row and table not in ("lead_data", "answer")]
        yield Part(rows=plain)

    async def _load_open(self, recent: dict[int, bytes]) -> AsyncIterator[Part]:
        after = 0
        while found := await self._tables.load_open(after):
            after = found[-1].id
            yield Part(leads=[lead for lead in found if lead.id not in recent])
        for packed in batches(recent.values(), _AT_ONCE):
            rows = map(unpack_lead, packed)
            yield Part(leads=[lead for lead in rows if lead.status != Status.CLOSED])

    # -- writing ----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[None]:
        """The right to change tables, with no commit in doubt that does."""
        while True:
            async with self._tables.lock:
                if not self._tables_in_doubt:
                    yield
                    return
            async with self._committing:
                await self._settle()

    async def _write(self, commit: Commit) -> int:
        """Write it and take it in; pages written, roughly."""
        changes = commit.changes
        leads = pack_leads(changes.leads.values())
        entry = Entry(commit.no, commit.at_ms, bodies.pack(changes, leads))
        direct = direct_of(commit.no, changes, self._overlay, self._rules)
        alone = bool(direct) or not self._tables.beside
        lock: AbstractAsyncContextManager[object] = self._tables.lock if alone else nullcontext()
        async with lock:
            self._doubt, self._tables_in_doubt = True, alone
            await self._make_durable(entry, direct, changes, leads)
        return pages_of(entry, direct)

    async def _make_durable(self, entry: Entry, direct: Direct, changes: Changes, leads: Mapping[int, bytes]) -> None:
        try:
            await self._tables.write(entry, direct)
        except StoreError as error:
            await self._settle()
            if self._no != entry.no:
                raise StoreError(f"commit {entry.no} failed: {error}") from error
        else:
            self._doubt = self._tables_in_doubt = False
            self._take(entry.no, entry.at_ms, leads, changes.rows, changes.gone)

    async def _settle(self) -> None:
        """Ask the journal what became durable. No commit is under way."""
        try:
            await self._take_steps()
        except StoreError as error:
            raise StoreError(f"the last commit is in doubt: {error}") from error
        self._doubt = self._tables_in_doubt = False

    async def _take_steps(self) -> None:
        for step in await self._tables.steps(self._no):
            self._take(step.no, step.at_ms, pack_leads(step.leads), step.rows, step.gone)

    def _take(
        self, no: int, at_ms: int, leads: Mapping[int, bytes], rows: Mapping[RowKey, Row | None], gone: list[int]
    ) -> None:
        """Commit `no` is durable."""
        self._no, self._at_ms = no, at_ms
        self._overlay.take(no, leads, rows, gone)
        for key, row in rows.items():
            if isinstance(row, Pool):
                self._pools[row.id] = row
            elif key[0] == "pool":
                self._pools.pop(int(key[1]), None)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """What can't be read is a store that can't be used."""
        try:
            yield
        except StoreError as error:
            raise StoreRefused(f"{self._tables.name} can't be used: {error}") from error
