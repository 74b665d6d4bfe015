"""A disk that outlives the processes, and a process's way to it, on which everything that can go wrong does.

Rules of this file:

1. Whatever goes wrong, a commit is on the disk as a whole or not at all, and the store says "done" only when it is.
2. A process that has died changes nothing on the disk any more.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from random import Random
from typing import Protocol, TypeVar

from nextlead.core.model import Erasure, Event, Lead
from nextlead.ports import Claim, Commit, Part, Stored, StoreError
from nextlead.testing.faulty_store import Died, FaultyStore
from nextlead.testing.memory_store import MemoryStore

from .journal import Journal
from .plan import Plan

T = TypeVar("T")


class Process(Protocol):
    """Whose store it is."""

    @property
    def dead(self) -> bool:
        """It was killed."""
        ...

    def die(self, why: str) -> None:
        """Kill it, now."""
        ...


Committed = Callable[[Commit], Awaitable[None]]
Erased = Callable[[Sequence[Erasure]], Awaitable[None]]


class SimulatedStore(FaultyStore):
    """One process's store. `committed` is told of what the disk has, in the moment that it has it."""

    def __init__(
        self, disk: MemoryStore, process: Process, plan: Plan, dice: Random, journal: Journal, *, calm: bool
    ) -> None:
        super().__init__(disk)
        self.on_commit: Committed | None = None
        self.on_erase: Erased | None = None
        self.calm = calm
        """Nothing goes wrong."""
        self._process = process
        self._plan = plan
        self._dice = dice
        self._journal = journal
        self._out_until_s = 0.0

    # -- writing ----------------------------------------------------------------------------------------------------

    async def claim(self) -> Claim:
        """As the disk says."""
        await self._take_time()
        return await self.inner.claim()

    async def load(self) -> AsyncIterator[Part]:
        """Part by part, which takes time."""
        async for part in self.inner.load():
            await self._take_time()
            yield part

    async def commit(self, commit: Commit) -> None:
        """Commit, or have bad luck."""
        await self._take_time()
        if self._is_out():
            if self._dice.random() < 0.2:
                await self._write(commit)
            raise StoreError("the disk is out of order")
        if self._strikes("death_before_commit", 0.004):
            await self._die(f"before commit {commit.no}")
        if self._strikes("failing_commits", 0.02):
            raise StoreError("the disk is full")
        if self._strikes("outages", 0.002):
            self._out_until_s = asyncio.get_running_loop().time() + self._dice.choice((1, 5, 20, 60))
            raise StoreError("the disk goes out of order")
        await self._write(commit)
        if self._strikes("death_after_commit", 0.004):
            await self._die(f"after commit {commit.no}")
        if self._strikes("doubtful_commits", 0.02):
            raise StoreError("the answer was lost")

    async def erase(self, erasures: Sequence[Erasure]) -> None:
        """Erase, or have bad luck."""
        await self._take_time()
        if self._strikes("failing_commits", 0.2):
            raise StoreError("the disk is full")
        self._need_life()
        await self.inner.erase(erasures)
        if self.on_erase is not None:
            await self.on_erase(erasures)

    async def close(self) -> None:
        """Give the disk back, if it is still this process's."""
        if not self._process.dead:
            await self.inner.close()

    async def _write(self, commit: Commit) -> None:
        self._need_life()
        known = (await self.last()) >= commit.no
        await self.inner.commit(commit)
        if not known and self.on_commit is not None:
            await self.on_commit(commit)

    async def last(self) -> int:
        """The number of the last commit that the disk has."""
        return await self.inner.commit_before(1 << 62)

    def _is_out(self) -> bool:
        return asyncio.get_running_loop().time() < self._out_until_s

    def _need_life(self) -> None:
        if self._process.dead:
            raise Died

    async def _die(self, when: str) -> None:
        self._process.die(when)
        await asyncio.get_running_loop().create_future()  # until the process's tasks are broken off

    # -- reading ----------------------------------------------------------------------------------------------------

    async def lead(self, lead: int) -> Stored | None:
        """See `Archive.lead`."""
        return await self._read(self.inner.lead(lead))

    async def history(self, lead: int) -> list[Event]:
        """See `Archive.history`."""
        return await self._read(self.inner.history(lead))

    async def lead_at(self, commit_no: int, lead: int) -> Lead | None:
        """See `Archive.lead_at`."""
        return await self._read(self.inner.lead_at(commit_no, lead))

    async def clones(self, lead: int) -> list[int]:
        """See `Archive.clones`."""
        return await self._read(self.inner.clones(lead))

    async def _read(self, reading: Awaitable[T]) -> T:
        found = await reading
        if self._strikes("slow_reads", 0.1):
            await asyncio.sleep(self._dice.choice((0.05, 0.5, 3.0)))
        if self._strikes("failing_reads", 0.03):
            raise StoreError("the disk can't be read")
        return found

    # -- luck -------------------------------------------------------------------------------------------------------

    def _strikes(self, fault: str, chance: float) -> bool:
        if self.calm or not self._plan.has(fault) or self._dice.random() >= chance * self._plan.often(fault):
            return False
        self._journal.say("fault", fault)
        return True

    async def _take_time(self) -> None:
        slow = self._strikes("slow_commits", 0.03)
        await asyncio.sleep(
            self._dice.choice((0.1, 0.5, 2.0, 8.0)) if slow else self._dice.choice((0.001, 0.002, 0.005))
        )
