"""A file that a program of version 2 wrote (`version_2.sql` is its dump): its calls count, and can be erased.

It was made by the code of that version: ten leads, worked with on day 0 and day 33 of the store's time; half of it was
folded, lead 6 is on a screen, lead 8 is anonymised but not erased yet.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from contract.build import closed, commit, event, load
from contract.old_files import written

from nextlead.core.commands import Finish
from nextlead.core.engine import Engine
from nextlead.core.model import Call, Contacted, Erasure, Lead
from nextlead.core.tokens import token_text
from nextlead.runtime import recovery
from nextlead_adapters.sqlite import SqliteStore, schema

LAST, LAST_MS = 32, 1_775_262_180_000
CAMPAIGN = 3
FIRST = 14155550100
"""Lead n has this number and n; lead 2 has another one."""

TWICE = (Call(1_775_260_920_000, FIRST + 1), Call(1_775_261_940_000, FIRST + 1))
"""A third call to lead 1 was 33 days before."""
DROPPED = Call(1_775_261_640_000, FIRST + 2)
SOLD = Call(1_775_261_040_000, FIRST + 3, 1_775_261_100_000)
PROMISED = Call(1_775_261_760_000, FIRST + 4, 1_775_261_880_000)
RESOLVED_LATER = Call(1_775_261_160_000, FIRST + 5, 1_775_261_340_000)
REFUSED = Call(1_775_261_520_000, FIRST + 10, 1_775_261_580_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path, "version_2.sql")


async def opened(path: Path) -> SqliteStore:
    store = SqliteStore(path)
    await store.open()
    assert (await store.claim()).commit_no >= LAST
    return store


async def row(store: SqliteStore, lead: int) -> Lead:
    stored = await store.lead(lead)
    assert stored is not None
    return stored.lead


async def test_leads_know_their_calls(path: Path) -> None:
    # R12.1: a new rule counts what was before it
    for _ in range(2):  # the second time everything is folded
        store = await opened(path)
        calls = {lead: (await row(store, lead)).calls for lead in range(1, 11)}
        assert calls == {
            1: TWICE,
            2: (DROPPED,),
            3: (SOLD,),
            4: (PROMISED,),
            5: (RESOLVED_LATER,),
            6: (),
            7: (),
            8: (),
            9: (),
            10: (REFUSED,),
        }
        await store.close()


async def test_calls_to_numbers_that_a_lead_has_no_more_are_kept_beside_it(path: Path) -> None:
    for _ in range(2):
        store = await opened(path)
        kept = [found for table, found in (await load(store)).rows if table == "contacted"]
        assert sorted(kept, key=lambda found: found.lead) == [
            Contacted(lead, CAMPAIGN, (call,))
            for lead, call in ((2, DROPPED), (3, SOLD), (5, RESOLVED_LATER), (10, REFUSED))
        ]
        await store.close()


async def test_everything_else_is_as_it_was(path: Path) -> None:
    store = await opened(path)
    whole = await load(store)
    assert sorted(lead.id for lead in whole.leads) == [1, 2, 4, 6, 9]
    assert [lead.id for lead in whole.fresh] == [7]
    assert {lead.zones for lead in (*whole.leads, *whole.fresh)} == {0}
    assert [found.kind for found in await store.history(5)] == ["leased", "unresolved", "resolve"]
    assert {found.checks for lead in range(1, 11) for found in await store.history(lead)} == {()}
    assert (await row(store, 8)).erased
    await store.close()


async def test_an_engine_goes_on_with_it(path: Path) -> None:
    store = await opened(path)
    engine = Engine(b"the key of these tests")
    await recovery.load(store, engine)
    engine.commit_no = LAST + 1
    engine.start(LAST_MS, LAST_MS)
    assert engine.verify() == []
    (campaign,) = engine.campaigns
    assert (campaign.dialer.calling_hours, campaign.dialer.contact_limits) == (None, ())
    done = engine.apply(Finish(token=token_text(6, b"6" * 16), outcome="unreached", cause="busy"), LAST_MS + 1)
    (call,) = done.changes.leads[6].calls
    assert (call.at_ms, call.number) == (LAST_MS, FIRST + 6)
    assert engine.verify() == []
    await store.close()


@pytest.mark.parametrize("lead", [2, 5, 10])
async def test_what_was_taken_from_the_history_can_be_erased(path: Path, lead: int) -> None:
    # R10.6
    store = await opened(path)
    before = await row(store, lead)
    bare = closed(lead, "anonymized", numbers=(), erased=True, last_commit=LAST + 1)
    erasure = Erasure(99, lead, 1, LAST + 1, numbers=(*before.numbers, *before.dropped))
    last = event(lead, "anonymized", before.last_commit, silent=before.silent)
    await commit(store, LAST + 1, bare, erasure, events=[last], rows={("contacted", lead): None})
    await store.erase([erasure])
    await store.close()
    data = path.read_bytes()
    for number in (*before.numbers, *before.dropped):
        assert number.to_bytes(5, "big") not in data
    assert (FIRST + 1).to_bytes(5, "big") in data


async def test_the_version_keeps_older_programs_away(path: Path) -> None:
    await (await opened(path)).close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT max(version) FROM schema_version").fetchone() == (len(schema.MIGRATIONS),)
