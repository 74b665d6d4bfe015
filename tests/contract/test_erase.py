"""What every store promises of erasing (SPEC R10.6): histories stay, persons go."""

import asyncio
from typing import Any

import pytest
from contract.build import NOON, closed, commit, event, fresh, lead, load, pool, reject
from msgspec.structs import replace

from nextlead.core.activity_model import Logged
from nextlead.core.model import (
    Blocked,
    Call,
    Contacted,
    Erasure,
    Event,
    Forgotten,
    Job,
    Lead,
    LeadData,
    Lease,
    Reject,
    Status,
    ZoneSet,
)
from nextlead.ports import LeadFilter, NumberUse
from nextlead.testing import FaultyStore

ADA, BOB = 12025550101, 12025550102
LEASE = Lease(b"t" * 16, 2, NOON, NOON, ADA, 1)


async def reopen(home: Any, store: Any) -> Any:
    await store.close()
    store = home.again()
    await store.open()
    await store.claim()
    return store


LOGGED = Logged("call", "out", "no_sale", at_ms=NOON)
EXPLAINED = replace(LOGGED, explanation="Ada has moved to Oz")


def said(kind: str, previous: int = 0, silent: tuple[int, ...] = (), lead_: int = 1, cause: str = "free text") -> Event:
    more: dict[str, Any] = {"number": ADA, "note": "Ada said", "detail": "rings Bob", "logged": EXPLAINED}
    return event(lead_, kind, previous, cause=cause, silent=silent, **more)


def bare(kind: str, previous: int = 0, silent: tuple[int, ...] = (), lead_: int = 1, cause: str = "free text") -> Event:
    logged = None if kind == "anonymized" else LOGGED
    return event(lead_, kind, previous, cause=cause, silent=silent, logged=logged)


def mine(**more: Any) -> Lead:
    return lead(1, **{"numbers": (ADA, BOB), **more})


async def a_life(store: Any) -> list[Erasure]:
    """Lead 1 is called, beaten, edited, closed, anonymised; lead 2 stands beside it in the same commits."""
    await commit(store, 1, pool(), pool(2), fresh=[fresh(1, numbers=(ADA, BOB)), fresh(2)], rejects=[reject(1)])
    other = event(2, "leased", number=14155550002, note="stays")
    await commit(store, 2, mine(last_commit=2, lease=LEASE), lead(2, last_commit=2), events=[said("leased"), other])
    await commit(store, 3, mine(last_commit=2, lease=LEASE, silent=(3,)), lead(2, last_commit=2, silent=(3,)))
    row = mine(numbers=(BOB,), dropped=(ADA,), dialled=(1,), dropping=(BOB,), last_commit=4)
    await commit(
        store, 4, row, LeadData(1, b'{"name":"Ada B"}'), events=[said("cancelled", 2, (3,)), said("edited", 4)]
    )
    await commit(store, 5, closed(1, numbers=(BOB,), last_commit=5), events=[said("finished", 4, (), 1, "result")])
    gone = closed(1, "anonymized", numbers=(), erased=True, last_commit=6)
    erasure = Erasure(1, 1, 1, 6, numbers=(ADA,))
    await commit(store, 6, gone, LeadData(1, b"{}"), erasure, events=[bare("anonymized", 5, (), 1, "")])
    return [erasure]


@pytest.mark.parametrize("folded", [False, True])
async def test_a_history_stays_without_what_names_the_person(home: Any, store: Any, *, folded: bool) -> None:
    erasures = await a_life(store)
    store = await reopen(home, store) if folded else store
    await store.erase(erasures)
    for _ in range(2):
        assert await store.history(1) == [
            bare("leased"),
            bare("cancelled", 2, (3,), 1, ""),
            bare("edited", 4),
            bare("finished", 4, (), 1, "result"),
            bare("anonymized", 5, (), 1, ""),
        ]
        for no in range(2, 7):
            row = await store.lead_at(no, 1)
            assert (row.numbers, row.dropped, row.dialled, row.dropping) == ((), (), (), ())
            assert row.lease is None or row.lease.number == 0
        assert (await store.lead(1)).data == b"{}"
        assert await store.numbers([ADA, BOB]) == []
        store = await reopen(home, store)
    await store.close()


async def test_others_in_the_same_commits_keep_all(home: Any, store: Any) -> None:
    await store.erase(await a_life(store))
    for _ in range(2):
        assert [found.note for found in await store.history(2)] == ["stays"]
        assert await store.lead_at(3, 2) == lead(2, last_commit=2, silent=(3,))
        assert (await store.lead(2)).data == b'{"name":"Ada"}'
        assert await store.numbers([14155550002]) == [NumberUse(14155550002, 2, 1, 10, False)]
        assert len(await store.rejects(1, "invalid")) == 1
        store = await reopen(home, store)
    await store.close()


