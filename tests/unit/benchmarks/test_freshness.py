"""The simulated hours: the same in every run, judged right, with the engine never stale and never late."""

from functools import cache

import pytest
from benchmarks.figures import Result
from benchmarks.fresh_engine import FreshEngine
from benchmarks.fresh_world import BEGIN_MS, Given, World
from benchmarks.freshness import KINDS, simulate
from benchmarks.freshness import result_of as figures_of
from benchmarks.job import Job, build_engine
from benchmarks.rivals.buffer import MinuteBuffer
from benchmarks.scenarios import freshness
from benchmarks.scenarios.base import Task, Wish

from nextlead.core.model import Status
from nextlead.core.row import HOUR_MS, MINUTE_MS

JOB = Job(leads=600, agents=8)
HOURS = 6


@cache
def world() -> World:
    return World(JOB, HOURS)


def engine_hours() -> Result:
    return figures_of(simulate(FreshEngine(JOB, build_engine(world().centre)), world(), JOB), JOB, HOURS)


def buffer_hours() -> Result:
    return figures_of(simulate(MinuteBuffer(JOB, world()), world(), JOB), JOB, HOURS)


def test_the_engine_offers_nothing_stale_and_is_late_for_nobody_who_waits() -> None:  # R2.7, R5.5
    found = engine_hours()
    assert found["stale"] == 0
    assert found["waiting_all_p100_s"] == 0
    assert all(found[f"waiting_{kind}_count"] > 0 for kind in KINDS.values())
    assert found == engine_hours(), "nothing in it is left to chance"


def test_a_buffer_is_stale_and_late_by_half_a_minute() -> None:
    found = buffer_hours()
    assert found["stale"] > 0
    assert 10 < found["waiting_all_p50_s"] < 50
    assert found["waiting_vip_p100_s"] <= 60, "the next fill has it"
    assert found == buffer_hours()


def test_both_have_about_as_much_to_do() -> None:
    ours, buffer = engine_hours(), buffer_hours()
    assert buffer["offers"] == pytest.approx(ours["offers"], rel=0.15)
    assert buffer["idle_per_cent"] == pytest.approx(ours["idle_per_cent"], abs=10)


def test_the_buffer_gives_a_lead_to_one_agent_only() -> None:
    buffer = MinuteBuffer(JOB, world())
    held: dict[int, int] = {}
    now_ms = BEGIN_MS
    for turn in range(400):
        agent = turn % JOB.agents
        if turn % 20 == 0:
            now_ms += MINUTE_MS
        given = buffer.tick(now_ms) if turn % 20 == 0 else []
        if agent in held and not given:
            buffer.finish(agent, now_ms)
            del held[agent]
        if agent not in held and agent not in {one.agent for one in given}:
            given += buffer.next(agent, now_ms)
        for one in given:
            assert one.lead not in held.values()
            assert one.agent not in held
            held[one.agent] = one.lead
    assert len(held) > 4


# -- what is true ---------------------------------------------------------------------------------------------------


def given(lead: int, status: Status, *, due_ms: int = BEGIN_MS, promised: bool = False) -> Given:
    return Given(0, lead, status, due_ms, promised)


def lead_with(zone: str, pool: int | None = None) -> int:
    """One that nothing happens to but to its pool and its hours."""
    found = world()
    return next(
        lead.id
        for lead in found.leads.values()
        if str(found.zones[lead.zones]) == zone
        and lead.id not in found.done
        and not any(number in found.blocked for number in lead.numbers)
        and (pool is None or lead.pool == pool)
    )


def test_an_offer_is_stale_from_the_moment_that_it_is_not_allowed() -> None:
    found = world()
    for kind, word in (("block", "blocked"), ("done", "done")):
        change = next(change for change in found.changes if change.kind == kind)
        ids = [x.id for x in found.leads.values() if change.what in ((x.id,) if kind == "done" else x.numbers)]
        lead = given(ids[0], Status.VIP_REDIAL, promised=True)
        assert found.staleness(lead, change.at_ms) == ""
        assert found.staleness(lead, change.at_ms + 1) == word


def test_a_pool_that_is_off_holds_up_what_nobody_has_to_himself() -> None:  # R3.4
    found = world()
    off = next(change for change in found.changes if change.kind == "pool_off")
    on = next(change for change in found.changes if change.kind == "pool_on" and change.what == off.what)
    lead = lead_with("America/Los_Angeles", off.what)
    common, own = (given(lead, status, promised=True, due_ms=off.at_ms) for status in (3, 4))
    assert found.staleness(common, off.at_ms) == "pool"
    assert found.staleness(own, off.at_ms) == ""
    assert found.ready_ms(common) == on.at_ms
    assert found.ready_ms(own) == off.at_ms


def test_hours_end_zone_by_zone_but_for_promised_times() -> None:  # R4.2, R11.2
    found, closed_ms = world(), BEGIN_MS + HOUR_MS
    lead = lead_with("America/New_York")
    retry = given(lead, Status.VIP_REDIAL, due_ms=closed_ms)
    assert found.staleness(retry, closed_ms - 1) == ""
    assert found.staleness(retry, closed_ms) == "hours"
    assert found.ready_ms(retry) == closed_ms + 2 * HOUR_MS
    promise = given(lead, Status.VIP_REDIAL, due_ms=closed_ms, promised=True)
    assert found.staleness(promise, closed_ms) == ""
    assert found.ready_ms(promise) == closed_ms


# -- the scenario ---------------------------------------------------------------------------------------------------


def test_the_scenario_says_how_late_and_how_stale_each_is() -> None:
    wish = Wish((400,), 1, 5, 1, 1, rivals=(freshness.BUFFER,), options={"hours": "1"})
    measures = freshness.SCENARIO.measures
    runs = {
        name: [measures[task.measure](task, lambda stage: None)]
        for name, task in freshness.SCENARIO.steps(wish).items()
    }
    assert all(isinstance(task, Task) for task in freshness.SCENARIO.steps(wish).values())
    figures = freshness.SCENARIO.figures(runs, wish)
    [ours] = [row for row in figures if row.what == "nextlead: offered, not allowed any more"]
    assert (ours.median, ours.met) == (0, True)
    assert sum(row.what.startswith("minute buffer") for row in figures) == len(figures) / 2
    assert {plot.name for plot in freshness.SCENARIO.plots(runs, wish)} == {"lateness", "stale"}
    assert list(freshness.SCENARIO.steps(Wish((400,), 1, 5, 1, 1))) == [freshness.OUR_STEP]
