"""What each command runs, and what it makes of the results.

Repetitions go round all steps, so that a machine that grows slower meanwhile is slower for each of them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from .child import Task, run_child
from .figures import Result, size_text
from .job import Job, Scene
from .report import Figure, Runs, Target, at_least, at_most, figure

SCENES: Final[dict[Scene, str]] = {
    "pools": "in inactive pools",
    "due": "not due",
    "owners": "of owners not at work",
    "hours": "behind closed hours",
    "limits": "behind a contact limit",
}
RIVAL_NAMES: Final = {"upserts": "rows upserted", "journal": "a row a commit", "replay": "the same commits again"}
MILLION: Final = 1_000_000
"""Targets are held against figures of this size only."""
GROWTH: Final = (100_000, 5_000_000)
NONE_PER_CENT_MOST: Final = 1.0


class Wish(Struct, frozen=True):
    """What was asked for. `only` names targets; empty is all."""

    sizes: tuple[int, ...]
    operations: int
    agents: int
    seed: int
    repeat: int
    only: tuple[str, ...] = ()
    folder: str = ""

    def wants(self, target: str) -> bool:
        """Whether a target is to be measured."""
        return not self.only or target in self.only

    def job(self, leads: int, scene: Scene = "plain") -> Job:
        """The job of a size."""
        return Job(leads, self.agents, self.seed, scene)

    @property
    def main_size(self) -> int:
        """The size for what is measured at one size only."""
        return max((size for size in self.sizes if size <= MILLION), default=min(self.sizes))

    @property
    def blocked_operations(self) -> int:
        """Operations with nine of ten leads blocked: what is left lasts for so many."""
        return min(self.operations, self.main_size // 10)


Steps = dict[str, Task]
Run = Callable[[Task, Callable[[str], None]], Result]


def run_steps(steps: Steps, repeat: int, console: Console, run: Run = run_child) -> Runs:
    """Each step so many times, in turn, with the progress shown."""
    runs: Runs = {name: [] for name in steps}
    with _progress(console, len(steps) * repeat) as show:
        for turn in range(1, repeat + 1):
            for name, task in steps.items():
                tell = show(f"{name}, {turn} of {repeat}")
                runs[name].append(run(task, tell))
    return runs


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Callable[[str], Callable[[str], None]]]:
    words = TextColumn("{task.description}")
    columns = (SpinnerColumn(), words, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=total)
        begun = -1

        def show(step: str) -> Callable[[str], None]:
            nonlocal begun
            begun += 1
            progress.update(bar, completed=begun, description=step)
            return lambda stage: progress.update(bar, description=f"{step}: {stage}")

        yield show


def column(runs: Runs, step: str, name: str) -> list[float]:
    """One figure of all repetitions of a step."""
    return [result[name] for result in runs[step]]


def ratios(runs: Runs, above: str, below: str, name: str) -> list[float]:
    """A figure of one step over that of another, repetition by repetition."""
    return [over / under for over, under in zip(column(runs, above, name), column(runs, below, name), strict=True)]


def warnings_of(runs: Runs) -> list[str]:
    """What makes figures say less than they seem to."""
    found = []
    for step, results in runs.items():
        none = max(result.get("share_none", 0.0) for result in results)
        if none > NONE_PER_CENT_MOST:
            found.append(f"{step}: up to {none:.1f} % of `next` found no lead; take more leads or fewer operations")
    return found


# -- engine ---------------------------------------------------------------------------------------------------------


def engine_steps(wish: Wish) -> Steps:
    """T1, T2, T7."""
    steps: Steps = {}
    if wish.wants("T1"):
        for size in wish.sizes:
            steps[f"speed {size_text(size)}"] = Task("speed", wish.job(size), wish.operations)
    if wish.wants("T2"):
        for scene in ("free", *SCENES):
            steps[f"blocked {scene}"] = Task("speed", wish.job(wish.main_size, scene), wish.blocked_operations)
    if wish.wants("T7"):
        steps["memory"] = Task("memory", wish.job(wish.main_size))
    return steps


def engine_figures(runs: Runs, wish: Wish) -> list[Figure]:
    """The table of `engine`."""
    figures: list[Figure] = []
    if wish.wants("T1"):
        for size in wish.sizes:
            figures += _speed_figures(runs, f"speed {size_text(size)}", size)
        figures += _growth_figures(runs, wish.sizes)
    if wish.wants("T2"):
        figures += _blocked_figures(runs, wish)
    if wish.wants("T7"):
        figures += _memory_figures(runs, wish.main_size)
    return figures


def _speed_figures(runs: Runs, step: str, size: int) -> list[Figure]:
    at = size_text(size)
    rows: tuple[tuple[str, str, str, Target | None], ...] = (
        ("next + finish", "/s", "operations_per_s", Target(">= 150,000", at_least(150_000))),
        ("the same with the agents' part", "/s", "operations_per_s_with_agents", None),
        ("next p50", "us", "next_p50_us", Target("<= 8", at_most(8))),
        ("next p99", "us", "next_p99_us", Target("<= 25", at_most(25))),
        ("finish p50", "us", "finish_p50_us", None),
        ("finish p99", "us", "finish_p99_us", None),
        ("processor time an operation", "us", "cpu_us_per_operation", None),
    )
    return [
        figure("T1", f"{what}, {at}", unit, column(runs, step, name), target if size == MILLION else None)
        for what, unit, name, target in rows
    ]


def _growth_figures(runs: Runs, sizes: Sequence[int]) -> list[Figure]:
    small, large = min(sizes), max(sizes)
    if small == large:
        return []
    slower = ratios(runs, f"speed {size_text(small)}", f"speed {size_text(large)}", "operations_per_s")
    target = Target("<= 1.6", at_most(1.6)) if (small, large) == GROWTH else None
    return [figure("T1", f"time at {size_text(large)} over {size_text(small)}", "x", slower, target)]


def _blocked_figures(runs: Runs, wish: Wish) -> list[Figure]:
    at = size_text(wish.main_size)
    target = Target("<= 1.3", at_most(1.3)) if wish.main_size == MILLION else None
    figures = [figure("T2", f"next p50, none of {at} blocked", "us", column(runs, "blocked free", "next_p50_us"))]
    for scene, what in SCENES.items():
        for name in ("p50", "mean"):
            values = ratios(runs, f"blocked {scene}", "blocked free", f"next_{name}_us")
            figures.append(figure("T2", f"next {name}, 9 of 10 {what}", "x", values, target))
    return figures


def _memory_figures(runs: Runs, size: int) -> list[Figure]:
    return [
        figure("T7", f"engine, {size_text(size)} {what}", "MB", column(runs, "memory", f"{name}_mb"), target)
        for name, what, target in _memory_rows(size)
    ]


def _memory_rows(size: int) -> Iterator[tuple[str, str, Target | None]]:
    for name, what, most in (("loaded", "loaded", 250), ("worked", "60 % worked", 400)):
        yield name, what, Target(f"<= {most}", at_most(most)) if size == MILLION else None


# -- durable --------------------------------------------------------------------------------------------------------


def durable_stores(wish: Wish) -> Steps:
    """Stores that are made once, before anything is measured."""
    job = wish.job(wish.main_size)
    steps: Steps = {"making a loaded store": Task("loaded_store", job, folder=wish.folder)}
    if wish.wants("T8"):
        steps["making an empty store"] = Task("empty_store", job, folder=wish.folder)
        steps["making a worked store"] = Task("worked_store", job, folder=wish.folder)
    return steps


def durable_steps(wish: Wish) -> Steps:
    """T3, T5, T8."""
    job = wish.job(wish.main_size)
    steps: Steps = {}
    if wish.wants("T3"):
        steps["agents"] = Task("agents", job, wish.operations, wish.folder)
    if wish.wants("T5"):
        steps["alone"] = Task("alone", job, max(100, wish.operations // 25), wish.folder)
    if wish.wants("T8"):
        steps["restart"] = Task("restart", job, folder=wish.folder)
    return steps


def durable_figures(runs: Runs, wish: Wish) -> list[Figure]:
    """The table of `durable`."""
    figures: list[Figure] = []
    if wish.wants("T3"):
        figures += _agents_figures(runs, wish)
    if wish.wants("T5"):
        figures += _alone_figures(runs)
    if wish.wants("T8"):
        figures += _restart_figures(runs, wish.main_size)
    return figures


def _agents_figures(runs: Runs, wish: Wish) -> list[Figure]:
    at = f"{wish.agents} agents"
    rated = wish.main_size == MILLION
    rate = Target(">= 40,000", at_least(40_000)) if rated else None
    share = Target(">= 0.7", at_least(0.7)) if rated else None
    figures = [figure("T3", f"next + finish, {at}", "/s", column(runs, "agents", "operations_per_s"), rate)]
    for name in ("next_p50_ms", "next_p99_ms", "finish_p50_ms", "finish_p99_ms"):
        what, percentile, _ = name.split("_")
        figures.append(figure("T3", f"{what} {percentile}, {at}", "ms", column(runs, "agents", name)))
    figures.append(figure("T3", "operations in a commit", "", column(runs, "agents", "operations_per_commit")))
    for name, what in RIVAL_NAMES.items():
        rival = column(runs, "agents", f"{name}_operations_per_s")
        figures.append(figure("T3", f"writer without rules: {what}", "/s", rival))
        figures.append(figure("T3", f"ours over it: {what}", "x", column(runs, "agents", f"ratio_{name}"), share))
    return figures


def _alone_figures(runs: Runs) -> list[Figure]:
    over = Target("<= 0.4", at_most(0.4))
    return [
        figure("T5", "next p50, one agent", "ms", column(runs, "alone", "next_p50_ms")),
        figure("T5", "next p99, one agent", "ms", column(runs, "alone", "next_p99_ms"), Target("<= 3", at_most(3))),
        figure("T5", "fdatasync of 4 KiB p50", "ms", column(runs, "alone", "sync_p50_ms")),
        figure("T5", "fdatasync of 4 KiB p99", "ms", column(runs, "alone", "sync_p99_ms")),
        figure("T5", "next p50 less fdatasync p50", "ms", column(runs, "alone", "next_over_sync_ms"), over),
    ]


def _restart_figures(runs: Runs, size: int) -> list[Figure]:
    at = size_text(size)
    soon = Target("<= 6", at_most(6)) if size == MILLION else None
    figures = [figure("T8", "start on an empty store", "s", column(runs, "restart", "empty_s"))]
    for name, what, _ in _memory_rows(size):
        for key, cache in ((f"{name}_s", "cached"), (f"{name}_cold_s", "not cached")):
            figures.append(figure("T8", f"start, {at} {what}, {cache}", "s", column(runs, "restart", key), soon))
    for name, what, target in _memory_rows(size):
        values = column(runs, "restart", f"{name}_daemon_mb")
        figures.append(figure("T7", f"daemon, {at} {what}, started anew", "MB", values, target))
    return figures


# -- bulk -----------------------------------------------------------------------------------------------------------

BULK_WORK: Final = {
    "quiet": "nothing else",
    "import": "the import",
    "shuffle": "the shuffle",
    "block": "10,000 numbers blocked",
    "switch": "100 switches of a pool",
    "delete": "the deletion",
    "expire": "the expiry",
}


def bulk_steps(wish: Wish) -> Steps:
    """T9, T10."""
    return {"bulk": Task("bulk", wish.job(wish.main_size), folder=wish.folder)}


def bulk_figures(runs: Runs, wish: Wish) -> list[Figure]:
    """The table of `bulk`."""
    size, rated = wish.main_size, wish.main_size == MILLION
    figures: list[Figure] = []
    for name, work in BULK_WORK.items():
        no = "T9" if name in ("quiet", "import") else "T10"
        of = size if name == "import" else size // 2
        what = work if name in ("quiet", "block", "switch") else f"{work} of {size_text(of)}"
        took = Target("<= 120", at_most(120)) if rated and name == "import" else None
        calm = Target("<= 25", at_most(25)) if rated and name == "import" else None
        short = Target("<= 10", at_most(10)) if rated and no == "T10" else None
        if name != "quiet":
            figures.append(figure(no, what, "s", column(runs, "bulk", f"{name}_s"), took))
        figures += [
            figure(no, f"next p50 during {what}", "ms", column(runs, "bulk", f"{name}_next_p50_ms")),
            figure(no, f"next p99 during {what}", "ms", column(runs, "bulk", f"{name}_next_p99_ms"), calm),
            figure(no, f"longest turn of the loop, {what}", "ms", column(runs, "bulk", f"{name}_stall_ms"), short),
        ]
    switch = Target("<= 20", at_most(20)) if rated else None
    figures.append(figure("T10", "switching a pool, a part", "us", column(runs, "bulk", "switch_us_a_part"), switch))
    return figures
