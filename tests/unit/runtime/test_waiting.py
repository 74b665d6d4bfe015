"""Agents who wait (SPEC R5.5), and leases on their way to callers who go."""

import asyncio

import pytest
from unit.runtime.centre import Centre, finish, quiet

from nextlead.core.commands import EndSession, Heartbeat, Next, PutAgent, PutSession, Take
from nextlead.core.replies import NoLead, Offer, Waiting
from nextlead.core.tokens import token_text
from nextlead.testing.clock import MONDAY_MS

HOUR_MS = 3_600_000


@pytest.fixture
async def empty(centre: Centre) -> Centre:
    """Nothing to offer."""
    await centre.switch(1, "deactivate")
    return centre


async def test_one_who_waits_is_served_when_a_lead_comes(empty: Centre) -> None:  # R5.5
    waiting = empty.go(empty.dialer.next("A", wait_s=60))
    await quiet()
    assert not waiting.done()
    assert empty.dialer.engine.waiting == 1
    await empty.switch(1, "activate")
    assert (await waiting).lead.id == 1
    assert empty.clock.next_alarm_ms() == MONDAY_MS + HOUR_MS, "the lease's; the time-out is off"


async def test_one_who_waits_is_told_when_the_lease_is_durable(empty: Centre) -> None:  # R5.1, R5.9
    waiting = empty.go(empty.dialer.next("A", wait_s=60))
    await quiet()
    empty.store.stall()
    empty.go(empty.switch(1, "activate"))
    await quiet()
    assert empty.dialer.engine.leases == 1
    assert not waiting.done()
    empty.store.release()
    assert isinstance(await waiting, Offer)


async def test_those_who_wait_are_served_in_the_order_they_came(empty: Centre) -> None:  # R5.5
    await empty.dialer.submit(PutAgent(code="C", campaigns=("c1",)))
    await empty.dialer.submit(PutSession(agent="C", campaigns=("c1",)))
    waiting = []
    for agent in ("B", "C", "A"):
        waiting.append(empty.go(empty.dialer.next(agent, wait_s=60)))
        await quiet()
    await empty.switch(1, "activate")
    assert [(await answer).lead.id for answer in waiting] == [1, 2, 3]


async def test_one_who_waits_is_served_when_a_redial_falls_due(empty: Centre) -> None:  # R5.5
    await empty.switch(1, "activate")
    offer = await empty.dialer.next("A")
    assert isinstance(offer, Offer)
    await empty.dialer.finish(finish(offer, "redial", kind="private", at_ms=MONDAY_MS + HOUR_MS))
    await empty.switch(1, "deactivate")
    waiting = empty.go(empty.dialer.next("A", wait_s=2 * 3600))
    await quiet()
    empty.clock.advance(HOUR_MS - 1)
    await quiet()
    assert not waiting.done()
    empty.clock.advance(1)
    again = await waiting
    assert (again.lead.id, again.family, again.why.late_ms) == (1, "private_redial", 0)
    assert empty.dialer.stats.redial_lateness_seconds["private"].count == 1


async def test_nobody_waits_longer_than_asked(empty: Centre) -> None:  # R5.5
    waiting = empty.go(empty.dialer.next("A", wait_s=60))
    await quiet()
    empty.clock.advance(59_999)
    await quiet()
    assert not waiting.done()
    empty.clock.advance(1)
    assert await waiting == NoLead("timeout")
    assert empty.dialer.engine.waiting == 0
    await empty.switch(1, "activate")
    assert empty.dialer.engine.leases == 0, "the lead is not leased to one who has left"


async def test_one_served_in_the_moment_of_the_time_out_keeps_the_offer(empty: Centre) -> None:  # R5.5
    waiting = empty.go(empty.dialer.next("A", wait_s=60))
    await quiet()
    empty.store.stall()
    empty.go(empty.switch(1, "activate"))
    await quiet()
    empty.clock.advance(60_000)
    empty.store.release()
    assert (await waiting).lead.id == 1


async def test_a_newer_call_supersedes_the_older(empty: Centre) -> None:  # R5.5
    older = empty.go(empty.dialer.next("A", wait_s=60))
    await quiet()
    newer = empty.go(empty.dialer.next("A", wait_s=60))
    assert await older == NoLead("superseded")
    await empty.switch(1, "activate")
    assert (await newer).lead.id == 1


async def test_logging_off_ends_the_waiting(empty: Centre) -> None:  # R5.5
    waiting = empty.go(empty.dialer.next("A", wait_s=60))
    await quiet()
    await empty.dialer.submit(EndSession(agent="A"))
    assert await waiting == NoLead("logged_off")


async def test_a_lead_at_once_needs_no_waiting(centre: Centre) -> None:
    offer = await centre.dialer.next("A", wait_s=60)
    assert isinstance(offer, Offer)
    assert not centre.dialer._desk.waits
    centre.clock.advance(60_000)
    assert centre.dialer.engine.leases == 1, "no time-out is left behind"


