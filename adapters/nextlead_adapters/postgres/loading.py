"""Statements that open and load an organisation.

The server hands over a slice of leads in one value: bodies are MessagePack, so a list of them is the bodies one after
the other behind a number, which is decoded in one go. A row for each would cost as much again.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from nextlead.core.model import FreshLead, Lead, Pool
from nextlead.core.row import Row

from ..journalled import bodies
from ..journalled.bodies import Step
from ..journalled.codec import RowKey, decode_row
from .writing import key_text

if TYPE_CHECKING:
    from .connection import Db

SLICE: Final = 2_500
_decode_key: Final = msgspec.json.Decoder(int | str).decode
_decode_leads: Final = msgspec.msgpack.Decoder(list[Lead]).decode
_decode_fresh: Final = msgspec.msgpack.Decoder(list[FreshLead]).decode
_ROWS: Final = """
SELECT tbl, key, body FROM row WHERE org = $1 AND (tbl, key) > ($2, $3) ORDER BY tbl, key LIMIT $4"""
_OPEN: Final = """
SELECT count(*), string_agg(body, '') FROM (
    SELECT body FROM state WHERE org = $1 AND id > $2 AND open ORDER BY id LIMIT $3
) AS slice"""
_FRESH: Final = """
SELECT count(*), string_agg(body, '') FROM (
    SELECT body FROM lead WHERE org + 0 = $1 AND (pool, ordinal, id) > ($2, $3, $4) ORDER BY pool, ordinal, id LIMIT $5
) AS slice"""


async def folded_to(db: "Db", org: int) -> int:
    """See `Reading.folded_to`."""
    return await db.fetchval("SELECT folded_to FROM folding WHERE org = $1", org) or 0


async def last(db: "Db", org: int) -> tuple[int, int]:
    """See `Reading.last`."""
    row = await db.fetchrow("SELECT no, at_ms FROM journal WHERE org = $1 ORDER BY no DESC LIMIT 1", org)
    return (row[0], row[1]) if row else (0, 0)


async def steps(db: "Db", org: int, after: int) -> list[Step]:
    """See `Reading.steps`."""
    found = await db.fetch("SELECT no, at_ms, body FROM journal WHERE org = $1 AND no > $2 ORDER BY no", org, after)
    for at, (no, _, _) in enumerate(found, after + 1):
        if no != at:
            raise bodies.missing(at)
    return [bodies.step(no, at_ms, body) for no, at_ms, body in found]


async def pools(db: "Db", org: int) -> dict[int, Pool]:
    """See `Reading.pools`."""
    found = await db.fetch("SELECT body FROM row WHERE org = $1 AND tbl = 'pool'", org)
    rows = (decode_row("pool", body) for (body,) in found)
    return {row.id: row for row in rows if isinstance(row, Pool)}


async def load_rows(db: "Db", org: int, after: RowKey) -> list[tuple[RowKey, Row]]:
    """See `Reading.load_rows`."""
    found = await db.fetch(_ROWS, org, after[0], key_text(after[1]), SLICE)
    return [((table, _decode_key(key)), decode_row(table, body)) for table, key, body in found]


async def load_open(db: "Db", org: int, after: int) -> list[Lead]:
    """See `Reading.load_open`."""
    row = await db.fetchrow(_OPEN, org, after, SLICE)
    return _decode_leads(_list(row[0], row[1])) if row and row[0] else []


async def load_fresh(db: "Db", org: int, after: tuple[int, int, int]) -> list[FreshLead]:
    """See `Reading.load_fresh`."""
    row = await db.fetchrow(_FRESH, org, *after, SLICE)
    return _decode_fresh(_list(row[0], row[1])) if row and row[0] else []


def _list(count: int, packed: bytes) -> bytes:
    """MessagePack of a list of so many (`array 32`)."""
    return b"\xdd" + count.to_bytes(4, "big") + packed
