"""What belonged to a pool or a file that is gone, taken away in slices: rejected rows, parts of the original."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from nextlead.redaction import names_of

from ..journalled.codec import decode_reject

if TYPE_CHECKING:
    from .connection import Db

Place = tuple[int, str, int, int, int]
"""Where a rejected row is: pool, kind, row, commit, and place in that."""
_SLICE: Final = 1_024
_PARTS: Final = 64
"""Parts of a file that go at once: 16 MiB."""
_OF_POOL: Final = 'SELECT pool, kind, "row", no, at FROM reject WHERE org = $1 AND pool = $2 LIMIT $3'
_PLACES: Final = "unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])"
_DELETE: Final = f"""
DELETE FROM reject AS r USING {_PLACES} AS u (pool, kind, "row", no, at)
WHERE r.org = $1 AND r.pool = u.pool AND r.kind = u.kind AND r."row" = u."row" AND r.no = u.no AND r.at = u.at
RETURNING r.pool, r.kind, r."row", r.no, r.at, r.body"""
_DELETE_NAMES: Final = """
DELETE FROM reject_number AS r
USING unnest($2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
AS u (number, pool, kind, "row", no, at)
WHERE r.org = $1 AND r.number = u.number AND r.pool = u.pool AND r.kind = u.kind AND r."row" = u."row"
AND r.no = u.no AND r.at = u.at"""
_OF_FILE: Final = """
DELETE FROM file_part WHERE org = $1 AND file = $2
AND no = ANY(ARRAY(SELECT p.no FROM file_part AS p WHERE p.org = $1 AND p.file = $2 LIMIT $3))"""


async def are_there(db: "Db", org: int) -> bool:
    """Whether something is to be taken away."""
    return await db.fetchval("SELECT 1 FROM doomed WHERE org = $1 LIMIT 1", org) is not None


async def take_away(db: "Db", org: int) -> bool:
    """Inside a transaction: the next slice; False when there is nothing left."""
    found = await db.fetchrow("SELECT tbl, id FROM doomed WHERE org = $1 LIMIT 1", org)
    if found is None:
        return False
    table, id_ = found
    more = await _of_pool(db, org, id_) if table == "pool" else await _of_file(db, org, id_)
    if not more:
        await db.execute("DELETE FROM doomed WHERE org = $1 AND tbl = $2 AND id = $3", org, table, id_)
    return True


async def delete_rejects(db: "Db", org: int, places: Sequence[Place]) -> None:
    """Inside a transaction: rejected rows, and what leads to them by number."""
    if not places:
        return
    found = await db.fetch(_DELETE, org, *_columns(places))
    names = [(name, *place) for *place, body in found for name in names_of(decode_reject(body))]
    if names:
        await db.execute(_DELETE_NAMES, org, *_columns(names))


async def _of_pool(db: "Db", org: int, pool: int) -> bool:
    found = [tuple(place) for place in await db.fetch(_OF_POOL, org, pool, _SLICE)]
    await delete_rejects(db, org, found)
    return bool(found)


async def _of_file(db: "Db", org: int, file: int) -> bool:
    return await db.execute(_OF_FILE, org, file, _PARTS) != "DELETE 0"


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
