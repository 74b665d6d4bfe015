"""Commands through the dialer: durable before answered, refused in time, the same after a restart."""

import asyncio
import gc

import pytest
from unit.runtime.centre import Centre, finish, quiet

from nextlead.core.commands import EditLead, Finish, Heartbeat, Next, PutAgent, Remove, Take
from nextlead.core.errors import LeaseEnded, NoSession, NotFound, NotReady, Overloaded, StorageFailed, UnknownLease
from nextlead.core.model import Status
from nextlead.core.replies import NoLead, Offer
from nextlead.core.tokens import token_text
from nextlead.ports import StoreRefused
from nextlead.runtime.recovery import COLLECT
from nextlead.testing.clock import MONDAY_MS

HOUR_MS = 3_600_000


async def offered(centre: Centre, agent: str = "A") -> Offer:
    offer = await centre.dialer.next(agent)
    assert isinstance(offer, Offer)
    return offer


# -- answers (R5.9) -------------------------------------------------------------------------------------------------


async def test_a_lease_is_durable_before_the_agent_sees_it(centre: Centre) -> None:  # R5.1
    centre.store.stall()
    asking = centre.go(centre.dialer.next("A"))
    await quiet()
    assert centre.dialer.engine.leases == 1
    assert not asking.done()
    centre.store.release()
    assert isinstance(await asking, Offer)


async def test_a_second_tab_waits_for_the_first_ones_lease(centre: Centre) -> None:  # R3.6, R5.9
    centre.store.stall()
    tabs = [centre.go(centre.dialer.next("A")) for _ in range(2)]
    await quiet()
    assert not any(tab.done() for tab in tabs)
    centre.store.release()
    first, second = [await tab for tab in tabs]
    assert first.lead.lease == second.lead.lease
    assert (first.repeated, second.repeated) == (False, True)


async def test_two_tabs_and_a_crash_before_the_commit_leave_the_lead_free(centre: Centre) -> None:  # timeline 11
    centre.store.stall()
    tabs = [centre.go(centre.dialer.next("A")) for _ in range(2)]
    await quiet()
    for tab in tabs:
        tab.cancel()
    await centre.crash()
    await centre.open()
    assert centre.dialer.engine.leases == 0
    assert (await offered(centre, "B")).lead.id == 1


async def test_a_read_is_answered_when_what_it_saw_is_durable(centre: Centre) -> None:  # R5.9
    centre.store.stall()
    centre.go(centre.dialer.next("A"))
    await quiet()
    reading = centre.go(centre.dialer.read(lambda engine: engine.leases))
    await quiet()
    assert not reading.done()
    centre.store.release()
    assert await reading == 1


async def test_a_refusal_of_a_read_waits_too(centre: Centre) -> None:  # R5.9
    centre.store.stall()
    centre.go(centre.dialer.next("A"))
    reading = centre.go(centre.dialer.read(lambda engine: engine.leases_of("nobody")))
    await quiet()
    assert not reading.done()
    centre.store.release()
    with pytest.raises(NotFound):
        await reading


async def test_a_refusal_is_given_when_what_it_was_computed_from_is_durable(centre: Centre) -> None:  # R5.9
    centre.store.stall()
    centre.go(centre.dialer.submit(PutAgent(code="C")))
    refused = centre.go(centre.dialer.next("C"))
    await quiet()
    assert not refused.done()
    centre.store.release()
    with pytest.raises(NoSession):
        await refused


async def test_what_time_did_is_kept_when_the_command_is_refused(centre: Centre) -> None:
    offer = await offered(centre)
    centre.clock._now_ms += HOUR_MS  # the alarm has not rung yet
    with pytest.raises(NotFound):
        await centre.dialer.submit(PutAgent(code="D", team="nowhere"))
    stored = await centre.dialer.archive.lead(offer.lead.id)
    assert stored is not None
    assert stored.lead.status is Status.UNRESOLVED


async def test_a_restart_gives_the_same_lease_back(centre: Centre) -> None:  # R5.1, timeline 8
    first = await offered(centre)
    await centre.crash()
    await centre.open()
    again = await offered(centre)
    assert again.repeated
    assert again.lead.lease == first.lead.lease
    assert (await offered(centre, "B")).lead.id != first.lead.id


