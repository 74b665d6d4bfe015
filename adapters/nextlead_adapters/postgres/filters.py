"""Leads by filter, from the tables. What waits in the overlay is left out here (`skip`): `archive` lays it over.

Rules of this file:

1. Both tables are asked in one statement, so that a lead which moves from `lead` to `state` meanwhile is not missed.
2. Leads are looked at in order of their ids, by the index over these alone: `archive` asks for one window of ids after
   the other. What else is asked for is a filter on what is found there, and written so that the planner can't begin
   with it: `pool + 0`, a value looked up for each row, `IN` a list of values `IS TRUE`, which is hashed.
3. SQL finds a text anywhere in the JSON, and a number that a lead has lost: what it found is looked at again here.
"""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from nextlead.core.conditions import Condition
from nextlead.core.model import Lead, Status
from nextlead.ports import LeadFilter, has_text

from ..journalled.tables import Pools
from ..journalled.untouched import pools_meant
from .reads import LAST, lead_of

if TYPE_CHECKING:
    import asyncpg

    from .connection import Db

_FEW: Final = 5
_SLICE: Final = 1_000
"""Rows that are counted in one go where each is looked at here."""
_DATA: Final = "(SELECT d.body FROM lead_data AS d WHERE d.org = $1 AND d.lead = id)"
_WITH_NUMBER: Final = """(
    SELECT found.* FROM number AS n
    CROSS JOIN LATERAL (SELECT * FROM {table} WHERE org = $1 AND id = n.lead OFFSET 0) AS found
    WHERE n.org = $1 AND n.number = {number}
) AS found"""
_TEXT: Final = f"strpos(lower(encode({_DATA}, 'escape') COLLATE \"C\"), {{}}) > 0"
"""Bytes that are not ASCII are spelled out, so A to Z are all that `lower` changes, whatever the server's encoding."""


async def page(db: "Db", org: int, query: LeadFilter, skip: Collection[int], pools: Pools) -> tuple[list[Lead], int]:
    """The first leads behind `query.after` that match, by id, without those to skip; and the greatest id of all."""
    found: list[Lead] = []
    while True:
        some, last, after = await _slice(db, org, query, skip, pools)
        found += some
        if after is None or len(found) >= query.limit:
            return found[: query.limit], last
        query = replace(query, after=after)


async def count(db: "Db", org: int, query: LeadFilter, skip: Collection[int], pools: Pools) -> tuple[int, int]:
    """How many leads match, without those to skip; and the greatest id of all."""
    if query.number is None and query.text is None:
        return await _count(db, org, query, skip, pools)
    total = 0
    query = replace(query, limit=_SLICE)
    while True:
        some, last, after = await _slice(db, org, query, skip, pools)
        total += len(some)
        if after is None:
            return total, last
        query = replace(query, after=after)


class _Values(list[object]):
    """What a statement is given; the first is the organisation."""

    def mark(self, value: object) -> str:
        """`$n`, for this value."""
        self.append(value)
        return f"${len(self)}"


class _Question:
    """What is asked of one table."""

    def __init__(self, table: str, values: _Values, query: LeadFilter, skip: Collection[int]) -> None:
        self.source = table
        self.values = values
        self.terms = ["org = $1"]
        self.add("id > {}", query.after)
        if query.before is not None:
            self.add("id < {}", query.before)
        if query.owner is not None:
            self.add("owner = {}", query.owner)
        if query.number is not None:
            self.source = _WITH_NUMBER.format(table=table, number=values.mark(query.number))
        if skip:
            self.add("id NOT IN (SELECT unnest({}::bigint[]))", list(skip))
        if query.text:
            self.add(_TEXT, _escaped(query.text))

    def add(self, term: str, *values: object) -> None:
        """One more term, with the values of its marks."""
        self.terms.append(term.format(*map(self.values.mark, values)))

    def select(self, what: str) -> str:
        """The statement."""
        return f"SELECT {what} FROM {self.source} WHERE {' AND '.join(self.terms)}"


def _escaped(text: str) -> str:
    """A text as it stands in the JSON, in the spelling of `_TEXT`; the server does the same with the data."""
    plain = msgspec.json.encode(text)[1:-1].lower()
    return "".join(chr(byte) if 0 < byte < 0x80 else f"\\{byte:03o}" for byte in plain.replace(b"\\", b"\\\\"))


