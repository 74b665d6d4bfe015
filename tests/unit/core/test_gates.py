"""Gates of calling hours in the order (SPEC 11): parts open and close as wholes, exactly at the edges."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from unit.core.centre import NOW_MS, Centre

from nextlead.core.commands import (
    ActOnPool,
    ClosePool,
    Delete,
    EditLead,
    IntakeRow,
    LoadRows,
    MakeUrgent,
    Next,
    OpenPool,
    PutAgent,
    PutCampaign,
    PutSession,
    RedialEdit,
    Take,
    Tick,
)
from nextlead.core.errors import Invalid, NextleadError, OutsideHours
from nextlead.core.model import Status
from nextlead.core.replies import Offer, Waiting
from nextlead.core.setup_model import CallingHours, Dialer

NEW_YORK, LONDON, SECOND_OF_NY = 12125550100, 442079460100, 12125550101
TOLL_FREE = 18005550100
MINUTE_MS, HOUR_MS = 60_000, 3_600_000

NINE_TO_FIVE = CallingHours(windows=(((540, 1020),),) * 7)


class Zones:
    """New York for +1 212, London for +44 20, two zones for +1 800."""

    def zones_of(self, number: int) -> tuple[str, ...]:
        text = str(number)
        if text.startswith("1800"):
            return ("America/Los_Angeles", "America/New_York")
        return ("America/New_York",) if text.startswith("1212") else ("Europe/London",)

    def knows_holidays(self, _place: str) -> bool:
        return False

    def holidays(self, _place: str, _year: int) -> tuple[()]:
        return ()


class World(Centre):
    almanac = Zones()


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def world() -> World:
    centre = World(calling_hours=NINE_TO_FIVE, retry={"no_answer": (HOUR_MS,)})
    assert centre.now_ms == NOW_MS == at("2026-03-02T09:00")
    return centre


def offered(world: World, now: str, agent: str = "a") -> list[int]:
    """Leads that the agent gets at this moment, one after the other; each goes back at once."""
    world.now_ms = max(world.now_ms, at(now))
    found = []
    while isinstance(offer := world.ask(agent), Offer):
        found.append(offer.lead.id)
        world.finish(offer, "unreached", cause="no_answer")
    return found


def test_hours_are_those_of_each_lead(world: World) -> None:  # R11.1, R11.2
    [new_york] = world.load(NEW_YORK)
    [london] = world.load(LONDON)
    assert offered(world, "2026-03-02T13:59:59") == [london]
    assert offered(world, "2026-03-02T14:00") == [new_york]
    assert offered(world, "2026-03-02T16:59:59.999") == [london, new_york]
    assert offered(world, "2026-03-02T17:00") == []  # London is closed, New York was called a moment ago
    assert offered(world, "2026-03-02T21:59") == [new_york]
    assert offered(world, "2026-03-02T22:00") == []
    assert offered(world, "2026-03-03T09:00") == [london]
    assert offered(world, "2026-03-03T14:00") == [new_york, london]


def test_the_own_zone_comes_before_the_numbers(world: World) -> None:  # R11.1
    [lead] = world.load(LONDON, zone="Asia/Tokyo")
    row = world.engine.state.need_lead(lead)
    assert world.engine.state.zones.names(row.zones) == ("Asia/Tokyo",)
    assert offered(world, "2026-03-02T12:00") == []
    assert offered(world, "2026-03-03T00:00") == [lead]
    world(EditLead(lead=lead, zone=None))
    assert offered(world, "2026-03-03T02:00") == []
    assert offered(world, "2026-03-03T09:00") == [lead]
    with pytest.raises(Invalid, match="timezone: must be the name of an IANA time zone"):
        world(EditLead(lead=lead, zone="Mars/Olympus"))


def test_zones_follow_the_number_that_is_dialled_next(world: World) -> None:  # R6.6, R11.1
    [lead] = world.load(LONDON)
    state = world.engine.state
    old = state.need_lead(lead)
    state.swap(old, state.zones.follow(type(old)(**{**_fields(old), "numbers": (LONDON, NEW_YORK), "version": 1})))
    assert world.engine.verify() == []
    assert offered(world, "2026-03-02T13:00") == [lead]  # unreached: the number in New York is next
    assert state.zones.names(state.need_lead(lead).zones) == ("America/New_York",)
    assert offered(world, "2026-03-03T09:00") == []
    assert offered(world, "2026-03-03T14:00") == [lead]
    world.restart()
    assert world.engine.state.zones.names(world.engine.state.need_lead(lead).zones) == ("Europe/London",)


def _fields(row: object) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__struct_fields__}  # type: ignore[attr-defined]


def test_several_zones_are_open_when_all_are(world: World) -> None:  # R11.1
    [lead] = world.load(TOLL_FREE)
    assert offered(world, "2026-03-02T16:59") == []  # nine in New York is six in Los Angeles
    assert offered(world, "2026-03-02T17:00") == [lead]
    assert offered(world, "2026-03-02T21:59") == [lead]
    assert offered(world, "2026-03-02T23:30") == []


def test_changed_hours_count_in_the_very_next_next(world: World) -> None:  # R2.7
    [lead] = world.load(NEW_YORK)
    assert offered(world, "2026-03-02T12:00") == []
    world(PutCampaign(code="c1", dialer=Dialer(calling_hours=None)))
    assert offered(world, "2026-03-02T12:00") == [lead]
    world(
        PutCampaign(
            code="c1", dialer=Dialer(calling_hours=CallingHours(zone="Asia/Tokyo", windows=NINE_TO_FIVE.windows))
        )
    )
    assert offered(world, "2026-03-02T15:00") == []
    assert offered(world, "2026-03-03T00:00") == [lead]


def test_a_waiting_agent_is_served_at_the_opening(world: World) -> None:  # R5.5
    [lead] = world.load(NEW_YORK)
    reply = world(Next(agent="a", token=b"w" * 16, wait=True, waiter=7))
    assert reply == Waiting(7)
    while (deadline_ms := world.engine.next_deadline_ms()) is not None and deadline_ms <= at("2026-03-02T14:00"):
        world.now_ms = deadline_ms
        outcome = world.engine.apply(Tick(), deadline_ms)
        for served in outcome.served:
            assert isinstance(served.answer, Offer)
            assert (served.answer.lead.id, deadline_ms) == (lead, at("2026-03-02T14:00"))
            return
    pytest.fail("nobody was served")


def test_a_promised_time_is_inside_the_hours_or_forced(world: World) -> None:  # R4.2
    [lead] = world.load(LONDON)
    offer = world.next()
    with pytest.raises(OutsideHours) as refusal:
        world.finish(offer, "redial", kind="private", at_ms=at("2026-03-02T17:00"))
    assert refusal.value.facts["next_permitted_ms"] == at("2026-03-03T09:00")
    row = world.finish(offer, "redial", kind="private", at_ms=at("2026-03-02T20:00"), force=True, by="agent:a")
    assert row.promise is not None
    assert row.promise.forced_by == "agent:a"
    assert offered(world, "2026-03-02T19:59") == []
    assert offered(world, "2026-03-02T20:00") == [lead]  # and unreached: due at nine in the evening, and not forced
    assert offered(world, "2026-03-02T21:00") == []
    assert offered(world, "2026-03-03T09:00") == [lead]


def test_force_that_was_not_needed_is_none(world: World) -> None:  # R4.2
    world.load(LONDON)
    row = world.finish(world.next(), "redial", kind="private", at_ms=at("2026-03-02T16:59"), force=True)
    assert row.promise is not None
    assert row.promise.forced_by == ""
    assert offered(world, "2026-03-02T17:30") == []


def test_admins_ask_for_permitted_times_too(world: World) -> None:  # R4.1, R4.2
    [lead] = world.load(LONDON)
    night = at("2026-03-02T22:00")
    with pytest.raises(OutsideHours):
        world(EditLead(lead=lead, redial=RedialEdit("vip", night, "a")))
    row = world(EditLead(lead=lead, redial=RedialEdit("vip", night, "a", force=True), by="admin"))
    assert row.promise.forced_by == "admin"  # type: ignore[attr-defined]
    assert offered(world, "2026-03-02T22:00") == [lead]


def test_urgency_is_no_way_past_the_hours(world: World) -> None:  # R2.6
    [lead] = world.load(NEW_YORK)
    world(MakeUrgent(lead=lead, reason="hot_lead", expires_ms=at("2026-03-03T00:00")))
    assert offered(world, "2026-03-02T13:00") == []
    assert offered(world, "2026-03-02T14:00") == [lead]


def test_hours_hold_for_take(world: World) -> None:  # R3.8
    [lead] = world.load(NEW_YORK)
    with pytest.raises(NextleadError):
        world(Take(agent="a", lead=lead, token=b"t" * 16))
    world.now_ms = at("2026-03-02T14:00")
    assert world(Take(agent="a", lead=lead, token=b"t" * 16)).lead.status is Status.UNPROCESSED  # type: ignore[attr-defined]


def test_a_restart_finds_the_gates_as_they_were(world: World) -> None:
    [new_york] = world.load(NEW_YORK)
    [london] = world.load(LONDON, zone="Europe/London")
    before = dict(world.engine.state.zones.rows)
    world.restart()
    assert world.engine.state.zones.rows == before
    assert offered(world, "2026-03-02T13:00") == [london]
    world.restart()
    assert offered(world, "2026-03-02T14:00") == [london, new_york]  # a retry goes before a new lead


def test_gates_are_kept_once_made_and_go_with_their_campaign(world: World) -> None:
    world(PutCampaign(code="c2", dialer=Dialer(calling_hours=NINE_TO_FIVE)))
    pool = world(OpenPool(campaign="c2"))
    world(LoadRows(pool=pool.id, rows=(IntakeRow(1, (NEW_YORK,)),)))  # type: ignore[attr-defined]
    assert world.engine.timer_kinds()["hours"] == 1
    world.whole(ClosePool(pool=pool.id, error="unreadable"))  # type: ignore[attr-defined]
    assert world.engine.timer_kinds()["hours"] == 1
    world.whole(ActOnPool(pool=pool.id, action="delete"))  # type: ignore[attr-defined]
    world(Delete(kind="campaign", code="c2"))
    assert world.engine.timer_kinds()["hours"] == 0


def test_hours_turn_however_many_records_there_were_before_the_campaign() -> None:  # R11.2
    world = World()
    state = world.engine.state
    state.sequences = replace(state.sequences, record=1 << 30)  # each lead that is erased takes one
    world(PutCampaign(code="c2", dialer=Dialer(calling_hours=NINE_TO_FIVE)))
    world(PutAgent(code="a", campaigns=("c2",)))
    world(PutSession(agent="a", campaigns=("c2",)))
    [lead] = world.load(NEW_YORK, campaign="c2")
    assert offered(world, "2026-03-02T13:59:59.999") == []
    assert offered(world, "2026-03-02T14:00") == [lead]
