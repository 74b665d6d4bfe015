"""What it costs to watch: `/metrics` with a million leads, and what `next` feels of it (T12)."""

from typing import Final

from ..figures import Runs, column
from ..report import Figure, at_most, figure
from ..serving import measure_scrape
from .base import Scenario, Short, Steps, Task, Wish
from .http import make_serving_store, prepare


def steps(wish: Wish) -> Steps:
    """T12."""
    return {"scrape": Task("scrape", wish.job(wish.main_size), wish.operations, wish.folder)}


def figures(runs: Runs, wish: Wish) -> list[Figure]:
    """The table of `scrape`."""
    rows = (
        ("a scrape p50, nobody at work", "alone_ms"),
        ("a scrape under half of the load p50", "scrape_p50_ms"),
        ("a scrape p50, all campaigns inactive", "inactive_ms"),
    )
    held = wish.rated
    found = [figure("T12", what, "ms", column(runs, "scrape", name), at_most(10), held=held) for what, name in rows]
    for what, name in (
        ("the first scrape", "first_ms"),
        ("the first scrape after campaigns became inactive", "inactive_first_ms"),
        ("a scrape under half of the load, the slowest", "scrape_p100_ms"),
        ("next p50 without scrapes", "without_next_p50_ms"),
        ("next p50 with a scrape a second", "during_next_p50_ms"),
        ("next p99 without scrapes", "without_next_p99_ms"),
        ("next p99 with a scrape a second", "during_next_p99_ms"),
    ):
        found.append(figure("T12", what, "ms", column(runs, "scrape", name)))
    without, during = (column(runs, "scrape", f"{name}_next_p99_ms") for name in ("without", "during"))
    over = [one / other for one, other in zip(during, without, strict=True)]
    return [*found, figure("T12", "next p99 with a scrape a second over that without", "x", over)]


SCENARIO: Final = Scenario(
    name="scrape",
    help="what /metrics costs, and what next feels of it",
    targets=("T12",),
    measures={
        "serving_store": make_serving_store,
        "scrape": lambda task, tell: measure_scrape(task.job, task.operations, task.store("serving"), tell),
    },
    steps=steps,
    figures=figures,
    prepare=prepare,
    short=Short(("50k",), "4k", seconds=40),
    durability="SQLite, WAL, synchronous FULL, every answer after its commit",
    on_disk=True,
    operations="10k",
)
