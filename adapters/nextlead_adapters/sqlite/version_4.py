"""Version 4 of the file: `state` tells by what else leads are listed, and closed leads are counted by more (SPEC 13).

In version 3 an event did not say what the lead was closed as before it, nor a row which upload rule the lead broke that
came in closed; and anonymised leads were counted as if they were not. All that is filled in: in the history, in the
rows of closed leads, and in the counts of their pools.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from nextlead.core.conditions import ANONYMIZED, NOT_ACCEPTED, closure_key, condition_of
from nextlead.core.model import Closures, Event, Lead, Status
from nextlead.core.row import Row

from ..journalled.bodies import Step
from ..journalled.codec import RowKey, decode_lead, decode_row, encode
from . import journal
from .version_2 import run

_TABLE: Final = "closures"
_COLUMNS: Final = """
ALTER TABLE state ADD COLUMN activity INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN rule TEXT NOT NULL DEFAULT '';
ALTER TABLE state ADD COLUMN last_by INTEGER NOT NULL DEFAULT 0;
"""


class _Waiting(Struct):
    """What the tables lack: the newest rows that wait to be folded, each with its commit."""

    leads: dict[int, tuple[int, Lead]] = field(default_factory=dict)
    closures: dict[int, tuple[int, Row | None]] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        """The next commit."""
        self.leads.update({row.id: (step.no, row) for row in step.leads})
        self.closures.update({int(key): (step.no, row) for (table, key), row in step.rows.items() if table == _TABLE})
        for lead in step.gone:
            self.leads.pop(lead, None)


def migrate(db: sqlite3.Connection) -> None:
    """From version 3 to 4; O(events)."""
    run(db, _COLUMNS)
    for org, folded_to in db.execute("SELECT org, folded_to FROM owner").fetchall():
        _fill_history(db, org)
        waiting = _Waiting()
        for step in journal.steps_after(db, org, folded_to):
            waiting.take(step)
        folded = {row.id: row for row in _filled(db, org, _closed_so(db, org)) if row.id not in waiting.leads}
        _write_folded(db, org, folded.values())
        closed = [row for _, row in waiting.leads.values() if row.status is Status.CLOSED]
        unfolded = {row.id: row for row in _filled(db, org, closed)}
        counts = _recounted(db, org, waiting, (*folded.values(), *unfolded.values()))
        _write_unfolded(db, org, waiting, unfolded, counts)


def _fill_history(db: sqlite3.Connection, org: int) -> None:
    """The oldest first: what an event is to say may be what the one before it was told."""
    commits = [no for no, events in journal.read_events(db, org) if any(map(_tells_of_closed, events))]
    for no in commits:
        whole = journal.read(db, org, no)
        newest: dict[int, dict[int, Event]] = {no: {}, 0: {}}
        events = []
        for event in whole.events:
            filled = event
            if _tells_of_closed(event):
                filled = _with_past(event, newest[no].get(event.lead) or _before(db, org, event, newest))
            newest[no][event.lead] = filled
            events.append(filled)
        whole.events = events
        journal.rewrite(db, org, no, whole)


def _tells_of_closed(event: Event) -> bool:
    return event.status_before is Status.CLOSED or event.closure == NOT_ACCEPTED


def _before(db: sqlite3.Connection, org: int, event: Event, newest: dict[int, dict[int, Event]]) -> Event | None:
    """The lead's last event in the commit that its chain goes on with; `newest` are those that were looked at."""
    no = event.previous
    if no not in newest:
        newest[no] = {found.lead: found for found in journal.read(db, org, no).events}
    return newest[no].get(event.lead)


def _with_past(event: Event, before: Event | None) -> Event:
    if before is None:
        return replace(event, rule=event.cause if event.kind == "loaded" else "")
    rule = before.rule if NOT_ACCEPTED in (event.closure, before.closure) else ""
    return replace(event, closure_before=before.closure, rule=rule)


def _closed_so(db: sqlite3.Connection, org: int) -> Iterator[Lead]:
    found = db.execute(
        "SELECT body FROM state WHERE org = ? AND status = 8 AND closure IN (?, ?)", (org, NOT_ACCEPTED, ANONYMIZED)
    )
    return (decode_lead(body) for (body,) in found.fetchall())


def _filled(db: sqlite3.Connection, org: int, rows: Iterable[Lead]) -> Iterator[Lead]:
    """Those of which there is more to say, with their rules."""
    for row in rows:
        if NOT_ACCEPTED in (row.closure, row.former):
            story = journal.history(db, org, row.id, row.last_commit)
            yield replace(row, rule=story[0].rule if story else "")
        elif row.former is not None:
            yield row


def _write_folded(db: sqlite3.Connection, org: int, rows: Iterable[Lead]) -> None:
    db.executemany(
        "UPDATE state SET rule = ?, body = ? WHERE org = ? AND id = ?",
        [(condition_of(row).shown.rule, encode(row), org, row.id) for row in rows],
    )


def _recounted(db: sqlite3.Connection, org: int, waiting: _Waiting, rows: Iterable[Lead]) -> dict[int, Closures]:
    """The counts of the pools in which these leads were counted by their closure alone."""
    found: dict[int, Closures] = {}
    for row in rows:
        before, after = row.former or row.closure or "", closure_key(condition_of(row))
        old = found.get(row.pool) or _counts(db, org, waiting, row.pool)
        if old is not None and before in old.counts:
            counts = {**old.counts, before: old.counts[before] - 1}
            counts[after] = counts.get(after, 0) + 1
            found[row.pool] = replace(old, counts={key: count for key, count in counts.items() if count})
    return found


def _counts(db: sqlite3.Connection, org: int, waiting: _Waiting, pool: int) -> Closures | None:
    if pool in waiting.closures:
        row = waiting.closures[pool][1]
    else:
        found = db.execute("SELECT body FROM row WHERE org = ? AND tbl = ? AND key = ?", (org, _TABLE, pool)).fetchone()
        row = decode_row(_TABLE, found[0]) if found else None
    return row if isinstance(row, Closures) else None


def _write_unfolded(
    db: sqlite3.Connection, org: int, waiting: _Waiting, leads: dict[int, Lead], counts: dict[int, Closures]
) -> None:
    """Rows that wait are changed in the journal, from where they are folded later; counts may not wait."""
    commits: dict[int, dict[int, Lead]] = {}
    rows: dict[int, dict[RowKey, Row | None]] = {}
    for id_, row in leads.items():
        commits.setdefault(waiting.leads[id_][0], {})[id_] = row
    for pool, closures in counts.items():
        if pool in waiting.closures:
            rows.setdefault(waiting.closures[pool][0], {})[_TABLE, pool] = closures
        else:
            place = (encode(closures), org, _TABLE, pool)
            db.execute("UPDATE row SET body = ? WHERE org = ? AND tbl = ? AND key = ?", place)
    for no in sorted(commits.keys() | rows.keys()):
        whole = journal.read(db, org, no)
        newer = commits.get(no, {})
        whole.leads = [newer.get(row.id, row) for row in whole.leads]
        whole.rows.update(rows.get(no, {}))
        journal.rewrite(db, org, no, whole)
