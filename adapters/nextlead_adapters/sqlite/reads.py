"""Statements that read the tables. What waits in the overlay is not seen here: `store` lays it over the answers."""

import sqlite3
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Final

from nextlead.core.fresh import fresh_to_lead
from nextlead.core.model import Answer, FreshLead, Lead, Pool, Reject
from nextlead.core.row import Row

from ..journalled.codec import RowKey, decode_fresh, decode_lead, decode_reject, decode_row
from ..journalled.slices import batches
from ..journalled.tables import Pools
from .connection import snapshot
from .statements import BY_ID, OPEN, marks

LOAD_SLICE: Final = 2_500
_STANDS: Final = "NOT EXISTS (SELECT 1 FROM doomed AS d WHERE d.org = {0}.org AND d.tbl = '{1}' AND d.id = {0}.{1})"
"""Of a row in a table (first): its pool or file (second) is not doomed. A bare `org` would be that of `doomed`."""
_PLACE_BITS: Final = 64


# -- loading --------------------------------------------------------------------------------------------------------


def load_rows(db: sqlite3.Connection, org: int, after: tuple[str, int | str]) -> list[tuple[RowKey, Row]]:
    """A slice of the set-up rows behind a key."""
    found = db.execute(
        "SELECT tbl, key, body FROM row WHERE org = ? AND (tbl, key) > (?, ?) ORDER BY tbl, key LIMIT ?",
        (org, *after, LOAD_SLICE),
    )
    return [((table, key), decode_row(table, body)) for table, key, body in found]


def load_open(db: sqlite3.Connection, org: int, after: int) -> list[Lead]:
    """A slice of the touched leads that are not closed, by id."""
    found = db.execute(
        f"SELECT body FROM state INDEXED BY state_open WHERE org = ? AND id > ? AND {OPEN} ORDER BY id LIMIT ?",
        (org, after, LOAD_SLICE),
    )
    return [decode_lead(body) for (body,) in found]


def load_fresh(db: sqlite3.Connection, org: int, after: tuple[int, int, int]) -> list[FreshLead]:
    """A slice of the untouched leads by pool, ordinal and id."""
    found = db.execute(
        "SELECT body FROM lead WHERE org = ? AND (pool, ordinal, id) > (?, ?, ?) ORDER BY pool, ordinal, id LIMIT ?",
        (org, *after, LOAD_SLICE),
    )
    return [decode_fresh(body) for (body,) in found.fetchall()]


def pools(db: sqlite3.Connection, org: int) -> dict[int, Pool]:
    """All pools by id."""
    found = db.execute("SELECT body FROM row WHERE org = ? AND tbl = 'pool'", (org,))
    rows = (decode_row("pool", body) for (body,) in found)
    return {row.id: row for row in rows if isinstance(row, Pool)}


# -- by key ---------------------------------------------------------------------------------------------------------


def leads_of(db: sqlite3.Connection, org: int, ids: Collection[int], pools: Pools) -> dict[int, Lead]:
    """Leads by id, touched or not."""
    found: dict[int, Lead] = {}
    for part in batches(ids):
        which = f"WHERE org = ? AND id IN {marks(len(part))}"
        for (body,) in db.execute(f"SELECT body FROM lead {BY_ID} {which}", (org, *part)):
            fresh = decode_fresh(body)
            if pool := pools.get(fresh.pool):  # else it comes or goes with a commit that is under way
                found[fresh.id] = fresh_to_lead(fresh, pool)
        for (body,) in db.execute(f"SELECT body FROM state {which}", (org, *part)):
            row = decode_lead(body)
            found[row.id] = row
    return found


def existing(db: sqlite3.Connection, org: int, ids: Collection[int]) -> set[int]:
    """Those among them that are leads, touched or not."""
    found: set[int] = set()
    for part in batches(ids):
        for source in (f"lead {BY_ID}", "state"):
            which = f"WHERE org = ? AND id IN {marks(len(part))}"
            found.update(id_ for (id_,) in db.execute(f"SELECT id FROM {source} {which}", (org, *part)))
    return found


def lead_from(db: sqlite3.Connection, org: int, at_ms: int) -> tuple[int | None, int]:
    """The least id of a lead that came then or later, if there is one; and the greatest of all, 0 if there is none.

    O(log ids) reads: ids rise with the time of entry. Deleted leads leave gaps, so each step looks for the next one.
    """
    with snapshot(db):
        first, last = 1, last_lead(db, org)
        end = last
        while first <= end:
            middle = (first + end) // 2
            lead, created_ms = _next_lead(db, org, middle)
            if created_ms < at_ms:
                first = lead + 1
            else:
                end = middle - 1
        return (_next_lead(db, org, first)[0] if first <= last else None), last


def last_lead(db: sqlite3.Connection, org: int) -> int:
    """The greatest id of all leads, touched or not; 0 if there is none."""
    sources = (f"lead {BY_ID}", "state")
    return max(
        db.execute(f"SELECT max(id) FROM {source} WHERE org = ?", (org,)).fetchone()[0] or 0 for source in sources
    )