async def test_a_lead_for_one_whom_nobody_knows_goes_back(empty: Centre) -> None:  # R5.5
    command = Next(agent="A", token=bytes(16), wait=True, waiter=99)
    assert await empty.dialer.submit(command) == Waiting(99)
    await empty.switch(1, "activate")
    assert await held(empty) == 0


# -- callers who go -------------------------------------------------------------------------------------------------


async def held(centre: Centre) -> int:
    return await centre.dialer.read(lambda engine: engine.leases)


async def test_a_waiting_caller_who_goes_waits_no_longer(empty: Centre) -> None:  # R5.5
    waiting = empty.go(empty.dialer.next("A", wait_s=60))
    await quiet()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert empty.dialer.engine.waiting == 0
    await empty.switch(1, "activate")
    assert await held(empty) == 0


async def test_a_waiting_caller_who_goes_after_it_was_served_gives_the_lease_back(empty: Centre) -> None:  # R5.5
    waiting = empty.go(empty.dialer.next("A", wait_s=60))
    await quiet()
    empty.store.stall()
    empty.go(empty.switch(1, "activate"))
    await quiet()
    waiting.cancel()
    await quiet()
    empty.store.release()
    assert await held(empty) == 0
    history = await empty.dialer.archive.history(1)
    assert [(event.kind, event.cause) for event in history] == [("leased", ""), ("cancelled", "client_gone")]


async def test_a_caller_who_goes_while_the_lease_is_written_gives_it_back(centre: Centre) -> None:  # R5.5
    centre.store.stall()
    asking = centre.go(centre.dialer.next("A"))
    await quiet()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    centre.store.release()
    assert await held(centre) == 0
    offer = await centre.dialer.next("B")
    assert isinstance(offer, Offer)
    assert offer.lead.id == 1, "nobody was called: it is first in the order again"
    assert offer.lead.attempts == 0


async def test_a_caller_cancelled_when_the_answer_is_there_but_not_taken_gives_it_back(centre: Centre) -> None:  # R5.5
    centre.store.stall()
    asking = centre.go(centre.dialer.next("A"))
    await quiet()
    centre.dialer._writer._flying.pay()  # type: ignore[union-attr]
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert asking.cancelled()
    centre.store.release()
    assert await held(centre) == 0


async def test_a_lease_that_another_tab_is_about_to_get_stays(centre: Centre) -> None:  # R3.6, R5.5
    centre.store.stall()
    first, second = (centre.go(centre.dialer.next("A")) for _ in range(2))
    await quiet()
    first.cancel()
    await quiet()
    centre.store.release()
    offer = await second
    assert await held(centre) == 1
    assert offer.lead.lease is not None


async def test_a_lease_goes_back_when_both_tabs_have_gone(centre: Centre) -> None:  # R3.6, R5.5
    centre.store.stall()
    tabs = [centre.go(centre.dialer.next("A")) for _ in range(2)]
    await quiet()
    for tab in tabs:
        tab.cancel()
    await asyncio.gather(*tabs, return_exceptions=True)
    centre.store.release()
    assert await held(centre) == 0
    assert not centre.dialer._desk._deliveries


async def test_a_lease_that_was_told_before_stays_when_a_repeated_call_goes(centre: Centre) -> None:  # R3.6
    await centre.dialer.next("A")
    assert not centre.dialer._desk._deliveries
    centre.store.stall()
    centre.go(centre.dialer.submit(PutAgent(code="C")))
    again = centre.go(centre.dialer.next("A"))
    await quiet()
    again.cancel()
    await quiet()
    centre.store.release()
    assert await held(centre) == 1


async def test_the_next_lease_of_a_finish_goes_back_the_finish_stands(centre: Centre) -> None:  # R5.5, R5.8
    offer = await centre.dialer.next("A")
    assert isinstance(offer, Offer)
    centre.store.stall()
    finishing = centre.go(centre.dialer.finish(finish(offer, next_token=bytes(16))))
    await quiet()
    finishing.cancel()
    await quiet()
    centre.store.release()
    assert await held(centre) == 0
    stored = await centre.dialer.archive.lead(offer.lead.id)
    assert stored is not None
    assert stored.lead.closure == "success"


async def test_a_taken_lead_goes_back_too(centre: Centre) -> None:  # R3.8, R5.5
    centre.store.stall()
    taking = centre.go(centre.dialer.submit(Take(agent="A", lead=2, token=bytes(16))))
    await quiet()
    taking.cancel()
    await quiet()
    centre.store.release()
    assert await held(centre) == 0


async def test_a_lease_stays_when_the_caller_of_a_heartbeat_goes(centre: Centre) -> None:
    offer = await centre.dialer.next("A")
    assert isinstance(offer, Offer)
    assert offer.lead.lease is not None
    centre.store.stall()
    beating = centre.go(centre.dialer.submit(Heartbeat(token=token_text(offer.lead.id, offer.lead.lease.token))))
    await quiet()
    beating.cancel()
    await quiet()
    centre.store.release()
    assert await held(centre) == 1
