"""From a PostgreSQL database into a store file, and from a store file into an empty database.

Both have the same tables with the same columns (`postgres/schema.py` says what differs), so rows are carried over as
they are, table by table. What is read is one REPEATABLE READ snapshot, and what is written is one transaction: as of
one moment, and all or nothing.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from nextlead.ports import StoreError, StoreRefused

from ..journalled.slices import batches
from ..postgres import PostgresDatabase, schema
from ..postgres.connection import Server
from ..postgres.writing import key_text
from ..soundness.look import Said
from ..sqlite.schema import migrate
from ..sqlite.statements import insert
from .contents import reader
from .copying import drop, make_private, refuse_without_room

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..postgres.connection import Db

SLICE: Final = 1_000
"""Rows that are fetched at once."""
_OWN: Final = frozenset({"owner", "organisation", "folding"})
"""Tables that differ, and are written by hand."""
TABLES: Final = tuple(table for table in schema.TABLES if table not in _OWN)
_BOOLEANS: Final = frozenset({"erased", "ready"})
_decode_key: Final = msgspec.json.Decoder(int | str).decode
Convert = Callable[[Any], Any]


class _Table:
    """A table's columns, in the file's order, and what is done to their values on the way."""

    def __init__(self, db: sqlite3.Connection, name: str) -> None:
        columns = db.execute(f"PRAGMA table_info({name})").fetchall()
        self.name = name
        self.columns = [column[1] for column in columns]
        self.key = [column[1] for column in sorted(columns, key=lambda column: column[5]) if column[5]]

    def quoted(self, names: Iterable[str]) -> str:
        """Names for a statement; `row` is a word of SQL."""
        return ", ".join(f'"{name}"' for name in names)

    def converted(self, rows: Iterable[Any], key: Convert) -> Iterator[tuple[Any, ...]]:
        """With keys of `row` as the other side has them."""
        at = self.columns.index("key") if self.name == "row" else None
        for row in rows:
            yield tuple(row) if at is None else (*row[:at], key(row[at]), *row[at + 1 :])


# -- into a file ----------------------------------------------------------------------------------------------------


async def copy_database(url: str, target: Path, *, spare_bytes: int = 0) -> None:
    """Copy a database into a new store file, as of one moment; others may work on it. See `copying.copy_store`."""
    server = Server(url, name="nextlead backup")
    with server.errors():
        session = await server.connect(
            statement_timeout="0", idle_in_transaction_session_timeout="0", default_transaction_read_only="on"
        )
    try:
        with server.errors():
            await session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            await schema.check_current(session, server.shown)
            size = await session.fetchval(
                "SELECT sum(pg_total_relation_size(to_regclass(t))) FROM unnest($1::text[]) t", list(TABLES)
            )
            refuse_without_room(int(size or 0), target, spare_bytes)
            await _write_file(session, target)
    finally:
        session.terminate()


async def _write_file(session: "Db", target: Path) -> None:
    make_private(target)
    try:
        with closing(sqlite3.connect(target, isolation_level=None, check_same_thread=False)) as db, _writing(target):
            db.execute("PRAGMA journal_mode = OFF")
            db.execute("PRAGMA synchronous = OFF")
            migrate(db)
            db.execute("BEGIN")
            await _owners(session, db)
            for name in TABLES:
                await _fill(session, db, _Table(db, name))
            db.execute("COMMIT")
    except BaseException:
        drop(target)
        raise


async def _owners(session: "Db", db: sqlite3.Connection) -> None:
    found = await session.fetch(
        "SELECT o.no, o.code, o.name, o.created_ms, f.epoch, f.folded_to FROM organisation AS o "
        "JOIN folding AS f ON f.org = o.no ORDER BY o.no"
    )
    db.execute("DELETE FROM organisation")
    db.executemany(
        "INSERT INTO organisation (no, code, name, created_ms) VALUES (?, ?, ?, ?)", [row[:4] for row in found]
    )
    rows = [(row[0], row[4], 0, row[5]) for row in found]
    db.executemany("INSERT INTO owner (org, epoch, pid, folded_to) VALUES (?, ?, ?, ?)", rows)


async def _fill(session: "Db", db: sqlite3.Connection, table: _Table) -> None:
    """In order of the key, so that pages are filled one after the other; many rows to a statement, in a thread."""
    columns = table.quoted(table.columns)
    around = (f"INSERT INTO {table.name} ({columns}) VALUES", "")
    question = f'SELECT {columns} FROM "{table.name}" ORDER BY {table.quoted(table.key)}'
    cursor = await session.cursor(question)
    while found := await cursor.fetch(SLICE):
        rows = list(table.converted(found, _decode_key))
        await _finished(asyncio.to_thread(insert, db, around, rows))


async def _finished(work: Any) -> None:
    """Wait for the thread also when this is cancelled: it uses what is closed next."""
    running = asyncio.ensure_future(work)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{target} can't be written: {error}") from error


# -- into a database ------------------------------------------------------------------------------------------------


async def fill_database(file: Path, url: str, said: Said) -> None:
    """Carry a store file, which is up to date, into an empty database. All of it is there, or nothing.

    Raises `StoreRefused` when the database is not empty, or has an owner.
    """
    database = PostgresDatabase(url)
    await database.open()
    try:
        await database.claim()
        async with _session(database.server) as session:
            with closing(reader(file)) as db:
                await _fill_all(session, db, database, said)
    finally:
        await database.close()


@asynccontextmanager
async def _session(server: Server) -> "AsyncIterator[Db]":
    """One of its own, as it takes longer than an answer may."""
    with server.errors():
        session = await server.connect(statement_timeout="0", idle_in_transaction_session_timeout="0")
        try:
            yield session
        finally:
            session.terminate()


async def _fill_all(session: "Db", db: sqlite3.Connection, database: PostgresDatabase, said: Said) -> None:
    """Who would claim it meanwhile waits for the lock of `folding`, and then finds all of it."""
    epoch = database.ownership.epoch
    async with session.transaction():
        held = await session.fetchval(
            "SELECT count(*) FROM (SELECT 1 FROM folding WHERE epoch = $1 FOR UPDATE) f", epoch
        )
        if not held:
            raise StoreRefused(f"{database.name} was taken over by another process")
        for name in TABLES:
            if await session.fetchval(f'SELECT EXISTS (SELECT 1 FROM "{name}")'):
                raise StoreRefused(f"{database.name} is not empty: it has a store already")
        await _put_owners(session, db, epoch)
        for name in TABLES:
            await _put(session, db, _Table(db, name), said)


async def _put_owners(session: "Db", db: sqlite3.Connection, epoch: int) -> None:
    found = db.execute(
        "SELECT o.no, o.code, o.name, o.created_ms, coalesce(w.folded_to, 0) FROM organisation AS o "
        "LEFT JOIN owner AS w ON w.org = o.no ORDER BY o.no"
    ).fetchall()
    await session.execute("DELETE FROM folding")
    await session.execute("DELETE FROM organisation")
    for no, code, name, created_ms, folded_to in found:
        await session.execute("INSERT INTO organisation VALUES ($1, $2, $3, $4, $5)", no, code, name, created_ms, epoch)
        await session.execute("INSERT INTO folding (org, epoch, folded_to) VALUES ($1, $2, $3)", no, epoch, folded_to)


async def _put(session: "Db", db: sqlite3.Connection, table: _Table, said: Said) -> None:
    (total,) = db.execute(f"SELECT count(*) FROM {table.name}").fetchone()
    booleans = [at for at, column in enumerate(table.columns) if column in _BOOLEANS]
    done = 0
    for rows in batches(
        table.converted(db.execute(f"SELECT {table.quoted(table.columns)} FROM {table.name}"), key_text), 10 * SLICE
    ):
        said(table.name, done, total)
        records = [_with_booleans(row, booleans) for row in rows] if booleans else rows
        await session.copy_records_to_table(table.name, records=records, columns=table.columns)
        done += len(rows)


def _with_booleans(row: tuple[Any, ...], booleans: list[int]) -> tuple[Any, ...]:
    values = list(row)
    for at in booleans:
        values[at] = bool(values[at])
    return tuple(values)


# -- versions -------------------------------------------------------------------------------------------------------


async def database_version(url: str) -> tuple[int, int]:
    """The version of a database's tables, and the one that this program makes. Raises `StoreRefused`."""
    server = Server(url)
    with server.errors():
        session = await server.connect(default_transaction_read_only="on")
        try:
            found = await schema.version(session)
        finally:
            session.terminate()
    if not found:
        raise StoreRefused(f"{server.shown} has no store")
    return found, len(schema.MIGRATIONS)


async def bring_up(url: str) -> None:
    """Claim the database, which brings it up to date. Raises `StoreRefused` naming the owner while there is one."""
    database = PostgresDatabase(url)
    await database.open()
    try:
        await database.claim()
    finally:
        await database.close()
