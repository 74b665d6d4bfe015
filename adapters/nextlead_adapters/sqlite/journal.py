"""The journal: one row per commit, written once, kept; see `journalled/bodies.py`."""

import sqlite3
from collections.abc import Iterator
from typing import Final

from nextlead.core.model import Event, Lead

from ..journalled import bodies
from ..journalled.bodies import Step, Whole
from ..journalled.slices import SLICE

_INSERT: Final = "INSERT INTO journal (org, no, at_ms, epoch, body) VALUES (?, ?, ?, ?, ?)"


def insert(db: sqlite3.Connection, org: int, row: tuple[int, int, int, bytes]) -> None:
    """Write a commit's row: number, engine time, epoch, body."""
    db.execute(_INSERT, (org, *row))


def steps_after(db: sqlite3.Connection, org: int, no: int) -> list[Step]:
    """The commits after `no`, in order. Raises `StoreRefused` for one that is missing or can't be read."""
    found: list[Step] = []
    rows = db.execute("SELECT no, at_ms, body FROM journal WHERE org = ? AND no > ? ORDER BY no", (org, no))
    for there, at_ms, body in rows:
        no += 1
        if there != no:
            raise bodies.missing(no)
        found.append(bodies.step(no, at_ms, body))
    return found


def history(db: sqlite3.Connection, org: int, lead: int, last_commit: int) -> list[Event]:
    """A lead's events, oldest first, along the chain from its newest; O(commits it has events in)."""
    parts: list[list[Event]] = []
    no = last_commit
    while no:
        body = _body(db, org, no)
        events = bodies.events_of(body, lead) if body else []
        if not events or events[0].previous >= no:
            raise bodies.broken(lead, no)
        parts.append(events)
        no = events[0].previous
    return [event for events in reversed(parts) for event in events]


def lead_at(db: sqlite3.Connection, org: int, no: int, lead: int) -> Lead | None:
    """A lead's row as that commit left it."""
    body = _body(db, org, no)
    return bodies.row_of(body, lead) if body else None


def commit_before(db: sqlite3.Connection, org: int, at_ms: int) -> int:
    """The last commit of an engine time before this, 0 if there is none; O(log commits), as that time never falls."""
    first, end = 1, last(db, org)[0]
    while first <= end:
        middle = (first + end) // 2
        found = db.execute("SELECT at_ms FROM journal WHERE org = ? AND no = ?", (org, middle)).fetchone()
        if found is None:
            raise bodies.missing(middle)
        if found[0] < at_ms:
            first = middle + 1
        else:
            end = middle - 1
    return end


def happened(
    db: sqlite3.Connection, org: int, after: int, up_to: int, limit: int
) -> tuple[list[tuple[Event, Lead]], int]:
    """Events of the next few commits behind `after` with their leads' rows, and the last one read.

    No more commits than it takes for `limit` events, and none behind `up_to`.
    """
    found: list[tuple[Event, Lead]] = []
    commits = db.execute(
        "SELECT no, body FROM journal WHERE org = ? AND no > ? AND no <= ? ORDER BY no LIMIT ?",
        (org, after, up_to, SLICE),
    )
    for no, packed in commits:
        after = no
        found += bodies.happened(packed)
        if len(found) >= limit:
            break
    return found, after


def read(db: sqlite3.Connection, org: int, no: int) -> Whole:
    """A commit's row. Raises `StoreRefused` when it is missing."""
    body = _body(db, org, no)
    if body is None:
        raise bodies.missing(no)
    return bodies.whole(body)


def read_all(db: sqlite3.Connection, org: int, after: int = 0) -> Iterator[tuple[int, Whole]]:
    """Every commit's row behind one, by number."""
    for no, body in db.execute("SELECT no, body FROM journal WHERE org = ? AND no > ? ORDER BY no", (org, after)):
        yield no, bodies.whole(body)


def read_events(db: sqlite3.Connection, org: int) -> Iterator[tuple[int, list[Event]]]:
    """Every commit's events, by number."""
    for no, body in db.execute("SELECT no, body FROM journal WHERE org = ? ORDER BY no", (org,)):
        yield no, bodies.events(body)


def rewrite(db: sqlite3.Connection, org: int, no: int, whole: Whole) -> None:
    """Put another body in a commit's row, from which personal data is gone; nothing else ever changes one."""
    db.execute("UPDATE journal SET body = ? WHERE org = ? AND no = ?", (bodies.pack_whole(whole), org, no))


def last(db: sqlite3.Connection, org: int) -> tuple[int, int]:
    """Number and engine time of the last commit; zeros when there is none."""
    row = db.execute("SELECT no, at_ms FROM journal WHERE org = ? ORDER BY no DESC LIMIT 1", (org,)).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def _body(db: sqlite3.Connection, org: int, no: int) -> bytes | None:
    row = db.execute("SELECT body FROM journal WHERE org = ? AND no = ?", (org, no)).fetchone()
    return row[0] if row else None
