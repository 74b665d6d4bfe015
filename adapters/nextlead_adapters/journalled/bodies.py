"""A commit's row in the journal: MessagePack of what changed.

Lead rows, other rows, history events, ids of leads that are gone. What a commit writes into the tables itself (fresh
leads, rejects, parts of files) is not in it. A row is rewritten only to make personal data go.

A lead's history is a chain, so it needs no index that every event would have to pay for: `Lead.last_commit` is the
commit of its newest event; the events of the lead in that commit (there may be several) stand in order, and the first
of them says in `Event.previous` which commit has the one before.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Raw, Struct

from nextlead.core.changes import Changes
from nextlead.core.model import Event, Lead
from nextlead.core.row import Row
from nextlead.ports import StoreRefused
from nextlead.redaction import numbers_in

from . import codec
from .codec import RowKey
from .packed import array_of, pack_leads

_NIL: Final = b"\xc0"
_EMPTY: Final = b"\x90"
_decode_leads: Final = msgspec.msgpack.Decoder(list[Lead]).decode
_decode_events: Final = msgspec.msgpack.Decoder(list[Event]).decode


class Step(Struct):
    """What a commit left in the journal for the tables."""

    no: int
    at_ms: int
    leads: list[Lead]
    rows: dict[RowKey, Row | None]
    gone: list[int]


class Whole(Struct):
    """All of a commit's row."""

    leads: list[Lead]
    rows: dict[RowKey, Row | None]
    events: list[Event]
    gone: list[int]

    def mentions(self) -> set[int]:
        """The numbers that are named in rows other than leads'."""
        return {number for key, row in self.rows.items() for number in numbers_in(key, row)}


class Body(Struct, array_like=True):
    """A commit's row, taken apart as far as needed: each part stays bytes until it is asked for."""

    leads: Raw
    rows: list[tuple[str, int | str, Raw]]
    events: Raw
    gone: list[int]


unpack: Final = msgspec.msgpack.Decoder(Body).decode
"""A packed row, taken apart. Raises `msgspec.DecodeError`, and `UnicodeDecodeError` where a text is none."""


def pack(changes: Changes, leads: Mapping[int, bytes]) -> bytes:
    """The row of a commit; `leads` are its leads' rows packed."""
    return _pack(leads, changes.rows, changes.events, changes.gone)


def pack_whole(whole: Whole) -> bytes:
    """The row again, when personal data was taken out of it."""
    return _pack(pack_leads(whole.leads), whole.rows, whole.events, whole.gone)


def step(no: int, at_ms: int, packed: bytes) -> Step:
    """What the tables need of it. Raises `StoreRefused` when it can't be read."""
    try:
        body = unpack(packed)
        return Step(no, at_ms, _decode_leads(body.leads), dict(_rows(body.rows)), body.gone)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
        raise StoreRefused(f"the store is damaged: commit {no} can't be read ({error})") from error


def whole(packed: bytes) -> Whole:
    """All of it."""
    body = unpack(packed)
    return Whole(_decode_leads(body.leads), dict(_rows(body.rows)), _decode_events(body.events), body.gone)


def events(packed: bytes) -> list[Event]:
    """Its events, in order."""
    return _decode_events(unpack(packed).events)


def events_of(packed: bytes, lead: int) -> list[Event]:
    """A lead's events in it, in order."""
    return [event for event in events(packed) if event.lead == lead]


def row_of(packed: bytes, lead: int) -> Lead | None:
    """A lead's row as the commit left it."""
    return next((row for row in _decode_leads(unpack(packed).leads) if row.id == lead), None)


def happened(packed: bytes) -> list[tuple[Event, Lead]]:
    """Its events with their leads' rows. Events without a row are left out: the lead was deleted in the same commit."""
    body = unpack(packed)
    if bytes(body.events) == _EMPTY:
        return []
    rows = {row.id: row for row in _decode_leads(body.leads)}
    return [(event, rows[event.lead]) for event in _decode_events(body.events) if event.lead in rows]


def missing(no: int) -> StoreRefused:
    """A commit is not there."""
    return StoreRefused(f"the store is damaged: commit {no} is missing from the journal")


def broken(lead: int, no: int) -> StoreRefused:
    """A chain leads to a commit that does not go on with it."""
    return StoreRefused(f"the store is damaged: the history of lead {lead} breaks at commit {no}")


def _pack(leads: Mapping[int, bytes], rows: Mapping[RowKey, Row | None], events: list[Event], gone: list[int]) -> bytes:
    others = codec.encode([(table, key, row) for (table, key), row in rows.items()]) if rows else _EMPTY
    parts = (array_of(tuple(leads.values())), others, codec.encode(events), codec.encode(gone) if gone else _EMPTY)
    return array_of(parts)


def _rows(rows: Iterable[tuple[str, int | str, Raw]]) -> Iterator[tuple[RowKey, Row | None]]:
    for table, key, body in rows:
        yield (table, key), None if bytes(body) == _NIL else codec.decode_row(table, body)
