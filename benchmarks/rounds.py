"""Steps are run in rounds.

Repetitions go round all steps, so that a machine that grows slower meanwhile is slower for each of them.
"""

from collections.abc import Callable
from typing import Final

from .child import run_child
from .display import Display
from .engine import Tell
from .figures import Result, Runs
from .scenarios.base import Steps, Task

NONE_PER_CENT_MOST: Final = 1.0
Run = Callable[[Task, Tell], Result]


def run_steps(steps: Steps, repeat: int, display: Display, run: Run = run_child) -> Runs:
    """Each step so many times, in turn."""
    runs: Runs = {name: [] for name in steps}
    for turn in range(1, repeat + 1):
        for name, task in steps.items():
            with display.step(name, f"{name}, {turn} of {repeat}") as tell:
                runs[name].append(run(task, tell))
    return runs


def warnings_of(runs: Runs) -> list[str]:
    """What makes figures say less than they seem to."""
    found = []
    for step, results in runs.items():
        none = max(result.get("share_none", 0.0) for result in results)
        if none > NONE_PER_CENT_MOST:
            found.append(f"{step}: up to {none:.1f} % of `next` found no lead; take more leads or fewer operations")
    return found
