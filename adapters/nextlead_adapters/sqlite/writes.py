"""Statements that write the tables: with a commit, and behind it."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import structs

from nextlead.core.model import Answer, FreshLead, LeadData, Reject
from nextlead.core.row import Row
from nextlead.ports import ANSWER_KEPT_MS
from nextlead.redaction import names_of

from ..journalled.codec import RowKey, decode_lead, encode
from ..journalled.direct import commits_of
from ..journalled.packed import Columns, columns_of
from ..journalled.slices import batches
from ..journalled.tables import Direct
from . import journal, keys
from .connection import transaction
from .statements import BY_ID, insert, marks

_LEAD: Final = ("INSERT INTO lead (org, pool, ordinal, id, owner, body) VALUES", "")
_NUMBER: Final = ("INSERT OR IGNORE INTO number (org, number, lead, pool) VALUES", "")
_CLONE: Final = ("INSERT INTO clone (org, master, lead) VALUES", "")
_TRAIL: Final = ("INSERT OR IGNORE INTO trail (org, lead, no) VALUES", "")
_MENTION: Final = ("INSERT INTO mention (org, number, no) VALUES", "")
_DOOMED: Final = ("INSERT OR IGNORE INTO doomed (org, tbl, id) VALUES", "")
_PART: Final = ("INSERT INTO file_part (org, file, no, body) VALUES", "")
_REJECT: Final = ("INSERT INTO reject (org, pool, kind, row, no, at, body) VALUES", "")
_REJECT_NUMBER: Final = (
    "INSERT OR IGNORE INTO reject_number (org, number, pool, kind, row, no, at) VALUES",
    "",
)
_DATA: Final = ("INSERT INTO lead_data (org, lead, body) VALUES", "ON CONFLICT DO UPDATE SET body = excluded.body")
_ROW: Final = ("INSERT INTO row (org, tbl, key, body) VALUES", "ON CONFLICT DO UPDATE SET body = excluded.body")
_ANSWER: Final = (
    "INSERT INTO answer (org, key, at_ms, body) VALUES",
    "ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms, body = excluded.body",
)
_STATE: Final = (
    """INSERT INTO state (org, id, status, closure, campaign, pool, owner, due_ms, closed_ms, erased, activity, rule,
    last_by, body) VALUES""",
    """ON CONFLICT DO UPDATE SET status = excluded.status, closure = excluded.closure, campaign = excluded.campaign,
    pool = excluded.pool, owner = excluded.owner, due_ms = excluded.due_ms, closed_ms = excluded.closed_ms,
    erased = excluded.erased, activity = excluded.activity, rule = excluded.rule, last_by = excluded.last_by,
    body = excluded.body""",
)


# -- with a commit --------------------------------------------------------------------------------------------------


def write_commit(db: sqlite3.Connection, org: int, row: tuple[int, int, int, bytes], direct: Direct) -> None:
    """One transaction: the journal's row (number, engine time, epoch, body), and what goes to the tables at once."""
    no = row[0]
    with transaction(db):
        journal.insert(db, org, row)
        for leads in batches(direct.fresh):
            _insert_fresh(db, org, leads)
        for part in batches(enumerate(direct.rejects)):
            _insert_rejects(db, org, no, part)
        for file_part in direct.parts:
            insert(db, _PART, [(org, file_part.file, file_part.no, file_part.body)])
        insert(db, _MENTION, [(org, number, no) for number in sorted(direct.mentions)])
        insert(db, _DOOMED, [(org, *entry) for entry in direct.doomed])
        insert(db, _TRAIL, [(org, *entry) for entry in direct.trails])
        for ids in batches(direct.gone):
            _delete_leads(db, org, ids)
        if direct.rules:
            keys.keep_up(db, org, direct.rules, direct.fresh, direct.edited, set(direct.gone))


def _insert_fresh(db: sqlite3.Connection, org: int, leads: Sequence[FreshLead]) -> None:
    """Data fields have a table of their own, so that loading does not read them."""
    bare = [(f, encode(structs.replace(f, data=b""))) for f in leads]
    insert(db, _LEAD, [(org, f.pool, f.ordinal, f.id, f.owner, body) for f, body in bare])
    insert(db, _NUMBER, sorted((org, number, f.id, f.pool) for f in leads for number in f.numbers))
    insert(db, _DATA, [(org, f.id, f.data) for f in leads])
    insert(db, _CLONE, [(org, f.master, f.id) for f in leads if f.master])


def _insert_rejects(db: sqlite3.Connection, org: int, no: int, part: Sequence[tuple[int, Reject]]) -> None:
    insert(db, _REJECT, [(org, r.pool, r.kind, r.row, no, at, encode(r)) for at, r in part])
    places = ((name, r.pool, r.kind, r.row, no, at) for at, r in part for name in names_of(r))
    insert(db, _REJECT_NUMBER, [(org, *place) for place in sorted(places)])


def _delete_leads(db: sqlite3.Connection, org: int, ids: Sequence[int]) -> None:
    """Their numbers stay, to tell which pools had them, and a trail to what the journal says of them."""
    these = (org, *ids)
    which = f"WHERE org = ? AND id IN {marks(len(ids))}"
    touched = [decode_lead(body) for (body,) in db.execute(f"SELECT body FROM state {which}", these)]
    insert(db, _TRAIL, [(org, row.id, no) for row in touched for no in commits_of(row)])
    db.execute(f"DELETE FROM lead {BY_ID} {which}", these)
    db.execute(f"DELETE FROM state {which}", these)
    db.execute(f"DELETE FROM lead_data WHERE org = ? AND lead IN {marks(len(ids))}", these)


# -- folding: every function may be run again with the same rows ----------------------------------------------------


def columns(_db: sqlite3.Connection, _org: int, leads: Sequence[bytes]) -> list[Columns]:
    """What `fold_leads` takes, of packed rows."""
    return list(map(columns_of, leads))


def fold_leads(db: sqlite3.Connection, org: int, leads: Sequence[Columns]) -> None:
    """Newest rows of some leads; the trigger takes those that were untouched out of `lead`."""
    insert(db, _STATE, [(org, *lead) for lead in leads])


def fold_rows(db: sqlite3.Connection, org: int, rows: Mapping[RowKey, Row | None]) -> None:
    """Newest rows of the other tables."""
    with transaction(db):
        insert(db, _DATA, [(org, row.lead, row.data) for row in rows.values() if isinstance(row, LeadData)])
        insert(
            db, _ANSWER, [(org, row.key, row.at_ms, encode(row)) for row in rows.values() if isinstance(row, Answer)]
        )
        plain = {key: row for key, row in rows.items() if not isinstance(row, LeadData | Answer)}
        insert(db, _ROW, [(org, *key, encode(row)) for key, row in plain.items() if row is not None])
        dead = [(org, *key) for key, row in plain.items() if row is None]
        db.executemany("DELETE FROM row WHERE org = ? AND tbl = ? AND key = ?", dead)


def set_folded(db: sqlite3.Connection, org: int, up_to: int, at_ms: int) -> None:
    """The tables have every commit up to this one. Answers that nobody may ask for any more go."""
    with transaction(db):
        db.execute("UPDATE owner SET folded_to = ? WHERE org = ?", (up_to, org))
        db.execute("DELETE FROM answer WHERE org = ? AND at_ms < ?", (org, at_ms - ANSWER_KEPT_MS))
