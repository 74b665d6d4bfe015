"""A week at a small size, in a second: the days are there, and the figures."""

from pathlib import Path

import pytest
from benchmarks import watch
from benchmarks.job import START_MS, Job
from benchmarks.scenarios.base import Wish
from benchmarks.scenarios.week import FIVE_MILLION, figures, plots, prepare, steps
from benchmarks.stores import make_loaded
from benchmarks.week import DAYS, FastClock, measure_week

JOB = Job(leads=400, agents=5)
MINUTES = 0.02
OPTIONS = {"minutes": "0.02", "store": "none"}


@pytest.mark.parametrize("kept", [True, False])
def test_a_week_passes(tmp_path: Path, kept: bool) -> None:  # TARGETS T11
    made = tmp_path / "loaded.db" if kept else None
    if made is not None:
        make_loaded(JOB, made, lambda _stage: None)
    stages: list[str] = []
    result = measure_week(JOB, MINUTES, made, stages.append)
    assert len(stages) == 1 + DAYS
    assert all(result[f"day{day}_mb"] > 0 for day in range(DAYS + 1))
    assert all(abs(result[f"day{day}_leads"] - JOB.leads) < JOB.leads / 2 for day in range(DAYS + 1))
    assert result["operations_per_s"] > 0
    assert result["stall_ms"] >= result["stall_p99.9_ms"] > 0
    wish = Wish((JOB.leads,), 1, JOB.agents, 1, 1, options=OPTIONS)
    rows = figures({"week": [result]}, wish)
    assert {row.target_no for row in rows} == {"T11"}
    assert all(row.met is None for row in rows)
    assert [len(series.points) for plot in plots({"week": [result]}, wish) for series in plot.series] == [8, 7]


def test_targets_are_held_at_five_million_only() -> None:
    result = dict.fromkeys(
        (
            *(f"day{day}_mb" for day in range(DAYS + 1)),
            *("growth_per_cent", "stall_ms", "stall_p99.9_ms", "busy_ms", "gc_longest_ms", "gc_ms"),
            *("next_p50_ms", "next_p99_ms", "operations_per_s"),
        ),
        51.0,
    )
    wish = Wish((FIVE_MILLION,), 1, 200, 1, 1, options=OPTIONS)
    assert [row.met for row in figures({"week": [result]}, wish) if row.met is not None] == [False, False]


def test_a_store_is_made_where_it_is_kept() -> None:
    wish = Wish((400,), 1, 5, 1, 1, folder="somewhere", options=OPTIONS | {"store": "sqlite"})
    assert [task.measure for task in prepare(wish).values()] == ["loaded_store"]
    assert prepare(Wish((400,), 1, 5, 1, 1, options=OPTIONS)) == {}
    [task] = steps(wish).values()
    assert (task.measure, task.options["minutes"], task.folder) == ("week", "0.02", "somewhere")


def test_the_clock_runs_fast_and_goes_on_from_the_store() -> None:
    clock = FastClock(1_000_000)
    clock.begin(START_MS + 5)
    first = clock.now_ms()
    assert first >= START_MS + 5
    while clock.now_ms() < first + 60_000:
        pass


def test_what_a_watch_saw_is_forgotten_when_it_begins_anew() -> None:
    seen = watch.Watch()
    seen.late_s.extend((0.5, 0.25))
    seen.busy_s = 0.125
    assert seen.result("x")["x_stall_ms"] == 500
    assert seen.result("x")["x_busy_ms"] == 125
    seen.anew()
    assert set(seen.result("x").values()) == {0.0}