async def test_engine_time_goes_on_from_the_last_commit(centre: Centre) -> None:
    centre.clock.advance(5_000)
    await offered(centre)
    await centre.crash()
    centre.clock._now_ms = MONDAY_MS
    await centre.open()
    assert centre.dialer.now_ms() == MONDAY_MS + 5_000


async def test_what_was_loaded_is_out_of_the_garbage_collectors_sight(centre: Centre) -> None:
    await centre.crash()
    before = gc.get_freeze_count()
    await centre.open()
    assert gc.get_freeze_count() > before
    assert gc.isenabled()
    assert gc.get_threshold() == COLLECT


async def test_commits_count_on_after_a_restart(centre: Centre) -> None:
    await centre.crash()
    before = centre.store.commits[-1]
    await centre.open()
    await offered(centre)
    assert centre.store.commits[-1] == before + 1
    assert centre.dialer.engine.commit_no == before + 2


# -- finish (R5.3) --------------------------------------------------------------------------------------------------


async def test_a_finish_sent_again_gets_the_first_answer_of_a_closed_lead(centre: Centre) -> None:  # R5.3
    command = finish(await offered(centre))
    first = await centre.dialer.finish(command)
    assert first.lead.closure == "success"
    again = await centre.dialer.finish(command)
    assert again.lead == first.lead
    await centre.crash()
    await centre.open()
    assert (await centre.dialer.finish(command)).lead == first.lead


async def test_a_finish_sent_again_while_the_first_is_written(centre: Centre) -> None:  # R5.3
    command = finish(await offered(centre))
    centre.store.stall()
    both = [centre.go(centre.dialer.finish(command)) for _ in range(2)]
    await quiet()
    assert not any(answer.done() for answer in both)
    centre.store.release()
    first, second = [await answer for answer in both]
    assert second.lead == first.lead


async def test_a_finish_sent_again_gets_the_first_answer_of_an_open_lead_edited_since(centre: Centre) -> None:  # R5.3
    command = finish(await offered(centre), "redial", kind="private", at_ms=MONDAY_MS + HOUR_MS)
    first = await centre.dialer.finish(command)
    await centre.dialer.submit(EditLead(lead=first.lead.id, priority=3))
    again = await centre.dialer.finish(command)
    assert again.lead == first.lead
    assert again.nearby_redials == first.nearby_redials == 0


async def test_a_finish_sent_again_after_the_lead_went_on_gets_the_first_answer(centre: Centre) -> None:  # R5.3
    command = finish(await offered(centre), "unreached", cause="busy")
    first = await centre.dialer.finish(command)
    await centre.dialer.submit(Remove(lead=first.lead.id))
    assert (await centre.dialer.finish(command)).lead == first.lead


async def test_another_finish_with_the_token_is_a_conflict(centre: Centre) -> None:  # R5.3
    offer = await offered(centre)
    await centre.dialer.finish(finish(offer))
    with pytest.raises(LeaseEnded):
        await centre.dialer.finish(finish(offer, result="not_interested"))


async def test_a_finish_with_a_token_that_never_was(centre: Centre) -> None:  # R5.1
    offer = await offered(centre)
    await centre.dialer.finish(finish(offer))
    for lead in (offer.lead.id, 2, 99):
        with pytest.raises(UnknownLease):
            await centre.dialer.finish(Finish(token=token_text(lead, bytes(16)), outcome="unresolved"))


async def test_a_finish_with_next_sent_again_names_the_same_lease(centre: Centre) -> None:  # R5.3, R5.8
    command = finish(await offered(centre), next_token=bytes(range(16)))
    first = await centre.dialer.finish(command)
    again = await centre.dialer.finish(command)
    assert isinstance(first.next, Offer)
    assert isinstance(again.next, Offer)
    assert again.next.lead.lease == first.next.lead.lease


# -- the store fails ------------------------------------------------------------------------------------------------


