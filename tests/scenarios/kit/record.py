"""The smallest durable store: what was committed, kept as bytes, and handed back for a restart."""

from collections.abc import Iterator
from typing import Final

import msgspec

from nextlead.core.changes import Changes
from nextlead.core.model import (
    Agent,
    Answer,
    Blocked,
    Campaign,
    Closures,
    Event,
    FreshLead,
    Lead,
    LeadData,
    Pool,
    Project,
    Row,
    Sequences,
    Settings,
    Status,
    Tally,
    Team,
    Token,
)

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
}
_SET_UP: Final = tuple(table for table in _TYPES if table not in ("lead_data", "answer"))
_encode = msgspec.msgpack.encode


class Record:
    """Rows by table and key, leads touched and fresh, history; encoded, so that nothing is shared with an engine."""

    def __init__(self) -> None:
        self.commit_no = 0
        self._rows: dict[str, dict[int | str, bytes]] = {table: {} for table in _TYPES}
        self._leads: dict[int, bytes] = {}
        self._fresh: dict[int, bytes] = {}
        self._events: list[bytes] = []
        self._left_by: dict[tuple[int, int], bytes] = {}

    def commit(self, changes: Changes) -> None:
        self.commit_no += 1
        for fresh in changes.fresh:
            self._fresh[fresh.id] = _encode(fresh)
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

    def lead_at(self, commit_no: int, lead: int) -> Lead:
        return msgspec.msgpack.decode(self._left_by[commit_no, lead], type=Lead)

    def history(self, lead: int) -> list[Event]:
        events = (msgspec.msgpack.decode(raw, type=Event) for raw in self._events)
        return [event for event in events if event.lead == lead]
