"""A progress bar for work that says what it does."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from .output import notes


class Said:
    """Takes what is being done now, and how much of it, and shows it. May be called from any thread."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def __call__(self, what: str, done: int = 0, total: int | None = None) -> None:
        """See the class."""
        self._progress.update(self._task, description=what, completed=done, total=total)


@contextmanager
def watched(what: str) -> Iterator[Said]:
    """A bar on stderr while the block runs, if that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        yield Said(progress, progress.add_task(what, total=None))
