"""Connections, each with a thread of its own (aiosqlite).

Work on the database is plain functions of a `sqlite3.Connection`; `run` carries one of them to the connection's thread
and back. A function runs to its end once it was sent, whatever becomes of the task that waits for it, so a transaction
that is opened and closed inside one function is never left half-way by a cancelled task.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar
from urllib.parse import quote

import aiosqlite

from nextlead.ports import StoreRefused

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT_S: Final = 2.0
FULL: Final = "FULL"
NORMAL: Final = "NORMAL"
_LEVELS: Final = {FULL: 2, NORMAL: 1}


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that runs whole functions, and does not keep a process alive that wants to end."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], iter_chunk_size: int) -> None:
        super().__init__(connector, iter_chunk_size)
        vars(self).get("_thread", self).daemon = True  # before aiosqlite 0.22 the connection was the thread

    async def run(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`work(connection, ...)` in this connection's thread: one hop, however many statements."""
        result: T = await self._execute(work, self._conn, *args, **kwargs)  # type: ignore[no-untyped-call]
        return result


async def connect(path: Path, synchronous: str) -> Connection:
    """A connection that writes. `synchronous` is set and read back; raises `StoreRefused` if it did not take."""
    connection = Connection(lambda: _open(path, "rw"), 64)
    await connection
    try:
        await connection.run(_prepare, synchronous)
    except BaseException:
        await connection.close()
        raise
    return connection


async def connect_reader(path: Path) -> Connection:
    """A connection that can't write."""
    connection = Connection(lambda: _open(path, "ro"), 64)
    await connection
    return connection


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Everything inside becomes durable together, or nothing. Takes the write lock at once."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


@contextmanager
def snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """All statements inside read the database as the first of them finds it."""
    if db.in_transaction:  # a reader that keeps one open for good
        yield
        return
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def _prepare(db: sqlite3.Connection, synchronous: str) -> None:
    """Checkpoints are made by hand (`checkpoint`), for the commit that crosses the automatic limit would pay for it."""
    _set(db, "journal_mode", "WAL", "wal")
    _set(db, "synchronous", synchronous, _LEVELS[synchronous])
    _set(db, "wal_autocheckpoint", 0, 0)
    _set(db, "secure_delete", "ON", 1)


def _set(db: sqlite3.Connection, pragma: str, value: object, read_back: object) -> None:
    db.execute(f"PRAGMA {pragma} = {value}").fetchall()
    (got,) = db.execute(f"PRAGMA {pragma}").fetchone()
    if got != read_back:
        raise StoreRefused(f"SQLite does not take {pragma} = {value}: it stays {got}")
