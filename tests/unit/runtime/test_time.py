"""Time: the alarm for deadlines, and the clock that is moved by hand."""

import asyncio

import pytest
from unit.runtime.centre import Centre, finish, quiet

from nextlead.core.errors import Invalid, NotAllowed, NotReady
from nextlead.core.model import Status
from nextlead.core.replies import NoLead, Offer
from nextlead.runtime.alarm import DeadlineAlarm
from nextlead.runtime.clock import ManualClock
from nextlead.testing.clock import MONDAY_MS, FakeClock

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


async def status(centre: Centre, lead: int) -> tuple[Status, str | None]:
    stored = await centre.dialer.archive.lead(lead)
    assert stored is not None
    return stored.lead.status, stored.lead.closure


# -- the alarm ------------------------------------------------------------------------------------------------------


async def test_silence_ends_a_lease_by_the_alarm_alone(centre: Centre) -> None:  # R5.2, timeline 7
    await centre.dialer.next("A")
    centre.clock.advance(HOUR_MS - 1)
    await quiet()
    assert centre.dialer.engine.leases == 1
    centre.clock.advance(1)
    await quiet()
    assert await status(centre, 1) == (Status.UNRESOLVED, None)
    centre.clock.advance(7 * DAY_MS)
    await quiet()
    assert await status(centre, 1) == (Status.CLOSED, "abandoned")


async def test_a_clock_put_forward_ends_no_lease(centre: Centre) -> None:  # lease timeouts run on the monotonic clock
    await centre.dialer.next("A")
    centre.clock.slip(DAY_MS)
    held = await centre.dialer.next("A")
    assert isinstance(held, Offer)
    assert held.repeated
    centre.clock.advance(HOUR_MS - 1)
    await quiet()
    assert centre.dialer.engine.leases == 1
    centre.clock.advance(1)
    await quiet()
    assert await status(centre, 1) == (Status.UNRESOLVED, None)
    assert centre.dialer.engine.verify() == []


async def test_only_one_alarm_is_set(centre: Centre) -> None:
    for agent in ("A", "B"):
        offer = await centre.dialer.next(agent)
        assert isinstance(offer, Offer)
        centre.clock.advance(1_000)
    armed = [when_ms for when_ms, _, alarm in centre.clock._alarms if alarm.armed]
    assert armed == [MONDAY_MS + HOUR_MS]


class Bell:
    def __init__(self) -> None:
        self.clock = FakeClock(0)
        self.deadline_ms: int | None = None
        self.ticks: list[int] = []
        self.alarm = DeadlineAlarm(self.clock, lambda: self.deadline_ms, self.tick)

    def tick(self) -> None:
        self.ticks.append(self.clock.now_ms())
        self.deadline_ms = None

    def set(self, deadline_ms: int | None) -> None:
        self.deadline_ms = deadline_ms
        self.alarm.look()


def test_an_alarm_rings_at_the_sooner_deadline() -> None:
    bell = Bell()
    bell.set(1_000)
    bell.set(400)
    assert [when_ms for when_ms, _, alarm in bell.clock._alarms if alarm.armed] == [400]
    bell.clock.advance(2_000)
    assert bell.ticks == [400]


def test_a_deadline_that_moved_away_costs_one_look_and_no_tick() -> None:
    bell = Bell()
    bell.set(400)
    bell.set(1_000)
    bell.clock.advance(900)
    assert bell.ticks == []
    bell.clock.advance(100)
    assert bell.ticks == [1_000]


def test_a_deadline_that_went_leaves_nothing() -> None:
    bell = Bell()
    bell.set(400)
    bell.set(None)
    bell.clock.advance(1_000)
    assert bell.ticks == []
    assert bell.clock.next_alarm_ms() is None


# -- the manual clock -----------------------------------------------------------------------------------------------


@pytest.fixture
async def manual() -> Centre:
    centre = Centre(ManualClock(MONDAY_MS))  # type: ignore[arg-type]
    await centre.open()
    await centre.set_up(leads=3)
    return centre


