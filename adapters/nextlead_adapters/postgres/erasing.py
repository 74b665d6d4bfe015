"""Statements that make personal data go, in slices; `journalled/erasing.py` says in which order, `scrub.py` what for.

Each function is called in a transaction that has found out that this process is the owner.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from nextlead.core.model import Erasure
from nextlead.redaction import names_of

from ..journalled import bodies, rewriting
from ..journalled.bodies import Whole
from ..journalled.codec import RowKey, decode_lead, decode_reject, decode_row, encode
from ..journalled.slices import SLICE
from ..journalled.tables import Heads

if TYPE_CHECKING:
    from .connection import Db

_TRAIL: Final = """
SELECT t.no, k.lead FROM unnest($2::bigint[]) AS k (lead)
CROSS JOIN LATERAL (SELECT no FROM trail WHERE org = $1 AND lead = k.lead OFFSET 0) AS t"""
_DELETED: Final = """
SELECT n.lead FROM unnest($2::bigint[]) AS k (number)
CROSS JOIN LATERAL (SELECT lead FROM number WHERE org = $1 AND number = k.number OFFSET 0) AS n
WHERE (SELECT s.id FROM state AS s WHERE s.org = $1 AND s.id = n.lead) IS NULL
AND (SELECT l.id FROM lead AS l WHERE l.org = $1 AND l.id = n.lead) IS NULL"""
_MENTIONS: Final = """
SELECT DISTINCT m.no FROM unnest($2::bigint[]) AS k (number)
CROSS JOIN LATERAL (SELECT no FROM mention WHERE org = $1 AND number = k.number AND no <= $3 OFFSET 0) AS m
ORDER BY m.no"""
_BODY: Final = "SELECT body FROM journal WHERE org = $1 AND no = $2"
_REWRITE: Final = "UPDATE journal SET body = $3 WHERE org = $1 AND no = $2"
_DELETE_NUMBER: Final = "DELETE FROM number WHERE org = $1 AND number = $2 AND lead = $3"
_DELETE_MENTION: Final = "DELETE FROM mention WHERE org = $1 AND number = $2 AND no = $3"
_STANDS: Final = "SELECT 1 FROM row WHERE org = $1 AND tbl = $2 AND key = $3"
_DELETE_DATA: Final = "DELETE FROM lead_data WHERE org = $1 AND lead = $2"
_DELETE_KEYS: Final = "DELETE FROM match_key WHERE org + 0 = $1 AND lead = $2"
_NAMED: Final = 'SELECT org, pool, kind, "row", no, at FROM reject_number WHERE org = $1 AND number = $2 LIMIT $3'
_PLACE: Final = 'org = $1 AND pool = $2 AND kind = $3 AND "row" = $4 AND no = $5 AND at = $6'
_USES: Final = """
SELECT n.lead, (SELECT s.body FROM state AS s WHERE s.org = $1 AND s.id = n.lead) AS body,
    (SELECT l.id FROM lead AS l WHERE l.org = $1 AND l.id = n.lead) AS fresh
FROM number AS n WHERE n.org = $1 AND n.number = $2 AND n.lead > $3 ORDER BY n.lead LIMIT $4"""
_ERASURES: Final = """
SELECT r.body FROM unnest($2::text[]) AS k (key)
CROSS JOIN LATERAL (SELECT body FROM row WHERE org = $1 AND tbl = 'erasure' AND key = k.key OFFSET 0) AS r"""
_PUT_ERASURE: Final = "UPDATE row SET body = $3 WHERE org = $1 AND tbl = 'erasure' AND key = $2"


# -- where to go ----------------------------------------------------------------------------------------------------


async def heads(db: "Db", org: int, erasures: Sequence[Erasure], forget: Collection[int]) -> Heads:
    """Where the journal speaks of the leads to be erased, and of deleted leads that had a number to be forgotten."""
    found: Heads = {}
    ids = {lead for (lead,) in await db.fetch(_DELETED, org, list(forget))} if forget else set[int]()
    for erasure in erasures:
        ids.add(erasure.lead)
        for no in (erasure.last_commit, *erasure.silent):
            found.setdefault(no, set()).add(erasure.lead)
    for no, lead in await db.fetch(_TRAIL, org, list(ids)):
        found.setdefault(no, set()).add(lead)
    found.pop(0, None)
    return found


async def mentions(db: "Db", org: int, numbers: Sequence[int], up_to: int) -> list[int]:
    """Only those that are folded: a later one may have blocked the number again, and is needed after a crash."""
    return [no for (no,) in await db.fetch(_MENTIONS, org, numbers, up_to)]


# -- the journal ----------------------------------------------------------------------------------------------------


async def rewrite(db: "Db", org: int, commits: Heads) -> Heads:
    """Take what is personal of some leads out of some commits; where their stories go on."""
    further: Heads = {}
    for no, leads in commits.items():
        whole = await _read(db, org, no)
        for before, lead in rewriting.further(no, whole, leads):
            further.setdefault(before, set()).add(lead)
        await _delete_numbers(db, org, sorted(rewriting.uses(whole, leads)))
        await _put(db, org, no, rewriting.without(whole, leads))
    return further


async def rewrite_mentions(db: "Db", org: int, no: int, erasures: Collection[int], forget: Collection[int]) -> None:
    """Take numbers out of rows that are not leads', and what led to them."""
    whole = await _read(db, org, no)
    standing = [key for key in rewriting.blocked_in(whole) if await _stands(db, org, key)]
    left, unnamed = rewriting.without_numbers(whole, erasures, forget, standing)
    await _put(db, org, no, left)
    await db.executemany(_DELETE_MENTION, [(org, number, no) for number in sorted(unnamed)])