async def test_while_a_commit_fails_new_work_is_refused_and_then_goes_on(centre: Centre) -> None:
    centre.store.fail()
    asking = centre.go(centre.dialer.next("A"))
    await quiet()
    assert not centre.dialer.ready
    with pytest.raises(StorageFailed):
        await centre.dialer.next("B")
    with pytest.raises(StorageFailed):
        await centre.dialer.read(lambda engine: engine.leases)
    assert not asking.done()
    centre.clock.advance(50)
    assert isinstance(await asking, Offer)
    assert centre.dialer.ready
    assert centre.dialer.stats.storage_errors == 1


async def test_a_commit_whose_answer_was_lost_is_not_done_twice(centre: Centre) -> None:
    centre.store.doubt()
    asking = centre.go(centre.dialer.next("A"))
    await quiet()
    centre.clock.advance(50)
    offer = await asking
    assert [event.kind for event in await centre.dialer.archive.history(offer.lead.id)].count("leased") == 1


async def test_a_store_that_stays_failed_fails_everybody(centre: Centre) -> None:
    centre.store.fail(times=1000)
    asking = centre.go(centre.dialer.submit(PutAgent(code="C")))
    for _ in range(20):
        await quiet()
        centre.clock.advance(1_000)
    with pytest.raises(StorageFailed):
        await asking
    assert centre.dialer.fatal.is_set()
    assert not centre.dialer.ready
    with pytest.raises(StorageFailed):
        await centre.dialer.next("A")


async def test_an_agent_who_waits_hears_that_the_store_failed(centre: Centre) -> None:
    await drain_leads(centre)
    waiting = centre.go(centre.dialer.next("A", wait_s=1_000))
    await quiet()
    centre.store.died = True
    centre.go(centre.dialer.submit(PutAgent(code="C")))
    with pytest.raises(StorageFailed):
        await waiting
    assert centre.clock.next_alarm_ms() is None, "nothing rings any more"


async def test_one_who_came_to_wait_while_a_commit_failed_hears_it_once(centre: Centre) -> None:
    await drain_leads(centre)
    problems: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: problems.append(context))
    centre.store.stall()
    centre.go(centre.dialer.submit(PutAgent(code="C")))
    await quiet()
    waiting = centre.go(centre.dialer.next("A", wait_s=1_000))
    await quiet()
    centre.store.died = True
    centre.store.release()
    with pytest.raises(StorageFailed):
        await waiting
    gc.collect()
    await quiet()
    assert problems == [], "nothing was told to nobody"


async def test_a_fault_of_the_engine_ends_it(centre: Centre) -> None:
    centre.dialer.engine.state.agents.by_code["A"] = object()  # type: ignore[assignment]
    with pytest.raises(StorageFailed):
        await centre.dialer.next("A")
    assert centre.dialer.fatal.is_set()
    assert isinstance(centre.dialer.failure, AttributeError)


async def drain_leads(centre: Centre) -> None:
    """Nothing is left to offer."""
    await centre.switch(1, "deactivate")


async def test_a_store_held_by_another_is_left_alone(centre: Centre) -> None:  # R5.4
    other = Centre()
    other.store = centre.store
    with pytest.raises(StoreRefused):
        await other.open()
    assert isinstance(await centre.dialer.next("A"), Offer), "the holder goes on"


async def test_a_store_that_fails_while_it_is_opened_is_given_back() -> None:
    centre = Centre()
    centre.store.fail(times=1000)
    with pytest.raises(StorageFailed):
        await centre.open(retry_s=0)
    centre.store.fail(times=0)
    await centre.open()
    await centre.leave()


async def test_an_opening_that_is_broken_off_writes_nothing_afterwards() -> None:
    """It would come behind the back of who opens the store next."""
    centre = Centre()
    centre.store.fail(times=1000)
    opening = asyncio.create_task(centre.open())
    await quiet()
    tried = len(centre.store.commits)
    assert tried
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    centre.store.fail(times=0)
    centre.clock.advance(HOUR_MS)
    await quiet()
    assert len(centre.store.commits) == tried
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("nextlead-")]
    await centre.open()
    await centre.leave()


# -- the door -------------------------------------------------------------------------------------------------------


