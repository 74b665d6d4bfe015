"""The simulation finds what it is there to find: with a fault planted it fails, and the same way each time."""

from collections.abc import Callable
from typing import Any

import pytest
from simulation import faults

from nextlead.runtime.clock import ManualClock
from nextlead.runtime.writer import Writer, settle
from nextlead.testing.simulation import Failure, Plan, simulate
from nextlead.testing.simulation.centre import Centre
from nextlead.testing.simulation.clock import ProcessClock

SEED = 1
PLAIN = Plan(
    seed=SEED,
    days=0.2,
    start_ms=1_772_438_400_000,
    features={"redials": 3.0, "waiting": 1.0, "supervisors": 1.0},
    faults={},
    agents=3,
    campaigns=1,
    leads=25,
    oracle=False,
    slice_leads=20,
    call_s=120.0,
)


def failure_of(plant: Callable[[Centre], None] | None = None, **other: Any) -> Failure:
    plan = Plan(**{**vars(PLAIN), **other})
    failure = simulate(SEED, plan=plan, plant=plant).failure
    assert failure is not None, "the fault was not found"
    return failure


def test_without_a_fault_none_is_found() -> None:
    assert simulate(SEED, plan=PLAIN).failure is None


def test_a_store_that_loses_an_acknowledged_commit() -> None:
    assert failure_of(faults.plant_disk(faults.LosingDisk)).rule in ("R1.3", "R5.3", "R9.5")


def test_a_store_that_loses_the_last_commit_with_the_process() -> None:
    failure = failure_of(faults.plant_disk(faults.CachingDisk), faults={"kill": 10.0}, days=0.1)
    assert failure.rule in ("R5.3", "R5.1", "desk, rule 6")


def test_a_store_that_keeps_half_of_a_commit() -> None:
    assert failure_of(faults.plant_disk(faults.HalfDisk)).rule in ("R1.3", "R5.3")


@pytest.mark.parametrize("oracle", [True, False])
def test_an_engine_that_offers_a_lead_twice(oracle: bool) -> None:
    assert failure_of(faults.plant_engine(faults.TwiceEngine), oracle=oracle).rule in ("R5.4", "R2.1")


@pytest.mark.parametrize("oracle", [True, False])
def test_an_engine_that_forgets_a_redial(oracle: bool) -> None:
    rules = ("verify", "R5.1", "R2.1", "R9.13", "R2.7", "desk, rule 6")
    assert failure_of(faults.plant_engine(faults.ForgetfulEngine), oracle=oracle).rule in rules


def test_an_engine_that_does_not_say_what_it_changed() -> None:
    assert failure_of(faults.plant_engine(faults.SilentEngine)).rule in ("R1.3", "R5.1", "R5.3")


def test_a_timer_that_never_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProcessClock, "call_at", ManualClock.call_at)
    assert failure_of().rule == "R2.7"


def test_an_answer_before_it_is_durable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Writer, "owe_to", lambda _writer, future, reply: settle(future, reply))
    assert failure_of().rule in ("R5.9", "R5.4")


def test_a_failure_comes_again_and_says_how() -> None:
    one, two = (failure_of(faults.plant_engine(faults.TwiceEngine)) for _ in range(2))
    assert one == two
    assert one.command == f"nextlead simulate --seed {SEED} --days 0.2"
    text = one.text()
    assert one.command in text
    assert one.rule in text
    assert one.at in text
    assert one.tail[-1] in text
