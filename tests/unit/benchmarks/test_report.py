"""Plans, processes of their own, figures, files."""

import io
from collections import defaultdict
from pathlib import Path

import pytest
from benchmarks.child import ChildFailed, measure, run_child
from benchmarks.display import Display
from benchmarks.figures import Runs, medians, parse_size, percentile, size_text
from benchmarks.files import Measured, Outcome, markdown, outcome_medians, read_file, write_file
from benchmarks.job import Job
from benchmarks.report import at_least, at_most, figure, number, print_figures
from benchmarks.rounds import run_steps, warnings_of
from benchmarks.scenarios import durable, engine, http
from benchmarks.scenarios.base import MILLION, Task, Wish
from benchmarks.surroundings import surroundings
from msgspec import json
from msgspec.structs import replace
from rich.console import Console

WISH = Wish((400, 800), operations=400, agents=20, seed=1, repeat=2)


def quiet() -> Console:
    return Console(file=io.StringIO(), width=160)


# -- numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "per_cent", "found"),
    [([], 50, 0), ([7], 99, 7), ([3, 1, 2], 50, 2), ([4, 3, 2, 1], 50, 2), (range(1, 101), 99, 99), ([1, 2], 100, 2)],
)
def test_percentiles_are_values_that_were_measured(values: list[int], per_cent: float, found: float) -> None:
    assert percentile(values, per_cent) == found


def test_medians_are_taken_figure_by_figure() -> None:
    assert medians([{"a": 1, "b": 9}, {"a": 5, "b": 2}, {"a": 3, "b": 4}]) == {"a": 3, "b": 4}
    assert medians([]) == {}


@pytest.mark.parametrize(("text", "size"), [("100k", 100_000), ("5M", 5_000_000), ("1m", MILLION), ("2_500", 2_500)])
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size
    assert parse_size(size_text(size)) == size


@pytest.mark.parametrize("text", ["", "k", "10G", "1.5M"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        parse_size(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.12345, "0.123"), (4.567, "4.57"), (78.91, "78.9"), (234.5, "234"), (150_000, "150,000")],
)
def test_numbers_have_three_digits_that_mean_something(value: float, text: str) -> None:
    assert number(value) == text


# -- figures --------------------------------------------------------------------------------------------------------


def test_targets_are_held_against_the_median() -> None:
    met = figure("T1", "speed", "/s", [1, 3, 2], at_least(2))
    assert (met.median, met.least, met.greatest, met.met) == (2, 1, 3, True)
    assert figure("T1", "speed", "/s", [9, 1, 1], at_least(2)).met is False
    assert figure("T5", "time", "ms", [9, 1, 1], at_most(2)).met is True
    assert figure("T5", "time", "ms", [1]).met is None


def test_the_whole_engine_table_from_small_runs() -> None:
    display = Display(quiet())
    display.plan("engine", [*engine.steps(WISH)] * WISH.repeat)
    runs, _ = run_steps(engine.steps(WISH), WISH.repeat, display, run=measure)
    assert {len(results) for results in runs.values()} == {2}
    figures = engine.figures(runs, WISH)
    assert {row.target_no for row in figures} == {"T1", "T2", "T7"}
    assert [row.met for row in figures] == [None] * len(figures), "targets are about a million leads"
    console = quiet()
    print_figures(console, "title", [figures], warnings_of(runs))
    assert isinstance(console.file, io.StringIO)
    assert "time at 800 over 400" in console.file.getvalue()


def test_targets_show_at_a_million() -> None:
    wish = Wish((100_000, MILLION, 5 * MILLION), operations=400, agents=20, seed=1, repeat=1)
    runs = {step: [dict.fromkeys(ENGINE_NAMES, 1.0)] for step in engine.steps(wish)}
    met = {row.what: row.met for row in engine.figures(runs, wish) if row.target}
    assert met["next p50, 1M"] is True
    assert met["next + finish, 1M"] is False
    assert met["time at 5M over 100k"] is True
    assert "next p50, 5M" not in met
    assert sum("9 of 10" in what for what in met) == 10


def test_growth_is_held_between_its_two_sizes_whatever_else_is_measured() -> None:
    wish = Wish((10_000, 100_000, MILLION, 5 * MILLION, 8 * MILLION), operations=400, agents=20, seed=1, repeat=1)
    runs = {step: [dict.fromkeys(ENGINE_NAMES, 1.0)] for step in engine.steps(wish)}
    assert [row.what for row in engine.figures(runs, wish) if row.what.startswith("time at") and row.met] == [
        "time at 5M over 100k"
    ]


def test_few_leads_are_not_asked_for_more_than_there_are() -> None:
    wish = Wish((10_000, 100_000), operations=200_000, agents=20, seed=1, repeat=1, only=("T1",), rivals=("heaps",))
    found = {step: task.operations for step, task in engine.steps(wish).items()}
    assert found == {"speed 10k": 10_000, "heaps 10k": 10_000, "speed 100k": 200_000, "heaps 100k": 200_000}


