"""Big work while agents call: an import (T9), shuffles, switches, deletions, expiry (T10)."""

from typing import Final

from ..bulk import measure_bulk
from ..figures import Runs, column, size_text
from ..report import Figure, at_most, figure
from .base import Scenario, Short, Steps, Task, Wish

BULK_WORK: Final = {
    "quiet": "nothing else",
    "import": "the import",
    "shuffle": "the shuffle",
    "block": "10,000 numbers blocked",
    "switch": "100 switches of a pool",
    "delete": "the deletion",
    "expire": "the expiry",
}
NEXT_LEAST: Final = 100
"""With fewer calls meanwhile, the time of 99 of 100 is none."""


def steps(wish: Wish) -> Steps:
    """T9, T10."""
    return {"bulk": Task("bulk", wish.job(wish.main_size), folder=wish.folder)}


def figures(runs: Runs, wish: Wish) -> list[Figure]:
    """The table of `bulk`."""
    figures: list[Figure] = []
    for name, work in BULK_WORK.items():
        figures += _work_figures(runs, wish, name, work)
    switch = column(runs, "bulk", "switch_us_a_part")
    return [*figures, figure("T10", "switching a pool, a part", "us", switch, at_most(20), held=wish.rated)]


def _work_figures(runs: Runs, wish: Wish, name: str, work: str) -> list[Figure]:
    no = "T9" if name in ("quiet", "import") else "T10"
    of = wish.main_size if name == "import" else wish.main_size // 2
    what = work if name in ("quiet", "block", "switch") else f"{work} of {size_text(of)}"
    parts = ("s", "next_p50_ms", "next_p99_ms", "stall_ms", "busy_ms", "gc_longest_ms")
    took, p50, p99, stall, busy, collected = (column(runs, "bulk", f"{name}_{part}") for part in parts)
    soon, calm = (at_most(120), at_most(25)) if name == "import" else (None, None)
    brief = at_most(10) if no == "T10" else None
    figures = [
        figure(no, what, "s", took, soon, held=wish.rated),
        figure(no, f"next p50 during {what}", "ms", p50),
        figure(no, f"next p99 during {what}", "ms", p99, calm, held=wish.rated),
        figure(no, f"longest turn of the loop, {what}", "ms", stall, brief, held=wish.rated),
        figure(no, f"longest turn's processor time, {what}", "ms", busy),
        figure(no, f"longest garbage collection, {what}", "ms", collected),
    ]
    if min(column(runs, "bulk", f"{name}_next")) < NEXT_LEAST:
        figures = [row for row in figures if not row.what.startswith("next p")]
    return figures[1:] if name == "quiet" else figures


SCENARIO: Final = Scenario(
    name="bulk",
    help="big work while agents call",
    targets=("T9", "T10"),
    measures={"bulk": lambda task, tell: measure_bulk(task.job, task.store("bulk"), tell)},
    steps=steps,
    figures=figures,
    short=Short(("20k",), "1", seconds=25),
    durability="SQLite, WAL, synchronous FULL, every answer after its commit",
    on_disk=True,
    operations="1",
)
