"""A simulated week at a pace of 500 operations a second: does memory grow, does the loop stand still: T11."""

from typing import Final

from ..engine import Tell
from ..figures import Result, Runs, column, size_text
from ..plots import OURS, Axis, Line, Plot, by_x
from ..report import Figure, at_most, figure
from ..week import DAYS, measure_week
from .base import Option, Scenario, Short, Steps, Task, Wish

FIVE_MILLION: Final = 5_000_000
"""Targets are held against figures of this size only: with fewer leads, most of them are called in that week, and one
that was called takes more memory than one that was not."""
GROWTH: Final = at_most(5)
STALL: Final = at_most(50)
_STEP: Final = "week"
_SQLITE: Final = "sqlite"


def prepare(wish: Wish) -> Steps:
    """The store that is copied for each repetition, unless nothing is to be kept."""
    if wish.options["store"] != _SQLITE:
        return {}
    return {"making a loaded store": Task("loaded_store", wish.job(wish.main_size), folder=wish.folder)}


def steps(wish: Wish) -> Steps:
    """T11."""
    return {_STEP: Task("week", wish.job(wish.main_size), folder=wish.folder, options=dict(wish.options))}


def _measure(task: Task, tell: Tell) -> Result:
    made = task.store("loaded") if task.options["store"] == _SQLITE else None
    return measure_week(task.job, float(task.options["minutes"]), made, tell)


def figures(runs: Runs, wish: Wish) -> list[Figure]:
    """The table of `week`."""
    held = wish.main_size == FIVE_MILLION
    at = size_text(wish.main_size)
    found = [
        figure("T11", f"memory of the process after day {day}, {at}", "MB", column(runs, _STEP, f"day{day}_mb"))
        for day in range(1, DAYS + 1)
    ]
    growth = column(runs, _STEP, "growth_per_cent")
    found.append(figure("T11", "growth of memory after the first day", "%", growth, GROWTH if held else None))
    for what, unit, name in (
        ("longest turn of the loop", "ms", "stall_ms"),
        ("turn of the loop p99.9, worst day", "ms", "stall_p99.9_ms"),
        ("longest turn of the loop, its processor time", "ms", "busy_ms"),
        ("longest garbage collection", "ms", "gc_longest_ms"),
        ("garbage collections, all together", "ms", "gc_ms"),
        ("next p50", "ms", "next_p50_ms"),
        ("next p99", "ms", "next_p99_ms"),
        ("next + finish, as paced", "/s", "operations_per_s"),
    ):
        target = STALL if name == "stall_ms" else None
        found.append(figure("T11", what, unit, column(runs, _STEP, name), target, held=held))
    return found


def plots(runs: Runs, wish: Wish) -> list[Plot]:
    """Memory and the longest turn, day by day."""
    days = range(1, DAYS + 1)
    memory = [(float(day), column(runs, _STEP, f"day{day}_mb")) for day in range(DAYS + 1)]
    stalls = [(float(day), column(runs, _STEP, f"day{day}_stall_ms")) for day in days]
    of = f"{size_text(wish.main_size)} leads, a simulated week"
    day, most = Axis("day"), [Line("target: 50 ms", STALL.limit)] if wish.main_size == FIVE_MILLION else []
    return [
        Plot("memory", f"Memory, {of}", day, Axis("of the process (MB)"), [by_x(OURS, memory)]),
        Plot("stalls", f"Longest turn, {of}", day, Axis("of the loop (ms)"), [by_x(OURS, stalls)], most),
    ]


SCENARIO: Final = Scenario(
    name="week",
    help="a simulated week: memory, and the longest turn of the loop",
    targets=("T11",),
    measures={"week": _measure},
    prepare=prepare,
    steps=steps,
    figures=figures,
    plots=plots,
    options=(
        Option("minutes", "10", "how long the week takes"),
        Option(
            "store", _SQLITE, "where it is kept; `none` keeps nothing: only the dialer is measured", (_SQLITE, "none")
        ),
    ),
    short=Short(("20k",), "1", seconds=25, options={"minutes": "0.25"}),
    durability="SQLite, WAL, synchronous FULL, every answer after its commit (with --store none: nothing is kept)",
    on_disk=True,
    leads="5M",
    operations="1",
)
