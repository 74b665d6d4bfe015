"""The do-not-call list of all organisations (SPEC R10.2, docs/rules.md): one keeps it, the others have copies.

Rules of this file:

1. The keeper's is the list; it changes first. Whoever changes it is answered when every copy has changed, too.
2. One change at a time; a copy that has joined is in line from then on.
3. A copy that could not follow (its store failed, the process died) is brought in line later: by a chore of the
   keeper's dialer, or when it joins at the next start. Only what differs is written.
4. What an organisation forgets is its own matter (SPEC R10.6). A copy that has forgotten a number never gets it back:
   the hash blocks it. A number that the keeper has forgotten stays in the copies until the operator takes it off.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from typing import Final, TypeVar

import structlog

from nextlead.core.commands import Block, Unblock
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError, NotFound
from nextlead.core.model import Blocked
from nextlead.core.replies import Count
from nextlead.runtime.dialer import Dialer

from .privacy.patience import Patience

T = TypeVar("T")

LOOKED_AT: Final = 20_000
"""Numbers that are compared between two turns of the loop: some two milliseconds."""
NUMBERS: Final = 100
"""Numbers in a command."""
COMMANDS: Final = 20
"""Commands that are on their way at once: some six milliseconds of the loop."""

_log = structlog.get_logger("nextlead.global_list")


class Change:
    """A change under way: once the keeper has it, it is to be made in the copies. `behind` are those that lack it."""

    def __init__(self, copies: Iterable[Dialer]) -> None:
        self.behind = set(copies)

    async def block(self, command: Block) -> int:
        """Block in all copies; how many of their leads close, are marked, or lose the number."""
        return sum(await self._each(partial(_block, command)))

    async def unblock(self, command: Unblock) -> int:
        """Unblock in all copies; in how many of them it was."""
        return sum(await self._each(partial(_unblock, command)))

    async def _each(self, act: Callable[[Dialer], Awaitable[int]]) -> list[int]:
        """All are tried before the first problem is raised."""

        async def follow(copy: Dialer) -> int:
            found = await act(copy)
            self.behind.discard(copy)
            return found

        results = await asyncio.gather(*map(follow, tuple(self.behind)), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if isinstance(result, int)]


class GlobalList:
    """See the rules of this file. `keeper` is the open dialer whose list it is; the others `join`."""

    def __init__(self, keeper: Dialer) -> None:
        self._keeper = keeper
        self._copies: list[Dialer] = []
        self._behind: set[Dialer] = set()
        self._lock = asyncio.Lock()
        self._patience = Patience(keeper.clock, keeper.look)
        keeper.add_chore(self)

    async def join(self, copy: Dialer) -> None:
        """Bring an organisation's copy in line, and keep it so: from now on it has every change of the list.

        Open leads that have a number it lacked close (SPEC R10.3). O(list), in slices. Raises `NextleadError` when one
        of the two can't be written to now.
        """
        async with self._lock:
            await self._bring_in_line(copy)
            self._copies.append(copy)

    def leave(self, copy: Dialer) -> None:
        """It is closed: nothing is written there any more. Harmless for one that has not joined."""
        self._behind.discard(copy)
        if copy in self._copies:
            self._copies.remove(copy)

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Change]:
        """Nobody else changes the list meanwhile. First change the keeper's, then the copies by what is given here.

        Copies that were not told of it by the end are looked at again (rule 3).
        """
        async with self._lock:
            change = Change(self._copies)
            try:
                yield change
            finally:
                self._behind |= change.behind.intersection(self._copies)
                if self._behind:
                    self._keeper.look()

    async def settle(self) -> None:
        """Return when every copy is in line with the list. Raises `NextleadError` when one can't be written to now."""
        async with self._lock:
            await self._catch_up()

    # -- a chore: those that could not follow -----------------------------------------------------------------------

    def next_ms(self) -> int | None:
        """See `Chore`."""
        return 0 if self._behind and not self._patience.waiting else None

    async def run(self) -> None:
        """Bring in line what is behind; what can't be written to now, after a pause."""
        async with self._lock:
            try:
                await self._catch_up()
            except NextleadError as problem:
                pause_s = self._patience.failed()
                _log.warning("global_list_behind", again_in_s=pause_s, problem=problem.detail)
            else:
                self._patience.worked()

    async def _catch_up(self) -> None:
        for copy in tuple(self._behind):
            await self._bring_in_line(copy)
            self._behind.discard(copy)

    async def _bring_in_line(self, copy: Dialer) -> None:
        """Write what differs. The lock is held, so the keeper's list only loses what the keeper forgets."""
        stale = await _select(await copy.read(_numbers), lambda number: self._is_stale(copy, number))
        await _in_flight(_unblock(Unblock(by="operator", number=number, scope="global"), copy) for number in stale)
        missing = await _select(await self._keeper.read(_numbers), lambda number: not _knows(copy.engine, number))
        await _in_flight(copy.submit(command) for command in _commands(self._keeper.engine, missing))

    def _is_stale(self, copy: Dialer, number: int) -> bool:
        """Whether the copy's entry is not the list's (any more). What the keeper has forgotten stays (rule 4)."""
        ours, kept = copy.engine.blocked_globally.get(number), self._keeper.engine.blocked_globally.get(number)
        if ours is None:
            return False
        return not _is_forgotten(self._keeper.engine, number) if kept is None else not _is_same(ours, kept)


async def _block(command: Block, dialer: Dialer) -> int:
    count: Count = await dialer.submit(command)
    return count.count


async def _unblock(command: Unblock, dialer: Dialer) -> int:
    try:
        await dialer.submit(command)
    except NotFound:
        return 0
    return 1


def _numbers(engine: Engine) -> list[int]:
    return list(engine.blocked_globally)


def _is_same(ours: Blocked, kept: Blocked) -> bool:
    """An entry's time is when it came to count here, so it differs."""
    return (ours.reason, ours.by) == (kept.reason, kept.by)


def _is_forgotten(engine: Engine, number: int) -> bool:
    state = engine.state
    return bool(state.forgotten) and state.digest(number) in state.forgotten


def _knows(engine: Engine, number: int) -> bool:
    """Whether the number is on this copy of the list, or is blocked by its hash."""
    return number in engine.blocked_globally or _is_forgotten(engine, number)


def _commands(keeper: Engine, numbers: Iterable[int]) -> Iterator[Block]:
    """Commands that put the keeper's entries on a copy; what the keeper has forgotten meanwhile is left out."""
    alike: dict[tuple[str, str], list[int]] = {}
    for number in numbers:
        if (entry := keeper.blocked_globally.get(number)) is not None:
            alike.setdefault((entry.reason, entry.by), []).append(number)
    for (reason, by), some in alike.items():
        for batch in _batches(some, NUMBERS):
            yield Block(by=by, numbers=batch, reason=reason, scope="global")


def _batches(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    source = iter(items)
    while batch := tuple(islice(source, size)):
        yield batch


async def _select(numbers: Sequence[int], wanted: Callable[[int], bool]) -> list[int]:
    """In slices, so that nobody waits for a long list."""
    found: list[int] = []
    for start in range(0, len(numbers), LOOKED_AT):
        found += filter(wanted, numbers[start : start + LOOKED_AT])
        await asyncio.sleep(0)
    return found


async def _in_flight(submissions: Iterable[Awaitable[object]]) -> None:
    """A few at a time: they share commits."""
    for batch in _batches(submissions, COMMANDS):
        await asyncio.gather(*batch)
