"""Statements that write: commits, and what follows behind them.

Rules of this file:

1. Whatever writes locks a row that says whose right it is, and checks the epoch there: a commit that of `organisation`,
   everything else that of `folding`. Another owner's claim changes these rows, so it comes before, and then nothing is
   written here, or waits until this is done.
2. A commit that brings no leads and takes none away is one statement: one round trip, one sync.
3. Many rows go into one statement as arrays, or into a table by COPY where nothing can be there already.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import structs

from nextlead.core.model import Answer, FreshLead, LeadData, Reject
from nextlead.core.row import Row
from nextlead.ports import ANSWER_KEPT_MS, StoreRefused
from nextlead.redaction import names_of

from ..journalled import bodies
from ..journalled.codec import RowKey, decode_lead, encode
from ..journalled.direct import commits_of
from ..journalled.packed import Columns
from ..journalled.tables import Direct, Entry
from . import keys

if TYPE_CHECKING:
    from .connection import Db

_as_json: Final = msgspec.json.Encoder().encode
_ENTRY: Final = """
WITH mine AS (SELECT 1 FROM organisation WHERE no = $1::integer AND epoch = $2::bigint FOR NO KEY UPDATE),
entry AS (
    INSERT INTO journal (org, no, at_ms, epoch, body)
    SELECT $1::integer, $3::bigint, $4::bigint, $2::bigint, $5::bytea FROM mine
    WHERE $3 = 1 OR EXISTS (SELECT 1 FROM journal WHERE org = $1 AND no = $3 - 1)
    ON CONFLICT DO NOTHING RETURNING no
)"""
_WRITE: Final = f"{_ENTRY} SELECT count(*) FROM entry"
_WRITE_MORE: Final = f"""{_ENTRY},
mentioned AS (
    INSERT INTO mention (org, number, no) SELECT $1::integer, u, $3::bigint FROM entry, unnest($6::bigint[]) AS u
),
trailed AS (
    INSERT INTO trail (org, lead, no) SELECT $1::integer, u.lead, u.no
    FROM entry, unnest($7::bigint[], $8::bigint[]) AS u (lead, no) ON CONFLICT DO NOTHING
),
dooming AS (
    INSERT INTO doomed (org, tbl, id) SELECT $1::integer, u.tbl, u.id
    FROM entry, unnest($9::text[], $10::bigint[]) AS u (tbl, id) ON CONFLICT DO NOTHING
)
SELECT count(*) FROM entry"""
_MINE: Final = "mine AS (SELECT 1 FROM folding WHERE org = $1::integer AND epoch = $2::bigint FOR NO KEY UPDATE)"
_WHERE_THEY_ARE: Final = """
ctid = ANY(ARRAY(SELECT (SELECT t.ctid FROM {0} AS t WHERE t.org = $1 AND t.{1} = u) FROM unnest($2::bigint[]) AS u))"""
"""Rows of leads, each looked for by its key: a table that was just filled has no statistics yet, and the planner may
read all of it rather than look for many."""
_STATE: Final = "id, status, closure, campaign, pool, owner, due_ms, closed_ms, erased, activity, rule, last_by, body"
_ERASED: Final = _STATE.split(", ").index("erased")
_FOLD_LEADS: Final = f"""
WITH {_MINE},
given AS MATERIALIZED (
    SELECT u.* FROM mine, unnest(
        $3::bigint[], $4::integer[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
        $11::boolean[], $12::integer[], $13::text[], $14::bigint[], $15::bytea[]
    ) AS u ({_STATE})
),
touched AS (
    DELETE FROM lead WHERE ctid = ANY(ARRAY(
        SELECT (SELECT l.ctid FROM lead AS l WHERE l.org = $1 AND l.id = u) FROM mine, unnest($3::bigint[]) AS u
    ))
),
put AS (
    INSERT INTO state (org, {_STATE}) SELECT $1::integer, given.* FROM given
    ON CONFLICT (org, id) DO UPDATE SET status = excluded.status, closure = excluded.closure,
    campaign = excluded.campaign, pool = excluded.pool, owner = excluded.owner, due_ms = excluded.due_ms,
    closed_ms = excluded.closed_ms, erased = excluded.erased, activity = excluded.activity, rule = excluded.rule,
    last_by = excluded.last_by, body = excluded.body
)
SELECT count(*) FROM mine"""
_FOLD_ROWS: Final = f"""
WITH {_MINE},
put_data AS (
    INSERT INTO lead_data (org, lead, body) SELECT $1::integer, u.* FROM mine, unnest($3::bigint[], $4::bytea[]) AS u
    ON CONFLICT (org, lead) DO UPDATE SET body = excluded.body
),
put_answers AS (
    INSERT INTO answer (org, key, at_ms, body)
    SELECT $1::integer, u.* FROM mine, unnest($5::text[], $6::bigint[], $7::bytea[]) AS u
    ON CONFLICT (org, key) DO UPDATE SET at_ms = excluded.at_ms, body = excluded.body
),
put_rows AS (
    INSERT INTO row (org, tbl, key, body)
    SELECT $1::integer, u.* FROM mine, unnest($8::text[], $9::text[], $10::bytea[]) AS u
    ON CONFLICT (org, tbl, key) DO UPDATE SET body = excluded.body
),
dead AS (
    DELETE FROM row USING mine, unnest($11::text[], $12::text[]) AS u (tbl, key)
    WHERE row.org = $1 AND row.tbl = u.tbl AND row.key = u.key
)
SELECT count(*) FROM mine"""

_OF_LEADS: Final = (("state", "id"), ("lead", "id"), ("lead_data", "lead"))


def key_text(key: int | str) -> str:
    """A row's key as the table has it."""
    return _as_json(key).decode()


async def refusal(db: "Db") -> StoreRefused:
    """Nothing was written, for another process is the owner; the message says which."""
    holder = await db.fetchval("SELECT holder FROM owner")
    return StoreRefused(f"the store was taken over by {holder}")


@asynccontextmanager
async def changing(db: "Db", org: int, epoch: int) -> AsyncIterator[None]:
    """One transaction, with the right to change tables; raises `StoreRefused` if it is another's."""
    async with db.transaction():
        if not await db.fetchval(f"WITH {_MINE} SELECT count(*) FROM mine", org, epoch):
            raise await refusal(db)
        yield


# -- with a commit --------------------------------------------------------------------------------------------------


async def write(db: "Db", org: int, epoch: int, entry: Entry, direct: Direct) -> None:
    """See `Writing.write`."""
    if any((direct.fresh, direct.rejects, direct.gone, direct.parts, direct.edited)):
        async with db.transaction():
            if await _write(db, org, epoch, entry, direct):
                await _write_tables(db, org, entry.no, direct)
    else:
        await _write(db, org, epoch, entry, direct)


async def _write(db: "Db", org: int, epoch: int, entry: Entry, direct: Direct) -> bool:
    """The journal's row, and small ones that lead to it; False if it is there already."""
    row = (org, epoch, entry.no, entry.at_ms, entry.body)
    if direct:
        leads, commits = _columns(direct.trails, 2)
        tables, ids = _columns(direct.doomed, 2)
        written = await db.fetchval(_WRITE_MORE, *row, sorted(direct.mentions), leads, commits, tables, ids)
    else:
        written = await db.fetchval(_WRITE, *row)
    return bool(written) or await _is_there(db, org, epoch, entry)


async def _is_there(db: "Db", org: int, epoch: int, entry: Entry) -> bool:
    """Why nothing was written: False, or raises `StoreRefused`, also when another commit has its number."""
    if await db.fetchval("SELECT epoch FROM organisation WHERE no = $1", org) != epoch:
        raise await refusal(db)
    same = await db.fetchval("SELECT body = $3 FROM journal WHERE org = $1 AND no = $2", org, entry.no, entry.body)
    if same is None:
        raise bodies.missing(entry.no - 1)
    if not same:
        raise StoreRefused(f"commit {entry.no} is there already, and is another one")
    return False


async def _write_tables(db: "Db", org: int, no: int, direct: Direct) -> None:
    if direct.fresh:
        await _copy_fresh(db, org, direct.fresh)
    if direct.rejects:
        await _copy_rejects(db, org, no, direct.rejects)
    if direct.parts:
        await _copy(
            db, "file_part", "org file no body", [(org, part.file, part.no, part.body) for part in direct.parts]
        )
    if direct.gone:
        await _delete_leads(db, org, list(direct.gone))
    if direct.rules:
        await keys.keep_up(db, org, direct.rules, direct.fresh, direct.edited, direct.gone)


async def _copy(db: "Db", table: str, columns: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        await db.copy_records_to_table(table, records=rows, columns=columns.split())


async def _copy_fresh(db: "Db", org: int, leads: Sequence[FreshLead]) -> None:
    """Data fields have a table of their own, so that loading does not read them."""
    bare = [(org, f.pool, f.ordinal, f.id, f.owner, encode(structs.replace(f, data=b""))) for f in leads]
    await _copy(db, "lead", "org pool ordinal id owner body", bare)
    numbers = sorted({(number, f.id, f.pool) for f in leads for number in f.numbers})
    await _copy(db, "number", "org number lead pool", [(org, *use) for use in numbers])
    await _copy(db, "lead_data", "org lead body", [(org, f.id, f.data) for f in leads])
    await _copy(db, "clone", "org master lead", [(org, f.master, f.id) for f in leads if f.master])


async def _copy_rejects(db: "Db", org: int, no: int, rejects: Sequence[Reject]) -> None:
    rows = [(org, r.pool, r.kind, r.row, no, at, encode(r)) for at, r in enumerate(rejects)]
    await _copy(db, "reject", "org pool kind row no at body", rows)
    places = {(org, name, r.pool, r.kind, r.row, no, at) for at, r in enumerate(rejects) for name in names_of(r)}
    await _copy(db, "reject_number", "org number pool kind row no at", sorted(places))


async def _delete_leads(db: "Db", org: int, ids: list[int]) -> None:
    """Their numbers stay, to tell which pools had them, and a trail to what the journal says of them."""
    state, lead, data = (f"DELETE FROM {table} WHERE {_WHERE_THEY_ARE.format(table, key)}" for table, key in _OF_LEADS)
    touched = await db.fetch(f"{state} RETURNING body", org, ids)
    await db.execute(lead, org, ids)
    await db.execute(data, org, ids)
    rows = (decode_lead(body) for (body,) in touched)
    leads, commits = _columns([(row.id, commit) for row in rows for commit in commits_of(row)], 2)
    await db.execute(
        "INSERT INTO trail (org, lead, no) SELECT $1::integer, u.* FROM unnest($2::bigint[], $3::bigint[]) AS u "
        "ON CONFLICT DO NOTHING",
        org,
        leads,
        commits,
    )


# -- folding: every function may be run again with the same rows ----------------------------------------------------


async def fold_leads(db: "Db", org: int, epoch: int, leads: Sequence[Columns]) -> None:
    """See `Writing.fold_leads`."""
    columns = _columns(leads, 13)
    columns[_ERASED] = list(map(bool, columns[_ERASED]))
    if not await db.fetchval(_FOLD_LEADS, org, epoch, *columns):
        raise await refusal(db)


async def fold_rows(db: "Db", org: int, epoch: int, rows: Mapping[RowKey, Row | None]) -> None:
    """See `Writing.fold_rows`."""
    data = [(row.lead, row.data) for row in rows.values() if isinstance(row, LeadData)]
    answers = [(row.key, row.at_ms, encode(row)) for row in rows.values() if isinstance(row, Answer)]
    plain = [(*key, row) for key, row in rows.items() if not isinstance(row, LeadData | Answer)]
    live = [(table, key_text(key), encode(row)) for table, key, row in plain if row is not None]
    dead = [(table, key_text(key)) for table, key, row in plain if row is None]
    columns = (*_columns(data, 2), *_columns(answers, 3), *_columns(live, 3), *_columns(dead, 2))
    if not await db.fetchval(_FOLD_ROWS, org, epoch, *columns):
        raise await refusal(db)


async def set_folded(db: "Db", org: int, epoch: int, up_to: int, at_ms: int) -> None:
    """See `Writing.set_folded`."""
    async with changing(db, org, epoch):
        await db.execute("UPDATE folding SET folded_to = $2 WHERE org = $1", org, up_to)
        await db.execute("DELETE FROM answer WHERE org + 0 = $1 AND at_ms < $2", org, at_ms - ANSWER_KEPT_MS)


def _columns(rows: Collection[tuple[object, ...]], width: int) -> list[list[object]]:
    """Rows as columns."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
