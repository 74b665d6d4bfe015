"""What the engine was told and what it changed, commit by commit: the measure for what the store must have.

It is written down where the engine is called, so that neither the writer nor the store has a hand in it.
"""

from collections.abc import Iterable

from nextlead.core.changes import Changes
from nextlead.core.commands import Command, Finish
from nextlead.core.model import Erasure, Event
from nextlead.ports import Commit
from nextlead.testing.memory_store import MemoryStore

from .violation import need

Key = str | int


class Record:
    """`shadow` is a store of its own that gets what the engine said; `durable` is the last commit the disk has."""

    def __init__(self) -> None:
        self.shadow = MemoryStore()
        self.durable = 0
        self._pending: dict[int, Changes] = {}
        self._commit_of: dict[Key, int] = {}
        self._kept: list[Command] = []
        self._events: dict[int, list[Event]] = {}

    def note(self, no: int, changes: Changes) -> None:
        """The engine changed something that belongs to this commit."""
        if changes:
            self._pending.setdefault(no, Changes()).merge(changes)

    def told(self, no: int, command: Command) -> None:
        """The engine carried out a command; what came of it belongs to this commit."""
        self._kept.append(command)  # so that no other command gets the same `id`
        self._commit_of[_key(command)] = no if no in self._pending else no - 1

    def commit_of(self, command: Command) -> int:
        """The commit that must be durable before the command's answer is given; 0 if it was never carried out."""
        return self._commit_of.get(_key(command), 0)

    def pending(self, no: int) -> bool:
        """Whether something was changed that belongs to this commit."""
        return no in self._pending

    async def committed(self, commit: Commit) -> None:
        """The disk has it now: it must be what the engine changed, all of it and nothing else."""
        need(commit.no == self.durable + 1, "R5.3", f"commit {commit.no} came after {self.durable}")
        ours = self._pending.pop(commit.no, Changes())
        need(ours == commit.changes, "R5.3", f"commit {commit.no} is not what the engine changed")
        self.durable = commit.no
        self._events[commit.no] = list(commit.changes.events)
        await self.shadow.commit(commit)

    async def erased(self, erasures: Iterable[Erasure]) -> None:
        """The disk has erased it."""
        await self.shadow.erase(list(erasures))

    def news(self, no: int) -> list[Event]:
        """What happened in a commit that became durable in this life of the process."""
        return self._events.get(no, [])

    def rewind(self) -> None:
        """The process is gone: what was not durable was never there."""
        self._pending.clear()
        self._commit_of.clear()
        self._kept.clear()
        self._events.clear()


def _key(command: Command) -> Key:
    """A finish is given its digest on the way, and is another object then."""
    return command.token if isinstance(command, Finish) else id(command)
