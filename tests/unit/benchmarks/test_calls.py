"""A shift: what agents do, counted right."""

import gc

import pytest
from benchmarks.calls import OUTCOMES, STEP_MS, Calls, Shift
from benchmarks.cost import Cost, count_calls
from benchmarks.engine import speeds
from benchmarks.job import START_MS, Job, build_engine, make_centre

from nextlead.core.model import Lead, Lease, Status

TURNS = 3_000


def leased() -> Lead:
    lease = Lease(bytes(16), 3, START_MS, START_MS, 14155550100, 9)
    return Lead(1, 2, 1, 1, Status.UNPROCESSED, -1, -1, (14155550100,), lease=lease)


def test_outcomes_come_as_often_as_said() -> None:
    calls = Calls(seed=1)
    for _ in range(20_000):
        calls.finish(leased(), START_MS)
    for outcome, per_cent in OUTCOMES.items():
        assert calls.finishes[outcome] / 200 == pytest.approx(per_cent, abs=1)


def test_a_seed_throws_the_same_dice() -> None:
    first, second = Calls(seed=3), Calls(seed=3)
    assert [first.finish(leased(), 0) for _ in range(50)] == [second.finish(leased(), 0) for _ in range(50)]


def test_everybody_holds_a_lease_all_the_time() -> None:
    job = Job(leads=4_000, agents=20)
    engine = build_engine(make_centre(job))
    shift = Shift(engine, job)
    tally = shift.work(TURNS)
    assert engine.leases == 20
    assert (len(tally.next_ns), len(tally.finish_ns)) == (TURNS, TURNS - 20)
    assert sum(tally.ranks.values()) == TURNS
    assert shift.now_ms == START_MS + TURNS * STEP_MS
    assert engine.verify() == []


def test_leads_worked_are_those_no_longer_untouched() -> None:
    job = Job(leads=1_000, agents=20)
    engine = build_engine(make_centre(job))
    shift = Shift(engine, job, step_ms=20_000)
    tally = shift.work(600)
    assert tally.ranks[8] > 10, "retries must be among them, or the test shows nothing"
    untouched = sum(1 for lead in range(1, 1_001) if (found := engine.lead(lead)) is not None and not found.shown)
    assert shift.worked == 1_000 - untouched


def test_an_agent_without_a_lead_asks_again() -> None:
    job = Job(leads=200, agents=20)
    shift = Shift(build_engine(make_centre(job)), job)
    tally = shift.work(1_000)
    assert tally.none > 0
    assert tally.none + sum(tally.ranks.values()) == 1_000
    assert speeds(tally)["share_none"] == pytest.approx(tally.none / 10)


# -- calls counted --------------------------------------------------------------------------------------------------


def twice(values: list[int]) -> None:
    helper(values)
    helper(values)


def helper(values: list[int]) -> int:
    return len(values)


def test_calls_are_counted_by_function() -> None:
    cost = Cost()
    for _ in range(4):
        cost.count(twice, [])
    assert cost.times == 4
    assert cost.calls == (3, 2)
    assert cost.functions == {f"{__name__}.twice": 4, f"{__name__}.helper": 8}
    assert cost.builtins == {"len": 8}


def test_the_count_of_a_run_is_the_same_every_time() -> None:
    job = Job(leads=5_000, agents=20)
    first, tally = count_calls(job, 200)
    second, _ = count_calls(job, 200)
    assert tally.ranks[8] > 10, "retries must be among what is counted"
    assert first["next"].times == first["finish"].times == 100
    for name in ("next", "finish"):
        assert first[name].calls == second[name].calls
        assert first[name].functions["core.engine.Engine.apply"] == 100


def test_what_the_garbage_collector_calls_is_not_counted() -> None:
    def seen(*_: object) -> None: ...

    before = gc.get_threshold()
    gc.callbacks.append(seen)
    gc.set_threshold(10)
    try:
        costs, _ = count_calls(Job(leads=5_000, agents=20), 20)
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(seen)
    assert not {name for cost in costs.values() for name in cost.functions if name.endswith("seen")}
