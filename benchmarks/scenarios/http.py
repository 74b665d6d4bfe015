"""The daemon over HTTP: 200 agents, beside the bare framework (T6), and while promised redials fall due (T13)."""

from typing import Final

from ..engine import Tell
from ..figures import Result, Runs, column, size_text
from ..plots import OURS, Line, Plot, bar, bar_plot, latency_plot, latency_series
from ..report import Figure, at_least, at_most, figure
from ..serving import make_serving, measure_http, measure_late
from .base import Scenario, Short, Steps, Task, Wish

FRAMEWORK: Final = "Starlette, a trivial JSON"
SOON: Final = at_most(20)


def prepare(wish: Wish) -> Steps:
    """The store that is made once."""
    return {"making a store": Task("serving_store", wish.job(wish.main_size), folder=wish.folder)}


def steps(wish: Wish) -> Steps:
    """T6, T13."""
    job = wish.job(wish.main_size)
    steps: Steps = {}
    if wish.wants("T6"):
        steps["http"] = Task("http", job, wish.operations, wish.folder)
    if wish.wants("T13"):
        steps["late"] = Task("late", job, wish.operations // 2, wish.folder)
    return steps


def figures(runs: Runs, wish: Wish) -> list[Figure]:
    """The table of `http`."""
    figures: list[Figure] = []
    if wish.wants("T6"):
        figures += _http_figures(runs, wish)
    if wish.wants("T13"):
        figures += _late_figures(runs, wish)
    return figures


def _http_figures(runs: Runs, wish: Wish) -> list[Figure]:
    at, held = f"{wish.agents} agents", wish.rated

    def of(name: str) -> list[float]:
        return column(runs, "http", name)

    figures = [
        figure("T6", f"next + finish, {at}", "/s", of("operations_per_s")),
        figure("T6", FRAMEWORK, "/s", of("bare_operations_per_s")),
        figure("T6", "ours over it", "x", of("ratio_bare"), at_least(0.6), held=held),
        figure("T6", "processor time of the daemon, an operation", "us", of("cpu_us_per_operation")),
        figure("T6", "processor time of the framework, an answer", "us", of("bare_cpu_us_per_operation")),
        figure("T6", "the load's own share of a core, ours", "%", of("load_core_share")),
        figure("T6", "the load's own share of a core, the framework", "%", of("bare_load_core_share")),
    ]
    for phase, key, what in (("", "", "closed loop"), ("half_", "half_", "half of that load")):
        for name in ("next", "finish"):
            for per_cent in ("50", "99", "99.9"):
                target = SOON if (phase, name, per_cent) == ("half_", "next", "99") else None
                values = of(f"{key}{name}_p{per_cent}_ms")
                figures.append(figure("T6", f"{name} p{per_cent}, {what}", "ms", values, target, held=held))
    return figures


def _late_figures(runs: Runs, wish: Wish) -> list[Figure]:
    figures = [figure("T13", "promised redials that fell due", "", column(runs, "late", "redials"), better="")]
    for per_cent in ("50", "99", "99.9"):
        target = SOON if per_cent == "99" else None
        values = column(runs, "late", f"late_p{per_cent}_ms")
        what = f"lateness of redials p{per_cent}, half of the load"
        figures.append(figure("T13", what, "ms", values, target, held=wish.rated))
    figures.append(figure("T13", "next p99 meanwhile", "ms", column(runs, "late", "next_p99_ms")))
    return figures


def plots(runs: Runs, wish: Wish) -> list[Plot]:
    """Rates beside each other, times of `next`, lateness of redials."""
    found: list[Plot] = []
    at = f"{size_text(wish.main_size)} leads, {wish.agents} agents"
    soon = [Line("target at half: 20 ms", SOON.limit, 99)] if wish.rated else []
    if wish.wants("T6"):
        rates = [
            bar(OURS, column(runs, "http", "operations_per_s")),
            bar(FRAMEWORK, column(runs, "http", "bare_operations_per_s")),
        ]
        full = latency_series(f"{OURS}, closed loop", runs["http"], "next", "ms")
        half = latency_series(f"{OURS}, half of that load", runs["http"], "half_next", "ms")
        found.append(bar_plot("http-rate", f"Over HTTP, {at} in closed loop", "answers (/s)", rates))
        found.append(latency_plot("http-next", f"next over HTTP, {at}", "next", "ms", [full, half], *soon))
    if wish.wants("T13"):
        late = latency_series(OURS, runs["late"], "late", "ms")
        title = f"How late promised redials are offered to those who wait, {size_text(wish.main_size)} leads, half load"
        target = [Line("target: 20 ms", SOON.limit, 99)] if wish.rated else []
        found.append(latency_plot("http-lateness", title, "lateness", "ms", [late], *target))
    return found


def make_serving_store(task: Task, tell: Tell) -> Result:
    """A step of `prepare`: the store `serving`."""
    make_serving(task.job, task.store("serving"), tell)
    return {}


SCENARIO: Final = Scenario(
    name="http",
    help="the daemon over HTTP",
    targets=("T6", "T13"),
    measures={
        "serving_store": make_serving_store,
        "http": lambda task, tell: measure_http(task.job, task.operations, task.store("serving"), tell),
        "late": lambda task, tell: measure_late(task.job, task.operations, task.store("serving"), tell),
    },
    steps=steps,
    figures=figures,
    prepare=prepare,
    plots=plots,
    short=Short(("50k",), "10k", seconds=45),
    durability="SQLite, WAL, synchronous FULL, every answer after its commit",
    on_disk=True,
    operations="40k",
)
