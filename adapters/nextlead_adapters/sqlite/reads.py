"""Statements that read the tables. What waits in the overlay is not seen here: `store` lays it over the answers."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from heapq import merge
from itertools import islice
from typing import Final

import msgspec

from nextlead.core.fresh import fresh_to_lead
from nextlead.core.model import Answer, FreshLead, Lead, Pool, Reject, Status
from nextlead.core.row import Row
from nextlead.ports import LeadFilter, has_text

from .codec import RowKey, decode_fresh, decode_lead, decode_reject, decode_row
from .statements import BY_ID, batches, marks

Pools = dict[int, Pool]
LOAD_SLICE: Final = 10_000
_OPEN: Final = f"status <> {Status.CLOSED.value}"
"""Word for word the condition of the index `state_open`, or SQLite will not use it."""
_STANDS: Final = "NOT EXISTS (SELECT 1 FROM doomed AS d WHERE d.org = org AND d.tbl = '{}' AND d.id = {})"
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
        f"SELECT body FROM state INDEXED BY state_open WHERE org = ? AND id > ? AND {_OPEN} ORDER BY id LIMIT ?",
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


def pools(db: sqlite3.Connection, org: int) -> Pools:
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
            found[fresh.id] = fresh_to_lead(fresh, pools[fresh.pool])
        for (body,) in db.execute(f"SELECT body FROM state {which}", (org, *part)):
            row = decode_lead(body)
            found[row.id] = row
    return found


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
        f"SELECT body FROM reject WHERE org = ? AND pool = ? AND kind = ? AND {_STANDS.format('pool', 'pool')} "
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
        f"AND {_STANDS.format('pool', 'pool')} ORDER BY row, no, at LIMIT ?",
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
    found = db.execute(
        "SELECT pool FROM number WHERE org = :org AND number = :number AND pool > 0 UNION "
        f"SELECT pool FROM reject_number WHERE org = :org AND number = :number AND {_STANDS.format('pool', 'pool')}",
        {"org": org, "number": number},
    )
    return sorted(pool for (pool,) in found)


def clones_of(db: sqlite3.Connection, org: int, master: int) -> list[int]:
    """Leads that came in as clones of it, deleted ones too."""
    found = db.execute("SELECT lead FROM clone WHERE org = ? AND master = ? ORDER BY lead", (org, master))
    return [lead for (lead,) in found]


def file_part(db: sqlite3.Connection, org: int, file: int, no: int) -> bytes | None:
    """A part of a kept file."""
    stands = _STANDS.format("file", "file")
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


# -- filters --------------------------------------------------------------------------------------------------------


def page(db: sqlite3.Connection, org: int, query: LeadFilter, skip: Collection[int], pools: Pools) -> list[Lead]:
    """The first leads behind `query.after` that match, by id, without those to skip."""
    found = merge(_touched(db, org, query, skip), _untouched(db, org, query, skip, pools), key=lambda lead: lead.id)
    return list(islice(found, query.limit))


def _touched(db: sqlite3.Connection, org: int, query: LeadFilter, skip: Collection[int]) -> Iterator[Lead]:
    terms = ["org = ?", "id > ?"]
    values: list[object] = [org, query.after]
    for column in ("campaign", "pool", "status", "closure", "owner"):
        if (value := getattr(query, column)) is not None:
            terms.append(f"{column} = ?")
            values.append(value)
    if query.due_before_ms is not None:
        terms.append("due_ms < ?")
        values.append(query.due_before_ms)
    _add_shared(terms, values, org, query)
    only_open = query.due_before_ms is not None or query.status not in (None, Status.CLOSED)
    source = "state INDEXED BY state_open" if only_open else "state"
    if only_open:
        terms.append(_OPEN)
    for id_, body in db.execute(f"SELECT id, body FROM {source} WHERE {' AND '.join(terms)} ORDER BY id", values):
        if id_ not in skip and _text_is_there(db, org, id_, query.text):
            yield decode_lead(body)


def _untouched(
    db: sqlite3.Connection, org: int, query: LeadFilter, skip: Collection[int], pools: Pools
) -> Iterator[Lead]:
    if query.closure is not None or query.status not in (None, Status.UNPROCESSED):
        return
    terms = ["org = ?", "id > ?"]
    values: list[object] = [org, query.after]
    if query.owner is not None:
        terms.append("owner = ?")
        values.append(query.owner)
    if query.pool is not None or query.campaign is not None:
        wanted = [p.id for p in pools.values() if query.pool in (None, p.id) and query.campaign in (None, p.campaign)]
        terms.append(f"pool IN ({','.join(map(str, wanted))})")
    _add_shared(terms, values, org, query)
    for id_, body in db.execute(
        f"SELECT id, body FROM lead INDEXED BY lead_id WHERE {' AND '.join(terms)} ORDER BY id", values
    ):
        if id_ not in skip and _text_is_there(db, org, id_, query.text):
            fresh = decode_fresh(body)
            yield fresh_to_lead(fresh, pools[fresh.pool])


def _add_shared(terms: list[str], values: list[object], org: int, query: LeadFilter) -> None:
    if query.number is not None:
        terms.append("id IN (SELECT n.lead FROM number AS n WHERE n.org = ? AND n.number = ?)")
        values += [org, query.number]
    if query.text:
        terms.append(
            "EXISTS (SELECT 1 FROM lead_data AS d WHERE d.org = ? AND d.lead = id "
            "AND instr(lower(CAST(d.body AS TEXT)), lower(?)))"
        )
        values += [org, msgspec.json.encode(query.text)[1:-1].decode()]


def _text_is_there(db: sqlite3.Connection, org: int, lead: int, text: str | None) -> bool:
    """SQL has found the text somewhere in the JSON, which may have been a field's name."""
    return text is None or has_text(data_of(db, org, [lead]).get(lead, b"{}"), text)
