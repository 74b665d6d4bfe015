"""How the SQLite store reads: by which index, in which steps, and what a fold between two of them leaves."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from contract.build import closed, commit, fresh, lead, pool

from nextlead.core.conditions import FRESH, Condition
from nextlead.core.model import Lead, Status
from nextlead.ports import LeadFilter
from nextlead_adapters.journalled.codec import encode
from nextlead_adapters.journalled.packed import columns_of
from nextlead_adapters.sqlite import SqliteStore, filters, keys, reads, writes


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "a.db")
    await store.open()
    await store.claim()
    yield store
    await store.close()


async def folded(store: SqliteStore) -> None:
    """Everything that was committed is in the tables."""
    assert store._tending
    while store._overlay.behind:
        await store._tending._fold()


async def test_loading_reads_no_closed_lead_and_filters_no_untouched_one(store: SqliteStore) -> None:
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 101)])
    await commit(store, 2, *[closed(i) for i in range(1, 100)])
    await folded(store)
    assert await store._tables.reader.run(lambda db: db.execute("SELECT count(*) FROM lead").fetchone()) == (1,)
    plan = "EXPLAIN QUERY PLAN SELECT body FROM state INDEXED BY state_open WHERE org = 1 AND id > 0 AND status <> 8 ORDER BY id"
    steps = await store._tables.reader.run(lambda db: [row[3] for row in db.execute(plan)])
    assert steps == ["SEARCH state USING INDEX state_open (org=? AND id>?)"]


async def test_many_leads_by_id_are_found_by_their_index(store: SqliteStore) -> None:
    """SQLite has no statistics, and from a dozen ids on it would rather read the whole table."""
    ids = list(range(1, 101))
    which = f"WHERE org = 1 AND id IN ({','.join(map(str, ids))})"

    def plans(db: sqlite3.Connection) -> list[str]:
        seen: list[str] = []
        db.set_trace_callback(seen.append)
        reads.leads_of(db, 1, ids, {})
        db.set_trace_callback(None)
        (statement,) = (text for text in seen if " FROM lead " in text)
        return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}")]

    assert all("lead_id" in plan for plan in await store._tables.reader.run(plans))
    plan = await store._tables.reader.run(
        lambda db: db.execute(f"EXPLAIN QUERY PLAN SELECT body FROM state {which}").fetchall()
    )
    assert "PRIMARY KEY (org=? AND id=?)" in plan[0][3]


async def test_queries_find_what_they_ask_for_by_an_index(store: SqliteStore) -> None:
    """Each would read a table of millions otherwise."""
    queries: dict[str, Callable[[sqlite3.Connection], object]] = {
        "state_closed (org=? AND campaign=? AND closure=? AND closed_ms>? AND closed_ms<?)": lambda db: (
            reads.closed_before(db, 1, (10, "success", 5), 3, ())
        ),
        "(org=? AND pool=? AND kind=? AND (row,no,at)>(?,?,?))": lambda db: reads.rejects_after(db, 1, 1, "log", 0, 3),
        "(org=? AND master=?)": lambda db: reads.clones_of(db, 1, 5),
        "(org=? AND rule=? AND key=?)": lambda db: keys.users_of(db, 1, 1, [b"k"]),
        "match_key_lead (org=? AND lead=?)": lambda db: keys.delete(db, 1, [5]),
        "(org=? AND file=? AND no=?)": lambda db: reads.file_part(db, 1, 5, 0),
    }
    for plan, ask in queries.items():

        def plans(db: sqlite3.Connection, ask: Callable[[sqlite3.Connection], object] = ask) -> list[str]:
            seen: list[str] = []
            db.set_trace_callback(seen.append)
            ask(db)
            db.set_trace_callback(None)
            return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {seen[0]}")]

        found = await store._tables.file.writer.run(plans)
        assert any(plan in step for step in found), (plan, found)
        assert not any("TEMP B-TREE" in step for step in found)


@pytest.mark.parametrize(
    ("query", "touched", "untouched"),
    [
        ({}, "state USING PRIMARY KEY (org=? AND id>? AND id<?)", "lead USING INDEX lead_id (org=? AND id>? AND id<?)"),
        ({"number": 7}, "state USING PRIMARY KEY (org=? AND id=?)", "lead USING INDEX lead_id (org=? AND id=?)"),
        (
            {"conditions": frozenset({(10, FRESH)})},
            "state USING INDEX state_open (org=? AND id>? AND id<?)",
            "lead USING INDEX lead_id (org=? AND id>? AND id<?)",
        ),
        (
            {"conditions": frozenset({(10, FRESH), (10, Condition(Status.CLOSED, "success"))}), "campaign": 10},
            "state USING PRIMARY KEY (org=? AND id>? AND id<?)",
            "lead USING INDEX lead_id (org=? AND id>? AND id<?)",
        ),
    ],
)
async def test_lists_look_only_at_a_window_of_ids_or_at_a_number(
    store: SqliteStore, query: dict[str, Any], touched: str, untouched: str
) -> None:
    asked = LeadFilter(**query, after=5, before=20_000)
    for question, plan in (
        (filters._of_touched(1, asked), touched),
        (filters._of_untouched(1, asked, {1: pool()}), untouched),
    ):
        assert question is not None
        statement = f"EXPLAIN QUERY PLAN {question.select('id, body')} ORDER BY id"
        steps = await store._tables.reader.run(lambda db, *sql: db.execute(*sql).fetchall(), statement, question.values)
        assert f"SEARCH {plan}" in [step[3] for step in steps]


async def test_a_lead_that_is_folded_between_two_statements_is_seen_once(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves the table of untouched leads after that of touched ones was read."""
    await commit(store, 1, pool(), fresh=[fresh(1), fresh(2), fresh(3)])
    real_count, real_untouched = filters._count, filters._untouched

    def fold(lead_: int) -> None:
        with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as db:
            writes.fold_leads(db, 1, [columns_of(encode(lead(lead_)))])

    def count_and_fold(*args: Any) -> int:
        found = real_count(*args)
        fold(1)
        return found

    def fold_and_look(*args: Any) -> Iterator[Lead]:
        fold(2)
        yield from real_untouched(*args)

    monkeypatch.setattr(filters, "_count", count_and_fold)
    assert await store.count(LeadFilter()) == 3
    monkeypatch.setattr(filters, "_untouched", fold_and_look)
    assert [found.lead.id for found in await store.leads(LeadFilter())] == [1, 2, 3]
