"""Steps are run in rounds.

Repetitions go round all steps, so that a machine that grows slower meanwhile is slower for each of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from .child import run_child
from .engine import Tell
from .figures import Result, Runs
from .scenarios.base import Steps, Task

NONE_PER_CENT_MOST: Final = 1.0
Run = Callable[[Task, Tell], Result]


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
def _progress(console: Console, total: int) -> Iterator[Callable[[str], Tell]]:
    words = TextColumn("{task.description}")
    columns = (SpinnerColumn(), words, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=total)
        begun = -1

        def show(step: str) -> Tell:
            nonlocal begun
            begun += 1
            progress.update(bar, completed=begun, description=step)
            return lambda stage: progress.update(bar, description=f"{step}: {stage}")

        yield show


def warnings_of(runs: Runs) -> list[str]:
    """What makes figures say less than they seem to."""
    found = []
    for step, results in runs.items():
        none = max(result.get("share_none", 0.0) for result in results)
        if none > NONE_PER_CENT_MOST:
            found.append(f"{step}: up to {none:.1f} % of `next` found no lead; take more leads or fewer operations")
    return found
