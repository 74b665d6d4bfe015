"""The read side: tables and journal, with what is not folded yet laid over them.

What is looked up in the overlay is looked up before the tables are read: a row may be folded in between, and is then
found twice, but never missed.
"""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, TypeVar

from msgspec import structs

from nextlead.core.model import Answer, Event, Lead, LeadData, Pool, Reject, Status
from nextlead.ports import ANSWER_KEPT_MS, Happened, KeyUse, LeadFilter, NumberUse, Stored, has_text

from .match_keys import Rule, plain
from .overlay import NOTHING, Overlay
from .packed import unpack_lead
from .slices import batches
from .tables import Pools, Tables

T = TypeVar("T")
NO_DATA: Final = b"{}"
WINDOW: Final = 20_000
"""Ids of leads that are looked at in one go."""
UNPACKED: Final = 1_024
"""Leads that are unpacked in one go: about a millisecond."""
_ALL: Final = 1 << 62
"""More than any id."""
_Ask = Callable[[LeadFilter, Collection[int], Pools], Awaitable[tuple[T, int]]]


class JournalledArchive:
    """See `Archive`. Ready once the overlay, the pools and the rules were read."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._overlay = Overlay()
        self._pools: dict[int, Pool] = {}
        self._rules: dict[str, Rule] = {}
        self._at_ms = 0

    async def lead(self, lead: int) -> Stored | None:
        """See `Archive.lead`."""
        row = (await self._rows([lead])).get(lead)
        return Stored(row, (await self._data([lead])).get(lead, NO_DATA)) if row else None

    async def data(self, leads: Sequence[int]) -> dict[int, bytes]:
        """See `Archive.data`."""
        return await self._data(leads)

    async def leads(self, query: LeadFilter) -> list[Stored]:
        """See `Archive.leads`; the leads in the overlay are matched here, the others in SQL."""
        recent, matching = await self._recent(query)
        stored: list[Lead] = []
        async for some in self._windows(self._tables.page, query, recent):
            stored += some
            if len(stored) >= query.limit:
                break
        if query.text is None:
            matching = sorted(matching, key=lambda row: row.id)[: query.limit]
        data = await self._data([row.id for row in (*matching, *stored)])
        found = [Stored(row, data.get(row.id, NO_DATA)) for row in matching]
        found = [entry for entry in found if query.text is None or has_text(entry.data, query.text)]
        found += [Stored(row, data.get(row.id, NO_DATA)) for row in stored]
        return sorted(found, key=lambda entry: entry.lead.id)[: query.limit]

    async def count(self, query: LeadFilter) -> int:
        """See `Archive.count`."""
        recent, matching = await self._recent(query)
        found = await self._count_recent(query, matching)
        async for some in self._windows(self._tables.count, query, recent):
            found += some
        return found

    async def commit_before(self, at_ms: int) -> int:
        """See `Archive.commit_before`."""
        return await self._tables.commit_before(at_ms)

    async def happened(self, after: int, up_to: int, limit: int) -> tuple[list[Happened], int]:
        """See `Archive.happened`. Some commits at a time, so that other reads are not kept waiting."""
        found: list[Happened] = []
        while after < up_to and len(found) < limit:
            left = limit - len(found)
            events, no = await self._tables.happened(after, up_to, left)
            found += [Happened(event, row.campaign, row.pool) for event, row in events]
            if no == after:
                break
            after = no
        return found, after

    async def lead_from(self, at_ms: int) -> int:
        """See `Archive.lead_from`."""
        recent, newer = await self._newest(lambda row: row.created_ms >= at_ms)
        first, last = await self._tables.lead_from(at_ms)
        later = [row.id for row in newer]
        return min(later if first is None else (*later, first), default=max(last, *recent, 0) + 1)

    async def existing(self, leads: Sequence[int]) -> set[int]:
        """See `Archive.existing`."""
        recent = {id_ for id_ in leads if self._overlay.has(id_)}
        return recent | await self._tables.existing(set(leads) - recent)

    async def history(self, lead: int) -> list[Event]:
        """See `Archive.history`."""
        row = (await self._rows([lead])).get(lead)
        return await self._tables.history(lead, row.last_commit) if row else []

    async def lead_at(self, commit_no: int, lead: int) -> Lead | None:
        """See `Archive.lead_at`."""
        return await self._tables.lead_at(commit_no, lead)

    async def numbers(self, numbers: Sequence[int]) -> list[NumberUse]:
        """See `Archive.numbers`."""
        users = await self._tables.users_of(set(numbers))
        rows = await self._rows({lead for _, lead in users})
        found = [(number, row) for number, lead in users if (row := rows.get(lead)) and not row.erased]
        return [NumberUse(number, row.id, row.pool, row.campaign, row.status == Status.CLOSED) for number, row in found]

    async def rejects(self, pool: int, kind: str) -> list[Reject]:
        """See `Archive.rejects`."""
        return await self._tables.rejects(pool, kind)

    async def rejects_after(self, pool: int, kind: str, after: int, limit: int) -> tuple[list[Reject], int | None]:
        """See `Archive.rejects_after`."""
        return await self._tables.rejects_after(pool, kind, after, limit)

    async def pools_with_number(self, number: int) -> list[int]:
        """See `Archive.pools_with_number`."""
        return await self._tables.pools_with(number)

    async def clones(self, lead: int) -> list[int]:
        """See `Archive.clones`."""
        return sorted(await self._rows(await self._tables.clones_of(lead)))

    async def closed_before(self, campaign: int, closure: str, before_ms: int, limit: int) -> list[Lead]:
        """See `Archive.closed_before`."""
        which = (campaign, closure, before_ms)
        recent, found = await self._newest(lambda row: _closed_before(row, *which))
        found += await self._tables.closed_before(which, limit, recent)
        return sorted(found, key=lambda row: (row.closed_ms, row.id))[:limit]

    async def matches(self, rule: str, keys: Sequence[bytes]) -> list[KeyUse]:
        """See `Archive.matches`."""
        users = await self._tables.match_users(self._rules[plain(rule)].no, sorted(set(keys)))
        rows = await self._rows({lead for _, lead in users})
        found = [(key, row) for key, lead in users if (row := rows.get(lead)) and not row.erased]
        return [KeyUse(key, row.id, row.pool, row.campaign, row.status == Status.CLOSED) for key, row in found]

    async def file_part(self, file: int, no: int) -> bytes | None:
        """See `Archive.file_part`."""
        return await self._tables.file_part(file, no)

    async def answer(self, key: str) -> Answer | None:
        """See `Archive.answer`."""
        row = self._overlay.row(("answer", key))
        if row is NOTHING:
            row = await self._tables.answer(key)
        return row if isinstance(row, Answer) and row.at_ms >= self._at_ms - ANSWER_KEPT_MS else None

    # -- inside -----------------------------------------------------------------------------------------------------

    async def _windows(self, ask: _Ask[T], query: LeadFilter, recent: Collection[int]) -> AsyncIterator[T]:
        """What is found in one window of ids after the other, without the recent leads; see `filters.py`."""
        skip = sorted(recent)
        width = WINDOW if query.number is None else _ALL
        end = _ALL if query.before is None else query.before
        after, last = query.after, _ALL
        while after < min(last, end - 1):
            before = min(after + width + 1, end)
            part = structs.replace(query, after=after, before=before)
            some = frozenset(skip[bisect_right(skip, after) : bisect_left(skip, before)])
            found, last = await ask(part, some, self._pools)
            yield found
            after += width

    async def _count_recent(self, query: LeadFilter, matching: Sequence[Lead]) -> int:
        text = query.text
        if text is None:
            return len(matching)
        found = 0
        for part in batches([row.id for row in matching]):
            data = await self._data(part)
            found += sum(1 for id_ in part if has_text(data.get(id_, NO_DATA), text))
        return found

    async def _rows(self, ids: Collection[int]) -> dict[int, Lead]:
        found = {id_: row for id_ in ids if (row := self._overlay.lead(id_))}
        missing = [id_ for id_ in ids if id_ not in found]
        if missing:
            found |= await self._tables.leads_of(missing, self._pools)
        return found

    async def _data(self, ids: Collection[int]) -> dict[int, bytes]:
        found = {id_: row.data for id_ in ids if isinstance(row := self._overlay.row(("lead_data", id_)), LeadData)}
        missing = [id_ for id_ in ids if id_ not in found]
        if missing:
            found |= await self._tables.data_of(missing)
        return found

    async def _newest(self, fits: Callable[[Lead], bool]) -> tuple[AbstractSet[int], list[Lead]]:
        """The ids of all leads in the overlay, and the rows of those that fit, as of now.

        Some are looked at at a time, and others served in between.
        """
        recent = self._overlay.leads()
        found: list[Lead] = []
        for part in batches(recent.values(), UNPACKED):
            found += filter(fits, map(unpack_lead, part))
            await asyncio.sleep(0)
        return recent.keys(), found

    async def _recent(self, query: LeadFilter) -> tuple[AbstractSet[int], list[Lead]]:
        """Leads of which the tables may have an old row or, when text is asked for, old data; the rows that match."""
        recent, matching = await self._newest(query.matches)
        if query.text is None:
            return recent, matching
        changed = await self._rows({int(key) for table, key in self._overlay.rows() if table == "lead_data"} - recent)
        return changed.keys() | recent, matching + [row for row in changed.values() if query.matches(row)]


def _closed_before(row: Lead, campaign: int, closure: str, before_ms: int) -> bool:
    mine = (row.status, row.campaign, row.closure, row.erased) == (Status.CLOSED, campaign, closure, False)
    return mine and 0 < row.closed_ms < before_ms
