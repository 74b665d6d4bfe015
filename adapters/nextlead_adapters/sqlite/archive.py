"""The read side: tables and journal, with what is not folded yet laid over them.

Reads have a connection of their own and don't wait behind commits. What is looked up in the overlay is looked up before
the tables are read: a row may be folded in between, and is then found twice, but never missed.
"""

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec import structs

from nextlead.core.model import Answer, Event, Lead, LeadData, Reject, Status
from nextlead.ports import ANSWER_KEPT_MS, Happened, KeyUse, LeadFilter, NumberUse, Stored, StoreError, has_text

from ..journalled.match_keys import Rule, plain
from ..journalled.overlay import NOTHING, Overlay
from . import filters, journal, reads
from . import keys as match_keys
from .connection import Connection
from .statements import batches

T = TypeVar("T")
NO_DATA: Final = b"{}"
WINDOW: Final = 20_000
"""Ids of leads that are looked at in one go."""
_ALL: Final = 1 << 62
"""More than any id."""
_Ask = Callable[[sqlite3.Connection, int, LeadFilter, Collection[int], reads.Pools], tuple[T, int]]


class SqliteArchive:
    """See `Archive`. Ready once `_reader`, `_overlay` and `_pools` are set."""

    _reader: Connection

    def __init__(self, org: int) -> None:
        self._org = org
        self._overlay = Overlay()
        self._pools: reads.Pools = {}
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
        recent = await self._recent(query)
        stored: list[Lead] = []
        async for some in self._windows(filters.page, query, recent):
            stored += some
            if len(stored) >= query.limit:
                break
        matching = [row for row in recent.values() if query.matches(row)]
        if query.text is None:
            matching = sorted(matching, key=lambda row: row.id)[: query.limit]
        data = await self._data([row.id for row in (*matching, *stored)])
        found = [Stored(row, data.get(row.id, NO_DATA)) for row in matching]
        found = [entry for entry in found if query.text is None or has_text(entry.data, query.text)]
        found += [Stored(row, data.get(row.id, NO_DATA)) for row in stored]
        return sorted(found, key=lambda entry: entry.lead.id)[: query.limit]

    async def count(self, query: LeadFilter) -> int:
        """See `Archive.count`."""
        recent = await self._recent(query)
        found = await self._count_recent(query, recent)
        async for some in self._windows(filters.count, query, recent):
            found += some
        return found

    async def commit_before(self, at_ms: int) -> int:
        """See `Archive.commit_before`."""
        return await _ask(self._reader.run(journal.commit_before, self._org, at_ms))

    async def happened(self, after: int, up_to: int, limit: int) -> tuple[list[Happened], int]:
        """See `Archive.happened`. Some commits at a time, so that other reads are not kept waiting."""
        found: list[Happened] = []
        while after < up_to and len(found) < limit:
            left = limit - len(found)
            events, no = await _ask(self._reader.run(journal.happened, self._org, after, up_to, left))
            found += [Happened(event, row.campaign, row.pool) for event, row in events]
            if no == after:
                break
            after = no
        return found, after

    async def lead_from(self, at_ms: int) -> int:
        """See `Archive.lead_from`."""
        recent = self._overlay.leads()
        first, last = await _ask(self._reader.run(reads.lead_from, self._org, at_ms))
        later = [row.id for row in recent.values() if row.created_ms >= at_ms]
        return min(later if first is None else (*later, first), default=max(last, *recent, 0) + 1)

    async def existing(self, leads: Sequence[int]) -> set[int]:
        """See `Archive.existing`."""
        recent = {id_ for id_ in leads if self._overlay.lead(id_)}
        return recent | await _ask(self._reader.run(reads.existing, self._org, set(leads) - recent))

    async def history(self, lead: int) -> list[Event]:
        """See `Archive.history`."""
        row = (await self._rows([lead])).get(lead)
        return await _ask(self._reader.run(journal.history, self._org, lead, row.last_commit)) if row else []

    async def lead_at(self, commit_no: int, lead: int) -> Lead | None:
        """See `Archive.lead_at`."""
        return await _ask(self._reader.run(journal.lead_at, self._org, commit_no, lead))

    async def numbers(self, numbers: Sequence[int]) -> list[NumberUse]:
        """See `Archive.numbers`."""
        users = await _ask(self._reader.run(reads.users_of, self._org, set(numbers)))
        rows = await self._rows({lead for _, lead in users})
        found = [(number, row) for number, lead in users if (row := rows.get(lead)) and not row.erased]
        return [NumberUse(number, row.id, row.pool, row.campaign, row.status == Status.CLOSED) for number, row in found]

    async def rejects(self, pool: int, kind: str) -> list[Reject]:
        """See `Archive.rejects`."""
        return await _ask(self._reader.run(reads.rejects, self._org, pool, kind))

    async def rejects_after(self, pool: int, kind: str, after: int, limit: int) -> tuple[list[Reject], int | None]:
        """See `Archive.rejects_after`."""
        return await _ask(self._reader.run(reads.rejects_after, self._org, pool, kind, after, limit))

    async def pools_with_number(self, number: int) -> list[int]:
        """See `Archive.pools_with_number`."""
        return await _ask(self._reader.run(reads.pools_with, self._org, number))

    async def clones(self, lead: int) -> list[int]:
        """See `Archive.clones`."""
        return sorted(await self._rows(await _ask(self._reader.run(reads.clones_of, self._org, lead))))

    async def closed_before(self, campaign: int, closure: str, before_ms: int, limit: int) -> list[Lead]:
        """See `Archive.closed_before`."""
        recent = self._overlay.leads()
        which = (campaign, closure, before_ms)
        stored = await _ask(self._reader.run(reads.closed_before, self._org, which, limit, recent.keys()))
        found = stored + [row for row in recent.values() if _closed_before(row, *which)]
        return sorted(found, key=lambda row: (row.closed_ms, row.id))[:limit]

    async def matches(self, rule: str, keys: Sequence[bytes]) -> list[KeyUse]:
        """See `Archive.matches`."""
        users = await _ask(
            self._reader.run(match_keys.users_of, self._org, self._rules[plain(rule)].no, sorted(set(keys)))
        )
        rows = await self._rows({lead for _, lead in users})
        found = [(key, row) for key, lead in users if (row := rows.get(lead)) and not row.erased]
        return [KeyUse(key, row.id, row.pool, row.campaign, row.status == Status.CLOSED) for key, row in found]

    async def file_part(self, file: int, no: int) -> bytes | None:
        """See `Archive.file_part`."""
        return await _ask(self._reader.run(reads.file_part, self._org, file, no))

    async def answer(self, key: str) -> Answer | None:
        """See `Archive.answer`."""
        row = self._overlay.row(("answer", key))
        if row is NOTHING:
            row = await _ask(self._reader.run(reads.answer, self._org, key))
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
            found, last = await _ask(self._reader.run(ask, self._org, part, some, self._pools))
            yield found
            after += width

    async def _count_recent(self, query: LeadFilter, recent: Mapping[int, Lead]) -> int:
        matching = [id_ for id_, row in recent.items() if query.matches(row)]
        text = query.text
        if text is None:
            return len(matching)
        found = 0
        for part in batches(matching):
            data = await self._data(part)
            found += sum(1 for id_ in part if has_text(data.get(id_, NO_DATA), text))
        return found

    async def _rows(self, ids: Collection[int]) -> dict[int, Lead]:
        found = {id_: row for id_ in ids if (row := self._overlay.lead(id_))}
        missing = [id_ for id_ in ids if id_ not in found]
        if missing:
            found |= await _ask(self._reader.run(reads.leads_of, self._org, missing, self._pools))
        return found

    async def _data(self, ids: Collection[int]) -> dict[int, bytes]:
        found = {id_: row.data for id_ in ids if isinstance(row := self._overlay.row(("lead_data", id_)), LeadData)}
        missing = [id_ for id_ in ids if id_ not in found]
        if missing:
            found |= await _ask(self._reader.run(reads.data_of, self._org, missing))
        return found

    async def _recent(self, query: LeadFilter) -> dict[int, Lead]:
        """Leads of which the tables may have an old row or, when text is asked for, old data."""
        recent = self._overlay.leads()
        if query.text is None:
            return recent
        changed = {int(key) for table, key in self._overlay.rows() if table == "lead_data"}
        return recent | await self._rows(changed - recent.keys())


def _closed_before(row: Lead, campaign: int, closure: str, before_ms: int) -> bool:
    mine = (row.status, row.campaign, row.closure, row.erased) == (Status.CLOSED, campaign, closure, False)
    return mine and 0 < row.closed_ms < before_ms


async def _ask(answer: Awaitable[T]) -> T:
    """A read that the database can't do is a `StoreError`."""
    try:
        return await answer
    except (sqlite3.Error, msgspec.DecodeError) as error:
        raise StoreError(f"reading failed: {error}") from error
