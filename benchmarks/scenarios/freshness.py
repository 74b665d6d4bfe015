"""How fresh offers are and how late redials, in simulated hours: ours beside a buffer that is filled once a minute."""

from typing import Final

from ..engine import Tell
from ..figures import Result, Runs, column
from ..fresh_world import World
from ..freshness import STALE, result_of, simulate
from ..plots import OURS, Axis, Plot, bar, bar_plot, latency_series
from ..report import Figure, at_most, figure
from .base import Option, Scenario, Short, Steps, Task, Wish

BUFFER: Final = "buffer"
BUFFER_NAME: Final = "minute buffer"
OUR_STEP: Final = "engine in simulated hours"
HOURS: Final = Option("hours", "6", "simulated hours; no repetition differs from another, so `--repeat 1` will do")
KIND_WORDS: Final = {"all": "redials", "vip": "VIP redials", "private": "private redials"}
LATE: Final = (("waiting", 50, ", agent waits"), ("waiting", 99, ", agent waits"), ("late", 99, ""))
STALE_WORDS: Final = {
    "blocked": "number blocked",
    "done": "done elsewhere",
    "pool": "pool switched off",
    "hours": "hours over",
}


def measure_engine(task: Task, tell: Tell) -> Result:
    """Ours."""
    from ..fresh_engine import FreshEngine  # noqa: PLC0415 - who only asks for steps needs no engine
    from ..job import build_engine  # noqa: PLC0415

    hours = int(task.options[HOURS.name])
    world = World(task.job, hours)
    tell(f"{hours} simulated hours")
    return result_of(simulate(FreshEngine(task.job, build_engine(world.centre)), world, task.job), task.job, hours)


def measure_buffer(task: Task, tell: Tell) -> Result:
    """The rival."""
    from ..rivals.buffer import MinuteBuffer  # noqa: PLC0415

    hours = int(task.options[HOURS.name])
    world = World(task.job, hours)
    tell(f"{hours} simulated hours")
    return result_of(simulate(MinuteBuffer(task.job, world), world, task.job), task.job, hours)


def steps(wish: Wish) -> Steps:
    """Ours, and the buffer."""
    options = {HOURS.name: wish.options.get(HOURS.name, HOURS.default)}
    job = wish.job(wish.main_size)
    found: Steps = {OUR_STEP: Task("fresh_engine", job, options=options)}
    if BUFFER in wish.rivals:
        found[BUFFER] = Task("fresh_buffer", job, options=options)
    return found


def figures(runs: Runs, _wish: Wish) -> list[Figure]:
    """The table of `freshness`. What the engine promises holds at any size."""
    found: list[Figure] = []
    for step, who in ((OUR_STEP, OURS), (BUFFER, BUFFER_NAME)):
        if step not in runs:
            continue
        none = at_most(0) if step == OUR_STEP else None
        for kind, what in KIND_WORDS.items():
            for name, per_cent, when in LATE:
                values = column(runs, step, f"{name}_{kind}_p{per_cent}_s")
                found.append(figure("", f"{who}: {what} late{when}, p{per_cent}", "s", values))
        found.append(figure("", f"{who}: leads offered", "", column(runs, step, "offers")))
        found.append(figure("", f"{who}: offered, not allowed any more", "", column(runs, step, "stale"), none))
        for name in STALE:
            values = column(runs, step, f"stale_{name}")
            found.append(figure("", f"{who}: of these, {STALE_WORDS[name]}", "", values))
        found.append(figure("", f"{who}: agents without a lead", "%", column(runs, step, "idle_per_cent")))
    return found


def plots(runs: Runs, wish: Wish) -> list[Plot]:
    """How late redials are, and how many offers were not allowed any more."""
    names = [(step, who) for step, who in ((OUR_STEP, OURS), (BUFFER, BUFFER_NAME)) if step in runs]
    hours = wish.options.get(HOURS.name, HOURS.default)
    about = f"{wish.agents} agents, {hours} simulated hours"
    late = [latency_series(who, runs[step], "waiting_all", "s") for step, who in names]
    title = f"How late due redials are offered to agents who wait; {about}"
    stale = [bar(who, column(runs, step, "stale")) for step, who in names]
    return [
        Plot("lateness", title, Axis("percentile", "tail"), Axis("lateness (s)"), late),
        bar_plot("stale", f"Leads offered, not allowed any more; {about}", "offers", stale),
    ]


SCENARIO: Final = Scenario(
    name="freshness",
    help="how fresh offers are and how late redials, in simulated hours",
    targets=(),
    measures={"fresh_engine": measure_engine, "fresh_buffer": measure_buffer},
    steps=steps,
    figures=figures,
    plots=plots,
    rivals={BUFFER: lambda _wish: ""},
    options=(HOURS,),
    short=Short(("4k",), "1", seconds=15, options={HOURS.name: "3"}),
    leads="20k",
    operations="1",
)
