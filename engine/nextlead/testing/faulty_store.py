"""A store that fails when told to: the disk is full, the answer is lost, the machine hangs, the power goes.

Wraps any store that is an archive too. Only commits and erasures fail; reads go through.
"""

from collections.abc import AsyncIterator, Sequence

import anyio
from msgspec.structs import replace

from nextlead.core.model import Answer, Erasure, Event, Lead, Reject
from nextlead.ports import (
    Claim,
    Commit,
    Happened,
    KeyUse,
    LeadFilter,
    NumberUse,
    Part,
    StoreAndArchive,
    Stored,
    StoreError,
    StoreRefused,
)


class Died(Exception):
    """The process was killed here; everything after it in this life fails the same way."""


class FaultyStore:
    """Set a fault, then commit. Faults count down and go away by themselves; `died` is for good."""

    def __init__(self, inner: StoreAndArchive) -> None:
        self.inner = inner
        self.commits: list[int] = []
        """Numbers that were tried, failed ones included."""
        self.holds = True
        """Whether the claim may be relied on; set it to play a process that is cut off from its store."""
        self.died = False
        self._failures = 0
        self._doubts = 0
        self._erase_failures = 0
        self._fenced = ""
        self._dies_at: int | None = None
        self._dies_durable = False
        self._stalled: anyio.Event | None = None

    # -- faults -----------------------------------------------------------------------------------------------------

    def fail(self, times: int = 1) -> None:
        """The next commits raise `StoreError` and nothing of them is there."""
        self._failures = times

    def doubt(self, times: int = 1) -> None:
        """The next commits become durable and raise `StoreError` all the same."""
        self._doubts = times

    def fence(self, reason: str) -> None:
        """Every commit from now on is refused: another process has become the owner."""
        self._fenced = reason

    def fail_erasing(self, times: int = 1) -> None:
        """The next erasures raise `StoreError` and nothing of them is done."""
        self._erase_failures = times

    def stall(self) -> None:
        """Commits hang until `release`."""
        self._stalled = anyio.Event()

    def release(self) -> None:
        """Let hanging commits go on."""
        if self._stalled:
            self._stalled.set()
        self._stalled = None

    def die_at(self, no: int, *, durable: bool = False) -> None:
        """At this commit number the process dies, before or just after the commit became durable."""
        self._dies_at = no
        self._dies_durable = durable

    # -- Store ------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Goes through."""
        await self.inner.open()

    async def claim(self) -> Claim:
        """Goes through; the claim holds as long as `holds` says so."""
        return replace(await self.inner.claim(), holds=lambda: self.holds)

    def load(self) -> AsyncIterator[Part]:
        """Goes through."""
        return self.inner.load()

    async def commit(self, commit: Commit) -> None:
        """Commit, or fail as told."""
        self.commits.append(commit.no)
        if self._stalled:
            await self._stalled.wait()
        await self._maybe_die(commit)
        if self._fenced:
            raise StoreRefused(self._fenced)
        if self._failures:
            self._failures -= 1
            raise StoreError("told to fail")
        await self.inner.commit(commit)
        if self._doubts:
            self._doubts -= 1
            raise StoreError("told to lose the answer")

    async def erase(self, erasures: Sequence[Erasure]) -> None:
        """Erase, or fail as told."""
        if self.died:
            raise Died
        if self._erase_failures:
            self._erase_failures -= 1
            raise StoreError("told to fail")
        await self.inner.erase(erasures)

    async def close(self) -> None:
        """Goes through."""
        await self.inner.close()

    async def _maybe_die(self, commit: Commit) -> None:
        if self._dies_at is not None and commit.no >= self._dies_at and not self.died:
            if self._dies_durable:
                await self.inner.commit(commit)
            self.died = True
        if self.died:
            raise Died

    # -- Archive ----------------------------------------------------------------------------------------------------

    async def lead(self, lead: int) -> Stored | None:
        """Goes through."""
        return await self.inner.lead(lead)

    async def data(self, leads: Sequence[int]) -> dict[int, bytes]:
        """Goes through."""
        return await self.inner.data(leads)

    async def leads(self, query: LeadFilter) -> list[Stored]:
        """Goes through."""
        return await self.inner.leads(query)

    async def count(self, query: LeadFilter) -> int:
        """Goes through."""
        return await self.inner.count(query)

    async def commit_before(self, at_ms: int) -> int:
        """Goes through."""
        return await self.inner.commit_before(at_ms)

    async def happened(self, after: int, up_to: int, limit: int) -> tuple[list[Happened], int]:
        """Goes through."""
        return await self.inner.happened(after, up_to, limit)

    async def lead_from(self, at_ms: int) -> int:
        """Goes through."""
        return await self.inner.lead_from(at_ms)

    async def existing(self, leads: Sequence[int]) -> set[int]:
        """Goes through."""
        return await self.inner.existing(leads)

    async def history(self, lead: int) -> list[Event]:
        """Goes through."""
        return await self.inner.history(lead)

    async def lead_at(self, commit_no: int, lead: int) -> Lead | None:
        """Goes through."""
        return await self.inner.lead_at(commit_no, lead)

    async def numbers(self, numbers: Sequence[int]) -> list[NumberUse]:
        """Goes through."""
        return await self.inner.numbers(numbers)

    async def rejects(self, pool: int, kind: str) -> list[Reject]:
        """Goes through."""
        return await self.inner.rejects(pool, kind)

    async def answer(self, key: str) -> Answer | None:
        """Goes through."""
        return await self.inner.answer(key)

    async def rejects_after(self, pool: int, kind: str, after: int, limit: int) -> tuple[list[Reject], int | None]:
        """Goes through."""
        return await self.inner.rejects_after(pool, kind, after, limit)

    async def pools_with_number(self, number: int) -> list[int]:
        """Goes through."""
        return await self.inner.pools_with_number(number)

    async def clones(self, lead: int) -> list[int]:
        """Goes through."""
        return await self.inner.clones(lead)

    async def closed_before(self, campaign: int, closure: str, before_ms: int, limit: int) -> list[Lead]:
        """Goes through."""
        return await self.inner.closed_before(campaign, closure, before_ms, limit)

    async def match_rule(self, rule: str) -> None:
        """Goes through."""
        await self.inner.match_rule(rule)

    async def matches(self, rule: str, keys: Sequence[bytes]) -> list[KeyUse]:
        """Goes through."""
        return await self.inner.matches(rule, keys)

    async def file_part(self, file: int, no: int) -> bytes | None:
        """Goes through."""
        return await self.inner.file_part(file, no)
