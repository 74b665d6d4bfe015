"""The dialer on PostgreSQL beside SKIP LOCKED on the same kind of server (T4), and the start on it (T8)."""

from pathlib import Path
from typing import Final

from ..engine import Tell
from ..figures import Result, Runs, column, size_text
from ..plots import OURS, Line, Plot, bar, bar_plot, latency_plot, latency_series
from ..report import Figure, at_least, at_most, figure
from ..rivals.servers import postgres_server
from ..rivals.versions import postgres_version
from .base import Scenario, Short, Steps, Task, Wish
from .rivals import (
    NAMES,
    POSTGRES,
    SKIP_LOCKED,
    measure_skip_locked,
    rival_bars,
    rival_figures,
    rival_steps,
    without_postgres,
)

OUR_STEP: Final = "agents on PostgreSQL"


def measure(task: Task, tell: Tell) -> Result:
    """Ours; see `postgres.measure_postgres`."""
    from ..durable import run  # noqa: PLC0415 - who only asks for steps needs no dialer
    from ..postgres import measure_postgres  # noqa: PLC0415 - it needs a driver

    tell("starting the server")
    folder = Path(task.folder)
    with postgres_server(folder, task.options.get(POSTGRES.name, "")) as url:
        return run(measure_postgres(url, task.job, task.operations, folder, tell))


def steps(wish: Wish) -> Steps:
    """Ours and SKIP LOCKED; nothing where there is no server."""
    if without_postgres(wish):
        return {}
    options = {POSTGRES.name: wish.options.get(POSTGRES.name, "")}
    job = wish.job(wish.main_size)
    ours: Steps = {OUR_STEP: Task("agents_on_postgres", job, wish.operations, wish.folder, options)}
    return ours | (rival_steps(wish) if wish.wants("T4") else {})


def missing(wish: Wish) -> list[str]:
    """All of it, where there is no server."""
    why = without_postgres(wish)
    return [f"the dialer on PostgreSQL: {why}"] if why else []


def versions(wish: Wish) -> dict[str, str]:
    """The server's."""
    return {} if without_postgres(wish) else {"PostgreSQL": postgres_version(wish.options.get(POSTGRES.name, ""))}


def figures(runs: Runs, wish: Wish) -> list[Figure]:
    """The table of `postgres`."""
    if OUR_STEP not in runs:
        return []
    found: list[Figure] = []
    if wish.wants("T4"):
        at = f"{wish.agents} agents"
        rate = column(runs, OUR_STEP, "operations_per_s")
        found.append(figure("T4", f"next + finish, {at}", "/s", rate, at_least(25_000), held=wish.rated))
        for name in ("next_p50_ms", "next_p99_ms", "finish_p50_ms", "finish_p99_ms"):
            what, percentile, _ = name.split("_")
            found.append(figure("T4", f"{what} {percentile}, {at}", "ms", column(runs, OUR_STEP, name)))
        found.append(figure("T4", "operations in a commit", "", column(runs, OUR_STEP, "operations_per_commit")))
        found.append(figure("T4", "processor time an operation", "us", column(runs, OUR_STEP, "cpu_us")))
        found += rival_figures(runs, wish, "T4", OUR_STEP, {SKIP_LOCKED: at_least(6)})
    if wish.wants("T8"):
        size = size_text(wish.main_size)
        found += [
            figure("T8", f"rows of {size} leads from the server", "s", column(runs, OUR_STEP, "load_s")),
            figure("T8", f"the dialer opens, {size} loaded", "s", column(runs, OUR_STEP, "open_s")),
            figure("T8", f"start, {size}", "s", column(runs, OUR_STEP, "ready_s"), at_most(5), held=wish.rated),
        ]
    return found


def plots(runs: Runs, wish: Wish) -> list[Plot]:
    """What ours and SKIP LOCKED do in a second, and how long `next` takes."""
    if OUR_STEP not in runs or not wish.wants("T4"):
        return []
    title = f"Durable on PostgreSQL, {size_text(wish.main_size)} leads, {wish.agents} agents"
    rates = [bar(OURS, column(runs, OUR_STEP, "operations_per_s")), *rival_bars(runs, wish.rivals)]
    target = [Line("target: 25,000", 25_000)] if wish.rated else []
    times = [latency_series(OURS, runs[OUR_STEP], "next", "ms")]
    times += [latency_series(NAMES[rival], runs[rival], "next", "ms") for rival in wish.rivals]
    return [
        bar_plot("rates", title, "next + finish (operations/s)", rates, *target),
        latency_plot("latency", f"{title} in closed loop", "next", "ms", times),
    ]


SCENARIO: Final = Scenario(
    name="postgres",
    help="the dialer on PostgreSQL",
    targets=("T4", "T8"),
    measures={"agents_on_postgres": measure, "skip_locked": measure_skip_locked},
    steps=steps,
    figures=figures,
    plots=plots,
    missing=missing,
    versions=versions,
    rivals={SKIP_LOCKED: without_postgres},
    options=(POSTGRES,),
    short=Short(("50k",), "10k", seconds=20),
    durability="PostgreSQL, fsync and synchronous_commit on, every answer after its commit",
    on_disk=True,
)
