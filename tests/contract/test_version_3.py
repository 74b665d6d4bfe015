"""A file that a program of version 3 wrote (`version_3.sql` is its dump): who was not accepted is known by the rule.

It was made by the code of that version. Leads 4 to 9 came in closed, and 10 and 11 in a second pool; 1 and 2 were sold
to; 2, 7, 8 and 11 are anonymised, 9 is erased by retention, 4 was reopened, 5 was reopened and removed. The second pool
and what came after it is not folded.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from contract.build import load
from contract.old_files import written

from nextlead.core.activity_model import Activity
from nextlead.core.commands import Anonymise, Reopen
from nextlead.core.conditions import Condition, closure_key
from nextlead.core.engine import Engine
from nextlead.core.model import Closures, Status
from nextlead.ports import LeadFilter
from nextlead.runtime import recovery
from nextlead_adapters.sqlite import SqliteStore, schema

LAST, LAST_MS = 21, 1_772_409_620_000
CAMPAIGN = 3
REGION = "fields.region.prohibited"


def key(closure: str, rule: str = "", *, anonymised: bool = False) -> str:
    return closure_key(Condition(Status.CLOSED, closure, rule, anonymised=anonymised))


COUNTS = {
    1: {
        "success": 1,
        key("success", anonymised=True): 1,
        "removed": 1,
        "invalid_phone_number": 1,
        key("not_accepted", "countries"): 1,
        key("not_accepted", "countries", anonymised=True): 2,
    },
    2: {key("not_accepted", REGION): 1, key("not_accepted", "number_types", anonymised=True): 1},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path, "version_3.sql")


async def opened(path: Path) -> SqliteStore:
    store = SqliteStore(path)
    await store.open()
    assert (await store.claim()).commit_no == LAST
    return store


def not_accepted(rule: str) -> frozenset[tuple[int, Condition]]:
    return frozenset({(CAMPAIGN, Condition(Status.CLOSED, "not_accepted", rule))})


async def test_leads_know_the_rule_that_they_broke(path: Path) -> None:
    # R13.2
    for folded in (False, True):
        store = await opened(path)
        assert (store._overlay.behind == 0) is folded
        leads = {found.lead.id: found.lead for found in await store.leads(LeadFilter())}
        assert {id_: lead.rule for id_, lead in leads.items() if lead.rule} == {
            7: "countries",
            8: "countries",
            9: "countries",
            10: REGION,
            11: "number_types",
        }
        assert {lead.latest for lead in leads.values()} == {None}
        for rule, ids in (("countries", [9]), (REGION, [10]), ("number_types", []), ("", [])):
            query = LeadFilter(conditions=not_accepted(rule))
            assert [found.lead.id for found in await store.leads(query)] == ids
            assert await store.count(query) == len(ids)
        anonymised = Condition(Status.CLOSED, "anonymized")
        assert await store.count(LeadFilter(conditions=frozenset({(CAMPAIGN, anonymised)}))) == 4
        await store.close()


async def test_pools_count_them_by_it(path: Path) -> None:
    # R10.6: under what they were before they were anonymised
    for _ in range(2):
        store = await opened(path)
        found = [row for table, row in (await load(store)).rows if table == "closures"]
        assert {row.pool: row.counts for row in found if isinstance(row, Closures)} == COUNTS
        await store.close()


async def test_an_engine_counts_on(path: Path) -> None:
    store = await opened(path)
    engine = Engine(b"the key of these tests")
    await recovery.load(store, engine)
    engine.commit_no = LAST + 1
    engine.start(LAST_MS, LAST_MS)
    stored = [await store.lead(lead) for lead in (9, 10)]
    nine, ten = (found.lead for found in stored if found)
    done = engine.apply(Reopen(lead=10, row=ten), LAST_MS + 1)
    left = done.changes.rows["closures", 2]
    assert isinstance(left, Closures)
    assert left.counts == {key("not_accepted", "number_types", anonymised=True): 1}
    done = engine.apply(Anonymise(leads=(9,), rows=(nine,)), LAST_MS + 2)
    left = done.changes.rows["closures", 1]
    assert isinstance(left, Closures)
    assert left.counts[key("not_accepted", "countries", anonymised=True)] == 3
    assert key("not_accepted", "countries") not in left.counts
    assert engine.verify() == []
    await store.close()


async def test_the_history_says_what_leads_were_before(path: Path) -> None:
    # R13.4: statistics go back by it
    told = {
        1: [("leased", None, ""), ("resolved", None, "")],
        2: [("leased", None, ""), ("resolved", None, ""), ("anonymized", "success", "")],
        5: [("loaded", None, REGION), ("reopened", "not_accepted", REGION), ("removed", None, "")],
        6: [("loaded", None, "")],
        7: [("loaded", None, "countries"), ("anonymized", "not_accepted", "countries")],
        9: [("loaded", None, "countries"), ("anonymized", "not_accepted", "countries")],
        11: [("loaded", None, "number_types"), ("anonymized", "not_accepted", "number_types")],
    }
    for _ in range(2):
        store = await opened(path)
        for lead, lines in told.items():
            assert [(found.kind, found.closure_before, found.rule) for found in await store.history(lead)] == lines
        await store.close()


async def test_everything_else_is_as_it_was(path: Path) -> None:
    store = await opened(path)
    whole = await load(store)
    assert [lead.id for lead in whole.leads] == [4]
    assert [lead.id for lead in whole.fresh] == [3]
    assert [found.kind for found in await store.history(5)] == ["loaded", "reopened", "removed"]
    assert {found.activity for lead in range(1, 12) for found in await store.history(lead)} == {Activity.NONE}
    await store.close()


async def test_the_version_keeps_older_programs_away(path: Path) -> None:
    await (await opened(path)).close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT max(version) FROM schema_version").fetchone() == (len(schema.MIGRATIONS),)
