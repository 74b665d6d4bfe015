"""The dialer on SQLite: 200 agents in closed loop (T3), one alone (T5), the start (T8) and the daemon's size (T7)."""

from typing import Final

from ..durable import measure_agents, measure_alone, measure_together
from ..engine import Tell
from ..figures import Result, Runs, column, size_text
from ..job import Job
from ..plots import OURS, Line, Plot, bar, bar_plot, latency_plot, latency_series
from ..report import Figure, at_least, at_most, figure
from ..restart import measure_restart
from ..stores import make_loaded, make_worked
from .base import Scenario, Short, Steps, Task, Wish
from .engine import LOADED, WORKED
from .rivals import (
    POSTGRES,
    REDIS,
    SKIP_LOCKED,
    measure_redis,
    measure_skip_locked,
    rival_bars,
    rival_figures,
    rival_steps,
    rival_times,
    rival_versions,
    without_postgres,
    without_redis,
)

RIVAL_NAMES: Final = {"upserts": "rows upserted", "journal": "a row a commit", "replay": "the same commits again"}


def prepare(wish: Wish) -> Steps:
    """Stores that are made once, before anything is measured."""
    job = wish.job(wish.main_size)
    steps: Steps = {"making a loaded store": Task("loaded_store", job, folder=wish.folder)}
    if wish.wants("T8"):
        steps["making an empty store"] = Task("empty_store", job, folder=wish.folder)
        steps["making a worked store"] = Task("worked_store", job, folder=wish.folder)
    return steps


