"""Make the bytes go that PostgreSQL leaves where rows were, as far as it can be done beside the daemon's work.

A row that is deleted or changed is still there until its page is vacuumed, and then its bytes are: in the page's free
space, and in that of index and TOAST pages, until new rows take the place. Measured, see docs/privacy.md.

1. First everybody is waited for who may still see the old rows, for PostgreSQL removes none of these: sessions of this
   database that are in a transaction, standbys that report what they read, prepared transactions.
2. A table that is small is written anew, with its indexes and its TOAST table (`VACUUM FULL`): nothing is left of the
   old files. It is locked meanwhile, a tenth of a second or less; nobody else is kept waiting for the lock itself for
   long, either: rather than that it is given up and asked for again.
3. A larger one is vacuumed, so that what comes next takes the place. docs/privacy.md says what is left until then, and
   what to do about it.

What was written to the write-ahead log, to archives of it and to standbys is beyond reach.
"""

import asyncio
from typing import TYPE_CHECKING, Final

import asyncpg

from nextlead.ports import StoreError

from .connection import Server, deadline

if TYPE_CHECKING:
    from .connection import Db

SMALL: Final = 8 << 20
"""Tables up to so many bytes, with all that belongs to them, are written anew."""
WAIT_S: Final = 5.0
"""How long others may go on to read what is to go, or hold on to a table, before erasing fails for now."""
_PAUSE_S: Final = 0.05
_LOCK_MS: Final = 100
_ANSWER_S: Final = 3_600.0
PERSONAL: Final = (
    "journal",
    "row",
    "lead",
    "state",
    "lead_data",
    "number",
    "mention",
    "reject",
    "reject_number",
    "match_key",
    "file_part",
)
"""Tables that have or had something personal in them."""
_SIZES: Final = """
SELECT c.relname::text, pg_total_relation_size(c.oid), pg_has_role(c.relowner, 'USAGE') FROM pg_class AS c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname = ANY($1::text[]) ORDER BY 2"""
_NOW: Final = """
SELECT pg_current_xact_id()::xid::text, array(
    SELECT l.virtualtransaction FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
    WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid()
    AND a.datid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    AND a.pid NOT IN (SELECT v.pid FROM pg_stat_progress_vacuum AS v)
)"""
"""This moment's number, and the transactions that began before it; vacuuming ones see no rows."""
_STILL_THERE: Final = """
SELECT DISTINCT 'session ' || pid FROM pg_locks
WHERE locktype = 'virtualxid' AND granted AND virtualtransaction = ANY($2::text[])
UNION ALL SELECT 'standby ' || application_name FROM pg_stat_replication
WHERE age(backend_xmin) > age($1::text::xid)
UNION ALL SELECT 'replication slot ' || slot_name FROM pg_replication_slots
WHERE age(xmin) > age($1::text::xid)
UNION ALL SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts
WHERE database = current_database() AND age(transaction) > age($1::text::xid)"""


async def scrub(server: Server) -> None:
    """See the rules of this file. Raises `StoreError` when somebody else holds on to what is to go."""
    with server.errors():
        db = await server.connect(statement_timeout="0", lock_timeout=f"{_LOCK_MS}ms")
        try:
            with deadline(db, _ANSWER_S):
                await _wait_for_readers(db)
                for table, size, ours in await db.fetch(_SIZES, list(PERSONAL)):
                    if not ours:
                        raise StoreError(f"table {table} belongs to another role, so it can't be vacuumed")
                    await (_write_anew(db, table) if size <= SMALL else _vacuum(db, table))
        finally:
            db.terminate()


async def _wait_for_readers(db: "Db") -> None:
    """Until nobody sees what was deleted before; rule 1."""
    now, sessions = (await db.fetch(_NOW))[0]
    others: list[str] = []
    for _ in range(round(WAIT_S / _PAUSE_S)):
        others = [name for (name,) in await db.fetch(_STILL_THERE, now, sessions)]
        if not others:
            return
        await asyncio.sleep(_PAUSE_S)
    raise StoreError(f"somebody else reads what is to be erased: {', '.join(others)}")


async def _write_anew(db: "Db", table: str) -> None:
    for _ in range(round(WAIT_S / (_PAUSE_S + _LOCK_MS / 1_000))):
        try:
            await db.execute(f'VACUUM (FULL) "{table}"')
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(_PAUSE_S)
        else:
            return
    raise StoreError(f"somebody else holds on to table {table}")


async def _vacuum(db: "Db", table: str) -> None:
    """Its lock is in nobody's way but another vacuum's, which is waited for or, if the server began it, broken off."""
    await db.execute("SET lock_timeout = 0")
    await db.execute(f'VACUUM (INDEX_CLEANUP ON) "{table}"')
    await db.execute(f"SET lock_timeout = {_LOCK_MS}")
