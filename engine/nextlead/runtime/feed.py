"""News for those who watch: the events of the newest commits, in one ring that all watchers read.

A watcher is a place in the ring, not a queue of its own: a slow one costs nothing, and is told when it lost something.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final

from msgspec import Struct

from nextlead.core.model import Event
from nextlead.ports import Commit

from .writer import Future, settle

KEEP_EVENTS: Final = 10_000


class News(Struct, frozen=True):
    """The events of one commit. `lost`: events of commits before this one passed unseen by this watcher."""

    commit_no: int
    at_ms: int
    events: Sequence[Event]
    lost: bool = False


class Feed:
    """The ring. It keeps the newest commits with together `keep` events, and always the newest one."""

    def __init__(self, keep: int = KEEP_EVENTS) -> None:
        self._keep = keep
        self._ring: deque[News] = deque()
        self._held = 0
        self._lost_to = 0
        self._last_no = 0
        self._watchers: set[Future] = set()
        self._closed = False

    def start(self, commit_no: int) -> None:
        """What was committed up to this number is not in the ring."""
        self._lost_to = self._last_no = commit_no

    def publish(self, commit: Commit) -> None:
        """Take in a durable commit; O(1), and O(watchers) when some wait."""
        self._last_no = commit.no
        events = commit.changes.events
        if not events:
            return
        self._ring.append(News(commit.no, commit.at_ms, events))
        self._held += len(events)
        while self._held > self._keep and len(self._ring) > 1:
            oldest = self._ring.popleft()
            self._held -= len(oldest.events)
            self._lost_to = oldest.commit_no
        self._wake()

    def close(self) -> None:
        """Watchers get what is there, then end."""
        self._closed = True
        self._wake()

    async def watch(self, after: int | None = None) -> AsyncIterator[News]:
        """News of commits after number `after` (None: from now on), oldest first, until `close`."""
        seen = self._last_no if after is None else min(after, self._last_no)
        while True:
            found = self._after(seen)
            for news in found:
                yield news
            if found:
                seen = found[-1].commit_no
            elif self._closed:
                return
            else:
                watcher: Future = asyncio.get_running_loop().create_future()
                self._watchers.add(watcher)
                try:
                    await watcher
                finally:
                    self._watchers.discard(watcher)

    def _after(self, seen: int) -> list[News]:
        """What the ring has after `seen`, oldest first; O(of it)."""
        found: list[News] = []
        for news in reversed(self._ring):
            if news.commit_no <= seen:
                break
            found.append(news)
        found.reverse()
        if seen < self._lost_to and found:
            first = found[0]
            found[0] = News(first.commit_no, first.at_ms, first.events, lost=True)
        return found

    def _wake(self) -> None:
        watchers, self._watchers = self._watchers, set()
        for watcher in watchers:
            settle(watcher, None)
