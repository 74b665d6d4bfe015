"""News for those who watch: events and pools of the newest commits, in one ring that all watchers read.

A watcher is a place in the ring, not a queue of its own: a slow one costs nothing, and is told when it lost something.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Container, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from nextlead.core.model import Erasure, Event, Pool
from nextlead.ports import Commit
from nextlead.redaction import redacted_event

from .writer import Future, settle

KEEP_EVENTS: Final = 10_000


class News(Struct):
    """What one commit has for watchers: events, and pools that changed by id, None for one that is gone.

    `campaigns` are the numbers of the leads' campaigns, as far as the leads are still there.
    `lost`: news of commits before this one passed unseen by this watcher.
    """

    commit_no: int
    at_ms: int
    events: Sequence[Event]
    pools: Mapping[int, Pool | None] = {}
    campaigns: Mapping[int, int] = {}
    lost: bool = False

    @property
    def size(self) -> int:
        """How many news it is."""
        return len(self.events) + len(self.pools)


class Feed:
    """The ring. It keeps the newest commits with together `keep` news, and always the newest one."""

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
        """Take in a durable commit; O(its rows but leads), and O(watchers) when some wait."""
        self._last_no = commit.no
        news = News(commit.no, commit.at_ms, commit.changes.events, _pools(commit), _campaigns(commit))
        erased = {row.lead for row in commit.changes.rows.values() if isinstance(row, Erasure)}
        if erased:  # something may have been noted of them in this very commit
            self._forget(erased, (*self._ring, news))
        if not news.size:
            return
        self._ring.append(news)
        self._held += news.size
        while self._held > self._keep and len(self._ring) > 1:
            oldest = self._ring.popleft()
            self._held -= oldest.size
            self._lost_to = oldest.commit_no
        self._wake()

    @staticmethod
    def _forget(leads: Container[int], ring: Iterable[News]) -> None:
        """What is still to be read of leads that were erased names nobody any more (SPEC R10.6). O(ring)."""
        for news in ring:
            news.events = [redacted_event(event) if event.lead in leads else event for event in news.events]

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
            found[0] = replace(found[0], lost=True)
        return found

    def _wake(self) -> None:
        watchers, self._watchers = self._watchers, set()
        for watcher in watchers:
            settle(watcher, None)


def _campaigns(commit: Commit) -> Mapping[int, int]:
    leads = commit.changes.leads
    return {event.lead: leads[event.lead].campaign for event in commit.changes.events if event.lead in leads}


def _pools(commit: Commit) -> Mapping[int, Pool | None]:
    rows = commit.changes.rows.items()
    return {int(key): row for (table, key), row in rows if table == "pool" and (row is None or isinstance(row, Pool))}
