"""The write side: a commit is one row in the journal; the tables follow.

1. `_exclusive` is held around everything that writes, so the two writing connections never wait for each other inside
   SQLite. A commit waits for at most one slice of folding.
2. The writer's connection is synchronous FULL: when its statement returns, the commit is on the disk. Folding and
   checkpoints go through the other one at NORMAL: losing a fold loses nothing, as the journal has it.
3. What is durable and not in the tables is in the overlay. After a commit that ended in an error, or was cancelled,
   `_doubt` is set, and the journal is asked before anything else is written.
4. Folding may be broken off anywhere and begun again: `folded_to` moves last, and rows are written whole.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec

from nextlead.core.changes import Changes
from nextlead.core.model import Erasure, Lead, LeadData, Pool, Status
from nextlead.core.row import Row
from nextlead.ports import Claim, Commit, Part, StoreError, StoreRefused

from ..journalled import bodies
from ..journalled.bodies import Step
from ..journalled.codec import RowKey
from ..journalled.match_keys import Rule, keys_of_leads, plain
from ..journalled.overlay import Overlay
from . import doomed, files, journal, keys, reads, schema, tables
from .archive import SqliteArchive
from .connection import FULL, NORMAL, Connection, connect, connect_reader, transaction
from .erasing import Eraser
from .statements import SLICE
from .tending import Tending

_PAGE_BYTES = 4_096


class SqliteStore(SqliteArchive):
    """Store and archive of one organisation in one file. `read_only` opens a snapshot of it that never claims."""

    def __init__(self, path: str | Path, org: int = 1, *, read_only: bool = False) -> None:
        super().__init__(org)
        self._path = Path(path)
        self._read_only = read_only
        self._lock = files.Lock(self._path)
        self._connections: list[Connection] = []
        self._writer: Connection
        self._back: Connection
        self._fd: int | None = None
        self._tending: Tending | None = None
        self._eraser: Eraser | None = None
        self._epoch = 0
        self._no = 0
        self._doubt = False
        self._writing = asyncio.Lock()
        self._filling = asyncio.Lock()

    # -- Store ------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """See `Store.open`. A new or older file is made or brought up under the lock."""
        try:
            with self._refusing():
                files.check_place(self._path)
                if not self._read_only:
                    files.create(self._path)
                if not self._lock.held_here():
                    files.check_header(self._path)  # it reads the file, and SQLite's locks would not survive that
                if not self._read_only:
                    await self._open_writer()
                await self._open_reader()
                await self._catch_up()
        except BaseException:
            await self.close()
            raise

    async def claim(self) -> Claim:
        """See `Store.claim`. The lock lives as long as the process; the epoch is written into every commit.

        A store that was refused is closed.
        """
        if self._read_only:
            raise StoreRefused(f"{self._path} was opened for reading only")
        if self._tending:
            raise StoreRefused(f"{self._path} is in use by process {os.getpid()}")
        try:
            with self._refusing():
                self._lock.take()
                self._epoch = await self._writer.run(_next_epoch, self._org)
                await self._catch_up()
                self._fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
                self._back = await self._keep(await connect(self._path, NORMAL))
                left = await self._reader.run(doomed.are_there, self._org)
        except BaseException:
            await self.close()
            raise
        self._tending = Tending(self._back, self._org, self._overlay, self._exclusive, doomed=left)
        self._eraser = Eraser(self._back, self._org, self._fd, self._tending, self._exclusive)
        return Claim(self._epoch, self._no, self._at_ms)

    async def load(self) -> AsyncIterator[Part]:
        """See `Store.load`. Slices of 10,000 rows; nothing may be committed meanwhile."""
        leads, rows = self._overlay.leads(), self._overlay.rows()
        with self._refusing():
            async for part in self._load_rows(rows):
                yield part
            async for part in self._load_open(leads):
                yield part
            after = (0, 0, 0)
            while fresh := await self._reader.run(reads.load_fresh, self._org, after):
                after = (fresh[-1].pool, fresh[-1].ordinal, fresh[-1].id)
                yield Part(fresh=[lead for lead in fresh if lead.id not in leads] if leads else fresh)

    async def commit(self, commit: Commit) -> None:
        """See `Store.commit`. One statement and one hop to the writer's thread, unless leads come or go."""
        if self._tending is None:
            raise StoreRefused("the store is not claimed")
        await self._tending.relief()
        async with self._exclusive():
            if commit.no == self._no:
                return
            if commit.no != self._no + 1:
                raise StoreRefused(f"commit {commit.no} does not follow commit {self._no}")
            pages = await self._write(commit)
        self._tending.note(pages, commit.at_ms, doomed=any(_doomed(commit.changes)))

    async def erase(self, erasures: Sequence[Erasure]) -> None:
        """See `Store.erase`, and `erasing.py`."""
        if self._eraser is None:
            raise StoreRefused("the store is not claimed")
        try:
            await self._eraser.erase(erasures, self._no)
        except (sqlite3.Error, msgspec.DecodeError) as error:
            raise StoreError(f"erasing failed: {error}") from error

    async def close(self) -> None:
        """See `Store.close`. Leaves the tables complete and no log behind, if the disk lets it."""
        tending, self._tending, self._eraser = self._tending, None, None
        try:
            if tending:
                await tending.stop()
        finally:
            while self._connections:
                await self._connections.pop().close()
            if self._fd is not None:
                os.close(self._fd)  # after the connections: see scrub.py
                self._fd = None
            self._lock.give_back()

    # -- duplicate rules --------------------------------------------------------------------------------------------

    async def match_rule(self, rule: str) -> None:
        """See `Archive.match_rule`."""
        if self._tending is None:
            raise StoreRefused("the store is not claimed")
        name = plain(rule)
        async with self._filling:
            try:
                if name not in self._rules:
                    await self._add_rule(name)
                while not self._rules[name].ready:
                    await self._fill(name, self._rules[name])
            except sqlite3.Error as error:
                raise StoreError(f"rule {name} can't be prepared: {error}") from error

    async def _add_rule(self, name: str) -> None:
        async with self._exclusive():
            no = 1 + max((rule.no for rule in self._rules.values()), default=0)
            await self._writer.run(keys.add_rule, self._org, name, no)
            self._rules[name] = Rule(no)

    async def _fill(self, name: str, rule: Rule) -> None:
        """A slice of what was there before the rule."""
        async with self._exclusive():
            ids = await self._reader.run(keys.next_leads, self._org, rule.filled_to, SLICE)
            rows, data = await self._rows(ids), await self._data(ids)
            found = keys_of_leads(name, rows.values(), data)
            filled = Rule(rule.no, ids[-1] if ids else rule.filled_to, ready=not ids)
            await self._back.run(keys.fill, self._org, name, filled, found)
            self._rules[name] = filled

    # -- opening ----------------------------------------------------------------------------------------------------

    async def _open_writer(self) -> None:
        self._writer = await self._keep(await connect(self._path, FULL))
        if await self._writer.run(schema.version) < len(schema.MIGRATIONS):
            self._lock.take()
            await self._writer.run(schema.migrate)

    async def _open_reader(self) -> None:
        """For reading only, one transaction stays open: everything is read as of now, whatever the owner does."""
        self._reader = await self._keep(await connect_reader(self._path))
        if not self._read_only:
            return
        await self._reader.run(_begin)
        if await self._reader.run(schema.version) < len(schema.MIGRATIONS):
            raise StoreRefused(f"{self._path} is of an older version; migrate it first")

    async def _keep(self, connection: Connection) -> Connection:
        self._connections.append(connection)
        return connection

    async def _catch_up(self) -> None:
        """Take in what the journal has and the tables lack."""
        folded_to = await self._reader.run(_folded_to, self._org)
        self._overlay = Overlay(folded_to)
        self._pools = await self._reader.run(reads.pools, self._org)
        self._rules = await self._reader.run(keys.rules, self._org)
        self._no, self._at_ms = folded_to, 0
        for step in await self._reader.run(_steps, self._org, folded_to):
            self._take(step.no, step.at_ms, step.leads, step.rows, step.gone)
        last, self._at_ms = await self._reader.run(journal.last, self._org)
        if last != self._no:
            raise StoreRefused(f"the store is damaged: its tables are at commit {folded_to}, its journal at {last}")

    async def _load_rows(self, recent: dict[RowKey, Row | None]) -> AsyncIterator[Part]:
        after: RowKey = ("", 0)
        while found := await self._reader.run(reads.load_rows, self._org, after):
            after = found[-1][0]
            yield Part(rows=[(key[0], row) for key, row in found if key not in recent])
        plain = [(table, row) for (table, _), row in recent.items() if row and table not in ("lead_data", "answer")]
        yield Part(rows=plain)

    async def _load_open(self, recent: dict[int, Lead]) -> AsyncIterator[Part]:
        after = 0
        while found := await self._reader.run(reads.load_open, self._org, after):
            after = found[-1].id
            yield Part(leads=[lead for lead in found if lead.id not in recent])
        yield Part(leads=[lead for lead in recent.values() if lead.status != Status.CLOSED])

    # -- writing ----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _exclusive(self) -> AsyncIterator[None]:
        """The right to write, with nothing in doubt."""
        async with self._writing:
            if self._doubt:
                await self._settle()
            yield

    async def _write(self, commit: Commit) -> int:
        """Write it and take it in; pages written, roughly."""
        changes = commit.changes
        body = bodies.pack(changes)
        step = (self._org, commit.no, commit.at_ms, self._epoch, body)
        direct = self._direct(commit.no, changes)
        self._doubt = True
        try:
            if direct:
                await self._writer.run(tables.write_commit, step, direct)
            else:
                await self._writer.run(journal.insert, step)
        except sqlite3.Error as error:
            await self._settle()
            if self._no != commit.no:
                raise StoreError(f"commit {commit.no} failed: {error}") from error
        else:
            self._doubt = False
            self._take(commit.no, commit.at_ms, list(changes.leads.values()), changes.rows, changes.gone)
        parts = sum(len(part.body) for part in changes.parts)
        return 2 + (len(body) + parts) // _PAGE_BYTES + len(changes.fresh) + len(changes.rejects) + len(changes.gone)

    def _direct(self, no: int, changes: Changes) -> tables.Direct:
        """What goes into the tables with the commit."""
        return tables.Direct(
            fresh=changes.fresh,
            rejects=changes.rejects,
            gone=changes.gone,
            parts=changes.parts,
            mentions=tables.numbers_named(changes),
            doomed=list(_doomed(changes)),
            trails=self._trails(no, changes),
            edited=self._edited(changes) if self._rules else (),
            rules={name: rule.no for name, rule in self._rules.items()},
        )

    def _trails(self, no: int, changes: Changes) -> list[tuple[int, int]]:
        """Where the journal speaks of leads that go, as far as the tables don't know yet; data without their lead."""
        found = {(row.lead, no) for row in changes.rows.values() if isinstance(row, LeadData)}
        found = {(id_, no) for id_, no in found if id_ not in changes.leads}
        found |= {(event.lead, no) for event in changes.events if event.lead in changes.gone}
        for id_ in changes.gone:
            found |= {(id_, no)} if id_ in changes.leads else set()
            for row in (changes.leads.get(id_), self._overlay.lead(id_)):
                found |= {(id_, commit) for commit in tables.commits_of(row)} if row else set()
        return sorted(found)

    def _edited(self, changes: Changes) -> list[tuple[LeadData, Lead | None]]:
        rows = [row for row in changes.rows.values() if isinstance(row, LeadData)]
        return [(row, changes.leads.get(row.lead) or self._overlay.lead(row.lead)) for row in rows]

    async def _settle(self) -> None:
        """Ask the journal what became durable. The writer's thread has ended whatever was sent to it before."""
        try:
            steps = await self._writer.run(_steps, self._org, self._no)
        except sqlite3.Error as error:
            raise StoreError(f"the last commit is in doubt: {error}") from error
        for step in steps:
            self._take(step.no, step.at_ms, step.leads, step.rows, step.gone)
        self._doubt = False

    def _take(self, no: int, at_ms: int, leads: list[Lead], rows: dict[RowKey, Row | None], gone: list[int]) -> None:
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
        """What SQLite or a decoder can't read is a store that can't be used."""
        try:
            yield
        except (sqlite3.Error, msgspec.DecodeError) as error:
            raise StoreRefused(f"{self._path} can't be used: {error}") from error


def _doomed(changes: Changes) -> Iterator[tuple[str, int]]:
    """Rows that go and take others along."""
    return ((table, int(key)) for (table, key), row in changes.rows.items() if row is None and table in doomed.TABLES)


def _begin(db: sqlite3.Connection) -> None:
    db.execute("BEGIN")


def _steps(db: sqlite3.Connection, org: int, no: int) -> list[Step]:
    return list(journal.steps_after(db, org, no))


def _folded_to(db: sqlite3.Connection, org: int) -> int:
    row = db.execute("SELECT folded_to FROM owner WHERE org = ?", (org,)).fetchone()
    return row[0] if row else 0


def _next_epoch(db: sqlite3.Connection, org: int) -> int:
    with transaction(db):
        db.execute("INSERT OR IGNORE INTO owner (org, epoch, pid, folded_to) VALUES (?, 0, 0, 0)", (org,))
        db.execute("UPDATE owner SET epoch = epoch + 1, pid = ? WHERE org = ?", (os.getpid(), org))
        return int(db.execute("SELECT epoch FROM owner WHERE org = ?", (org,)).fetchone()[0])