def _next_lead(db: sqlite3.Connection, org: int, at_least: int) -> tuple[int, int]:
    """Id and time of entry of the first lead from an id on; there is one."""
    which = "WHERE org = ? AND id >= ? ORDER BY id LIMIT 1"
    fresh = db.execute(f"SELECT body FROM lead {BY_ID} {which}", (org, at_least)).fetchone()
    touched = db.execute(f"SELECT body FROM state {which}", (org, at_least)).fetchone()
    rows: list[FreshLead | Lead] = [decode_fresh(fresh[0])] if fresh else []
    rows += [decode_lead(touched[0])] if touched else []
    return min((row.id, row.created_ms) for row in rows)


def data_of(db: sqlite3.Connection, org: int, ids: Collection[int]) -> dict[int, bytes]:
    """Data fields by lead."""
    found: dict[int, bytes] = {}
    for part in batches(ids):
        which = f"WHERE org = ? AND lead IN {marks(len(part))}"
        found.update(db.execute(f"SELECT lead, body FROM lead_data {which}", (org, *part)))
    return found


def users_of(db: sqlite3.Connection, org: int, numbers: Iterable[int]) -> list[tuple[int, int]]:
    """(number, lead) of all leads that have one of the numbers."""
    found: list[tuple[int, int]] = []
    for part in batches(numbers):
        which = f"WHERE org = ? AND number IN {marks(len(part))}"
        found += db.execute(f"SELECT number, lead FROM number {which}", (org, *part))
    return sorted(found)


def rejects(db: sqlite3.Connection, org: int, pool: int, kind: str) -> list[Reject]:
    """Rejected rows of a pool, in row order; equal rows in the order they came."""
    found = db.execute(
        f"SELECT body FROM reject WHERE org = ? AND pool = ? AND kind = ? AND {_STANDS.format('reject', 'pool')} "
        "ORDER BY row, no, at",
        (org, pool, kind),
    )
    return [decode_reject(body) for (body,) in found]


def answer(db: sqlite3.Connection, org: int, key: str) -> Answer | None:
    """A kept answer, however old."""
    found = db.execute("SELECT body FROM answer WHERE org = ? AND key = ?", (org, key)).fetchone()
    row = decode_row("answer", found[0]) if found else None
    return row if isinstance(row, Answer) else None


def rejects_after(
    db: sqlite3.Connection, org: int, pool: int, kind: str, after: int, limit: int
) -> tuple[list[Reject], int | None]:
    """A page of them. The cursor is the place of the last one in that order."""
    found = db.execute(
        "SELECT row, no, at, body FROM reject WHERE org = ? AND pool = ? AND kind = ? AND (row, no, at) > (?, ?, ?) "
        f"AND {_STANDS.format('reject', 'pool')} ORDER BY row, no, at LIMIT ?",
        (org, pool, kind, *_place(after), limit + 1),
    ).fetchall()
    page = found[:limit]
    return [decode_reject(entry[3]) for entry in page], _cursor(*page[-1][:3]) if len(found) > limit else None


def _cursor(row: int, no: int, at: int) -> int:
    return (row << 2 * _PLACE_BITS) + (no << _PLACE_BITS) + at


def _place(cursor: int) -> tuple[int, int, int]:
    mask = (1 << _PLACE_BITS) - 1
    return cursor >> 2 * _PLACE_BITS, cursor >> _PLACE_BITS & mask, cursor & mask


def pools_with(db: sqlite3.Connection, org: int, number: int) -> list[int]:
    """Pools of leads that have or had the number, and of rejected rows with it."""
    stands = _STANDS.format("reject_number", "pool")
    found = db.execute(
        "SELECT pool FROM number WHERE org = :org AND number = :number AND pool > 0 UNION "
        f"SELECT pool FROM reject_number WHERE org = :org AND number = :number AND {stands}",
        {"org": org, "number": number},
    )
    return sorted(pool for (pool,) in found)


def clones_of(db: sqlite3.Connection, org: int, master: int) -> list[int]:
    """Leads that came in as clones of it, deleted ones too."""
    found = db.execute("SELECT lead FROM clone WHERE org = ? AND master = ? ORDER BY lead", (org, master))
    return [lead for (lead,) in found]


def file_part(db: sqlite3.Connection, org: int, file: int, no: int) -> bytes | None:
    """A part of a kept file."""
    stands = _STANDS.format("file_part", "file")
    found = db.execute(
        f"SELECT body FROM file_part WHERE org = ? AND file = ? AND no = ? AND {stands}", (org, file, no)
    ).fetchone()
    return found[0] if found else None


def closed_before(
    db: sqlite3.Connection, org: int, which: tuple[int, str, int], limit: int, skip: Collection[int]
) -> list[Lead]:
    """Leads of a campaign (first of `which`) with a closure that closed before a time, the oldest first."""
    found = db.execute(
        "SELECT id, body FROM state INDEXED BY state_closed WHERE org = ? AND campaign = ? AND closure = ? "
        "AND closed_ms > 0 AND closed_ms < ? AND status = 8 AND erased = 0 ORDER BY closed_ms, id",
        (org, *which),
    )
    return [decode_lead(body) for _, body in islice((entry for entry in found if entry[0] not in skip), limit)]
