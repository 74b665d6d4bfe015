"""Statements that read by key. What waits in the overlay is not seen here: `archive` lays it over the answers.

Rules of this file:

1. What is asked of `lead` and of `state` is asked in one statement: a lead that moves from the one to the other between
   two would be missed.
2. However many keys there are, they go into one statement, as an array. Each is looked up by itself (`LATERAL`, or a
   value that is asked for, such as `(SELECT ...) IS NULL`): of `= ANY` or `EXISTS` the planner makes what it likes, and
   without statistics that was to read all rows of the organisation.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from nextlead.core.fresh import fresh_to_lead
from nextlead.core.model import Answer, Lead, Reject

from ..journalled.codec import decode_fresh, decode_lead, decode_reject, decode_row
from ..journalled.tables import Pools
from .connection import snapshot

if TYPE_CHECKING:
    from .connection import Db

LAST: Final = """greatest(
    (SELECT id FROM lead WHERE org = $1 ORDER BY id DESC LIMIT 1),
    (SELECT id FROM state WHERE org = $1 ORDER BY id DESC LIMIT 1), 0)"""
"""The greatest id of all leads of the organisation `$1`, touched or not, else 0. `max` might look at all of them."""
_PLACE_BITS: Final = 64

_LEADS: Final = """
SELECT true, s.body FROM unnest($2::bigint[]) AS k (id)
CROSS JOIN LATERAL (SELECT body FROM state WHERE org = $1 AND id = k.id OFFSET 0) AS s UNION ALL
SELECT false, l.body FROM unnest($2::bigint[]) AS k (id)
CROSS JOIN LATERAL (SELECT body FROM lead WHERE org = $1 AND id = k.id OFFSET 0) AS l"""
_EXISTING: Final = """
SELECT k.id FROM unnest($2::bigint[]) AS k (id) WHERE (SELECT id FROM state WHERE org = $1 AND id = k.id) IS NOT NULL
OR (SELECT id FROM lead WHERE org = $1 AND id = k.id) IS NOT NULL"""
_NEXT: Final = """
(SELECT true, body FROM state WHERE org = $1 AND id >= $2 ORDER BY id LIMIT 1) UNION ALL
(SELECT false, body FROM lead WHERE org = $1 AND id >= $2 ORDER BY id LIMIT 1)"""
_DATA: Final = """
SELECT k.lead, (SELECT body FROM lead_data WHERE org = $1 AND lead = k.lead) AS body
FROM unnest($2::bigint[]) AS k (lead)"""
_USERS: Final = """
SELECT k.number, n.lead FROM unnest($2::bigint[]) AS k (number)
CROSS JOIN LATERAL (SELECT lead FROM number WHERE org = $1 AND number = k.number OFFSET 0) AS n"""
_MATCH_USERS: Final = """
SELECT k.key, m.lead FROM unnest($3::bytea[]) AS k (key)
CROSS JOIN LATERAL (SELECT lead FROM match_key WHERE org = $1 AND rule = $2 AND key = k.key OFFSET 0) AS m"""
_POOLS_WITH: Final = """
SELECT pool FROM number WHERE org = $1 AND number = $2 AND pool > 0 UNION
SELECT pool FROM reject_number AS r WHERE org = $1 AND number = $2
AND (SELECT d.id FROM doomed AS d WHERE d.org = $1 AND d.tbl = 'pool' AND d.id = r.pool) IS NULL"""
_CLONES: Final = "SELECT lead FROM clone WHERE org = $1 AND master = $2 ORDER BY lead"
_POOL_STANDS: Final = "(SELECT d.id FROM doomed AS d WHERE d.org = $1 AND d.tbl = 'pool' AND d.id = $2) IS NULL"
_REJECTS: Final = f"""
SELECT body FROM reject WHERE org = $1 AND pool = $2 AND kind = $3 AND {_POOL_STANDS} ORDER BY "row", no, at"""
_REJECTS_AFTER: Final = f"""
SELECT "row", no, at, body FROM reject WHERE org = $1 AND pool = $2 AND kind = $3
AND ("row", no, at) > ($4, $5, $6) AND {_POOL_STANDS} ORDER BY "row", no, at LIMIT $7"""
_FILE_PART: Final = """
SELECT body FROM file_part WHERE org = $1 AND file = $2 AND no = $3
AND (SELECT d.id FROM doomed AS d WHERE d.org = $1 AND d.tbl = 'file' AND d.id = $2) IS NULL"""
_ANSWER: Final = "SELECT body FROM answer WHERE org = $1 AND key = $2"
_CLOSED_BEFORE: Final = """
SELECT body FROM state WHERE org = $1 AND campaign = $2 AND closure = $3 AND closed_ms > 0 AND closed_ms < $4
AND NOT open AND NOT erased AND id NOT IN (SELECT unnest($5::bigint[])) ORDER BY closed_ms, id LIMIT $6"""


# -- leads ----------------------------------------------------------------------------------------------------------


async def leads_of(db: "Db", org: int, ids: Collection[int], pools: Pools) -> dict[int, Lead]:
    """Leads by id, touched or not."""
    rows = [lead_of(touched, body, pools) for touched, body in await db.fetch(_LEADS, org, list(ids))]
    return {row.id: row for row in rows if row}


async def existing(db: "Db", org: int, ids: Collection[int]) -> set[int]:
    """Those among them that are leads, touched or not."""
    return {id_ for (id_,) in await db.fetch(_EXISTING, org, list(ids))}


async def lead_from(db: "Db", org: int, at_ms: int) -> tuple[int | None, int]:
    """The least id of a lead that came then or later, if there is one; and the greatest of all, 0 if there is none.

    O(log ids) reads: ids rise with the time of entry. Deleted leads leave gaps, so each step looks for the next one.
    """
    async with snapshot(db):
        first, last = 1, int(await db.fetchval(f"SELECT {LAST}", org))
        end = last
        while first <= end:
            middle = (first + end) // 2
            lead, created_ms = await _next_lead(db, org, middle)
            if created_ms < at_ms:
                first = lead + 1
            else:
                end = middle - 1
        return ((await _next_lead(db, org, first))[0] if first <= last else None), last


async def closed_before(
    db: "Db", org: int, which: tuple[int, str, int], limit: int, skip: Collection[int]
) -> list[Lead]:
    """Leads of a campaign (first of `which`) with a closure that closed before a time, the oldest first."""
    found = await db.fetch(_CLOSED_BEFORE, org, *which, list(skip), limit)
    return [decode_lead(body) for (body,) in found]


async def _next_lead(db: "Db", org: int, at_least: int) -> tuple[int, int]:
    """Id and time of entry of the first lead from an id on; there is one."""
    found = await db.fetch(_NEXT, org, at_least)
    rows = [decode_lead(body) if touched else decode_fresh(body) for touched, body in found]
    return min((row.id, row.created_ms) for row in rows)


def lead_of(touched: bool, body: bytes, pools: Pools) -> Lead | None:
    """The row of `state`, or of `lead`. None if its pool is not known: it comes or goes with a commit under way."""
    if touched:
        return decode_lead(body)
    fresh = decode_fresh(body)
    pool = pools.get(fresh.pool)
    return fresh_to_lead(fresh, pool) if pool else None


# -- what leads to leads --------------------------------------------------------------------------------------------


async def data_of(db: "Db", org: int, ids: Collection[int]) -> dict[int, bytes]:
    """Data fields by lead."""
    return {lead: body for lead, body in await db.fetch(_DATA, org, list(ids)) if body is not None}


async def users_of(db: "Db", org: int, numbers: Collection[int]) -> list[tuple[int, int]]:
    """(number, lead) of all leads that have one of the numbers, sorted."""
    return sorted((number, lead) for number, lead in await db.fetch(_USERS, org, list(numbers)))


async def match_users(db: "Db", org: int, rule: int, keys: Collection[bytes]) -> list[tuple[bytes, int]]:
    """(key, lead) of all leads that match one of the keys, sorted."""
    return sorted((key, lead) for key, lead in await db.fetch(_MATCH_USERS, org, rule, list(keys)))


async def pools_with(db: "Db", org: int, number: int) -> list[int]:
    """Pools of leads that have or had the number, and of rejected rows with it."""
    return sorted(pool for (pool,) in await db.fetch(_POOLS_WITH, org, number))


async def clones_of(db: "Db", org: int, master: int) -> list[int]:
    """Leads that came in as clones of it, deleted ones too."""
    return [lead for (lead,) in await db.fetch(_CLONES, org, master)]


# -- other rows -----------------------------------------------------------------------------------------------------


async def rejects(db: "Db", org: int, pool: int, kind: str) -> list[Reject]:
    """Rejected rows of a pool, in row order; equal rows in the order they came."""
    return [decode_reject(body) for (body,) in await db.fetch(_REJECTS, org, pool, kind)]


async def rejects_after(
    db: "Db", org: int, pool: int, kind: str, after: int, limit: int
) -> tuple[list[Reject], int | None]:
    """A page of them. The cursor is the place of the last one in that order."""
    found = await db.fetch(_REJECTS_AFTER, org, pool, kind, *_place(after), limit + 1)
    page = found[:limit]
    more = _cursor(*page[-1][:3]) if len(found) > limit else None
    return [decode_reject(entry[3]) for entry in page], more


def _cursor(row: int, no: int, at: int) -> int:
    return (row << 2 * _PLACE_BITS) + (no << _PLACE_BITS) + at


def _place(cursor: int) -> tuple[int, int, int]:
    mask = (1 << _PLACE_BITS) - 1
    return cursor >> 2 * _PLACE_BITS, cursor >> _PLACE_BITS & mask, cursor & mask


async def file_part(db: "Db", org: int, file: int, no: int) -> bytes | None:
    """A part of a kept file."""
    found: bytes | None = await db.fetchval(_FILE_PART, org, file, no)
    return found


async def answer(db: "Db", org: int, key: str) -> Answer | None:
    """A kept answer, however old."""
    body = await db.fetchval(_ANSWER, org, key)
    row = decode_row("answer", body) if body is not None else None
    return row if isinstance(row, Answer) else None
