"""Who is told of commits: before one is written, and when it is durable."""

from collections.abc import Sequence
from typing import Protocol

from nextlead.ports import Commit


class Listener(Protocol):
    """Both are called on the event loop's thread, must be quick, and must not raise."""

    def writing(self, leads: Sequence[int]) -> None:
        """A commit is about to be written that has new leases of these leads, which callers are told of after it."""
        ...

    def committed(self, commit: Commit) -> None:
        """A commit is durable; nobody was answered yet. For who keeps something that commits make untrue."""
        ...
