"""Tables of match keys; see `journalled/match_keys.py`."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from nextlead.core.model import FreshLead, Lead, LeadData

from ..journalled.codec import decode_fresh, decode_lead
from ..journalled.match_keys import Rule, keys_of_lead

if TYPE_CHECKING:
    from .connection import Db

_PUT: Final = """
INSERT INTO match_key (org, rule, key, lead)
SELECT $1::integer, u.* FROM unnest($2::integer[], $3::bytea[], $4::bigint[]) AS u ON CONFLICT DO NOTHING"""
_ROWS: Final = """
SELECT true, body FROM state WHERE org = $1 AND id = ANY($2::bigint[]) UNION ALL
SELECT false, body FROM lead WHERE org = $1 AND id = ANY($2::bigint[])"""
_NEXT: Final = "SELECT lead FROM lead_data WHERE org = $1 AND lead > $2 ORDER BY lead LIMIT $3"


async def rules(db: "Db", org: int) -> dict[str, Rule]:
    """The rules that are kept up."""
    found = await db.fetch("SELECT rule, no, filled_to, ready FROM match_rule WHERE org = $1", org)
    return {name: Rule(no, filled_to, ready) for name, no, filled_to, ready in found}


async def add_rule(db: "Db", org: int, name: str, no: int) -> None:
    """Keep it up from now on."""
    await db.execute("INSERT INTO match_rule VALUES ($1, $2, $3, 0, false)", org, name, no)


async def next_leads(db: "Db", org: int, after: int, limit: int) -> list[int]:
    """The next leads that have data."""
    return [lead for (lead,) in await db.fetch(_NEXT, org, after, limit)]


async def fill(db: "Db", org: int, name: str, rule: Rule, found: Sequence[tuple[bytes, int]]) -> None:
    """Inside a transaction: a slice of keys, and how far the rule is filled now."""
    await _put(db, org, [(rule.no, key, lead) for key, lead in found])
    filled = "UPDATE match_rule SET filled_to = $3, ready = $4 WHERE org = $1 AND rule = $2"
    await db.execute(filled, org, name, rule.filled_to, rule.ready)


async def keep_up(
    db: "Db",
    org: int,
    rules: Mapping[str, int],
    fresh: Sequence[FreshLead],
    edited: Sequence[tuple[LeadData, Lead | None]],
    gone: Collection[int],
) -> None:
    """Inside a commit's transaction: leads that came, whose data changed, or that went.

    `rules` are their numbers by name; an edited lead's row is None when the tables have the newest.
    """
    rows: list[tuple[Lead | FreshLead, bytes]] = [(lead, lead.data) for lead in fresh if lead.id not in gone]
    stored = await _rows(db, org, [data.lead for data, newest in edited if newest is None])
    for data, newest in edited:
        row = newest or stored.get(data.lead)
        if row and row.id not in gone:
            rows.append((row, data.data))
    await delete(db, org, [*gone, *(data.lead for data, _ in edited)])
    found = {
        (no, key, row.id) for row, data in rows for name, no in rules.items() for key in keys_of_lead(name, row, data)
    }
    await _put(db, org, sorted(found))


async def delete(db: "Db", org: int, leads: Sequence[int]) -> None:
    """The leads match nothing any more."""
    if leads:
        await db.execute("DELETE FROM match_key WHERE org + 0 = $1 AND lead = ANY($2::bigint[])", org, leads)


async def _rows(db: "Db", org: int, leads: Sequence[int]) -> dict[int, Lead | FreshLead]:
    found = await db.fetch(_ROWS, org, leads) if leads else ()
    rows = [decode_lead(body) if touched else decode_fresh(body) for touched, body in found]
    return {row.id: row for row in rows}


async def _put(db: "Db", org: int, found: Sequence[tuple[int, bytes, int]]) -> None:
    if found:
        await db.execute(_PUT, org, *(list(column) for column in zip(*found, strict=True)))