async def test_the_erasure_row_keeps_its_lead_and_loses_its_numbers(home: Any, store: Any) -> None:
    """A restart in between goes on with it."""
    erasures = await a_life(store)
    await store.erase(erasures)
    for _ in range(2):
        rows = [row for table, row in (await load(store)).rows if table == "erasure"]
        assert rows == [Erasure(1, 1, 1, 6)]
        await store.erase(rows)
        store = await reopen(home, store)
    await commit(store, 7, rows={("erasure", 1): None})
    assert not [row for table, row in (await load(store)).rows if table == "erasure"]
    await store.close()


async def test_a_forgotten_number_goes_everywhere(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1, numbers=(ADA, BOB))])
    await commit(store, 2, rejects=[reject(1, "invalid", 1, ADA), reject(2, "duplicate", 1, BOB, ADA)])
    await commit(store, 3, Blocked(ADA, "asked", NOON, "user:M"), rejects=[reject(3, "invalid", 1, BOB)])
    rows = {("blocked", ADA): None, ("forgotten", "ab"): Forgotten("ab", NOON, "user:M")}
    erasures = [Erasure(1, 1, 1, 4), Erasure(2, 0, 0, 0, forget=(ADA,))]
    row = closed(1, "anonymized", numbers=(), erased=True, last_commit=4)
    await commit(store, 4, row, *erasures, rows=rows, events=[bare("anonymized")])
    await store.erase(erasures)
    for _ in range(2):
        assert [found.row for found in await store.rejects(1, "invalid")] == [3]
        assert await store.rejects(1, "duplicate") == []
        assert await store.pools_with_number(ADA) == []
        assert await store.pools_with_number(BOB) == [1]
        tables = {table for table, _ in (await load(store)).rows}
        assert tables == {"pool", "forgotten", "erasure"}
        store = await reopen(home, store)
    await store.close()


async def test_a_number_that_is_blocked_again_stays_blocked(home: Any, store: Any) -> None:
    await commit(store, 1, Blocked(ADA, "asked", NOON, "user:M"))
    await commit(store, 2, Erasure(1, 0, 0, 0, forget=(ADA,)), rows={("blocked", ADA): None})
    again = Blocked(ADA, "again", NOON, "user:M")
    await commit(store, 3, again)
    await store.erase([Erasure(1, 0, 0, 0, forget=(ADA,))])
    for _ in range(2):
        assert ("blocked", again) in (await load(store)).rows
        store = await reopen(home, store)
    await store.close()


async def test_retention_leaves_numbers_of_others_alone(store: Any) -> None:
    # R10.7: numbers are not forgotten
    await commit(store, 1, pool(), fresh=[fresh(1, numbers=(ADA,)), fresh(2, numbers=(ADA,))])
    await commit(store, 2, closed(1, numbers=(ADA,), last_commit=2), events=[said("finished")])
    await commit(
        store, 3, closed(1, numbers=(), erased=True, last_commit=2, silent=(3,)), rejects=[reject(1, "invalid", 1, ADA)]
    )
    await store.erase([Erasure(1, 1, 1, 2, (3,), numbers=(ADA,))])
    assert [use.lead for use in await store.numbers([ADA])] == [2]
    assert len(await store.rejects(1, "invalid")) == 1
    assert [found.note for found in await store.history(1)] == [""]


async def test_an_open_lead_that_says_the_number_keeps_its_index(store: Any) -> None:
    """A leased lead is erased when its lease ends; until then its number leads to it."""
    await commit(store, 1, pool(), fresh=[fresh(1, numbers=(ADA,))])
    await commit(store, 2, lead(1, numbers=(ADA,), lease=LEASE, mark="anonymized"))
    await store.erase([Erasure(1, 0, 0, 0, forget=(ADA,))])
    assert [use.lead for use in await store.numbers([ADA])] == [1]
    await commit(store, 3, closed(1, numbers=(), erased=True, silent=(2, 3)))
    await store.erase([Erasure(2, 1, 1, 0, (2, 3), forget=(ADA,))])
    assert await store.numbers([ADA]) == []
    assert (await store.lead_at(2, 1)).numbers == ()


