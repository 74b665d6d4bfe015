"""Writers without rules: what it takes to make the same rows durable when nobody has to decide anything.

Each takes what a run of the dialer wrote (`Written`) and writes it again to an SQLite file of its own with synchronous
FULL. `replay` is the floor: the same commits, byte for byte, one after the other. `journal` and `upserts` are what a
program would do for so many clients in closed loop: each hands over a row and its line of history and waits; what
came while one commit was on its way makes the next. `journal` writes one row per commit, `upserts` the rows of the
leads and of the history, in one transaction. Checkpoints come as SQLite makes them if nothing is said.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from msgspec import Raw, Struct, msgpack

from nextlead.core.model import Event, Lead

from ..figures import Result

Item = tuple[Lead, Event]
Write = Callable[[sqlite3.Connection, list[Item]], None]

_TABLES: Final = (
    "CREATE TABLE journal (no INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE lead (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE history (no INTEGER PRIMARY KEY, lead INTEGER NOT NULL, body BLOB NOT NULL)",
)
_decode_body: Final = msgpack.Decoder(tuple[list[Lead], Raw, list[Event], Raw]).decode
_encode: Final = msgpack.Encoder().encode


class Written(Struct):
    """What commits wrote: their bodies, and row by row. An operation leaves one line of history."""

    bodies: list[bytes]
    items: list[Item]

    @property
    def operations(self) -> int:
        """How many operations that was."""
        return len(self.items)


def read_written(store: Path, first_commit: int) -> Written:
    """What a store's journal has from a commit on."""
    db = sqlite3.connect(store)
    try:
        bodies = [body for (body,) in db.execute("SELECT body FROM journal WHERE no >= ? ORDER BY no", (first_commit,))]
    finally:
        db.close()
    items: list[Item] = []
    for body in bodies:
        leads, _, events, _ = _decode_body(body)
        rows = {lead.id: lead for lead in leads}
        items += ((rows[event.lead], event) for event in events)
    return Written(bodies, items)


def _open(path: Path) -> sqlite3.Connection:
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    for table in _TABLES:
        db.execute(table)
    return db


async def replay(written: Written, path: Path, _clients: int) -> Result:
    """The same commits again."""
    db = _open(path)
    try:
        started = perf_counter()
        for body in written.bodies:
            db.execute("INSERT INTO journal (body) VALUES (?)", (body,))
        return {"operations_per_s": written.operations / (perf_counter() - started)}
    finally:
        db.close()


async def journal(written: Written, path: Path, clients: int) -> Result:
    """Clients in closed loop, a journal row per commit."""
    return await _serve(written, path, clients, _write_journal)


async def upserts(written: Written, path: Path, clients: int) -> Result:
    """Clients in closed loop, rows upserted."""
    return await _serve(written, path, clients, _write_rows)


Rival = Callable[[Written, Path, int], Coroutine[Any, Any, Result]]
RIVALS: Final[dict[str, Rival]] = {"replay": replay, "journal": journal, "upserts": upserts}


def _write_journal(db: sqlite3.Connection, items: list[Item]) -> None:
    rows = {lead.id: lead for lead, _ in items}
    body = _encode((list(rows.values()), (), [event for _, event in items], ()))
    db.execute("INSERT INTO journal (body) VALUES (?)", (body,))


def _write_rows(db: sqlite3.Connection, items: list[Item]) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.executemany(
        "INSERT INTO lead (id, body) VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
        [(lead.id, _encode(lead)) for lead, _ in items],
    )
    lines = [(lead.id, _encode(event)) for lead, event in items]
    db.executemany("INSERT INTO history (lead, body) VALUES (?, ?)", lines)
    db.execute("COMMIT")


class _Group:
    """Group commit in a few lines: a batch is written in a thread while the next one collects."""

    def __init__(self, write: Callable[[list[Item]], None]) -> None:
        self._write = write
        self._items: list[Item] = []
        self._durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._came = asyncio.Event()

    async def put(self, item: Item) -> None:
        """Returns when it is durable."""
        self._items.append(item)
        self._came.set()
        await self._durable

    async def run(self) -> None:
        """Write what comes, until it is cancelled."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as thread:
            while True:
                await self._came.wait()
                self._came.clear()
                items, durable = self._items, self._durable
                self._items, self._durable = [], loop.create_future()
                await loop.run_in_executor(thread, self._write, items)
                durable.set_result(None)


async def _serve(written: Written, path: Path, clients: int, write: Write) -> Result:
    db, left = _open(path), iter(written.items)
    group = _Group(lambda items: write(db, items))

    async def client() -> None:
        for item in left:
            await group.put(item)

    writer = asyncio.create_task(group.run())
    try:
        started = perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        return {"operations_per_s": written.operations / (perf_counter() - started)}
    finally:
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        db.close()
