"""Version 3 of the file: leads know their last calls, and there are rows of zones and of who was called (SPEC 11, 12).

No table changes. The number keeps older programs away: they would lose a lead's calls with the next row of it that they
write. What agents did lately is taken from the history, so that contact limits count it from the first offer on.
"""

import sqlite3
from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from nextlead.core.model import CAUSES, Call, Contacted, Event, Lead, Status
from nextlead.core.row import DAY_MS

from ..journalled.codec import decode_lead, encode
from . import journal

_BACK_MS: Final = 30 * DAY_MS
_ATTEMPTS: Final = frozenset(
    {"resolved", "redial", "unreached", "unresolved", "lease_timeout", "logged_off", "agent_disabled", "ended"}
)
"""Events that ended a lease with an attempt (SPEC R6.1)."""
_TALKS: Final = frozenset({"resolved", "redial"})


class _Past(Struct):
    """What the commits of the last days say: calls by lead, and the commit that has a row the tables lack."""

    calls: dict[int, list[Call]] = field(default_factory=dict)
    unfolded: dict[int, int] = field(default_factory=dict)
    _started: dict[int, int] = field(default_factory=dict)
    _ended: dict[int, int] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """The next event."""
        lead = event.lead
        if event.kind == "leased":
            self._started[lead] = event.at_ms
        elif event.kind in _ATTEMPTS:
            self._ended[lead] = event.effective_ms
            start_ms = self._started.pop(lead, 0)
            if start_ms and event.number:
                talked_ms = event.effective_ms if event.kind in _TALKS else 0
                self.calls.setdefault(lead, []).append(Call(start_ms, event.number, talked_ms))
        elif event.kind == "resolve" and event.cause not in CAUSES and lead in self.calls:
            self.calls[lead][-1] = replace(self.calls[lead][-1], talked_ms=self._ended[lead])


def migrate(db: sqlite3.Connection) -> None:
    """From version 2 to 3; O(commits of the last 30 days)."""
    for org, folded_to in db.execute("SELECT org, folded_to FROM owner").fetchall():
        past = _read(db, org, folded_to)
        _fill_folded(db, org, past)
        _fill_unfolded(db, org, past)


def _read(db: sqlite3.Connection, org: int, folded_to: int) -> _Past:
    past = _Past()
    since_ms = journal.last(db, org)[1] - _BACK_MS
    (first,) = db.execute("SELECT min(no) FROM journal WHERE org = ? AND at_ms >= ?", (org, since_ms)).fetchone()
    for no, whole in journal.read_all(db, org, min(first or 1, folded_to + 1) - 1):
        for event in whole.events:
            past.take(event)
        if no > folded_to:
            past.unfolded.update((row.id, no) for row in whole.leads)
        for lead in whole.gone:
            past.calls.pop(lead, None)
    return past


def _fill_folded(db: sqlite3.Connection, org: int, past: _Past) -> None:
    for lead in past.calls.keys() - past.unfolded.keys():
        found = db.execute("SELECT body FROM state WHERE org = ? AND id = ?", (org, lead)).fetchone()
        if found is not None:
            row = _with_calls(db, org, decode_lead(found[0]), past.calls[lead])
            db.execute("UPDATE state SET body = ? WHERE org = ? AND id = ?", (encode(row), org, lead))


def _fill_unfolded(db: sqlite3.Connection, org: int, past: _Past) -> None:
    """Rows that are still to be folded: each has its calls in the journal, from where it is read."""
    commits: dict[int, set[int]] = {}
    for lead in past.calls.keys() & past.unfolded.keys():
        commits.setdefault(past.unfolded[lead], set()).add(lead)
    for no, leads in commits.items():
        whole = journal.read(db, org, no)
        whole.leads = [_with_calls(db, org, row, past.calls[row.id]) if row.id in leads else row for row in whole.leads]
        journal.rewrite(db, org, no, whole)


def _with_calls(db: sqlite3.Connection, org: int, row: Lead, calls: Iterable[Call]) -> Lead:
    """The row with its calls. Those to numbers that it has no more are kept beside it, too."""
    if row.erased:
        return row
    row = replace(row, calls=tuple(calls))
    left = tuple(call for call in row.calls if row.status is Status.CLOSED or call.number not in row.numbers)
    if left:
        kept = encode(Contacted(row.id, row.campaign, left))
        db.execute("INSERT INTO row (org, tbl, key, body) VALUES (?, 'contacted', ?, ?)", (org, row.id, kept))
    return row
