"""The journal: one row per commit, written once, kept. It is what makes a commit durable, and it is the history.

A body is MessagePack of what changed: lead rows, other rows, history events, ids of leads that are gone. What a commit
writes into the tables itself (fresh leads, rejects, parts of files) is not in it. A row is rewritten only to make
personal data go (`erasing.py`).

A lead's history is a chain, so it needs no index that every event would have to pay for: `Lead.last_commit` is the
commit of its newest event; the events of the lead in that commit (there may be several) stand in order, and the first
of them says in `Event.previous` which commit has the one before.
"""

import sqlite3
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
from .statements import SLICE

INSERT: Final = "INSERT INTO journal (org, no, at_ms, epoch, body) VALUES (?, ?, ?, ?, ?)"
_NIL: Final = b"\xc0"
_EMPTY: Final = b"\x90"
_decode_leads: Final = msgspec.msgpack.Decoder(list[Lead]).decode
_decode_events: Final = msgspec.msgpack.Decoder(list[Event]).decode


class Body(Struct, array_like=True):
    """A commit's row, taken apart as far as needed: each part stays bytes until it is asked for."""

    leads: Raw
    rows: list[tuple[str, int | str, Raw]]
    events: Raw
    gone: list[int]


_decode_body: Final = msgspec.msgpack.Decoder(Body).decode


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


def encode(changes: Changes) -> bytes:
    """The body of a commit."""
    return _encode(list(changes.leads.values()), changes.rows, changes.events, changes.gone)


def insert(db: sqlite3.Connection, step: tuple[int, int, int, int, bytes]) -> None:
    """Write a commit's row: organisation, number, engine time, epoch, body."""
    db.execute(INSERT, step)


def steps_after(db: sqlite3.Connection, org: int, no: int) -> Iterator[Step]:
    """The commits after `no`, in order. Raises `StoreRefused` for one that is missing or can't be read."""
    for found, at_ms, body in db.execute(
        "SELECT no, at_ms, body FROM journal WHERE org = ? AND no > ? ORDER BY no", (org, no)
    ):
        no += 1
        if found != no:
            raise _missing(no)
        try:
            yield _step(no, at_ms, _decode_body(body))
        except (msgspec.DecodeError, KeyError) as error:
            raise StoreRefused(f"the store is damaged: commit {no} can't be read ({error})") from error


def history(db: sqlite3.Connection, org: int, lead: int, last_commit: int) -> list[Event]:
    """A lead's events, oldest first, along the chain from its newest; O(commits it has events in)."""
    parts: list[list[Event]] = []
    no = last_commit
    while no:
        body = _body(db, org, no)
        events = [event for event in _decode_events(body.events) if event.lead == lead] if body else []
        if not events or events[0].previous >= no:
            raise StoreRefused(f"the store is damaged: the history of lead {lead} breaks at commit {no}")
        parts.append(events)
        no = events[0].previous
    return [event for events in reversed(parts) for event in events]


def lead_at(db: sqlite3.Connection, org: int, no: int, lead: int) -> Lead | None:
    """A lead's row as that commit left it."""
    body = _body(db, org, no)
    return next((row for row in _decode_leads(body.leads) if row.id == lead), None) if body else None


def commit_before(db: sqlite3.Connection, org: int, at_ms: int) -> int:
    """The last commit of an engine time before this, 0 if there is none; O(log commits), as that time never falls."""
    first, end = 1, last(db, org)[0]
    while first <= end:
        middle = (first + end) // 2
        found = db.execute("SELECT at_ms FROM journal WHERE org = ? AND no = ?", (org, middle)).fetchone()
        if found is None:
            raise _missing(middle)
        if found[0] < at_ms:
            first = middle + 1
        else:
            end = middle - 1
    return end


def happened(
    db: sqlite3.Connection, org: int, after: int, up_to: int, limit: int
) -> tuple[list[tuple[Event, Lead]], int]:
    """Events of the next few commits behind `after` with their leads' rows, and the last one read.

    No more commits than it takes for `limit` events, and none behind `up_to`. Events without a row are left out: the
    lead was deleted in the same commit.
    """
    found: list[tuple[Event, Lead]] = []
    commits = db.execute(
        "SELECT no, body FROM journal WHERE org = ? AND no > ? AND no <= ? ORDER BY no LIMIT ?",
        (org, after, up_to, SLICE),
    )
    for no, packed in commits:
        after = no
        body = _decode_body(packed)
        if bytes(body.events) != _EMPTY:
            rows = {row.id: row for row in _decode_leads(body.leads)}
            found += [(event, rows[event.lead]) for event in _decode_events(body.events) if event.lead in rows]
        if len(found) >= limit:
            break
    return found, after


def read(db: sqlite3.Connection, org: int, no: int) -> Whole:
    """A commit's row. Raises `StoreRefused` when it is missing."""
    body = _body(db, org, no)
    if body is None:
        raise _missing(no)
    return _whole(body)


def read_all(db: sqlite3.Connection, org: int, after: int = 0) -> Iterator[tuple[int, Whole]]:
    """Every commit's row behind one, by number."""
    for no, body in db.execute("SELECT no, body FROM journal WHERE org = ? AND no > ? ORDER BY no", (org, after)):
        yield no, _whole(_decode_body(body))


def read_events(db: sqlite3.Connection, org: int) -> Iterator[tuple[int, list[Event]]]:
    """Every commit's events, by number."""
    for no, body in db.execute("SELECT no, body FROM journal WHERE org = ? ORDER BY no", (org,)):
        yield no, _decode_events(_decode_body(body).events)


def rewrite(db: sqlite3.Connection, org: int, no: int, whole: Whole) -> None:
    """Put another body in a commit's row, from which personal data is gone; nothing else ever changes one."""
    body = _encode(whole.leads, whole.rows, whole.events, whole.gone)
    db.execute("UPDATE journal SET body = ? WHERE org = ? AND no = ?", (body, org, no))


def last(db: sqlite3.Connection, org: int) -> tuple[int, int]:
    """Number and engine time of the last commit; zeros when there is none."""
    row = db.execute("SELECT no, at_ms FROM journal WHERE org = ? ORDER BY no DESC LIMIT 1", (org,)).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def _missing(no: int) -> StoreRefused:
    return StoreRefused(f"the store is damaged: commit {no} is missing from the journal")


def _step(no: int, at_ms: int, body: Body) -> Step:
    return Step(no, at_ms, _decode_leads(body.leads), dict(_rows(body.rows)), body.gone)


def _whole(body: Body) -> Whole:
    return Whole(_decode_leads(body.leads), dict(_rows(body.rows)), _decode_events(body.events), body.gone)


def _encode(leads: list[Lead], rows: Mapping[RowKey, Row | None], events: list[Event], gone: list[int]) -> bytes:
    return codec.encode((leads, [(table, key, row) for (table, key), row in rows.items()], events, gone))


def _rows(rows: Iterable[tuple[str, int | str, Raw]]) -> Iterator[tuple[RowKey, Row | None]]:
    for table, key, body in rows:
        yield (table, key), None if bytes(body) == _NIL else codec.decode_row(table, body)


def _body(db: sqlite3.Connection, org: int, no: int) -> Body | None:
    row = db.execute("SELECT body FROM journal WHERE org = ? AND no = ?", (org, no)).fetchone()
    return _decode_body(row[0]) if row else None