async def test_an_untouched_lead_that_is_erased(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1, numbers=(ADA,)), fresh(2)])
    row = closed(1, "anonymized", numbers=(), erased=True, last_commit=2)
    await commit(store, 2, row, events=[bare("anonymized")])
    await store.erase([Erasure(1, 1, 1, 2, forget=(ADA,))])
    for _ in range(2):
        assert [found.lead.id for found in await store.leads(LeadFilter(number=ADA))] == []
        assert (await store.lead(1)).data == b"{}"
        store = await reopen(home, store)
    await store.close()


@pytest.mark.parametrize("folded", [False, True])
async def test_what_is_left_of_deleted_leads_goes_by_number(home: Any, store: Any, *, folded: bool) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1, numbers=(ADA,)), fresh(2, numbers=(ADA,)), fresh(3)])
    await commit(
        store, 2, lead(1, numbers=(ADA,), last_commit=2), LeadData(1, b'{"name":"A"}'), events=[said("edited")]
    )
    await commit(store, 3, lead(1, numbers=(ADA,), last_commit=2, silent=(3,)))
    store = await reopen(home, store) if folded else store
    await commit(store, 4, gone=[1, 2])
    store = await reopen(home, store)
    await store.erase([Erasure(1, 0, 0, 0, forget=(ADA,))])
    for no in (2, 3):
        assert (await store.lead_at(no, 1)).numbers == ()
    assert await store.pools_with_number(ADA) == []
    await store.close()


async def test_jobs_and_erasures_in_the_history_say_no_number(home: Any, store: Any) -> None:
    await commit(store, 1, rows={("job", 7): Job(7, "block", 0, "user:M", NOON, ADA)})
    await commit(store, 2, Erasure(1, 0, 0, 0, forget=(ADA, BOB)), rows={("job", 7): None})
    await store.erase([Erasure(1, 0, 0, 0, forget=(ADA, BOB))])
    store = await reopen(home, store)
    assert (await load(store)).rows == [("erasure", Erasure(1, 0, 0, 0))]
    await store.close()


async def test_commits_go_on_beside_erasing(home: Any, store: Any) -> None:
    erasures = await a_life(store)
    erasing = asyncio.create_task(store.erase(erasures))
    for no in range(7, 40):
        await commit(store, no, lead(2, attempts=no, last_commit=no, status=Status.COMMON_REDIAL))
    await erasing
    assert (await store.history(1))[0] == bare("leased")
    store = await reopen(home, store)
    assert (await store.lead(2)).lead.attempts == 39
    assert (await store.history(1))[0] == bare("leased")
    await store.close()


async def test_a_faulty_store_can_fail_to_erase(home: Any, store: Any) -> None:
    faulty = FaultyStore(store)
    erasures = await a_life(store)
    faulty.fail_erasing()
    with pytest.raises(Exception, match="told to fail"):
        await faulty.erase(erasures)
    assert (await store.history(1))[0].note == "Ada said"
    await faulty.erase(erasures)
    assert (await store.history(1))[0].note == ""


async def test_rejected_rows_go_with_the_lead_that_they_were_duplicates_of(home: Any, store: Any) -> None:
    """They name the same person, perhaps with another number."""
    await commit(store, 1, pool(), fresh=[fresh(1, numbers=(ADA,)), fresh(2)])
    row = closed(1, "anonymized", numbers=(), erased=True, last_commit=2)
    twins = [Reject(1, n, "duplicate", ("same",), ("Ada", "B"), (BOB,), lead=1 + n % 2) for n in range(1, 5)]
    await commit(store, 2, row, events=[bare("anonymized")], rejects=twins)
    await store.erase([Erasure(1, 1, 1, 2)])
    for _ in range(2):
        assert [found.row for found in await store.rejects(1, "duplicate")] == [1, 3]
        store = await reopen(home, store)
    await store.close()


async def test_data_that_changed_without_their_lead_are_found(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1)])
    await commit(store, 2, LeadData(1, b'{"name":"Cy"}'))
    await commit(store, 3, closed(1, numbers=(), erased=True, last_commit=3), events=[bare("anonymized")])
    await store.erase([Erasure(1, 1, 1, 3)])
    assert (await store.lead(1)).data == b"{}"
    await store.close()
    if getattr(home, "alone", False):
        assert b'"Cy"' not in home.path.read_bytes()


