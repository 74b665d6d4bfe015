"""The engine alone: how fast (T1), beside plain heaps; with nine of ten leads blocked (T2); how large (T7)."""

from collections.abc import Sequence
from typing import Final

from ..engine import measure_speed
from ..figures import Runs, column, ratios, size_text
from ..job import Scene
from ..memory import measure_memory
from ..plots import OURS, Axis, Line, Plot, by_x, latency_plot, latency_series
from ..report import Figure, Target, at_least, at_most, figure
from ..rivals.heaps import measure_heaps
from .base import MILLION, Scenario, Short, Steps, Task, Wish

SCENES: Final[dict[Scene, str]] = {
    "pools": "in inactive pools",
    "due": "not due",
    "owners": "of owners not at work",
    "hours": "behind closed hours",
    "limits": "behind a contact limit",
}
HEAPS: Final = "heaps"
GROWTH: Final = (100_000, 5_000_000)
LOADED: Final = at_most(250)
WORKED: Final = at_most(400)
"""T7, in MB; the whole daemon is held against them too."""


def steps(wish: Wish) -> Steps:
    """T1, T2, T7."""
    steps: Steps = {}
    if wish.wants("T1"):
        for size in wish.sizes:
            steps[_speed(size)] = Task("speed", wish.job(size), _operations(wish, size))
            if HEAPS in wish.rivals:
                steps[_heaps(size)] = Task("heaps", wish.job(size), _operations(wish, size))
    if wish.wants("T2"):
        for scene in ("free", *SCENES):
            steps[f"blocked {scene}"] = Task("speed", wish.job(wish.main_size, scene), wish.blocked_operations)
    if wish.wants("T7"):
        steps["memory"] = Task("memory", wish.job(wish.main_size))
    return steps


def figures(runs: Runs, wish: Wish) -> list[Figure]:
    """The table of `engine`."""
    figures: list[Figure] = []
    if wish.wants("T1"):
        for size in wish.sizes:
            figures += _speed_figures(runs, size)
            if HEAPS in wish.rivals:
                figures += _heaps_figures(runs, size)
        figures += _growth_figures(runs, wish.sizes)
    if wish.wants("T2"):
        figures += _blocked_figures(runs, wish)
    if wish.wants("T7"):
        figures += _memory_figures(runs, wish)
    return figures


def _operations(wish: Wish, size: int) -> int:
    """As many as wished, unless leads would run out, so that `next` has nothing to decide.

    Twice as many as leads last, for they take so long that leads come back; where that is not so, as many as leads.
    """
    return wish.operations if wish.operations <= 2 * size else size


def _speed(size: int) -> str:
    return f"speed {size_text(size)}"


def _heaps(size: int) -> str:
    return f"{HEAPS} {size_text(size)}"


def _speed_figures(runs: Runs, size: int) -> list[Figure]:
    rows: tuple[tuple[str, str, str, Target | None], ...] = (
        ("next + finish", "/s", "operations_per_s", at_least(150_000)),
        ("the same with the agents' part", "/s", "operations_per_s_with_agents", None),
        ("next p50", "us", "next_p50_us", at_most(8)),
        ("next p99", "us", "next_p99_us", at_most(25)),
        ("finish p50", "us", "finish_p50_us", None),
        ("finish p99", "us", "finish_p99_us", None),
        ("processor time an operation", "us", "cpu_us_per_operation", None),
    )
    return [
        figure("T1", f"{what}, {size_text(size)}", unit, column(runs, _speed(size), name), target, held=size == MILLION)
        for what, unit, name, target in rows
    ]


def _heaps_figures(runs: Runs, size: int) -> list[Figure]:
    ours, theirs = (column(runs, step, "operations_per_s") for step in (_speed(size), _heaps(size)))
    over = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return [
        figure("T1", f"plain heaps, hardly a rule, {size_text(size)}", "/s", theirs),
        figure("T1", f"ours over plain heaps, {size_text(size)}", "x", over, better="higher"),
    ]


