"""What goes on, and about how long is left: a line that moves on a terminal, a line for each step elsewhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import mean
from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from .engine import Tell


class Display:
    """Shows the steps of a plan as they are done.

    How long is left follows from how long the same steps took before, and before that from what was expected.
    """

    def __init__(self, console: Console) -> None:
        words, left = TextColumn("{task.description}"), TextColumn("{task.fields[left]}")
        columns = (SpinnerColumn(), words, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), left)
        self._console = console
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._bar = self._progress.add_task("", total=0, left="")
        self._of = ""
        self._todo: list[str] = []
        self._took_s: dict[str, float] = {}
        self._expected_s = self._later_s = 0.0

    def plan(self, of: str, steps: Sequence[str], *, expected_s: float = 0.0, later_s: float = 0.0) -> None:
        """These steps of something come next, by name and in order; then what takes `later_s`. 0 is not known."""
        self._of, self._todo, self._took_s = of, list(steps), {}
        self._expected_s, self._later_s = expected_s / max(1, len(steps)), later_s
        self._progress.update(self._bar, total=len(steps), completed=0)

    @contextmanager
    def step(self, name: str, words: str) -> Iterator[Tell]:
        """The next step of the plan goes on inside."""
        words, left = f"{self._of}: {words}", left_text(self.left_s())
        self._progress.update(self._bar, description=words, left=left)
        if not self._console.is_terminal:
            self._console.print(f"{words}{', ' if left else ''}{left}", highlight=False)
        started = monotonic()
        yield lambda stage: self._progress.update(self._bar, description=f"{words}, {stage}")
        self._took_s[name] = monotonic() - started
        self._todo.remove(name)
        self._progress.advance(self._bar)

    def left_s(self) -> float:
        """About how long is left; 0 when nothing is known yet."""
        usual_s = mean(self._took_s.values()) if self._took_s else self._expected_s
        if not usual_s:
            return 0.0
        return self._later_s + sum(self._took_s.get(name, usual_s) for name in self._todo)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


def left_text(seconds: float) -> str:
    """`about 40 s left`, `about 3 min left`; nothing when that is not known."""
    if not seconds:
        return ""
    if seconds < 95:
        return f"about {max(5, round(seconds / 5) * 5)} s left"
    return f"about {round(seconds / 60)} min left"