async def _read(db: "Db", org: int, no: int) -> Whole:
    body = await db.fetchval(_BODY, org, no)
    if body is None:
        raise bodies.missing(no)
    return bodies.whole(body)


async def _put(db: "Db", org: int, no: int, whole: Whole) -> None:
    await db.execute(_REWRITE, org, no, bodies.pack_whole(whole))


async def _stands(db: "Db", org: int, key: RowKey) -> bool:
    return await db.fetchval(_STANDS, org, key[0], _key_text(key[1])) is not None


# -- the tables -----------------------------------------------------------------------------------------------------


async def delete_data(db: "Db", org: int, leads: Sequence[int]) -> None:
    """Their data fields and match keys."""
    await db.executemany(_DELETE_DATA, [(org, lead) for lead in leads])
    await db.executemany(_DELETE_KEYS, [(org, lead) for lead in leads])


async def delete_rejects(db: "Db", org: int, name: int) -> bool:
    """Some of the rejected rows that have the number, or with a negative one the lead; False when there are no more."""
    found = await db.fetch(_NAMED, org, name, SLICE)
    await delete_rejects_at(db, [tuple(row) for row in found])
    return bool(found)


async def delete_rejects_at(db: "Db", places: Iterable[tuple[object, ...]]) -> None:
    """Rejected rows by organisation, pool, kind, row, commit and place in it, and what leads to them by number."""
    for place in places:
        body = await db.fetchval(f"DELETE FROM reject WHERE {_PLACE} RETURNING body", *place)
        names = names_of(decode_reject(body)) if body is not None else ()
        dead = [(*place, name) for name in names]
        await db.executemany(f"DELETE FROM reject_number WHERE {_PLACE} AND number = $7", dead)


async def delete_uses(db: "Db", org: int, number: int, after: int) -> int | None:
    """Some of those who have a number but for leads that still say it; the last one seen, None at the end."""
    found = await db.fetch(_USES, org, number, after, SLICE)
    dead = [lead for lead, body, fresh in found if not (fresh or (body and number in _said(body)))]
    await _delete_numbers(db, org, [(number, lead) for lead in dead])
    return found[-1]["lead"] if found else None


async def rewrite_erasures(db: "Db", org: int, ids: Sequence[int]) -> None:
    """The rows themselves, without numbers; of a lead that was untouched, no commit had said them."""
    found = await db.fetch(_ERASURES, org, [_key_text(id_) for id_ in ids])
    rows = [row for (body,) in found if isinstance(row := decode_row("erasure", body), Erasure)]
    await _delete_numbers(db, org, [(number, row.lead) for row in rows for number in row.numbers])
    await db.executemany(_PUT_ERASURE, [(org, _key_text(row.id), encode(rewriting.bare(row))) for row in rows])


def _key_text(key: int | str) -> str:
    """As `row.key` has it."""
    return msgspec.json.encode(key).decode()


def _said(body: bytes) -> set[int]:
    return set(rewriting.said_by(decode_lead(body)))


async def _delete_numbers(db: "Db", org: int, uses: Iterable[tuple[int, int]]) -> None:
    """Rows of (number, lead)."""
    await db.executemany(_DELETE_NUMBER, [(org, number, lead) for number, lead in uses])