async def test_advance_steps_through_deadlines_at_their_own_times(manual: Centre) -> None:
    await manual.dialer.next("A")
    await manual.dialer.advance(MONDAY_MS + 8 * DAY_MS)
    history = await manual.dialer.archive.history(1)
    assert [(event.kind, event.at_ms - MONDAY_MS) for event in history] == [
        ("leased", 0),
        ("lease_timeout", HOUR_MS),
        ("abandoned", HOUR_MS + 7 * DAY_MS),
    ]
    assert manual.dialer.now_ms() == MONDAY_MS + 8 * DAY_MS
    await manual.leave()


async def test_advance_serves_those_who_wait_at_each_deadline(manual: Centre) -> None:
    offers = [await manual.dialer.next(agent) for agent in ("A", "B")]
    for minutes, offer in zip((60, 30), offers, strict=True):
        assert isinstance(offer, Offer)
        at_ms = MONDAY_MS + minutes * 60_000
        await manual.dialer.finish(finish(offer, "redial", kind="private", at_ms=at_ms))
    await manual.switch(1, "deactivate")
    waiting = [manual.go(manual.dialer.next(agent, wait_s=1_000)) for agent in ("A", "B")]
    await quiet()
    await manual.dialer.advance(MONDAY_MS + 2 * HOUR_MS)
    started = [(await answer).lead.lease.started_ms - MONDAY_MS for answer in waiting]
    assert started == [60 * 60_000, 30 * 60_000]
    await manual.leave()


async def test_advance_answers_when_all_of_it_is_durable(manual: Centre) -> None:
    await manual.dialer.next("A")
    manual.store.stall()
    moving = manual.go(manual.dialer.advance(MONDAY_MS + HOUR_MS))
    await quiet()
    assert manual.dialer.now_ms() == MONDAY_MS + HOUR_MS
    assert not moving.done()
    manual.store.release()
    await moving
    assert await status(manual, 1) == (Status.UNRESOLVED, None)
    await manual.leave()


async def test_others_are_served_between_the_deadlines(manual: Centre) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    for agent in ("A", "B"):
        await manual.dialer.next(agent)
        await manual.dialer.advance(manual.dialer.now_ms() + 1_000)
    manual.store.stall()
    manual.go(count())
    moving = manual.go(manual.dialer.advance(MONDAY_MS + 30 * DAY_MS))
    while manual.dialer.engine.leases:
        await asyncio.sleep(0)
    assert manual.dialer.now_ms() < MONDAY_MS + DAY_MS, "it has not run to the end in one go"
    assert turns > 0
    manual.store.release()
    await moving
    await manual.leave()


async def test_a_closed_dialer_does_not_move(manual: Centre) -> None:
    await manual.dialer.close()
    with pytest.raises(NotReady):
        await manual.dialer.advance(MONDAY_MS + 1_000)


async def test_the_clock_never_goes_back(manual: Centre) -> None:
    await manual.dialer.advance(MONDAY_MS + 1_000)
    with pytest.raises(Invalid):
        await manual.dialer.advance(MONDAY_MS + 999)
    await manual.dialer.advance(MONDAY_MS + 1_000)
    await manual.leave()


async def test_two_who_move_the_clock_go_one_after_the_other(manual: Centre) -> None:
    await manual.dialer.next("A")
    far, near = (manual.go(manual.dialer.advance(MONDAY_MS + hours * HOUR_MS)) for hours in (5, 2))
    await far
    with pytest.raises(Invalid):
        await near
    await manual.leave()


async def test_only_a_manual_clock_can_be_moved(centre: Centre) -> None:
    with pytest.raises(NotAllowed):
        await centre.dialer.advance(MONDAY_MS + HOUR_MS)


async def test_a_manual_clock_stands_where_it_stood_after_a_restart(manual: Centre) -> None:
    await manual.dialer.next("A")
    await manual.dialer.advance(MONDAY_MS + 2 * HOUR_MS)
    await manual.dialer.close()
    manual.clock = ManualClock(MONDAY_MS)  # type: ignore[assignment]
    await manual.open()
    assert manual.dialer.now_ms() == MONDAY_MS + 2 * HOUR_MS
    await manual.leave()


async def test_waiting_counts_real_seconds_with_a_manual_clock(manual: Centre) -> None:
    await manual.switch(1, "deactivate")
    waiting = manual.go(manual.dialer.next("A", wait_s=0.001))
    await quiet()
    assert await asyncio.wait_for(waiting, 300) == NoLead("timeout")
    assert manual.dialer.now_ms() == MONDAY_MS
    await manual.leave()
