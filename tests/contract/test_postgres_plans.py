"""How many rows PostgreSQL looks at for what is asked of it: as many as are wanted, also straight after a load.

There are no statistics then, and plans may have been made while the tables were empty.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from contract.build import NOON, fresh, lead, pool, reject
from postgres import Admin

from nextlead.core.changes import Changes
from nextlead.core.conditions import FRESH, Condition
from nextlead.core.model import Answer, Erasure, Status
from nextlead.ports import LeadFilter
from nextlead_adapters.journalled.bodies import pack
from nextlead_adapters.journalled.codec import encode
from nextlead_adapters.postgres import erasing, filters, history, loading, reads, schema
from nextlead_adapters.postgres.connection import Server

MANY: Final = 20_000
"""Untouched leads, touched ones behind them, commits, rejected rows."""
FIRST: Final = 14_150_000_000
POOLS = {i: pool(i, 10 + i % 3) for i in range(5)}
IDS = range(7, 2 * MANY, 401)
NUMBERS = [FIRST + i for i in IDS]
OPEN = LeadFilter(after=MANY, before=MANY + 2_001)
UNTOUCHED = LeadFilter(after=1_000, before=3_001)
CONDITIONS = frozenset((10, Condition(Status.CLOSED, f"result {i}")) for i in range(2_000)) | {(10, FRESH)}
STATE: Final = (
    "org, id, status, closure, campaign, pool, owner, due_ms, closed_ms, erased, activity, rule, last_by, body"
)
TOUCHED: Final = "1 + i % 8, CASE WHEN i % 8 = 7 THEN 'success' END, 10 + i % 3, i % 5, -1, i, i, false, 0, '', 0"
FILL: Final[dict[str, tuple[str, bytes]]] = {
    "lead": ("1, i % 5, i, i, -1, $1", encode(fresh(1))),
    f"state ({STATE})": (f"1, {MANY} + i, {TOUCHED}, $1", encode(lead(1))),
    "lead_data": ("1, i, $1", b'{"name":"Ada"}'),
    "lead_data (lead, org, body)": (f"{MANY} + i, 1, $1", b'{"name":"Ada"}'),
    "number": (f"1, {FIRST} + i, i, length($1::bytea)", b""),
    "number (lead, org, number, pool)": (f"{MANY} + i, 1, {FIRST + MANY} + i, length($1::bytea)", b""),
    "journal": ("1, i, i * 10, 1, $1", pack(Changes(), {})),
    "reject": ("1, i % 5, 'invalid', i, 1, i, $1", encode(reject(1))),
    "reject_number": (f"1, {FIRST} + i, i % 5, 'invalid', i, 1, length($1::bytea)", b""),
    "trail": ("1, i, i + length($1::bytea)", b""),
    "mention": (f"1, {FIRST} + i, i + length($1::bytea)", b""),
    "match_key": ("1, 1, $1::bytea || decode(md5(i::text), 'hex'), i", b""),
    "row": ("1, 'erasure', i::text, $1", encode(Erasure(1, 1, 1, 1))),
    "answer": ("1, i::text, i, $1", encode(Answer("k", "x", 200, b"", NOON))),
    "clone": ("1, i, i + length($1::bytea)", b""),
    "file_part": ("1, i, 0, $1", b""),
}
"""Values of row `i`."""
ASKED: Final[dict[str, tuple[int, Callable[[Any], Awaitable[Any]]]]] = {
    "leads_of": (100, lambda db: reads.leads_of(db, 1, IDS, POOLS)),
    "existing": (100, lambda db: reads.existing(db, 1, IDS)),
    "data_of": (100, lambda db: reads.data_of(db, 1, IDS)),
    "users_of": (100, lambda db: reads.users_of(db, 1, NUMBERS)),
    "match_users": (10, lambda db: reads.match_users(db, 1, 1, [bytes(16)])),
    "pools_with": (3, lambda db: reads.pools_with(db, 1, NUMBERS[0])),
    "clones_of": (1, lambda db: reads.clones_of(db, 1, 5)),
    "rejects_after": (11, lambda db: reads.rejects_after(db, 1, 1, "invalid", 9_000 << 128, 10)),
    "file_part": (1, lambda db: reads.file_part(db, 1, 5, 0)),
    "answer": (1, lambda db: reads.answer(db, 1, "77")),
    "closed_before": (20, lambda db: reads.closed_before(db, 1, (10, "success", MANY), 10, [MANY + 7])),
    "lead_at": (1, lambda db: history.lead_at(db, 1, 77, 5)),
    "commit_before": (60, lambda db: history.commit_before(db, 1, 77_777)),
    "happened": (64, lambda db: history.happened(db, 1, 500, MANY, 100)),
    "untouched ones, to load": (10_000, lambda db: loading.load_fresh(db, 1, (3, 0, 0))),
    "a page": (15, lambda db: filters.page(db, 1, LeadFilter(limit=10), (), POOLS)),
    "a page behind": (15, lambda db: filters.page(db, 1, LeadFilter(limit=10, after=MANY + 500), (), POOLS)),
    "a window": (2_010, lambda db: filters.count(db, 1, OPEN, IDS, POOLS)),
    "a window of one pool": (2_010, lambda db: filters.count(db, 1, _with(UNTOUCHED, pool=3), (), POOLS)),
    "open ones": (2_010, lambda db: filters.count(db, 1, _with(OPEN, due_before_ms=NOON), (), POOLS)),
    "conditions": (2_010, lambda db: filters.page(db, 1, _with(OPEN, conditions=CONDITIONS), (), POOLS)),
    "a text": (4_010, lambda db: filters.page(db, 1, _with(OPEN, text="nobody"), (), POOLS)),
    "a number": (5, lambda db: filters.page(db, 1, LeadFilter(number=NUMBERS[-1]), (), POOLS)),
    "heads": (400, lambda db: erasing.heads(db, 1, [Erasure(1, 5, 1, 10)], NUMBERS)),
    "mentions": (100, lambda db: erasing.mentions(db, 1, NUMBERS, MANY)),
    "delete_data": (400, lambda db: erasing.delete_data(db, 1, IDS)),
    "delete_uses": (5, lambda db: erasing.delete_uses(db, 1, NUMBERS[0], 0)),
    "rewrite_erasures": (500, lambda db: erasing.rewrite_erasures(db, 1, IDS)),
}
LOOKED_AT: Final = """
SELECT coalesce(sum(seq_scan), 0), coalesce(sum(coalesce(idx_tup_fetch, 0) + seq_tup_read), 0)
FROM pg_stat_xact_user_tables WHERE schemaname = current_schema()"""


def _with(query: LeadFilter, **more: Any) -> LeadFilter:
    return LeadFilter(after=query.after, before=query.before, limit=10, **more)


async def _rows_looked_at(db: Any, ask: Callable[[Any], Awaitable[Any]]) -> tuple[int, int]:
    """Tables read from end to end, and rows, in a transaction that leaves nothing."""
    transaction = db.transaction()
    await transaction.start()
    try:
        before = await db.fetchrow(LOOKED_AT)
        await ask(db)
        after = await db.fetchrow(LOOKED_AT)
    finally:
        await transaction.rollback()
    return after[0] - before[0], after[1] - before[1]


@pytest.mark.parametrize("known", [False, True], ids=["without statistics", "with them"])
async def test_what_is_asked_looks_at_few_rows(postgres: Admin, *, known: bool) -> None:
    with postgres.schema() as url:
        db = await Server(url).connect()
        try:
            found = await _all_asked(db, known=known)
        finally:
            await db.close()
    assert {name: scans for name, (scans, _) in found.items() if scans} == {}
    assert {name: rows for name, (_, rows) in found.items() if rows > ASKED[name][0]} == {}


async def _all_asked(db: Any, *, known: bool) -> dict[str, tuple[int, int]]:
    await schema.create(db)
    await db.execute("VACUUM ANALYZE")  # they are known to be empty
    for _, ask in ASKED.values():
        await _rows_looked_at(db, ask)  # plans for empty tables
    for table, (values, body) in FILL.items():
        await db.execute(f"INSERT INTO {table} SELECT {values} FROM generate_series(1, {MANY}) AS i", body)
    if known:
        await db.execute("ANALYZE")
    return {name: await _rows_looked_at(db, ask) for name, (_, ask) in ASKED.items()}
