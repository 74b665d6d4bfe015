"""Leads counted from the journal: what became of them in a range, and since a moment. The rules are in `statistics.py`.

A lead's condition at the end of a range is that after its last event in it. Of leads that came in within the range and
have no event there, the archive says how many there are: nobody touched them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from nextlead.core.conditions import ANONYMIZED, FRESH, condition_after, condition_before
from nextlead.core.model import Event
from nextlead.ports import Archive, Happened, LeadFilter

from .vocabulary import Name, Vocabulary

NEVER_MS: Final = 1 << 62
"""After everything."""
SLICE_EVENTS: Final = 500
"""Events that are looked at between two turns of everybody else."""
_SLICE_IDS: Final = 1000


class Scope(Struct, frozen=True):
    """Whose leads are counted, and up to which commit.

    `campaigns` are those that may have any, the one with the youngest pool first. `whole` are the pools of which no
    lead was ever deleted, `next_lead` is the id of the first lead that came in after commit `commit_no`.
    """

    words: Vocabulary
    campaign: int | None
    pool: int | None
    campaigns: Sequence[int]
    whole: frozenset[int]
    commit_no: int
    next_lead: int

    def has(self, campaign: int, pool: int) -> bool:
        """Whether leads of it are counted."""
        return self.campaign in (None, campaign) and self.pool in (None, pool) and self.words.knows(campaign)


class _Ids(Struct, frozen=True):
    """Leads from one id up to another."""

    first: int
    end: int

    def has(self, lead: int) -> bool:
        return self.first <= lead < self.end


async def came_to(archive: Archive, scope: Scope, from_ms: int, until_ms: int, *, created: bool) -> Counter[Name]:
    """Leads that came to something from one time until another, by what they were then.

    `created`: those that came in within that time, by what they are now.
    """
    came = _Ids(await archive.lead_from(from_ms), min(await archive.lead_from(until_ms), scope.next_lead))
    tracks = _Tracks(scope, came, only_new=created)
    await tracks.read(archive, from_ms, NEVER_MS if created else until_ms)
    counts = Counter(tracks.last.values())
    counts.update(await _untouched(archive, scope, came, tracks.last))
    return counts


async def difference_since(archive: Archive, scope: Scope, from_ms: int, *, created: bool) -> Counter[Name]:
    """What to add to the counts after the commit, so that they are those of an earlier time.

    `created`: so that they lack those who came in since; the others are left as they are.
    """
    came = _Ids(await archive.lead_from(from_ms), scope.next_lead)
    tracks = _Tracks(scope, came, only_new=created)
    await tracks.read(archive, from_ms, NEVER_MS)
    counts: Counter[Name] = Counter()
    counts.subtract(tracks.last.values())
    counts.subtract(await _untouched(archive, scope, came, tracks.last))
    counts.update(name for lead, name in tracks.first.items() if not came.has(lead))
    return counts


class _Tracks:
    """What leads were before and after the events that changed their names; of those in `new`, after any event.

    `only_new`: of no others.
    """

    def __init__(self, scope: Scope, new: _Ids, *, only_new: bool) -> None:
        self.first: dict[int, Name] = {}
        self.last: dict[int, Name] = {}
        self._doubtful: set[int] = set()
        self._scope = scope
        self._new = new
        self._only_new = only_new

    async def read(self, archive: Archive, from_ms: int, until_ms: int) -> None:
        """Take in the events of that time. O(events), in slices."""
        async for happened in _happened(archive, self._scope.commit_no, from_ms, until_ms):
            for each in happened:
                if from_ms <= each.event.at_ms < until_ms and self._scope.has(each.campaign, each.pool):
                    self._take(each)
        await self._drop_deleted(archive)

    def _take(self, happened: Happened) -> None:
        event, words = happened.event, self._scope.words
        is_new = self._new.has(event.lead)
        if self._only_new and not is_new:
            return
        changes = _changes(event)
        if not changes and (not is_new or event.lead in self.last):
            return
        before = condition_before(event)
        name_before = words.name(happened.campaign, before)
        name = words.name(happened.campaign, condition_after(event)) if changes else name_before
        if name == name_before and not is_new:
            return
        self.first.setdefault(event.lead, name_before)
        self.last[event.lead] = name
        if happened.pool not in self._scope.whole:
            self._doubtful.add(event.lead)

    async def _drop_deleted(self, archive: Archive) -> None:
        for ids in _slices(self._doubtful):
            for gone in set(ids) - await archive.existing(ids):
                del self.first[gone], self.last[gone]


def _changes(event: Event) -> bool:
    """Whether the lead is counted under another condition since. Most events are offers, which change none.

    A closed lead that is anonymised stays counted under the closure it had (SPEC R10.6).
    """
    if event.closure != event.closure_before:
        return event.closure != ANONYMIZED or event.closure_before is None
    return event.status is not event.status_before or event.activity is not event.activity_before


async def _happened(archive: Archive, last_no: int, from_ms: int, until_ms: int) -> AsyncIterator[list[Happened]]:
    """Events of that time, and some from just before and after it: a commit has the time of its last command."""
    no = await archive.commit_before(from_ms)
    last_no = min(last_no, await archive.commit_before(until_ms) + 1)
    while no < last_no:
        happened, no = await archive.happened(no, last_no, SLICE_EVENTS)
        yield happened
        await asyncio.sleep(0)


async def _untouched(archive: Archive, scope: Scope, came: _Ids, met: Mapping[int, Name]) -> Counter[Name]:
    """Leads that came in and are not among those that were met. O(campaigns that leads came in for) counts."""
    counts: Counter[Name] = Counter()
    if came.first >= came.end:
        return counts
    known = Counter(name.campaign for lead, name in met.items() if came.has(lead))
    which = LeadFilter(scope.campaign, scope.pool, after=came.first - 1, before=came.end)
    left = await archive.count(which) - known.total()
    for campaign in scope.campaigns:
        if left <= 0:
            break
        is_last = campaign == scope.campaigns[-1]
        here = left if is_last else await archive.count(replace(which, campaign=campaign)) - known[campaign]
        counts[scope.words.name(campaign, FRESH)] += here
        left -= here
    return counts


def _slices(ids: Iterable[int]) -> Iterable[list[int]]:
    left = iter(ids)
    while part := list(islice(left, _SLICE_IDS)):
        yield part
