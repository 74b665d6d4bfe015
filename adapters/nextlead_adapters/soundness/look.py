"""One look at one organisation in a store file: all of it as of one moment.

Tables lag behind the journal (docs/storage.md), so what is newest is the tables' rows with `Waiting` laid over them.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, Protocol

import msgspec
from msgspec import Struct, field

from nextlead.core.model import Lead
from nextlead.core.row import Row

from ..journalled import bodies
from ..journalled.codec import RowKey, decode_row

MOST: Final = 20
"""Findings of one kind that are told; of the others only how many."""
BATCH: Final = 5_000


class Said(Protocol):
    """Is told what is being looked at, how far it is, and of how much."""

    def __call__(self, what: str, done: int = 0, total: int | None = None) -> object:
        """Called now and then, from any thread."""
        ...


class Waiting(Struct):
    """What the journal has and the tables lack: the newest rows, None for those that are gone."""

    leads: dict[int, Lead] = field(default_factory=dict)
    rows: dict[RowKey, Row | None] = field(default_factory=dict)


class Look(Struct):
    """`db` reads a snapshot, which is at commit `folded_to` but for what waits."""

    db: sqlite3.Connection
    org: int
    folded_to: int
    waiting: Waiting
    said: Said
    stored: dict[RowKey, Row] = field(default_factory=dict)
    """Rows of the table `row` as they are there."""

    def ask(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Rows of this organisation: its number is the statement's first value."""
        return self.db.execute(statement, (self.org, *values))

    def scratch(self, table: str, columns: str) -> None:
        """An empty table of our own, `temp.` and its name. Not by `executescript`, which would end the snapshot."""
        self.db.execute(f"DROP TABLE IF EXISTS temp.{table}")
        self.db.execute(f"CREATE TEMP TABLE {table} {columns}")

    def newest(self, table: str) -> dict[int | str, Row]:
        """All rows of a table of `codec.ROW_TYPES` by key, newest."""
        found = {key: row for (name, key), row in self.stored.items() if name == table}
        for (name, key), row in self.waiting.rows.items():
            if name == table and row is None:
                found.pop(key, None)
            elif name == table and row is not None:
                found[key] = row
        return found

    def watched(self, what: str, table: str, rows: Iterable[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
        """The rows, telling how far it is."""
        (total,) = self.ask(f"SELECT count(*) FROM {table} WHERE org = ?").fetchone()
        for done, row in enumerate(rows):
            if done % BATCH == 0:
                self.said(what, done, total)
            yield row


def waiting_of(db: sqlite3.Connection, org: int, folded_to: int) -> Waiting:
    """Raises `StoreRefused` for a commit that can't be read."""
    found = Waiting()
    commits = "SELECT no, at_ms, body FROM journal WHERE org = ? AND no > ? ORDER BY no"
    for no, at_ms, body in db.execute(commits, (org, folded_to)):
        step = bodies.step(no, at_ms, body)
        found.leads.update({lead.id: lead for lead in step.leads})
        found.rows.update(step.rows)
        for lead in step.gone:
            found.leads.pop(lead, None)
            found.rows.pop(("lead_data", lead), None)
    return found


def told(findings: Iterable[str]) -> Iterator[str]:
    """The first of them, and how many more there are."""
    remaining = iter(findings)
    yield from islice(remaining, MOST)
    more = sum(1 for _ in remaining)
    if more:
        yield f"... and {more} more of the kind"


_KEYS: Final = {
    **dict.fromkeys(("team", "agent", "project", "campaign"), "no"),
    **dict.fromkeys(("pool", "file", "job", "erasure", "zone_set", "token"), "id"),
    **dict.fromkeys(("blocked", "global_blocked"), "number"),
    "closures": "pool",
    "tally": "campaign",
    "clones": "master",
    "contacted": "lead",
    "filter": "name",
}
"""Which field of a row is its key."""


def read_rows(look: Look) -> Iterator[str]:
    """Fill `stored`; finds rows that can't be read, or stand under another's key."""
    for table, key, body in look.ask("SELECT tbl, key, body FROM row WHERE org = ?"):
        try:
            row = decode_row(table, body)
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
            yield f"row {table} {key} can't be read: {error}"
            continue
        look.stored[table, key] = row
        if table in _KEYS and getattr(row, _KEYS[table]) != key:
            yield f"row {table} {key} says that it is {getattr(row, _KEYS[table])}"