def _growth_figures(runs: Runs, sizes: Sequence[int]) -> list[Figure]:
    small, large = GROWTH if {*GROWTH} <= {*sizes} else (min(sizes), max(sizes))
    if small == large:
        return []
    slower = ratios(runs, _speed(small), _speed(large), "operations_per_s")
    what = f"time at {size_text(large)} over {size_text(small)}"
    return [figure("T1", what, "x", slower, at_most(1.6), held=(small, large) == GROWTH)]


def _blocked_figures(runs: Runs, wish: Wish) -> list[Figure]:
    free = column(runs, "blocked free", "next_p50_us")
    figures = [figure("T2", f"next p50, none of {size_text(wish.main_size)} blocked", "us", free)]
    for scene, what in SCENES.items():
        for name in ("p50", "mean"):
            values = ratios(runs, f"blocked {scene}", "blocked free", f"next_{name}_us")
            figures.append(figure("T2", f"next {name}, 9 of 10 {what}", "x", values, at_most(1.3), held=wish.rated))
    return figures


def _memory_figures(runs: Runs, wish: Wish) -> list[Figure]:
    at = size_text(wish.main_size)
    loaded, worked = (column(runs, "memory", f"{name}_mb") for name in ("loaded", "worked"))
    return [
        figure("T7", f"engine, {at} loaded", "MB", loaded, LOADED, held=wish.rated),
        figure("T7", f"engine, {at} 60 % worked", "MB", worked, WORKED, held=wish.rated),
        figure("T7", f"leads still open, {at} 60 % worked", "", column(runs, "memory", "open_when_worked")),
    ]


def plots(runs: Runs, wish: Wish) -> list[Plot]:
    """By number of leads: operations per second, memory; and how long `next` and `finish` take."""
    found = _growth_plots(runs, wish) if wish.wants("T1") else []
    if wish.wants("T1"):
        results = runs[_speed(wish.main_size)]
        series = [latency_series(f"{OURS}, {name}", results, name, "us") for name in ("next", "finish")]
        lines = [Line("target: 8 us", 8, 50), Line("target: 25 us", 25, 99)] if wish.rated else []
        title = f"How long one takes in the engine, {size_text(wish.main_size)} leads"
        found.append(latency_plot("latency", title, "next and finish", "us", series, *lines))
    return found


def _growth_plots(runs: Runs, wish: Wish) -> list[Plot]:
    leads = Axis("leads", "log")
    rates = [(float(size), column(runs, _speed(size), "operations_per_s")) for size in wish.sizes]
    series = [by_x(OURS, rates)]
    if HEAPS in wish.rivals:
        limits = [(float(size), column(runs, _heaps(size), "operations_per_s")) for size in wish.sizes]
        series.append(by_x("plain heaps, hardly a rule", limits))
    loaded = [(float(size), column(runs, _speed(size), "loaded_mb")) for size in wish.sizes]
    memory = [by_x(f"{OURS}, just loaded", loaded)]
    if wish.wants("T7"):
        memory.append(by_x(f"{OURS}, 60 % worked", [(float(wish.main_size), column(runs, "memory", "worked_mb"))]))
    rate, most = (
        ([], [])
        if not wish.rated
        else (
            [Line("target: 150,000", 150_000, MILLION)],
            [Line("target loaded: 250 MB", LOADED.limit, MILLION), Line("worked: 400 MB", WORKED.limit, MILLION)],
        )
    )
    return [
        Plot(
            "throughput",
            "The engine alone, by number of leads",
            leads,
            Axis("next + finish (operations/s)"),
            series,
            rate,
        ),
        Plot(
            "memory",
            "Memory of the engine, by number of leads",
            leads,
            Axis("over an empty engine (MB)", "log"),
            memory,
            most,
        ),
    ]


SCENARIO: Final = Scenario(
    name="engine",
    help="the engine alone, in memory",
    targets=("T1", "T2", "T7"),
    measures={
        "speed": lambda task, tell: measure_speed(task.job, task.operations, tell),
        "heaps": lambda task, tell: measure_heaps(task.job, task.operations, tell),
        "memory": lambda task, tell: measure_memory(task.job, tell),
    },
    steps=steps,
    figures=figures,
    plots=plots,
    rivals={HEAPS: lambda _wish: ""},
    short=Short(("20k", "100k"), "20k", seconds=15),
    operations="200k",
    many_sizes=True,
)
