"""Leads counted from the journal: what became of them in a range, and since a moment. The rules are in `statistics.py`.

A lead's condition at the end of a range is that after its last event in it. Of leads that came in within the range and
have no event there, the archive says how many there are: nobody touched them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
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
SLICE_EVENTS: Final = 250
"""Events that are looked at between two turns of everybody else: half a millisecond here, one in the reader."""
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
    new = _Ids(await archive.lead_from(from_ms), min(await archive.lead_from(until_ms), scope.next_lead))
    tally = _Tally(scope, new, only_new=created)
    await tally.read(archive, from_ms, NEVER_MS if created else until_ms)
    tally.after.update(await _untouched(archive, scope, new, tally.new))
    return tally.after


async def difference_since(archive: Archive, scope: Scope, from_ms: int, *, created: bool) -> Counter[Name]:
    """What to add to the counts after the commit, so that they are those of an earlier time.

    `created`: so that they lack those who came in since; the others are left as they are.
    """
    new = _Ids(await archive.lead_from(from_ms), scope.next_lead)
    tally = _Tally(scope, new, only_new=created)
    await tally.read(archive, from_ms, NEVER_MS)
    tally.before.subtract(tally.after)
    tally.before.subtract(await _untouched(archive, scope, new, tally.new))
    return tally.before


class _Tally:
    """Leads whose name changed, by what they were before and after; of new ones all that have any event, by the latter.

    `only_new`: no others are looked at. It is kept with every event: to count many leads at the end would hold up
    everybody else.
    """

    def __init__(self, scope: Scope, new: _Ids, *, only_new: bool) -> None:
        self.before: Counter[Name] = Counter()
        self.after: Counter[Name] = Counter()
        self.new: Counter[int] = Counter()
        """New ones by campaign."""
        self._last: dict[int, Name] = {}
        self._doubtful: dict[int, Name] = {}
        """Leads that may have been deleted since, with what they were before."""
        self._scope = scope
        self._ids = new
        self._only_new = only_new

    async def read(self, archive: Archive, from_ms: int, until_ms: int) -> None:
        """Take in the events of that time. O(events), in slices."""
        async for happened in _happened(archive, self._scope.commit_no, from_ms, until_ms):
            for each in happened:
                if from_ms <= each.event.at_ms < until_ms and self._scope.has(each.campaign, each.pool):
                    self._take(each)
        for ids in _slices(self._doubtful):
            for gone in set(ids) - await archive.existing(ids):
                self._drop(gone)

    def _take(self, happened: Happened) -> None:
        event, words = happened.event, self._scope.words
        is_new = self._ids.has(event.lead)
        if self._only_new and not is_new:
            return
        known, changes = self._last.get(event.lead), _changes(event)
        if not changes and (not is_new or known is not None):
            return
        before = words.name(happened.campaign, condition_before(event))
        after = words.name(happened.campaign, condition_after(event)) if changes else before
        if before == after and not is_new:
            return
        if known is not None:
            self.after[known] -= 1
        else:
            self._meet(happened, before)
        self.after[after] += 1
        self._last[event.lead] = after

    def _meet(self, happened: Happened, before: Name) -> None:
        """The lead's first event that tells."""
        if self._ids.has(happened.event.lead):
            self.new[happened.campaign] += 1
        else:
            self.before[before] += 1
        if happened.pool not in self._scope.whole:
            self._doubtful[happened.event.lead] = before

    def _drop(self, lead: int) -> None:
        last = self._last.pop(lead)
        self.after[last] -= 1
        if self._ids.has(lead):
            self.new[last.campaign] -= 1
        else:
            self.before[self._doubtful[lead]] -= 1


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


async def _untouched(archive: Archive, scope: Scope, new: _Ids, met: Counter[int]) -> Counter[Name]:
    """New leads that were not met, of which there are so many by campaign.

    O(campaigns that leads came in for) counts.
    """
    counts: Counter[Name] = Counter()
    if new.first >= new.end:
        return counts
    which = LeadFilter(scope.campaign, scope.pool, after=new.first - 1, before=new.end)
    left = await archive.count(which) - met.total()
    for campaign in scope.campaigns:
        if left <= 0:
            break
        is_last = campaign == scope.campaigns[-1]
        here = left if is_last else await archive.count(replace(which, campaign=campaign)) - met[campaign]
        counts[scope.words.name(campaign, FRESH)] += here
        left -= here
    return counts


def _slices(ids: Iterable[int]) -> Iterable[list[int]]:
    left = iter(ids)
    while part := list(islice(left, _SLICE_IDS)):
        yield part
