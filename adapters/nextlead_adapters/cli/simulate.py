"""`simulate`: days of a call centre from seeds, on all processors, until one goes wrong or all are done."""

import os
from collections import Counter
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TYPE_CHECKING, Annotated

import typer

from .output import Exit, fail, notes, print_json, print_table

if TYPE_CHECKING:
    from nextlead.testing.simulation import Failure, Report

SEEDS = 20
"""Without a word about seeds."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(simulate)


def simulate(
    seeds: Annotated[int | None, typer.Option(min=1, help=f"How many; default {SEEDS}, with --seed 1.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The first one; default 1.")] = None,
    days: Annotated[float, typer.Option(min=0.01, help="How long each goes on, in days of made-up time.")] = 1.0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; default one per processor.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what happened as JSON.")] = False,
) -> None:
    """Play days in which everything goes wrong; nothing is lost.

    Each seed makes up agents, supervisors, campaigns and faults: a store that fails, stalls and dies at any commit,
    processes that are killed, clocks that are set. The real dialer runs in made-up time. What must always hold is
    checked throughout; a seed that fails is printed with the command that does the same again.
    """
    count = seeds if seeds is not None else (SEEDS if seed is None else 1)
    first = 1 if seed is None else seed
    reports = _play(range(first, first + count), days, min(jobs or os.cpu_count() or 1, count))
    failures = sorted((report.failure for report in reports if report.failure), key=lambda failure: failure.seed)
    counts: Counter[str] = Counter()
    for report in reports:
        counts.update(report.counts)
    if as_json:
        digests = {str(report.seed): report.digest for report in sorted(reports, key=lambda report: report.seed)}
        told = [{"command": failure.command, **_fields(failure)} for failure in failures]
        print_json({"days": days, "digests": digests, "counts": dict(sorted(counts.items())), "failures": told})
    else:
        print_table(("what happened", "how often"), sorted(counts.items()))
    if failures:
        fail("\n".join(f"seed {failure.seed} failed; again: {failure.command}" for failure in failures), Exit.REFUSED)
    notes.print(f"{count} seeds, {days:g} days each: all is well", markup=False)


def _play(seeds: range, days: float, jobs: int) -> "list[Report]":
    """One report for each; failures are shown as they come."""
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    reports: list[Report] = []
    with Progress(*columns, console=notes, transient=True) as progress, _pool(jobs) as pool:
        task = progress.add_task("seeds", total=len(seeds))
        try:
            for done in as_completed([pool.submit(play, seed, days) for seed in seeds]):
                reports.append(_shown(done))
                progress.advance(task)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return reports


def _pool(jobs: int) -> ProcessPoolExecutor:
    """New processes now and then: each is as the first one was."""
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), max_tasks_per_child=200)


def _shown(done: "Future[Report]") -> "Report":
    report = done.result()
    if report.failure is not None:
        notes.print(report.failure.text(), markup=False, style="red")
    return report


def play(seed: int, days: float) -> "Report":
    """One seed, in a process of the pool."""
    from nextlead.testing.simulation import simulate as play_seed

    return play_seed(seed, days)


def _fields(failure: "Failure") -> dict[str, object]:
    return {name: getattr(failure, name) for name in failure.__struct_fields__}
