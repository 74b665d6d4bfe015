"""Brings a store of an older version forward, and says how far."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from msgspec import Struct

from nextlead.ports import StoreRefused

from ..sqlite import files, schema
from ..sqlite.connection import FULL, connect
from ..store_url import existing_file, needing_asyncpg, postgres_url, shown_url
from .contents import reader

Said = Callable[[str], object]
"""Is told what is being done."""

KNOWN: Final = len(schema.MIGRATIONS)
STEPS: Final = {
    2: "when leads closed and what leads to each commit, taken from the history; clones, kept originals, match keys",
    3: "the calls of the last 30 days, taken from the history, for contact limits",
    4: "what leads were before they closed, taken from the history, for public statuses and statistics",
    5: "the organisations' names",
}
"""What each version brought, for people."""


class Migration(Struct):
    """A store's version before and after, and what was done between."""

    store: str
    found: int
    now: int
    steps: list[str]


async def versions(url: str) -> tuple[int, int]:
    """The version of a store, and the one that this program writes. It may be in use.

    Raises `BadUrl`, and `StoreRefused` for what is no store, is damaged, or is newer than this program.
    """
    if server := postgres_url(url):
        with needing_asyncpg():
            from .postgres import database_version  # noqa: PLC0415 - its driver is an extra
        return await database_version(server)
    path = existing_file(url, "be migrated")
    files.check_header(path)
    try:
        with closing(reader(path)) as db:
            found = schema.version(db)
    except sqlite3.Error as error:
        raise StoreRefused(f"{path} can't be read: {error}") from error
    if not found:
        raise StoreRefused(f"{path} is empty")
    return found, KNOWN


async def migrate(url: str, said: Said = lambda _: None) -> Migration:
    """Bring the store to the present version, all steps or none. O(its history).

    Raises as `versions`, and `StoreRefused` naming the holder while a daemon has it.
    """
    if server := postgres_url(url):
        return await _migrate_database(server, said)
    path = existing_file(url, "be migrated")
    lock = files.Lock(path)
    lock.take()
    try:
        found, _ = await versions(url)
        if found < KNOWN:
            said(f"from version {found} to {KNOWN}")
            await _bring_up(path)
        return Migration(
            shown_url(url), found, KNOWN, [f"{each}: {STEPS[each]}" for each in range(found + 1, KNOWN + 1)]
        )
    finally:
        lock.give_back()


async def _migrate_database(url: str, said: Said) -> Migration:
    with needing_asyncpg():
        from .postgres import bring_up, database_version  # noqa: PLC0415 - its driver is an extra
    found, known = await database_version(url)
    if found < known:
        said(f"from version {found} to {known}")
    await bring_up(url)
    return Migration(shown_url(url), found, known, [])


async def _bring_up(path: Path) -> None:
    connection = await connect(path, FULL)
    try:
        await connection.run(schema.migrate)
        await connection.run(_empty_log)
    except sqlite3.Error as error:
        raise StoreRefused(f"{path} can't be migrated, it stays as it was: {error}") from error
    finally:
        await connection.close()


def _empty_log(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