def _of_touched(values: _Values, query: LeadFilter, skip: Collection[int]) -> _Question | None:
    conditions = query.conditions
    if conditions is not None and all(found.anonymised for _, found in conditions):
        return None
    question = _Question("state", values, query, skip)
    only_open = query.due_before_ms is not None or query.status not in (None, Status.CLOSED)
    if only_open or (conditions is not None and all(found.closure is None for _, found in conditions)):
        question.add("open")
    for column in ("pool", "campaign", "status", "closure"):
        if (value := getattr(query, column)) is not None:
            question.add(f"{column} = {{}}", value)
    if query.due_before_ms is not None:
        question.add("due_ms < {}", query.due_before_ms)
    if query.last_by is not None:
        question.add("activity > 0 AND last_by = {}", query.last_by)
    if conditions is not None:
        _add_conditions(question, conditions)
    return question


def _add_conditions(question: _Question, conditions: Iterable[tuple[int, Condition]]) -> None:
    """There may be thousands. Columns with few values come first, to be quick."""
    shown = [(campaign, found) for campaign, found in conditions if not found.anonymised]
    columns: dict[str, tuple[str, list[Any]]] = {
        "campaign": ("bigint", [campaign for campaign, _ in shown]),
        "status": ("integer", [int(found.status) for _, found in shown]),
        "coalesce(closure, '')": ("text", [found.closure or "" for _, found in shown]),
        "rule": ("text", [found.rule for _, found in shown]),
        "activity": ("integer", [int(found.activity) for _, found in shown]),
    }
    for column, (kind, wanted) in columns.items():
        if len(different := sorted(set(wanted))) <= _FEW:
            question.add(f"{column} = ANY({{}}::{kind}[])", different)
    lists = ", ".join(f"{{}}::{kind}[]" for kind, _ in columns.values())
    term = f"(({', '.join(columns)}) IN (SELECT * FROM unnest({lists}))) IS TRUE"
    question.add(term, *(wanted for _, wanted in columns.values()))


def _of_untouched(values: _Values, query: LeadFilter, skip: Collection[int], pools: Pools) -> _Question | None:
    wanted = pools_meant(query, pools)
    if wanted == []:
        return None
    question = _Question("lead", values, query, skip)
    if wanted is not None:
        question.add("pool + 0 = ANY({}::bigint[])", wanted)
    return question


async def _slice(
    db: "Db", org: int, query: LeadFilter, skip: Collection[int], pools: Pools
) -> tuple[list[Lead], int, int | None]:
    """Those among the next rows that match, the greatest id of all, and the id to go on behind."""
    last, rows = await _rows(db, org, query, skip, pools)
    found = [lead for row in rows if (lead := _looked_at(row, query, pools))]
    return found, last, rows[-1]["id"] if 0 < len(rows) == query.limit else None


def _looked_at(row: "asyncpg.Record", query: LeadFilter, pools: Pools) -> Lead | None:
    if query.text is not None and not has_text(row["data"] or b"{}", query.text):
        return None
    lead = lead_of(row["touched"], row["body"], pools)
    return lead if lead and (query.number is None or query.number in lead.numbers) else None


async def _rows(
    db: "Db", org: int, query: LeadFilter, skip: Collection[int], pools: Pools
) -> tuple[int, list["asyncpg.Record"]]:
    """The greatest id of all, and the next rows by id."""
    values = _Values([org])
    questions = {"true": _of_touched(values, query, skip), "false": _of_untouched(values, query, skip, pools)}
    statement = f"SELECT NULL::boolean AS touched, {LAST} AS id, NULL::bytea AS body, NULL::bytea AS data"
    if any(questions.values()):
        data = "NULL::bytea" if query.text is None else _DATA
        end = f"ORDER BY id LIMIT {values.mark(query.limit)}"
        what = f"{{}} AS touched, id, body, {data} AS data"
        parts = (f"({asked.select(what.format(touched))} {end})" for touched, asked in questions.items() if asked)
        statement += f" UNION ALL (SELECT * FROM ({' UNION ALL '.join(parts)}) AS found {end})"
    found = await db.fetch(statement, *values)
    last = next(row["id"] for row in found if row["touched"] is None)
    return last, sorted((row for row in found if row["touched"] is not None), key=lambda row: int(row["id"]))


async def _count(db: "Db", org: int, query: LeadFilter, skip: Collection[int], pools: Pools) -> tuple[int, int]:
    values = _Values([org])
    questions = (_of_touched(values, query, skip), _of_untouched(values, query, skip, pools))
    parts = [f"({question.select('count(*)')})" for question in questions if question]
    row = await db.fetchrow(f"SELECT {' + '.join(parts) or '0'}, {LAST}", *values)
    assert row is not None
    return row[0], row[1]
