"""A store that lives as long as the object: for tests, demos and `memory:`.

It passes the same suite as the stores on disk (`tests/contract`). Hand the same object to the next dialer and it is a
restart; call `crash` first and it is one without a goodbye.
"""

import os
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import islice
from operator import attrgetter
from typing import Final, TypeVar

from msgspec import Struct, structs

from nextlead.core.changes import Changes
from nextlead.core.fresh import fresh_to_lead
from nextlead.core.model import Answer, Erasure, Event, File, FreshLead, Lead, LeadData, Pool, Reject, Status
from nextlead.core.row import Row
from nextlead.ports import (
    ANSWER_KEPT_MS,
    Claim,
    Commit,
    Happened,
    KeyUse,
    LeadFilter,
    NumberUse,
    Part,
    Stored,
    StoreRefused,
    has_text,
)
from nextlead.redaction import names_of, redacted_event, redacted_lead

from .memory_keys import MemoryKeys

T = TypeVar("T")

SLICE: Final = 10_000
NO_DATA: Final = b"{}"
_AT_BITS: Final = 64


class _Step(Struct):
    """What is kept of a commit: history, and rows as it left them."""

    at_ms: int
    leads: dict[int, Lead]
    events: list[Event]


class MemoryStore:
    """Store and archive in dictionaries. Nothing survives the process."""

    def __init__(self) -> None:
        self._claimed = False
        self._epoch = 0
        self._at_ms = 0
        self._steps: list[_Step] = []
        self._rows: dict[tuple[str, int | str], Row] = {}
        self._answers: dict[str, Answer] = {}
        self._leads: dict[int, Lead] = {}
        self._fresh: dict[int, FreshLead] = {}
        self._data: dict[int, bytes] = {}
        self._users: dict[int, dict[int, int]] = {}
        """Leads with their pools, by number; deleted ones stay."""
        self._rejects: dict[int, Reject] = {}
        """In the order they came, counted from 1."""
        self._rejects_ever = 0
        self._parts: dict[tuple[int, int], bytes] = {}
        self._keys = MemoryKeys()

    # -- Store ------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Nothing to check."""

    async def claim(self) -> Claim:
        """See `Store.claim`; the holder can only be this process."""
        if self._claimed:
            raise StoreRefused(f"the store is in use by process {os.getpid()}")
        self._claimed = True
        self._epoch += 1
        return Claim(self._epoch, len(self._steps), self._at_ms)

    async def load(self) -> AsyncIterator[Part]:
        """See `Store.load`."""
        yield Part(rows=[(table, row) for (table, _), row in self._rows.items()])
        for leads in _slices(lead for lead in self._leads.values() if lead.status != Status.CLOSED):
            yield Part(leads=leads)
        untouched = (fresh for lead, fresh in self._fresh.items() if lead not in self._leads)
        for slice_ in _slices(sorted(untouched, key=lambda fresh: (fresh.pool, fresh.ordinal))):
            yield Part(fresh=slice_)

    async def commit(self, commit: Commit) -> None:
        """See `Store.commit`."""
        last = len(self._steps)
        if commit.no == last:
            return
        if commit.no != last + 1:
            raise StoreRefused(f"commit {commit.no} does not follow commit {last}")
        self._take(commit.changes)
        self._at_ms = commit.at_ms
        self._forget_answers()
        self._steps.append(_Step(commit.at_ms, dict(commit.changes.leads), list(commit.changes.events)))

    async def erase(self, erasures: Sequence[Erasure]) -> None:
        """See `Store.erase`; O(all commits), for memory has no need to be quick at it."""
        forget = {number for erasure in erasures for number in erasure.forget}
        leads = {erasure.lead for erasure in erasures}
        leads |= {lead for number in forget for lead in self._users.get(number, ()) if not self._row(lead)}
        for step in self._steps:
            step.leads = {id_: redacted_lead(row) if id_ in leads else row for id_, row in step.leads.items()}
            step.events = [redacted_event(event) if event.lead in leads else event for event in step.events]
        for lead in leads:
            self._data.pop(lead, None)
            self._keys.drop(lead)
        self._erase_numbers(leads, forget)
        named = forget | {-lead for lead in leads}
        self._rejects = {at: r for at, r in self._rejects.items() if named.isdisjoint(names_of(r))}
        for erasure in erasures:
            if ("erasure", erasure.id) in self._rows:
                self._rows["erasure", erasure.id] = structs.replace(erasure, numbers=(), forget=())

    async def close(self) -> None:
        """See `Store.close`."""
        self._claimed = False

    def crash(self) -> None:
        """The process that held it is gone: what was committed stays, the claim does not."""
        self._claimed = False

    # -- Archive ----------------------------------------------------------------------------------------------------

    async def lead(self, lead: int) -> Stored | None:
        """See `Archive.lead`."""
        row = self._row(lead)
        return Stored(row, self._data.get(lead, NO_DATA)) if row else None

    async def data(self, leads: Sequence[int]) -> dict[int, bytes]:
        """See `Archive.data`."""
        return {lead: self._data.get(lead, NO_DATA) for lead in leads if self._row(lead)}

    async def leads(self, query: LeadFilter) -> list[Stored]:
        """See `Archive.leads`; O(all leads)."""
        return list(islice(self._matching(query), query.limit))

    async def count(self, query: LeadFilter) -> int:
        """See `Archive.count`; O(all leads)."""
        return sum(1 for _ in self._matching(query))

    async def commit_before(self, at_ms: int) -> int:
        """See `Archive.commit_before`."""
        return bisect_left(self._steps, at_ms, key=attrgetter("at_ms"))

    async def happened(self, after: int, up_to: int, limit: int) -> tuple[list[Happened], int]:
        """See `Archive.happened`."""
        found: list[Happened] = []
        while after < min(up_to, len(self._steps)) and len(found) < limit:
            step = self._steps[after]
            rows = ((event, step.leads.get(event.lead)) for event in step.events)
            found += [Happened(event, row.campaign, row.pool) for event, row in rows if row]
            after += 1
        return found, after

    async def lead_from(self, at_ms: int) -> int:
        """See `Archive.lead_from`; O(all leads)."""
        last = 0
        for row in self._everyone():
            if row.created_ms >= at_ms:
                return row.id
            last = row.id
        return last + 1

    async def existing(self, leads: Sequence[int]) -> set[int]:
        """See `Archive.existing`."""
        return {lead for lead in leads if lead in self._leads or lead in self._fresh}

    async def history(self, lead: int) -> list[Event]:
        """See `Archive.history`."""
        row = self._row(lead)
        steps: list[list[Event]] = []
        no = row.last_commit if row else 0
        while no:
            steps.append([event for event in self._steps[no - 1].events if event.lead == lead])
            no = steps[-1][0].previous
        return [event for step in reversed(steps) for event in step]

    async def lead_at(self, commit_no: int, lead: int) -> Lead | None:
        """See `Archive.lead_at`."""
        return self._steps[commit_no - 1].leads.get(lead) if 0 < commit_no <= len(self._steps) else None

    async def numbers(self, numbers: Sequence[int]) -> list[NumberUse]:
        """See `Archive.numbers`."""
        users = (
            (number, row) for number in sorted(set(numbers)) for row in self._standing(self._users.get(number, ()))
        )
        return [NumberUse(number, row.id, row.pool, row.campaign, row.status == Status.CLOSED) for number, row in users]

    async def rejects(self, pool: int, kind: str) -> list[Reject]:
        """See `Archive.rejects`."""
        return [reject for _, reject in self._rejects_of(pool, kind)]

    async def rejects_after(self, pool: int, kind: str, after: int, limit: int) -> tuple[list[Reject], int | None]:
        """See `Archive.rejects_after`; O(all rejects)."""
        left = [(cursor, reject) for cursor, reject in self._rejects_of(pool, kind) if cursor > after]
        page = left[:limit]
        return [reject for _, reject in page], page[-1][0] if len(left) > limit else None

    async def pools_with_number(self, number: int) -> list[int]:
        """See `Archive.pools_with_number`; O(all rejects)."""
        rejected = {reject.pool for reject in self._rejects.values() if number in reject.numbers}
        return sorted(rejected | set(self._users.get(number, {}).values()))

    async def clones(self, lead: int) -> list[int]:
        """See `Archive.clones`; O(all leads)."""
        return [row.id for row in self._everyone() if row.master == lead]

    async def closed_before(self, campaign: int, closure: str, before_ms: int, limit: int) -> list[Lead]:
        """See `Archive.closed_before`; O(all leads)."""
        closed = (row for row in self._leads.values() if row.status == Status.CLOSED and not row.erased)
        mine = (row for row in closed if (row.campaign, row.closure) == (campaign, closure))
        found = [row for row in mine if 0 < row.closed_ms < before_ms]
        return sorted(found, key=lambda row: (row.closed_ms, row.id))[:limit]

    async def match_rule(self, rule: str) -> None:
        """See `Archive.match_rule`; O(all leads) the first time."""
        if self._keys.add_rule(rule):
            for row in self._everyone():
                self._put_keys(row.id)

    async def matches(self, rule: str, keys: Sequence[bytes]) -> list[KeyUse]:
        """See `Archive.matches`."""
        users = ((key, row) for key in sorted(set(keys)) for row in self._standing(self._keys.leads(rule, key)))
        return [KeyUse(key, row.id, row.pool, row.campaign, row.status == Status.CLOSED) for key, row in users]

    async def file_part(self, file: int, no: int) -> bytes | None:
        """See `Archive.file_part`."""
        return self._parts.get((file, no))

    async def answer(self, key: str) -> Answer | None:
        """See `Archive.answer`."""
        return self._answers.get(key)

    # -- inside -----------------------------------------------------------------------------------------------------

    def _take(self, changes: Changes) -> None:
        for fresh in changes.fresh:
            self._fresh[fresh.id] = structs.replace(fresh, data=b"")
            self._data[fresh.id] = fresh.data
            for number in fresh.numbers:
                self._users.setdefault(number, {})[fresh.id] = fresh.pool
        self._leads.update(changes.leads)
        self._parts.update({(part.file, part.no): part.body for part in changes.parts})
        for reject in changes.rejects:
            self._rejects_ever += 1
            self._rejects[self._rejects_ever] = reject
        for key, row in changes.rows.items():
            self._take_row(key, row)
        for lead in changes.gone:
            self._delete(lead)
        edited = {row.lead for row in changes.rows.values() if isinstance(row, LeadData)}
        for lead in edited | {fresh.id for fresh in changes.fresh}:
            self._put_keys(lead)

    def _take_row(self, key: tuple[str, int | str], row: Row | None) -> None:
        if isinstance(row, LeadData):
            self._data[row.lead] = row.data
        elif isinstance(row, Answer):
            self._answers.pop(row.key, None)
            self._answers[row.key] = row
        elif row is None:
            self._drop_row(self._rows.pop(key, None))
        else:
            self._rows[key] = row

    def _drop_row(self, row: Row | None) -> None:
        """What goes with a row."""
        if isinstance(row, Pool):
            self._rejects = {at: reject for at, reject in self._rejects.items() if reject.pool != row.id}
        elif isinstance(row, File):
            self._parts = {key: body for key, body in self._parts.items() if key[0] != row.id}

    def _delete(self, lead: int) -> None:
        self._fresh.pop(lead, None)
        self._leads.pop(lead, None)
        self._data.pop(lead, None)
        self._keys.drop(lead)

    def _put_keys(self, lead: int) -> None:
        row = self._row(lead)
        if row and not row.erased:
            self._keys.put(lead, (*row.numbers, *row.dropped), self._data.get(lead, NO_DATA))

    def _erase_numbers(self, leads: set[int], forget: set[int]) -> None:
        """Take leads out of the index, but for those that have the number still."""
        for number, users in list(self._users.items()):
            for lead in [lead for lead in users if lead in leads or number in forget]:
                row = self._row(lead)
                if not row or number not in (*row.numbers, *row.dropped):
                    del users[lead]
            if not users:
                del self._users[number]

    def _forget_answers(self) -> None:
        """Answers are kept in the order they came, so the old ones are in front."""
        while self._answers:
            oldest = next(iter(self._answers.values()))
            if oldest.at_ms >= self._at_ms - ANSWER_KEPT_MS:
                return
            del self._answers[oldest.key]

    def _row(self, lead: int) -> Lead | None:
        if touched := self._leads.get(lead):
            return touched
        fresh = self._fresh.get(lead)
        return fresh_to_lead(fresh, self._pool(fresh.pool)) if fresh else None

    def _pool(self, pool: int) -> Pool:
        row = self._rows["pool", pool]
        assert isinstance(row, Pool)
        return row

    def _everyone(self) -> Iterable[Lead]:
        return (row for lead in sorted({*self._fresh, *self._leads}) if (row := self._row(lead)))

    def _matching(self, query: LeadFilter) -> Iterable[Stored]:
        found = (Stored(row, self._data.get(row.id, NO_DATA)) for row in self._everyone() if query.matches(row))
        return (stored for stored in found if query.text is None or has_text(stored.data, query.text))

    def _standing(self, leads: Iterable[int]) -> list[Lead]:
        return [row for lead in sorted(leads) if (row := self._row(lead)) and not row.erased]

    def _rejects_of(self, pool: int, kind: str) -> list[tuple[int, Reject]]:
        """In row order, each with its cursor: the row, then when it came."""
        found = ((at, r) for at, r in self._rejects.items() if r.pool == pool and r.kind == kind)
        return sorted((((r.row << _AT_BITS) + at, r) for at, r in found), key=lambda entry: entry[0])


def _slices(items: Iterable[T]) -> Iterable[list[T]]:
    iterator = iter(items)
    while part := list(islice(iterator, SLICE)):
        yield part