ENGINE_NAMES = [
    "operations_per_s",
    "operations_per_s_with_agents",
    "next_p50_us",
    "next_p99_us",
    "next_mean_us",
    "finish_p50_us",
    "finish_p99_us",
    "cpu_us_per_operation",
    "loaded_mb",
    "worked_mb",
    "open_when_worked",
]


def test_growth_is_how_much_slower_the_larger_one_is() -> None:
    runs = {step: [dict.fromkeys(ENGINE_NAMES, 1.0)] for step in engine.steps(WISH)}
    runs["speed 800"][0]["operations_per_s"] = 0.5
    growth = next(row for row in engine.figures(runs, WISH) if row.what.startswith("time at"))
    assert growth.median == 2


def test_durable_runs_what_is_asked_for() -> None:
    assert list(durable.steps(WISH)) == ["agents", "together", "alone", "restart"]
    only = Wish((MILLION,), 400, 20, 1, 2, only=("T5",))
    assert list(durable.steps(only)) == ["alone"]
    assert list(durable.prepare(only)) == ["making a loaded store"]
    runs = {"alone": [{"next_p50_ms": 0.6, "next_p99_ms": 4.0, "sync_p50_ms": 0.3, "sync_p99_ms": 2.0}]}
    runs["alone"][0]["next_over_sync_ms"] = 0.3
    assert [row.met for row in durable.figures(runs, only)] == [None, False, None, None, True]
    assert {row.met for row in durable.figures(runs, replace(only, sizes=(400,)))} == {None}, "few calls, few leads"


def test_plots_over_http_say_what_they_show_and_targets_where_they_are_held() -> None:
    runs: Runs = {step: [defaultdict(lambda: 1.0)] for step in ("http", "late")}
    wish = Wish((MILLION,), 400, 30, 1, 1)
    shown = http.plots(runs, wish)
    assert shown[0].title == "Over HTTP, 1M leads, 30 agents in closed loop"
    assert [[(line.value, line.x) for line in plot.lines] for plot in shown] == [[], [(20, 99)], [(20, 99)]]
    assert {row.what for row in http.figures(runs, wish) if row.target} == {
        "ours over it",
        "next p99, half of that load",
        "lateness of redials p99, half of the load",
    }
    assert not any(plot.lines for plot in http.plots(runs, replace(wish, sizes=(50_000,))))


def test_many_unanswered_calls_are_warned_of() -> None:
    runs: Runs = {"speed 1M": [{"share_none": 0.2}, {"share_none": 3.0}], "memory": [{}]}
    runs["alone"] = [{"share_none": 0.9}]
    runs["http"] = [{"share_none": 0.0, "half_share_none": 2.0}]
    assert [warning.split(":")[0] for warning in warnings_of(runs)] == ["speed 1M", "http"]


def outcome(**more: object) -> Outcome:
    row = figure("T5", "next p99, one agent", "ms", [4, 1, 7], at_most(3))
    return Outcome("durable", "The dialer on SQLite", "synchronous FULL", {"seed": 1}, [row], **more)  # type: ignore[arg-type]


def test_the_file_has_every_repetition_and_what_it_was_measured_on(tmp_path: Path) -> None:
    runs = {"alone": [{"next_p50_ms": 1.0}, {"next_p50_ms": 3.0}]}
    path = tmp_path / "results" / "durable.json"
    made = outcome(repetitions=runs, medians=outcome_medians(runs), warnings=["noisy"], missing=["no Redis"])
    write_file(path, Measured(surroundings(), [made]))
    [found] = json.decode(path.read_bytes())["outcomes"]
    assert found["repetitions"] == runs
    assert found["medians"] == {"alone": {"next_p50_ms": 2.0}}
    assert (found["settings"], found["durability"]) == ({"seed": 1}, "synchronous FULL")
    assert (found["warnings"], found["missing"]) == (["noisy"], ["no Redis"])
    assert found["figures"][0]["values"] == [4, 1, 7]
    about = json.decode(path.read_bytes())["about"]
    assert {"machine", "versions", "commit", "at", "command"} <= set(about)
    assert about["versions"]["python"]
    assert about["versions"]["sqlite"]
    assert read_file(path).outcomes == [made]


def test_the_file_becomes_a_table_in_markdown(tmp_path: Path) -> None:
    path = tmp_path / "durable.json"
    write_file(path, Measured(surroundings(), [outcome(warnings=["a warning"])]))
    text = markdown(path)
    assert "| T5 | next p99, one agent | 4.00 | 1.00 | 7.00 | ms | <= 3 | **no** |" in text.splitlines()
    assert "Durability: synchronous FULL." in text
    assert "a warning" in text


# -- processes ------------------------------------------------------------------------------------------------------


def test_a_child_tells_what_it_does_and_answers_with_its_figures() -> None:
    stages: list[str] = []
    result = run_child(Task("speed", Job(leads=400, agents=20), operations=200), stages.append)
    assert stages == ["loading", "working"]
    assert result["operations"] == 200


def test_a_child_that_fails_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="alone ended with 1"):
        run_child(Task("alone", Job(leads=400), 100, str(tmp_path / "nowhere")), lambda _stage: None)
