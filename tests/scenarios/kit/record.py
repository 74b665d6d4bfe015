"""The smallest durable store: what was committed, kept as bytes, and handed back for a restart."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from nextlead.core.changes import Changes
from nextlead.core.model import (
    Answer,
    Blocked,
    Clones,
    Closures,
    Contacted,
    Erasure,
    Event,
    File,
    Forgotten,
    FreshLead,
    Job,
    Lead,
    LeadData,
    Pool,
    SavedFilter,
    Status,
    Token,
    ZoneSet,
)
from nextlead.core.row import Row
from nextlead.core.setup_model import Agent, Campaign, Project, Sequences, Settings, Tally, Team

_TYPES: Final[dict[str, type[Row]]] = {
    "sequences": Sequences,
    "settings": Settings,
    "team": Team,
    "agent": Agent,
    "project": Project,
    "campaign": Campaign,
    "tally": Tally,
    "pool": Pool,
    "blocked": Blocked,
    "token": Token,
    "lead_data": LeadData,
    "answer": Answer,
    "closures": Closures,
    "global_blocked": Blocked,
    "forgotten": Forgotten,
    "clones": Clones,
    "file": File,
    "job": Job,
    "erasure": Erasure,
    "zone_set": ZoneSet,
    "contacted": Contacted,
    "filter": SavedFilter,
}
_SET_UP: Final = tuple(table for table in _TYPES if table not in ("lead_data", "answer"))
_encode = msgspec.msgpack.encode


@dataclass(frozen=True)
class RecordedLead:
    """A lead, open or closed, as an archive knows it; `numbers` are also those it lost."""

    id: int
    pool: int
    numbers: tuple[int, ...]
    data: dict[str, Any]
    closed: bool
    version: int
    master: int


class Record:
    """Rows by table and key, leads touched and fresh, history; encoded, so that nothing is shared with an engine."""

    def __init__(self) -> None:
        self.commit_no = 0
        self._rows: dict[str, dict[int | str, bytes]] = {table: {} for table in _TYPES}
        self._leads: dict[int, bytes] = {}
        self._fresh: dict[int, bytes] = {}
        self._came: dict[int, bytes] = {}
        self._events: list[bytes] = []
        self._left_by: dict[tuple[int, int], bytes] = {}

    def commit(self, changes: Changes) -> None:
        self.commit_no += 1
        for fresh in changes.fresh:
            self._fresh[fresh.id] = self._came[fresh.id] = _encode(fresh)
        for id_, lead in changes.leads.items():
            self._fresh.pop(id_, None)
            self._leads[id_] = self._left_by[self.commit_no, id_] = _encode(lead)
        for id_ in changes.gone:
            self._fresh.pop(id_, None)
            self._leads.pop(id_, None)
        for (table, key), row in changes.rows.items():
            if row is None:
                self._rows[table].pop(key, None)
            else:
                self._rows[table][key] = _encode(row)
        self._events += map(_encode, changes.events)

    def set_up_rows(self) -> Iterator[tuple[str, Row]]:
        for table in _SET_UP:
            for raw in self._rows[table].values():
                yield table, msgspec.msgpack.decode(raw, type=_TYPES[table])

    def open_leads(self) -> Iterator[Lead]:
        leads = (msgspec.msgpack.decode(raw, type=Lead) for raw in self._leads.values())
        return (lead for lead in leads if lead.status is not Status.CLOSED)

    def fresh_leads(self) -> list[FreshLead]:
        """By pool and, within a pool, by ordinal; without their data."""
        leads = [msgspec.msgpack.decode(raw, type=FreshLead) for raw in self._fresh.values()]
        leads = [msgspec.structs.replace(lead, data=b"") for lead in leads]
        return sorted(leads, key=lambda lead: (lead.pool, lead.ordinal))

    def lead(self, lead: int) -> Lead | None:
        """A lead that was touched."""
        raw = self._leads.get(lead)
        return None if raw is None else msgspec.msgpack.decode(raw, type=Lead)

    def data(self, lead: int) -> dict[str, Any]:
        """Its data fields."""
        raw = self._rows["lead_data"].get(lead)
        if raw is not None:
            return dict(msgspec.json.decode(msgspec.msgpack.decode(raw, type=LeadData).data))
        fresh = self._fresh.get(lead) or self._came.get(lead)
        return dict(msgspec.json.decode(msgspec.msgpack.decode(fresh, type=FreshLead).data)) if fresh else {}

    def all_leads(self) -> list[RecordedLead]:
        """By id."""
        touched = [msgspec.msgpack.decode(raw, type=Lead) for raw in self._leads.values()]
        found = [
            RecordedLead(
                lead.id,
                lead.pool,
                (*lead.numbers, *lead.dropped),
                self.data(lead.id),
                lead.status is Status.CLOSED,
                lead.version,
                lead.master,
            )
            for lead in touched
        ]
        found += [
            RecordedLead(lead.id, lead.pool, lead.numbers, self.data(lead.id), False, 0, lead.master)
            for lead in self.fresh_leads()
        ]
        return sorted(found, key=lambda lead: lead.id)

    def newest_lead(self) -> int:
        return max([*self._leads, *self._fresh], default=0)

    def leads_after(self, lead: int) -> list[int]:
        return sorted(each for each in (*self._leads, *self._fresh) if each > lead)

    def erase(self, erasure: Erasure) -> None:
        """What a store does: data and what was noted of the lead go."""
        self._rows["lead_data"].pop(erasure.lead, None)
        self._came.pop(erasure.lead, None)
        self._events = [self._without_personal_data(raw, erasure.lead) for raw in self._events]

    @staticmethod
    def _without_personal_data(raw: bytes, lead: int) -> bytes:
        event = msgspec.msgpack.decode(raw, type=Event)
        return raw if event.lead != lead else _encode(msgspec.structs.replace(event, number=0, note="", detail=""))

    def lead_at(self, commit_no: int, lead: int) -> Lead:
        return msgspec.msgpack.decode(self._left_by[commit_no, lead], type=Lead)

    def history(self, lead: int) -> list[Event]:
        events = (msgspec.msgpack.decode(raw, type=Event) for raw in self._events)
        return [event for event in events if event.lead == lead]
