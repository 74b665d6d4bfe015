"""Version 2 of the file: what expiry, kept originals, duplicates by fields, retention and erasing need.

1. `state` tells when a lead closed and whether it was erased; `number` tells the pool, and outlives its lead.
2. `trail` and `mention` lead to journal rows that nothing else leads to: those of a lead that its chain does not reach
   (a deleted lead has no row to begin at; version 1 did not chain rows without an event), and those that name a number
   in a row that is not a lead's.
3. `doomed` are pools and files that are gone, but not yet what belonged to them: the tending takes it away in slices.

All that can be had from an older file is filled in here: from the journal, and from closed leads. Version 1 made no
clones, and did not say which numbers a rejected row has.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from nextlead.core.model import Lead, Status

from ..journalled.codec import decode_lead, encode
from . import journal

_TABLES: Final = """
ALTER TABLE state ADD COLUMN closed_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
ALTER TABLE number ADD COLUMN pool INTEGER NOT NULL DEFAULT 0;
CREATE TABLE clone (
    org INTEGER NOT NULL, master INTEGER NOT NULL, lead INTEGER NOT NULL,
    PRIMARY KEY (org, master, lead)
) WITHOUT ROWID;
CREATE TABLE trail (
    org INTEGER NOT NULL, lead INTEGER NOT NULL, no INTEGER NOT NULL,
    PRIMARY KEY (org, lead, no)
) WITHOUT ROWID;
CREATE TABLE mention (
    org INTEGER NOT NULL, number INTEGER NOT NULL, no INTEGER NOT NULL,
    PRIMARY KEY (org, number, no)
) WITHOUT ROWID;
CREATE TABLE reject_number (
    org INTEGER NOT NULL, number INTEGER NOT NULL, pool INTEGER NOT NULL, kind TEXT NOT NULL, row INTEGER NOT NULL,
    no INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (org, number, pool, kind, row, no, at)
) WITHOUT ROWID;
CREATE TABLE file_part (
    org INTEGER NOT NULL, file INTEGER NOT NULL, no INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (org, file, no)
);
CREATE TABLE doomed (
    org INTEGER NOT NULL, tbl TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (org, tbl, id)
) WITHOUT ROWID;
CREATE TABLE match_rule (
    org INTEGER NOT NULL, rule TEXT NOT NULL, no INTEGER NOT NULL, filled_to INTEGER NOT NULL, ready INTEGER NOT NULL,
    PRIMARY KEY (org, rule)
) WITHOUT ROWID;
CREATE TABLE match_key (
    org INTEGER NOT NULL, rule INTEGER NOT NULL, key BLOB NOT NULL, lead INTEGER NOT NULL,
    PRIMARY KEY (org, rule, key, lead)
) WITHOUT ROWID;
CREATE INDEX match_key_lead ON match_key (org, lead);
"""
_INDEXES: Final = """
CREATE INDEX state_closed ON state (org, campaign, closure, closed_ms, id) WHERE status = 8 AND erased = 0;
"""


def run(db: sqlite3.Connection, script: str) -> None:
    """Statements one by one, because `executescript` would end the transaction."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""


def migrate(db: sqlite3.Connection) -> None:
    """From version 1 to 2; O(journal and leads)."""
    run(db, _TABLES)
    for (org,) in db.execute("SELECT org FROM owner").fetchall():
        _fill_pools(db, org)
        _fill_closed(db, org)
        _fill_from_journal(db, org)
    run(db, _INDEXES)


def _fill_pools(db: sqlite3.Connection, org: int) -> None:
    db.execute(
        "UPDATE number SET pool = coalesce("
        "(SELECT l.pool FROM lead AS l INDEXED BY lead_id WHERE l.org = number.org AND l.id = number.lead), "
        "(SELECT s.pool FROM state AS s WHERE s.org = number.org AND s.id = number.lead), 0) WHERE org = ?",
        (org,),
    )


def _fill_closed(db: sqlite3.Connection, org: int) -> None:
    """Version 1 did not write down when a lead closed; it was at its newest event, or before."""
    at_ms = dict(db.execute("SELECT no, at_ms FROM journal WHERE org = ?", (org,)))
    closed = db.execute("SELECT body FROM state WHERE org = ? AND status = ?", (org, int(Status.CLOSED)))
    rows = (decode_lead(body) for (body,) in closed.fetchall())
    stamped = (replace(row, closed_ms=at_ms.get(row.last_commit, 0)) for row in rows if not row.closed_ms)
    db.executemany(
        "UPDATE state SET closed_ms = ?, body = ? WHERE org = ? AND id = ?",
        ((row.closed_ms, encode(row), org, row.id) for row in stamped),
    )


def _fill_from_journal(db: sqlite3.Connection, org: int) -> None:
    gone = {lead for _, whole in journal.read_all(db, org) for lead in whole.gone}
    for no, whole in journal.read_all(db, org):
        told = {event.lead for event in whole.events}
        trails = [(org, row.id, no) for row in whole.leads if row.id in gone or row.id not in told]
        db.executemany("INSERT OR IGNORE INTO trail VALUES (?, ?, ?)", trails)
        db.executemany(
            "INSERT OR IGNORE INTO number (org, number, lead, pool) VALUES (?, ?, ?, ?)",
            _numbers(org, (row for row in whole.leads if row.id in gone)),
        )
        db.executemany(
            "INSERT OR IGNORE INTO mention VALUES (?, ?, ?)", [(org, number, no) for number in whole.mentions()]
        )


def _numbers(org: int, rows: Iterable[Lead]) -> Iterator[tuple[int, int, int, int]]:
    for row in rows:
        yield from ((org, number, row.id, row.pool) for number in (*row.numbers, *row.dropped))
