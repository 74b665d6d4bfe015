"""A store that lives as long as the object: for tests, demos and `memory:`.

It passes the same suite as the stores on disk (`tests/contract`). Hand the same object to the next dialer and it is a
restart; call `crash` first and it is one without a goodbye.
"""

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import islice
from typing import TypeVar

from msgspec import Struct, structs

from nextlead.core.changes import Changes
from nextlead.core.fresh import fresh_to_lead
from nextlead.core.model import Answer, Event, FreshLead, Lead, LeadData, Pool, Reject, Row, Status
from nextlead.ports import ANSWER_KEPT_MS, Claim, Commit, LeadFilter, NumberUse, Part, Stored, StoreRefused, has_text

T = TypeVar("T")

SLICE = 10_000
NO_DATA = b"{}"


class _Step(Struct):
    """What is kept of a commit: history, and rows as it left them."""

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
        self._users: dict[int, dict[int, None]] = {}
        self._rejects: list[Reject] = []

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
        self._steps.append(_Step(dict(commit.changes.leads), list(commit.changes.events)))

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
        rows = (row for lead in sorted({*self._fresh, *self._leads}) if (row := self._row(lead)))
        found = (Stored(row, self._data.get(row.id, NO_DATA)) for row in rows if query.matches(row))
        return list(islice((s for s in found if query.text is None or has_text(s.data, query.text)), query.limit))

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
        users = ((number, row) for number in sorted(set(numbers)) for row in self._users_of(number))
        return [NumberUse(number, row.id, row.pool, row.campaign, row.status == Status.CLOSED) for number, row in users]

    async def rejects(self, pool: int, kind: str) -> list[Reject]:
        """See `Archive.rejects`."""
        return sorted((r for r in self._rejects if r.pool == pool and r.kind == kind), key=lambda reject: reject.row)

    async def answer(self, key: str) -> Answer | None:
        """See `Archive.answer`."""
        return self._answers.get(key)

    # -- inside -----------------------------------------------------------------------------------------------------

    def _take(self, changes: Changes) -> None:
        for fresh in changes.fresh:
            self._fresh[fresh.id] = structs.replace(fresh, data=b"")
            self._data[fresh.id] = fresh.data
            for number in fresh.numbers:
                self._users.setdefault(number, {})[fresh.id] = None
        self._leads.update(changes.leads)
        for key, row in changes.rows.items():
            self._take_row(key, row)
        self._rejects += changes.rejects
        for lead in changes.gone:
            self._delete(lead)

    def _take_row(self, key: tuple[str, int | str], row: Row | None) -> None:
        if isinstance(row, LeadData):
            self._data[row.lead] = row.data
        elif isinstance(row, Answer):
            self._answers.pop(row.key, None)
            self._answers[row.key] = row
        elif row is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = row

    def _delete(self, lead: int) -> None:
        fresh = self._fresh.pop(lead, None)
        for number in fresh.numbers if fresh else ():
            self._users[number].pop(lead, None)
        self._leads.pop(lead, None)
        self._data.pop(lead, None)

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

    def _users_of(self, number: int) -> list[Lead]:
        return [row for lead in sorted(self._users.get(number, ())) if (row := self._row(lead))]


def _slices(items: Iterable[T]) -> Iterable[list[T]]:
    iterator = iter(items)
    while part := list(islice(iterator, SLICE)):
        yield part
