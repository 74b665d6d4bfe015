"""The servers that ours is compared with, as steps and figures of more than one scenario.

A rival starts its server in the folder on the disk measured, and loads the job's leads, in each repetition.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..engine import Tell
from ..figures import Result, Runs, column
from ..plots import Series, bar, latency_series
from ..report import Figure, Target, figure
from ..rivals.rows import RivalJob
from ..rivals.servers import missing_postgres, missing_redis, postgres_server, redis_server
from ..rivals.versions import postgres_version, redis_version
from .base import Option, Steps, Task, Wish

SKIP_LOCKED: Final = "skip-locked"
REDIS: Final = "redis"
NAMES: Final = {SKIP_LOCKED: "PostgreSQL SKIP LOCKED", REDIS: "Redis, Lua, AOF always"}
FORMS: Final = {
    SKIP_LOCKED: {f"connections_{n}": f"{n} connection{'s' if n > 1 else ''}" for n in (1, 8, 32)},
    REDIS: {
        "connections_32": "32 connections",
        "merged_4": "agents merged on 4 connections",
        "merged_1": "agents merged on 1 connection",
    },
}
POSTGRES: Final = Option(
    "postgres",
    "",
    "URL of a PostgreSQL database, for schemas that are made and dropped there; else a server is started from pgserver",
)


def without_postgres(wish: Wish) -> str:
    """Why nothing can be measured on PostgreSQL, "" if it can."""
    return missing_postgres(wish.options.get(POSTGRES.name, ""))


def without_redis(_wish: Wish) -> str:
    """Why nothing can be measured on Redis, "" if it can."""
    return missing_redis()


def measure_skip_locked(task: Task, tell: Tell) -> Result:
    """SKIP LOCKED on 1, 8 and 32 connections; see `rivals.floor.measure_forms`."""
    from ..durable import run  # noqa: PLC0415 - who only asks for steps needs no dialer
    from ..rivals import skip_locked  # noqa: PLC0415 - it needs a driver

    tell("starting the server")
    with postgres_server(Path(task.folder), task.options.get(POSTGRES.name, "")) as url:
        return run(skip_locked.measure_skip_locked(url, RivalJob(task.job), task.operations, tell))


def measure_redis(task: Task, tell: Tell) -> Result:
    """Redis on 32 connections, and with all agents merged on 4 and on 1; see `rivals.floor.measure_forms`."""
    from ..durable import run  # noqa: PLC0415 - who only asks for steps needs no dialer
    from ..rivals import redis_lua  # noqa: PLC0415 - it needs a client

    with redis_server(Path(task.folder)) as socket:
        return run(redis_lua.measure_redis(socket, RivalJob(task.job), task.operations, tell))


_MEASURES: Final = {SKIP_LOCKED: "skip_locked", REDIS: "redis"}


def rival_steps(wish: Wish) -> Steps:
    """A step for each rival that is wished for, at the main size."""
    job = wish.job(wish.main_size)
    options = {POSTGRES.name: wish.options.get(POSTGRES.name, "")}
    return {
        rival: Task(_MEASURES[rival], job, wish.operations, wish.folder, options)
        for rival in NAMES
        if rival in wish.rivals
    }


def rival_versions(wish: Wish) -> dict[str, str]:
    """The versions of the servers that rivals run on."""
    versions = {}
    if SKIP_LOCKED in wish.rivals:
        versions["PostgreSQL"] = postgres_version(wish.options.get(POSTGRES.name, ""))
    if REDIS in wish.rivals:
        versions["Redis"] = redis_version()
    return versions


def rival_figures(runs: Runs, wish: Wish, no: str, ours: str, least: dict[str, Target]) -> list[Figure]:
    """What rivals do in a second, in each form, and ours over the best form, repetition by repetition.

    `ours` is our step; `least` the target of each rival.
    """
    figures = []
    for rival in (rival for rival in NAMES if rival in wish.rivals):
        name = NAMES[rival]
        for form, what in FORMS[rival].items():
            values = column(runs, rival, f"{form}_operations_per_s")
            figures.append(figure(no, f"{name}, {what}", "/s", values))
        best = column(runs, rival, "operations_per_s")
        for per_cent in (50, 99):
            times = column(runs, rival, f"next_p{per_cent}_ms")
            figures.append(figure(no, f"{name}, best form, next p{per_cent}", "ms", times))
        over = [mine / other for mine, other in zip(column(runs, ours, "operations_per_s"), best, strict=True)]
        what = f"ours over {name}, best form"
        figures.append(figure(no, what, "x", over, least[rival], held=wish.rated, better="higher"))
    return figures


def rival_bars(runs: Runs, rivals: Sequence[str]) -> list[Series]:
    """A bar for each rival: its best form."""
    return [bar(NAMES[rival], column(runs, rival, "operations_per_s")) for rival in NAMES if rival in rivals]


def rival_times(runs: Runs, rivals: Sequence[str]) -> list[Series]:
    """How long `next` takes on each rival, in its best form."""
    return [latency_series(f"{NAMES[rival]}, next", runs[rival], "next", "ms") for rival in NAMES if rival in rivals]
