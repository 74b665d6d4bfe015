"""Leads by filter, from the tables. What waits in the overlay is left out here (`skip`): `archive` lays it over.

A question may look at every lead there is. `archive` asks it for one window of ids after the other, so that the reads
of others, such as the data of a lead that is offered, come in between.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from heapq import merge
from itertools import chain, islice
from typing import Final

import msgspec

from nextlead.core.conditions import Condition
from nextlead.core.fresh import fresh_to_lead
from nextlead.core.model import Lead, Status
from nextlead.ports import LeadFilter, has_text

from ..journalled.codec import decode_fresh, decode_lead
from ..journalled.tables import Pools
from ..journalled.untouched import pools_meant
from .connection import snapshot
from .reads import last_lead
from .statements import BY_ID, OPEN

_FEW: Final = 5
_NOT_THESE: Final = "id NOT IN (SELECT s.value FROM json_each(?) AS s)"
_LEAD: Final = f"lead {BY_ID}"
_TEXT: Final = """EXISTS (SELECT 1 FROM lead_data AS d WHERE d.org = ? AND d.lead = id
AND instr(lower(CAST(d.body AS TEXT)), lower(?)))"""


def page(
    db: sqlite3.Connection, org: int, query: LeadFilter, skip: Collection[int], pools: Pools
) -> tuple[list[Lead], int]:
    """The first leads behind `query.after` that match, by id, without those to skip; and the greatest id of all."""
    with snapshot(db):
        found = merge(_touched(db, org, query, skip), _untouched(db, org, query, skip, pools), key=lambda lead: lead.id)
        return list(islice(found, query.limit)), last_lead(db, org)


def count(db: sqlite3.Connection, org: int, query: LeadFilter, skip: Collection[int], pools: Pools) -> tuple[int, int]:
    """How many leads match, without those to skip; and the greatest id of all. Only rows of a number are decoded."""
    questions = [question for question in (_of_touched(org, query), _of_untouched(org, query, pools)) if question]
    with snapshot(db):
        if query.number is not None:
            found = sum(1 for _ in chain(_touched(db, org, query, skip), _untouched(db, org, query, skip, pools)))
        elif query.text is not None:
            found = sum(1 for question in questions for _ in _rows(db, org, question, query.text, skip))
        else:
            found = sum(_count(db, question, skip) for question in questions)
        return found, last_lead(db, org)


class _Question:
    """What is asked of one table."""

    def __init__(self, source: str, org: int, query: LeadFilter) -> None:
        self.source = source
        self.terms = ["org = ?"]
        self.values: list[object] = [org]
        id_ = "id" if query.number is None else "+id"  # the few leads of a number are not looked for by range
        self.add(f"{id_} > ?", query.after)
        if query.before is not None:
            self.add(f"{id_} < ?", query.before)
        if query.owner is not None:
            self.add("owner = ?", query.owner)
        if query.number is not None:
            self.add("id IN (SELECT n.lead FROM number AS n WHERE n.org = ? AND n.number = ?)", org, query.number)
        if query.text:
            self.add(_TEXT, org, msgspec.json.encode(query.text)[1:-1].decode())

    def add(self, term: str, *values: object) -> None:
        """One more term, with the values of its marks."""
        self.terms.append(term)
        self.values += values

    def select(self, what: str) -> str:
        """The statement."""
        return f"SELECT {what} FROM {self.source} WHERE {' AND '.join(self.terms)}"


def _of_touched(org: int, query: LeadFilter) -> _Question | None:
    conditions = query.conditions
    if conditions is not None and not conditions:
        return None
    only_open = query.due_before_ms is not None or query.status not in (None, Status.CLOSED)
    only_open |= conditions is not None and all(condition.closure is None for _, condition in conditions)
    question = _Question("state INDEXED BY state_open" if only_open else "state", org, query)
    if only_open:
        question.add(OPEN)
    for column in ("campaign", "pool", "status", "closure"):
        if (value := getattr(query, column)) is not None:
            question.add(f"{column} = ?", value)
    if query.due_before_ms is not None:
        question.add("due_ms < ?", query.due_before_ms)
    if query.last_by is not None:
        question.add("activity > 0 AND last_by = ?", query.last_by)
    if conditions is not None:
        question.add(_is_one_of(conditions))
    return question


def _is_one_of(conditions: Iterable[tuple[int, Condition]]) -> str:
    """Spelled out: there may be more than a statement takes values. Columns with few values come first, to be quick."""
    shown = [(campaign, found) for campaign, found in conditions if not found.anonymised]
    columns = {
        "campaign": [str(campaign) for campaign, _ in shown],
        "status": [str(int(found.status)) for _, found in shown],
        "coalesce(closure, '')": [_text(found.closure or "") for _, found in shown],
        "rule": [_text(found.rule) for _, found in shown],
        "activity": [str(int(found.activity)) for _, found in shown],
    }
    different = {column: sorted(set(values)) for column, values in columns.items()}
    terms = [f"{column} IN ({','.join(values)})" for column, values in different.items() if len(values) <= _FEW]
    rows = ",".join(f"({','.join(row)})" for row in zip(*columns.values(), strict=True))
    return " AND ".join([*terms, f"({','.join(columns)}) IN (VALUES {rows})"]) if rows else "0"


def _text(value: str) -> str:
    """A text in a statement, whatever is in it."""
    return f"CAST(x'{value.encode().hex()}' AS TEXT)"


def _of_untouched(org: int, query: LeadFilter, pools: Pools) -> _Question | None:
    wanted = pools_meant(query, pools)
    if wanted == []:
        return None
    question = _Question(_LEAD, org, query)
    if wanted is not None:
        question.add(f"pool IN ({','.join(map(str, wanted))})")
    return question


def _touched(db: sqlite3.Connection, org: int, query: LeadFilter, skip: Collection[int]) -> Iterator[Lead]:
    question = _of_touched(org, query)
    if question is not None:
        for lead in map(decode_lead, _rows(db, org, question, query.text, skip)):
            if query.number is None or query.number in lead.numbers:  # the index also has numbers that it lost
                yield lead


def _untouched(
    db: sqlite3.Connection, org: int, query: LeadFilter, skip: Collection[int], pools: Pools
) -> Iterator[Lead]:
    question = _of_untouched(org, query, pools)
    if question is not None:
        for fresh in map(decode_fresh, _rows(db, org, question, query.text, skip)):
            if pool := pools.get(fresh.pool):  # else it comes or goes with a commit that is under way
                yield fresh_to_lead(fresh, pool)


def _rows(
    db: sqlite3.Connection, org: int, question: _Question, text: str | None, skip: Collection[int]
) -> Iterator[bytes]:
    """Bodies by id. SQL finds the text anywhere in the JSON, so it may have been a field's name."""
    for id_, body in db.execute(f"{question.select('id, body')} ORDER BY id", question.values):
        if id_ not in skip and (text is None or has_text(_data(db, org, id_), text)):
            yield body


def _data(db: sqlite3.Connection, org: int, lead: int) -> bytes:
    found = db.execute("SELECT body FROM lead_data WHERE org = ? AND lead = ?", (org, lead)).fetchone()
    return found[0] if found else b"{}"


def _count(db: sqlite3.Connection, question: _Question, skip: Collection[int]) -> int:
    if skip:
        question.add(_NOT_THESE, msgspec.json.encode(list(skip)).decode())
    found: tuple[int] = db.execute(question.select("count(*)"), question.values).fetchone()
    return found[0]