async def test_above_the_mark_new_commands_wait_for_room_and_then_are_refused() -> None:
    centre = Centre()
    await centre.open(backlog_max=2, room_s=1.0)
    await centre.set_up()
    centre.store.stall()
    inside = [centre.go(centre.dialer.submit(PutAgent(code=f"in{no}"))) for no in range(2)]
    await quiet()
    outside = centre.go(centre.dialer.submit(PutAgent(code="out")))
    late = centre.go(centre.dialer.submit(PutAgent(code="late")))
    await quiet()
    assert "out" not in centre.dialer.engine.agents.by_code
    assert centre.dialer.queued == 4
    with pytest.raises(Overloaded):
        await centre.dialer.submit(PutAgent(code="too many"))
    centre.clock.advance(1_000)
    for command in (outside, late):
        with pytest.raises(Overloaded):
            await command
    centre.store.release()
    await asyncio.gather(*inside)
    await centre.dialer.submit(PutAgent(code="out"))
    await centre.leave()


async def test_those_who_queue_at_the_end_are_told() -> None:
    centre = Centre()
    await centre.open(backlog_max=1)
    centre.store.stall()
    inside = centre.go(centre.dialer.submit(PutAgent(code="in")))
    await quiet()
    outside = centre.go(centre.dialer.submit(PutAgent(code="out")))
    await quiet()
    closing = centre.go(centre.dialer.close())
    await quiet()
    centre.store.release()
    await asyncio.gather(inside, closing)
    with pytest.raises(NotReady):
        await outside


# -- the end --------------------------------------------------------------------------------------------------------


async def test_close_answers_what_is_in_flight_and_what_is_pending(centre: Centre) -> None:
    centre.store.stall()
    first = centre.go(centre.dialer.next("A"))
    await quiet()
    second = centre.go(centre.dialer.next("B"))
    await quiet()
    closing = centre.go(centre.dialer.close())
    await quiet()
    assert not closing.done()
    with pytest.raises(NotReady):
        await centre.dialer.next("A")
    centre.store.release()
    await closing
    assert {(await first).lead.id, (await second).lead.id} == {1, 2}
    await centre.open()
    assert centre.dialer.engine.leases == 2


async def test_drain_sends_the_waiting_home_and_serves_on(centre: Centre) -> None:
    await drain_leads(centre)
    waiting = centre.go(centre.dialer.next("A", wait_s=60))
    await quiet()
    centre.dialer.drain()
    assert (await waiting).reason == "closing"
    assert not centre.dialer.ready
    assert isinstance(await centre.dialer.next("A", wait_s=60), NoLead), "nobody waits any more"
    await centre.switch(1, "activate")
    assert isinstance(await centre.dialer.next("A"), Offer)


async def test_closing_twice_is_harmless(centre: Centre) -> None:
    await centre.dialer.close()
    await centre.dialer.close()
    assert not centre.dialer.ready


# -- what it counts -------------------------------------------------------------------------------------------------


async def test_next_and_finish_are_counted_by_answer(centre: Centre) -> None:
    await centre.dialer.finish(finish(await offered(centre)))
    await drain_leads(centre)
    assert isinstance(await centre.dialer.next("A"), NoLead)
    stats = centre.dialer.stats
    assert (stats.next_seconds["lead"].count, stats.next_seconds["none"].count) == (1, 1)
    assert stats.finish_seconds.count == 1
    assert stats.attempts == {(3, "resolved"): 1}
    assert stats.closures == {(3, "success"): 1}


async def test_events_of_commits_can_be_watched(centre: Centre) -> None:
    async def first_kinds() -> list[str]:
        async for news in centre.dialer.subscribe():
            return [event.kind for event in news.events]
        return []

    watching = centre.go(first_kinds())
    await quiet()
    await offered(centre)
    assert await watching == ["leased"]


async def test_taking_a_lead_and_a_heartbeat(centre: Centre) -> None:  # R3.8, R5.2
    offer: Offer = await centre.dialer.submit(Take(agent="A", lead=2, token=bytes(16)))
    assert offer.lead.lease is not None
    centre.clock.advance(HOUR_MS // 2)
    token = token_text(2, offer.lead.lease.token)
    moved: Offer = await centre.dialer.submit(Heartbeat(token=token))
    assert moved.expires_ms == offer.expires_ms + HOUR_MS // 2


async def test_next_as_a_plain_command(centre: Centre) -> None:
    assert isinstance(await centre.dialer.submit(Next(agent="A", token=bytes(16))), Offer)
