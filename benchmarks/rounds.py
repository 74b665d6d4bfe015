"""Steps are run in rounds.

Repetitions go round all steps, so that a machine that grows slower meanwhile is slower for each of them.
"""

from collections.abc import Callable
from typing import Final

from .child import ChildFailed, run_child
from .display import Display
from .engine import Tell
from .figures import Result, Runs
from .scenarios.base import Steps, Task

NONE_PER_CENT_MOST: Final = 1.0
Run = Callable[[Task, Tell], Result]


def run_steps(steps: Steps, repeat: int, display: Display, run: Run = run_child) -> tuple[Runs, str]:
    """Each step so many times, in turn; and what ended it early, or "".

    What was measured for an hour is not thrown away for one process that failed: the rounds before it count. Raises
    `ChildFailed` when there are none.
    """
    runs: Runs = {name: [] for name in steps}
    for turn in range(1, repeat + 1):
        found: dict[str, Result] = {}
        try:
            for name, task in steps.items():
                with display.step(name, f"{name}, {turn} of {repeat}") as tell:
                    found[name] = run(task, tell)
        except ChildFailed as error:
            if turn == 1:
                raise
            return runs, f"{error} in round {turn} of {repeat}: figures are of the rounds before it"
        for name, result in found.items():
            runs[name].append(result)
    return runs, ""


def warnings_of(runs: Runs) -> list[str]:
    """What makes figures say less than they seem to."""
    found = []
    for step, results in runs.items():
        shares = [share for result in results for name, share in result.items() if name.endswith("share_none")]
        none = max(shares, default=0.0)
        if none > NONE_PER_CENT_MOST:
            found.append(f"{step}: up to {none:.1f} % of `next` found no lead; take more leads or fewer operations")
    return found