def steps(wish: Wish) -> Steps:
    """T3, T5, T8."""
    job = wish.job(wish.main_size)
    steps: Steps = {}
    if wish.wants("T3"):
        steps["agents"] = Task("agents", job, wish.operations, wish.folder)
        steps["together"] = Task("together", job, wish.operations, wish.folder)
        steps |= rival_steps(wish)
    if wish.wants("T5"):
        steps["alone"] = Task("alone", job, max(100, wish.operations // 25), wish.folder)
    if wish.wants("T8"):
        steps["restart"] = Task("restart", job, folder=wish.folder)
    return steps


def figures(runs: Runs, wish: Wish) -> list[Figure]:
    """The table of `durable`."""
    figures: list[Figure] = []
    if wish.wants("T3"):
        figures += _agents_figures(runs, wish)
        least = {SKIP_LOCKED: at_least(8), REDIS: at_least(2)}
        figures += rival_figures(runs, wish, "T3", "agents", least)
    if wish.wants("T5"):
        figures += _alone_figures(runs, wish)
    if wish.wants("T8"):
        figures += _restart_figures(runs, wish)
    return figures


def _agents_figures(runs: Runs, wish: Wish) -> list[Figure]:
    at = f"{wish.agents} agents"
    rate = column(runs, "agents", "operations_per_s")
    figures = [figure("T3", f"next + finish, {at}", "/s", rate, at_least(40_000), held=wish.rated)]
    for name in ("next_p50_ms", "next_p99_ms", "finish_p50_ms", "finish_p99_ms"):
        what, percentile, _ = name.split("_")
        figures.append(figure("T3", f"{what} {percentile}, {at}", "ms", column(runs, "agents", name)))
    together = column(runs, "together", "operations_per_s")
    figures.append(figure("T3", f"finish with the next lead in one call, {at}", "/s", together))
    for name, what in (("cpu_us", "of the process"), ("cpu_loop_us", "of it in the loop's thread")):
        figures.append(figure("T3", f"processor time {what}, an operation", "us", column(runs, "agents", name)))
    figures.append(figure("T3", "operations in a commit", "", column(runs, "agents", "operations_per_commit")))
    figures.append(figure("T3", "folding what is left, when it is closed", "s", column(runs, "agents", "close_s")))
    for name, what in RIVAL_NAMES.items():
        rival, ratio = (column(runs, "agents", key) for key in (f"{name}_operations_per_s", f"ratio_{name}"))
        figures.append(figure("T3", f"writer without rules: {what}", "/s", rival))
        figures.append(figure("T3", f"ours over it: {what}", "x", ratio, at_least(0.7), held=wish.rated))
    return figures


def _alone_figures(runs: Runs, wish: Wish) -> list[Figure]:
    held, over = wish.rated, column(runs, "alone", "next_over_sync_ms")
    return [
        figure("T5", "next p50, one agent", "ms", column(runs, "alone", "next_p50_ms")),
        figure("T5", "next p99, one agent", "ms", column(runs, "alone", "next_p99_ms"), at_most(3), held=held),
        figure("T5", "fdatasync of 4 KiB p50", "ms", column(runs, "alone", "sync_p50_ms")),
        figure("T5", "fdatasync of 4 KiB p99", "ms", column(runs, "alone", "sync_p99_ms")),
        figure("T5", "next p50 less fdatasync p50", "ms", over, at_most(0.4), held=held),
    ]


def _restart_figures(runs: Runs, wish: Wish) -> list[Figure]:
    at = size_text(wish.main_size)
    stores = (("loaded", f"{at} loaded", LOADED), ("worked", f"{at} 60 % worked", WORKED))
    figures = [figure("T8", "start on an empty store", "s", column(runs, "restart", "empty_s"))]
    for name, what, _ in stores:
        for key, cache in ((f"{name}_s", "cached"), (f"{name}_cold_s", "not cached")):
            values = column(runs, "restart", key)
            figures.append(figure("T8", f"start, {what}, {cache}", "s", values, at_most(6), held=wish.rated))
    for name, what, target in stores:
        values = column(runs, "restart", f"{name}_daemon_mb")
        figures.append(figure("T7", f"daemon, {what}, started anew", "MB", values, target, held=wish.rated))
    return figures


def plots(runs: Runs, wish: Wish) -> list[Plot]:
    """What ours and the writers without rules do in a second; how long `next` and `finish` take; one agent alone."""
    found: list[Plot] = []
    at = f"{size_text(wish.main_size)} leads"
    if wish.wants("T3"):
        writers = [
            bar(f"writer without rules, {what}", column(runs, "agents", f"{name}_operations_per_s"))
            for name, what in RIVAL_NAMES.items()
        ]
        rates = [
            bar(f"{OURS} on SQLite", column(runs, "agents", "operations_per_s")),
            bar(f"{OURS}, finish and next in one call", column(runs, "together", "operations_per_s")),
            *writers,
            *rival_bars(runs, wish.rivals),
        ]
        target = [Line("target: 40,000", 40_000)] if wish.rated else []
        title = f"Durable, {at}, {wish.agents} agents in closed loop"
        found.append(bar_plot("rates", title, "next + finish (operations/s)", rates, *target))
        times = [latency_series(f"{OURS} on SQLite, {name}", runs["agents"], name, "ms") for name in ("next", "finish")]
        times += rival_times(runs, wish.rivals)
        found.append(latency_plot("latency", title, "time of a call", "ms", times))
    if wish.wants("T5"):
        alone = [
            latency_series(f"{OURS}, next", runs["alone"], "next", "ms"),
            latency_series("the disk, 4 KiB and fdatasync", runs["alone"], "sync", "ms"),
        ]
        lines = [Line("target: 3 ms", 3, 99)] if wish.rated else []
        found.append(latency_plot("alone", f"One agent alone on SQLite, {at}", "next", "ms", alone, *lines))
    return found


def _restart(task: Task, tell: Tell) -> Result:
    stores = {name: task.store(name) for name in ("loaded", "worked") if task.store(name).exists()}
    return measure_restart(task.store("empty"), stores, tell)


def make_empty_store(task: Task, tell: Tell) -> Result:
    """A step of `prepare`: the store `empty`, with the job's organisation and no lead."""
    make_loaded(Job(leads=0, agents=task.job.agents, seed=task.job.seed), task.store("empty"), tell)
    return {}


def make_loaded_store(task: Task, tell: Tell) -> Result:
    """A step of `prepare`: the store `loaded`, with all leads of the job and none called."""
    make_loaded(task.job, task.store("loaded"), tell)
    return {}


def make_worked_store(task: Task, tell: Tell) -> Result:
    """A step of `prepare`: the store `worked`, a copy of `loaded` in which 60 % of the leads were called."""
    make_worked(task.job, task.store("loaded"), task.store("worked"), tell)
    return {}


SCENARIO: Final = Scenario(
    name="durable",
    help="the dialer on SQLite",
    targets=("T3", "T5", "T8"),
    measures={
        "empty_store": make_empty_store,
        "loaded_store": make_loaded_store,
        "worked_store": make_worked_store,
        "agents": lambda task, tell: measure_agents(task.job, task.operations, task.store("loaded"), tell),
        "together": lambda task, tell: measure_together(task.job, task.operations, task.store("loaded"), tell),
        "alone": lambda task, tell: measure_alone(task.job, task.operations, task.store("loaded"), tell),
        "restart": _restart,
        "skip_locked": measure_skip_locked,
        "redis": measure_redis,
    },
    steps=steps,
    figures=figures,
    prepare=prepare,
    plots=plots,
    versions=rival_versions,
    rivals={SKIP_LOCKED: without_postgres, REDIS: without_redis},
    options=(POSTGRES,),
    short=Short(("50k",), "20k", seconds=25),
    durability="SQLite, WAL, synchronous FULL, every answer after its commit; PostgreSQL beside it: fsync and "
    "synchronous_commit on; Redis: appendfsync always",
    on_disk=True,
)
