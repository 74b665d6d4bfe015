"""Version 4 of the file: `state` tells by what else leads are listed, and closed leads are counted by more (SPEC 13).

Version 3 said in the history alone which upload rule a lead broke that came in closed, and counted anonymised leads as
if they were not. Both are filled in: in the rows of closed leads, and in the counts of their pools.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from nextlead.core.conditions import ANONYMIZED, NOT_ACCEPTED, closure_key, condition_of
from nextlead.core.model import Closures, Lead, Status
from nextlead.core.row import Row

from . import journal
from .codec import RowKey, decode_lead, decode_row, encode
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

    def take(self, step: journal.Step) -> None:
        """The next commit."""
        self.leads.update({row.id: (step.no, row) for row in step.leads})
        self.closures.update({int(key): (step.no, row) for (table, key), row in step.rows.items() if table == _TABLE})
        for lead in step.gone:
            self.leads.pop(lead, None)


def migrate(db: sqlite3.Connection) -> None:
    """From version 3 to 4; O(leads that were not accepted, or were anonymised)."""
    run(db, _COLUMNS)
    for org, folded_to in db.execute("SELECT org, folded_to FROM owner").fetchall():
        waiting = _Waiting()
        for step in journal.steps_after(db, org, folded_to):
            waiting.take(step)
        folded = {row.id: row for row in _filled(db, org, _closed_so(db, org)) if row.id not in waiting.leads}
        _write_folded(db, org, folded.values())
        closed = [row for _, row in waiting.leads.values() if row.status is Status.CLOSED]
        unfolded = {row.id: row for row in _filled(db, org, closed)}
        counts = _recounted(db, org, waiting, (*folded.values(), *unfolded.values()))
        _write_unfolded(db, org, waiting, unfolded, counts)


def _closed_so(db: sqlite3.Connection, org: int) -> Iterator[Lead]:
    found = db.execute(
        "SELECT body FROM state WHERE org = ? AND status = 8 AND closure IN (?, ?)", (org, NOT_ACCEPTED, ANONYMIZED)
    )
    return (decode_lead(body) for (body,) in found.fetchall())


def _filled(db: sqlite3.Connection, org: int, rows: Iterable[Lead]) -> Iterator[Lead]:
    """Those of which there is more to say, with their rules."""
    for row in rows:
        if NOT_ACCEPTED in (row.closure, row.former):
            first = next(iter(journal.history(db, org, row.id, row.last_commit)), None)
            yield replace(row, rule=first.cause) if first and first.kind == "loaded" else row
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
