"""A file of version 1, as its programs wrote it: everything is found again, and can be erased."""

import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from contract.build import NOON, closed, event, fresh, lead, load, pool, reject

from nextlead.core.model import Blocked, Erasure, Event, FreshLead, Lead, Pool, Reject
from nextlead.ports import NumberUse
from nextlead_adapters.sqlite import SqliteStore, schema, version_2

FIELDS = {Lead: 31, FreshLead: 10, Pool: 25, Reject: 5, Event: 17, Blocked: 4}
"""How many fields these rows had then; what came later stands behind them."""
ADA, BOB, CY = 12025550101, 12025550102, 12025550103


def old(row: Any) -> list[object]:
    """A row as version 1 knew it."""
    return msgspec.to_builtins(row, builtin_types=(bytes,))[: FIELDS[type(row)]]


def packed(value: object) -> bytes:
    return msgspec.msgpack.encode(value)


def told(lead_: int, kind: str, number: int, previous: int = 0) -> Event:
    return event(lead_, kind, previous, number=number, note="secret")


LEADS = [
    lead(1, numbers=(ADA,), last_commit=2),
    lead(1, numbers=(ADA,), last_commit=2, attempts=1),  # without an event: version 1 did not chain it
    lead(1, numbers=(ADA,), last_commit=4, attempts=2),
    closed(2, numbers=(BOB,), last_commit=4),
    lead(3, numbers=(CY,), last_commit=5),
]
JOURNAL = [
    ([], [("pool", 1, old(pool()))], [], []),
    ([LEADS[0]], [("blocked", ADA, old(Blocked(ADA, "x", NOON, "m")))], [told(1, "leased", ADA)], []),
    ([LEADS[1]], [("blocked", ADA, None)], [], []),
    ([LEADS[2], LEADS[3]], [], [told(1, "finished", ADA, 2), told(2, "finished", BOB)], []),
    ([LEADS[4]], [], [told(3, "edited", CY)], []),
    ([], [], [], [3]),
    ([LEADS[2]], [], [], []),  # not folded
]


def a_file(path: Path) -> None:
    made = [fresh(1, numbers=(ADA,)), fresh(2, numbers=(BOB,)), fresh(3, numbers=(CY,)), fresh(4, numbers=(ADA, BOB))]
    with closing(sqlite3.connect(path)) as db, db:
        version_2.run(db, schema._VERSION_1)
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        db.execute("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)")
        db.execute("INSERT INTO schema_version VALUES (1, '2026-01-01')")
        db.execute("INSERT INTO owner VALUES (1, 3, 99, 6)")
        db.execute("INSERT INTO row VALUES (1, 'pool', 1, ?)", [packed(old(pool()))])
        for no, (leads, rows, events, gone) in enumerate(JOURNAL, start=1):
            body = packed(([old(row) for row in leads], rows, [old(one) for one in events], gone))
            db.execute("INSERT INTO journal VALUES (1, ?, ?, 3, ?)", (no, NOON + no, body))
        db.execute(
            "INSERT INTO lead VALUES (1, 1, 4, 4, -1, ?)", [packed(old(msgspec.structs.replace(made[3], data=b"")))]
        )
        for row in (LEADS[2], LEADS[3]):
            columns = (1, row.id, int(row.status), row.closure, row.campaign, row.pool, row.owner, row.due_ms)
            db.execute("INSERT INTO state VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*columns, packed(old(row))))
        for row in (made[0], made[1], made[3]):
            db.executemany("INSERT INTO number VALUES (1, ?, ?)", [(number, row.id) for number in row.numbers])
            db.execute("INSERT INTO lead_data VALUES (1, ?, ?)", (row.id, row.data))
        db.execute("INSERT INTO reject VALUES (1, 1, 'invalid', 7, 1, 0, ?)", [packed(old(reject(7)))])


def test_the_first_version_never_changes() -> None:
    assert (
        sha256(schema._VERSION_1.encode()).hexdigest()
        == "b50a9c5ada42e97edec053c1d682aa01733a45b83df6a5518f07443a5c4e2b99"
    )


async def opened(path: Path) -> SqliteStore:
    store = SqliteStore(path)
    await store.open()
    assert (await store.claim()).commit_no == len(JOURNAL)
    return store


async def test_everything_is_found(tmp_path: Path) -> None:
    a_file(tmp_path / "a.db")
    for _ in range(2):
        store = await opened(tmp_path / "a.db")
        whole = await load(store)
        assert dict(whole.rows) == {"pool": pool()}
        assert whole.leads == [msgspec.structs.replace(LEADS[2], ordinal=0)]
        assert whole.fresh == [fresh(4, numbers=(ADA, BOB), data=b"")]
        assert (await store.lead(4)).data == b'{"name":"Ada"}'  # type: ignore[union-attr]
        assert [found.kind for found in await store.history(1)] == ["leased", "finished"]
        uses = [(BOB, 2, True), (BOB, 4, False)]
        assert await store.numbers([BOB, CY]) == [NumberUse(number, id_, 1, 10, shut) for number, id_, shut in uses]
        assert await store.rejects(1, "invalid") == [reject(7)]
        await store.close()


async def test_when_leads_closed_is_taken_from_the_journal(tmp_path: Path) -> None:
    # R10.7
    a_file(tmp_path / "a.db")
    store = await opened(tmp_path / "a.db")
    (found,) = await store.closed_before(10, "success", NOON + 5, 9)
    assert (found.id, found.closed_ms) == (2, NOON + 4)
    assert await store.closed_before(10, "success", NOON + 4, 9) == []
    await store.close()


async def test_what_it_says_of_persons_can_be_erased(tmp_path: Path) -> None:
    """Rows without an event, leads deleted long ago, and entries that were blocked once."""
    a_file(tmp_path / "a.db")
    store = await opened(tmp_path / "a.db")
    assert await store.pools_with_number(CY) == [1]
    await store.erase([Erasure(1, 1, 1, 4), Erasure(2, 2, 1, 4), Erasure(3, 0, 0, 0, forget=(ADA, CY))])
    for no in range(2, 8):
        for id_ in (1, 2, 3):
            row = await store.lead_at(no, id_)
            assert row is None or row.numbers == ()
    assert {found.note for found in await store.history(1)} == {""}
    assert await store.pools_with_number(CY) == []
    await store.close()
    data = (tmp_path / "a.db").read_bytes()
    assert CY.to_bytes(5, "big") not in data
    assert b"secret" not in data


async def test_what_waits_for_folding_is_kept(tmp_path: Path) -> None:
    """Lead 1 was touched once more after the last fold."""
    a_file(tmp_path / "a.db")
    store = await opened(tmp_path / "a.db")
    assert store._overlay.behind == 1
    await store.close()
