"""The journal: no commit is missing, histories hang together, and the tables have what it says.

Every commit is looked at for its number and its time; `deep` reads each of them, else the histories of some leads are
followed. What is personal and was erased since is erased in the journal and in the tables alike.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from nextlead.core.model import Erasure, Event, Job, Lead
from nextlead.core.row import Row
from nextlead.ports import StoreRefused

from ..journalled import bodies
from ..journalled.bodies import Whole
from ..journalled.codec import RowKey, decode_lead, encode
from .look import Look

_ELSEWHERE: Final = frozenset({"answer", "lead_data", "closures"})
"""Rows with tables of their own, or that are worked out afresh anyway."""


def check_commits(look: Look) -> Iterator[str]:
    """Numbers without a gap, and times that never fall."""
    before, before_ms = 0, 0
    commits = look.ask("SELECT no, at_ms FROM journal WHERE org = ? ORDER BY no")
    for no, at_ms in look.watched("commits", "journal", commits):
        assert isinstance(no, int)
        assert isinstance(at_ms, int)
        if no != before + 1:
            missing = f"{before + 1}" if no == before + 2 else f"{before + 1} to {no - 1}"
            yield f"commit {missing} is missing from the journal"
        if at_ms < before_ms:
            yield f"commit {no} is of an earlier time than the one before it"
        before, before_ms = no, at_ms
    if look.folded_to > before:
        yield f"the tables are at commit {look.folded_to}, the journal ends at {before}"


def check_histories(look: Look, leads: list[Lead]) -> Iterator[str]:
    """Follow the histories of these leads, each from its newest event to its first."""
    for at, lead in enumerate(leads):
        look.said("histories", at, len(leads))
        try:
            yield from _chain(look, lead)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield f"the history of lead {lead.id} can't be read: {error}"


def _chain(look: Look, lead: Lead) -> Iterator[str]:
    no, after = lead.last_commit, (lead.status, lead.closure)
    while no:
        found = look.ask("SELECT body FROM journal WHERE org = ? AND no = ?", no).fetchone()
        events = bodies.events_of(found[0], lead.id) if found else []
        if not events or events[0].previous >= no:
            yield f"the history of lead {lead.id} breaks at commit {no}"
            return
        for event in reversed(events):
            yield from _joint(event, no, after)
            after = (event.status_before, event.closure_before)
        no = events[0].previous


def _joint(event: Event, no: int, after: tuple[object, str | None]) -> Iterator[str]:
    if (event.status, event.closure) != after:
        yield (
            f"the history of lead {event.lead} does not hang together: commit {no} left it "
            f"{event.status.code} {event.closure or ''}".rstrip()
        )


class _Past(Struct):
    """The newest of each lead and row as the journal says: commit, status, closure; digests."""

    ends: dict[int, tuple[int, int, str | None]] = field(default_factory=dict)
    leads: dict[int, int] = field(default_factory=dict)
    rows: dict[RowKey, int | None] = field(default_factory=dict)


def check_journal(look: Look) -> Iterator[str]:
    """Every commit, read; O(history)."""
    past = _Past()
    look.scratch("wanted_mention", "(number INTEGER, no INTEGER)")
    commits = look.ask("SELECT no, body FROM journal WHERE org = ? ORDER BY no")
    for no, body in look.watched("the journal", "journal", commits):
        assert isinstance(no, int)
        assert isinstance(body, bytes)
        try:
            whole = bodies.whole(body)
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
            yield f"commit {no} can't be read: {error}"
            continue
        yield from _take(past, no, whole)
        mentions = [(number, no) for number in whole.mentions()]
        look.db.executemany("INSERT INTO temp.wanted_mention VALUES (?, ?)", mentions)
    yield from _leads_differ(look, past)
    yield from _rows_differ(look, past)
    missing = "SELECT number, no FROM temp.wanted_mention EXCEPT SELECT number, no FROM mention WHERE org = ?"
    yield from (f"commit {no} is not found by the number {number}" for number, no in look.ask(missing))


def _take(past: _Past, no: int, whole: Whole) -> Iterator[str]:
    for event in whole.events:
        last = past.ends.get(event.lead)
        began = 0 if last is None else last[0]
        if began not in {event.previous, no}:
            yield f"the history of lead {event.lead} breaks at commit {no}: before it was {began}, not {event.previous}"
        elif last is not None and (event.status_before, event.closure_before) != last[1:]:
            yield f"the history of lead {event.lead} does not hang together at commit {no}"
        past.ends[event.lead] = (no, event.status, event.closure)
    for lead in whole.leads:
        past.leads[lead.id] = _digest(lead)
    for key, row in whole.rows.items():
        if key[0] not in _ELSEWHERE:
            past.rows[key] = None if row is None else hash(encode(_plain(row)))
    for gone in whole.gone:
        past.ends.pop(gone, None)
        past.leads.pop(gone, None)


def _digest(lead: Lead) -> int:
    """Of all but what later versions of the tables filled in."""
    return hash(encode(replace(lead, calls=(), rule="", ordinal=0, closed_ms=0, silent=())))


def _plain(row: Row) -> Row:
    """As it is once what it asks for is done: then it loses its numbers."""
    match row:
        case Erasure():
            return replace(row, numbers=(), forget=())
        case Job():
            return replace(row, number=0)
        case _:
            return row


def _leads_differ(look: Look, past: _Past) -> Iterator[str]:
    for (body,) in look.watched("leads and journal", "state", look.ask("SELECT body FROM state WHERE org = ?")):
        assert isinstance(body, bytes)
        try:
            stored = decode_lead(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # told by `leads`
        lead = look.waiting.leads.get(stored.id, stored)
        end = past.ends.pop(lead.id, None)
        if end != ((lead.last_commit, lead.status, lead.closure) if lead.last_commit else None):
            yield f"lead {lead.id} is {lead.status.code}, which its history does not say"
        if past.leads.pop(lead.id, None) != _digest(lead):
            yield f"lead {lead.id} is not as the journal left it"
    waiting = look.waiting.leads.keys()
    yield from (f"lead {id_} is in the journal, but not in the tables" for id_ in sorted(past.leads.keys() - waiting))


def _rows_differ(look: Look, past: _Past) -> Iterator[str]:
    for key, digest in past.rows.items():
        row = look.waiting.rows[key] if key in look.waiting.rows else look.stored.get(key)
        if (None if row is None else hash(encode(_plain(row)))) != digest:
            yield f"row {key[0]} {key[1]} is not as the journal left it"


def refusal(error: StoreRefused) -> str:
    """Without what every refusal says first."""
    return str(error).removeprefix("the store is damaged: ")