async def test_a_number_that_is_blocked_again_meanwhile_stays_blocked_after_a_crash(home: Any, store: Any) -> None:
    await commit(store, 1, Blocked(ADA, "asked", NOON, "user:M"))
    await commit(store, 2, Erasure(1, 0, 0, 0, forget=(ADA,)), rows={("blocked", ADA): None})
    again = Blocked(ADA, "again", NOON, "user:M")
    task = asyncio.create_task(store.erase([Erasure(1, 0, 0, 0, forget=(ADA,))]))
    await asyncio.sleep(0)
    await commit(store, 3, again)
    await task
    store = await home.crash()
    await store.open()
    await store.claim()
    assert ("blocked", again) in (await load(store)).rows
    await store.close()


@pytest.mark.parametrize("folded", [False, True])
async def test_calls_go_with_the_lead(home: Any, store: Any, *, folded: bool) -> None:
    """Those that its rows say, and those to numbers that it had no more: a dropped one, then all when it closed."""
    to_ada, to_bob = Call(NOON, ADA), Call(NOON + 1, BOB, NOON + 2)
    await commit(store, 1, pool(), ZoneSet(4, ("Europe/Berlin",)), fresh=[fresh(1, numbers=(ADA, BOB)), fresh(2)])
    row = mine(numbers=(BOB,), dropped=(ADA,), calls=(to_ada,), zones=4, last_commit=2)
    await commit(store, 2, row, Contacted(1, 10, (to_ada,)), events=[said("unreached")])
    silent = mine(numbers=(BOB,), calls=(to_ada, to_bob), zones=4, last_commit=2, silent=(3,))
    await commit(store, 3, silent, Contacted(1, 10, (to_ada, to_bob)), Contacted(2, 10, (to_bob,)), lead(2))
    row = closed(1, "anonymized", numbers=(), erased=True, last_commit=4)
    events = [bare("anonymized", 2, (3,), 1, "")]
    await commit(store, 4, row, Erasure(1, 1, 1, 4, numbers=(ADA, BOB)), events=events, rows={("contacted", 1): None})
    store = await reopen(home, store) if folded else store
    await store.erase([Erasure(1, 1, 1, 4, numbers=(ADA, BOB))])
    for _ in range(2):
        for no in (2, 3, 4):
            left = await store.lead_at(no, 1)
            assert (left.calls, left.zones) == ((), 0)
        rows = (await load(store)).rows
        assert [found for table, found in rows if table == "contacted"] == [Contacted(2, 10, (to_bob,))]
        assert ("zone_set", ZoneSet(4, ("Europe/Berlin",))) in rows
        store = await reopen(home, store)
    await store.close()
    if getattr(home, "alone", False):
        data = home.path.read_bytes()
        assert ADA.to_bytes(5, "big") not in data
        assert BOB.to_bytes(5, "big") in data  # the other lead's


async def test_checks_prove_for_ever_that_a_call_was_allowed(store: Any) -> None:
    checks = (("calling_hours", "10:15 in Europe/Berlin, open until 17:00"), ("contact_limit", "1 of 3 in 24 h"))
    await commit(store, 1, pool(), fresh=[fresh(1, numbers=(ADA,))])
    leased = event(1, "leased", number=ADA, note="Ada", checks=checks)
    await commit(store, 2, mine(last_commit=2, lease=LEASE), events=[leased])
    row = closed(1, "anonymized", numbers=(), erased=True, last_commit=3)
    await commit(store, 3, row, events=[bare("anonymized", 2, (), 1, "")])
    await store.erase([Erasure(1, 1, 1, 3, numbers=(ADA, BOB))])
    assert (await store.history(1))[0] == event(1, "leased", checks=checks)


async def test_an_untouched_lead_with_the_number_keeps_its_index(store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1, numbers=(ADA,))])
    await store.erase([Erasure(1, 0, 0, 0, forget=(ADA,))])
    assert [use.lead for use in await store.numbers([ADA])] == [1]


@pytest.mark.parametrize("folded", [False, True])
async def test_the_number_of_a_lead_that_nobody_had_touched_goes_with_it(
    home: Any, store: Any, *, folded: bool
) -> None:
    """R10.6: no commit says it, but for what came of the upload itself."""
    await commit(store, 1, pool(), pool(2), fresh=[fresh(1, numbers=(ADA, BOB)), fresh(2, 2, numbers=(BOB,))])
    gone = closed(1, "anonymized", numbers=(), erased=True, last_commit=2)
    erasure = Erasure(1, 1, 1, 2, numbers=(ADA, BOB))
    await commit(store, 2, gone, erasure, events=[bare("anonymized")])
    if folded:
        store = await reopen(home, store)
    await store.erase([erasure])
    assert [await store.pools_with_number(number) for number in (ADA, BOB)] == [[], [2]]
    assert [use.lead for use in await store.numbers([ADA, BOB])] == [2]
    await store.close()
