"""Statements that write the tables.

Many rows go into one statement: `executemany` would take the interpreter's lock for every row, and the event loop would
wait in line with it.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final, TypeVar

from msgspec import structs

from nextlead.core.model import Answer, FreshLead, Lead, LeadData, Reject, Row
from nextlead.ports import ANSWER_KEPT_MS

from . import journal
from .codec import RowKey, decode_fresh, decode_lead, encode
from .connection import transaction

T = TypeVar("T")

SLICE: Final = 256
"""Rows per statement: about a millisecond."""

_LEAD: Final = ("INSERT INTO lead (org, pool, ordinal, id, owner, body) VALUES", "")
_NUMBER: Final = ("INSERT OR IGNORE INTO number (org, number, lead) VALUES", "")
_REJECT: Final = ("INSERT INTO reject (org, pool, kind, row, no, at, body) VALUES", "")
_DATA: Final = ("INSERT INTO lead_data (org, lead, body) VALUES", "ON CONFLICT DO UPDATE SET body = excluded.body")
_ROW: Final = ("INSERT INTO row (org, tbl, key, body) VALUES", "ON CONFLICT DO UPDATE SET body = excluded.body")
_ANSWER: Final = (
    "INSERT INTO answer (org, key, at_ms, body) VALUES",
    "ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms, body = excluded.body",
)
_STATE: Final = (
    "INSERT INTO state (org, id, status, closure, campaign, pool, owner, due_ms, body) VALUES",
    """ON CONFLICT DO UPDATE SET status = excluded.status, closure = excluded.closure, campaign = excluded.campaign,
    pool = excluded.pool, owner = excluded.owner, due_ms = excluded.due_ms, body = excluded.body""",
)


def batches(items: Iterable[T], size: int = SLICE) -> Iterator[list[T]]:
    """The items in lists of `size`."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part


BY_ID: Final = "INDEXED BY lead_id"
"""Without it SQLite reads the whole table once a dozen ids are asked for: it has no statistics, and guesses."""


def marks(count: int) -> str:
    """`(?,?,?)`."""
    return f"({','.join('?' * count)})"


# -- with a commit --------------------------------------------------------------------------------------------------


def write_commit(
    db: sqlite3.Connection,
    step: tuple[int, int, int, int, bytes],
    fresh: Sequence[FreshLead],
    rejects: Sequence[Reject],
    gone: Sequence[int],
) -> None:
    """One transaction: the journal's row (org, no, at_ms, epoch, body), and what goes to the tables at once.

    Ids of fresh leads are new, so nothing that waits to be folded can be about an older row of theirs.
    """
    org, no = step[:2]
    with transaction(db):
        db.execute(journal.INSERT, step)
        for leads in batches(fresh):
            _insert_fresh(db, org, leads)
        for part in batches(enumerate(rejects)):
            _insert(db, _REJECT, [(org, r.pool, r.kind, r.row, no, at, encode(r)) for at, r in part])
        for ids in batches(gone):
            _delete_leads(db, org, ids)


def _insert_fresh(db: sqlite3.Connection, org: int, leads: Sequence[FreshLead]) -> None:
    """Data fields have a table of their own, so that loading does not read them."""
    bare = [(f, encode(structs.replace(f, data=b""))) for f in leads]
    _insert(db, _LEAD, [(org, f.pool, f.ordinal, f.id, f.owner, body) for f, body in bare])
    _insert(db, _NUMBER, sorted((org, number, f.id) for f in leads for number in f.numbers))
    _insert(db, _DATA, [(org, f.id, f.data) for f in leads])


def _delete_leads(db: sqlite3.Connection, org: int, ids: Sequence[int]) -> None:
    """The numbers table has no way from a lead to its numbers, but the lead knows them."""
    these = (org, *ids)
    which = f"WHERE org = ? AND id IN {marks(len(ids))}"
    leads: list[FreshLead | Lead] = [
        decode_fresh(body) for (body,) in db.execute(f"SELECT body FROM lead {BY_ID} {which}", these)
    ]
    leads += [decode_lead(body) for (body,) in db.execute(f"SELECT body FROM state {which}", these)]
    db.executemany(
        "DELETE FROM number WHERE org = ? AND number = ? AND lead = ?",
        [(org, number, lead.id) for lead in leads for number in lead.numbers],
    )
    db.execute(f"DELETE FROM lead {BY_ID} {which}", these)
    db.execute(f"DELETE FROM state {which}", these)
    db.execute(f"DELETE FROM lead_data WHERE org = ? AND lead IN {marks(len(ids))}", these)


# -- folding: every function may be run again with the same rows ----------------------------------------------------


def fold_leads(db: sqlite3.Connection, org: int, leads: Sequence[Lead]) -> None:
    """Newest rows of some leads; the trigger takes those that were untouched out of `lead`."""
    rows = [(org, x.id, int(x.status), x.closure, x.campaign, x.pool, x.owner, x.due_ms, encode(x)) for x in leads]
    _insert(db, _STATE, rows)


def fold_rows(db: sqlite3.Connection, org: int, rows: Mapping[RowKey, Row | None]) -> None:
    """Newest rows of the other tables."""
    with transaction(db):
        _insert(db, _DATA, [(org, row.lead, row.data) for row in rows.values() if isinstance(row, LeadData)])
        _insert(
            db, _ANSWER, [(org, row.key, row.at_ms, encode(row)) for row in rows.values() if isinstance(row, Answer)]
        )
        plain = {key: row for key, row in rows.items() if not isinstance(row, LeadData | Answer)}
        _insert(db, _ROW, [(org, *key, encode(row)) for key, row in plain.items() if row is not None])
        dead = [(org, *key) for key, row in plain.items() if row is None]
        db.executemany("DELETE FROM row WHERE org = ? AND tbl = ? AND key = ?", dead)


def set_folded(db: sqlite3.Connection, org: int, up_to: int, at_ms: int) -> None:
    """The tables have every commit up to this one. Answers that nobody may ask for any more go."""
    with transaction(db):
        db.execute("UPDATE owner SET folded_to = ? WHERE org = ?", (up_to, org))
        db.execute("DELETE FROM answer WHERE org = ? AND at_ms < ?", (org, at_ms - ANSWER_KEPT_MS))


def _insert(db: sqlite3.Connection, around: tuple[str, str], rows: Sequence[tuple[object, ...]]) -> None:
    """All rows in one statement; a lead may bring more numbers than `SLICE`, so even these are counted."""
    for part in batches(rows):
        values = ",".join([marks(len(part[0]))] * len(part))
        db.execute(f"{around[0]} {values} {around[1]}", list(chain.from_iterable(part)))
