"""Statements that make personal data go; `journalled/erasing.py` says in which order."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence

from nextlead.core.model import Erasure

from ..journalled import rewriting
from ..journalled.codec import RowKey, decode_lead, decode_row, encode
from ..journalled.slices import SLICE, batches
from ..journalled.tables import Heads
from . import doomed, journal, keys
from .connection import transaction
from .statements import BY_ID, marks

# -- where to go ----------------------------------------------------------------------------------------------------


def heads(db: sqlite3.Connection, org: int, erasures: Iterable[Erasure], forget: Iterable[int]) -> Heads:
    """Where the journal speaks of the leads to be erased, and of deleted leads that had a number to be forgotten."""
    found: Heads = {}
    ids = _deleted(db, org, forget)
    for erasure in erasures:
        ids.add(erasure.lead)
        for no in (erasure.last_commit, *erasure.silent):
            found.setdefault(no, set()).add(erasure.lead)
    for part in batches(ids):
        which = f"WHERE org = ? AND lead IN {marks(len(part))}"
        for no, lead in db.execute(f"SELECT no, lead FROM trail {which}", (org, *part)):
            found.setdefault(no, set()).add(lead)
    found.pop(0, None)
    return found


def _deleted(db: sqlite3.Connection, org: int, numbers: Iterable[int]) -> set[int]:
    """Leads that had one of the numbers and are gone."""
    found: set[int] = set()
    for part in batches(numbers):
        which = f"org = ? AND number IN {marks(len(part))}"
        found.update(
            lead
            for (lead,) in db.execute(
                f"SELECT lead FROM number WHERE {which} "
                "AND NOT EXISTS (SELECT 1 FROM state AS s WHERE s.org = number.org AND s.id = number.lead) "
                f"AND NOT EXISTS (SELECT 1 FROM lead AS l {BY_ID} WHERE l.org = number.org AND l.id = number.lead)",
                (org, *part),
            )
        )
    return found


def mentions(db: sqlite3.Connection, org: int, numbers: Sequence[int], up_to: int) -> list[int]:
    """Only those that are folded: a later one may have blocked the number again, and is needed after a crash."""
    found = db.execute(
        f"SELECT DISTINCT no FROM mention WHERE org = ? AND number IN {marks(len(numbers))} AND no <= ? ORDER BY no",
        (org, *numbers, up_to),
    )
    return [no for (no,) in found]


# -- the journal ----------------------------------------------------------------------------------------------------


def rewrite(db: sqlite3.Connection, org: int, commits: Heads) -> Heads:
    """Take what is personal of some leads out of some commits; where their stories go on."""
    further: Heads = {}
    with transaction(db):
        for no, leads in commits.items():
            whole = journal.read(db, org, no)
            for before, lead in rewriting.further(no, whole, leads):
                further.setdefault(before, set()).add(lead)
            _delete_numbers(db, org, rewriting.uses(whole, leads))
            journal.rewrite(db, org, no, rewriting.without(whole, leads))
    return further


def rewrite_mentions(
    db: sqlite3.Connection, org: int, no: int, erasures: Collection[int], forget: Collection[int]
) -> None:
    """Take numbers out of rows that are not leads', and what led to them."""
    with transaction(db):
        whole = journal.read(db, org, no)
        standing = {key for key in rewriting.blocked_in(whole) if _stands(db, org, key)}
        left, unnamed = rewriting.without_numbers(whole, erasures, forget, standing)
        journal.rewrite(db, org, no, left)
        dead = [(org, number, no) for number in unnamed]
        db.executemany("DELETE FROM mention WHERE org = ? AND number = ? AND no = ?", dead)


def _stands(db: sqlite3.Connection, org: int, key: RowKey) -> bool:
    return db.execute("SELECT 1 FROM row WHERE org = ? AND tbl = ? AND key = ?", (org, *key)).fetchone() is not None


# -- the tables -----------------------------------------------------------------------------------------------------


def delete_data(db: sqlite3.Connection, org: int, leads: Sequence[int]) -> None:
    """Their data fields and match keys."""
    with transaction(db):
        db.execute(f"DELETE FROM lead_data WHERE org = ? AND lead IN {marks(len(leads))}", (org, *leads))
        keys.delete(db, org, leads)


def _delete_numbers(db: sqlite3.Connection, org: int, uses: Iterable[tuple[int, int]]) -> None:
    """Rows of (number, lead)."""
    db.executemany(
        "DELETE FROM number WHERE org = ? AND number = ? AND lead = ?", [(org, number, lead) for number, lead in uses]
    )


def delete_rejects(db: sqlite3.Connection, org: int, name: int) -> bool:
    """Some of the rejected rows that have the number, or with a negative one the lead; False when there are no more."""
    with transaction(db):
        found = db.execute(
            "SELECT org, pool, kind, row, no, at FROM reject_number WHERE org = ? AND number = ? LIMIT ?",
            (org, name, SLICE),
        ).fetchall()
        doomed.delete_rejects(db, found)
    return bool(found)


def delete_uses(db: sqlite3.Connection, org: int, number: int, after: int) -> int | None:
    """Some of those who have a number but for leads that still say it; the last one seen, None at the end."""
    with transaction(db):
        found = db.execute(
            "SELECT n.lead, s.body, l.id FROM number AS n LEFT JOIN state AS s ON s.org = n.org AND s.id = n.lead "
            f"LEFT JOIN lead AS l {BY_ID} ON l.org = n.org AND l.id = n.lead "
            "WHERE n.org = ? AND n.number = ? AND n.lead > ? ORDER BY n.lead LIMIT ?",
            (org, number, after, SLICE),
        ).fetchall()
        dead = [
            lead
            for lead, body, fresh in found
            if not (fresh or (body and number in rewriting.said_by(decode_lead(body))))
        ]
        _delete_numbers(db, org, [(number, lead) for lead in dead])
    return found[-1][0] if found else None


def rewrite_erasures(db: sqlite3.Connection, org: int, ids: Sequence[int]) -> None:
    """The rows themselves, without numbers; of a lead that was untouched, no commit had said them."""
    which = f"WHERE org = ? AND tbl = 'erasure' AND key IN {marks(len(ids))}"
    with transaction(db):
        found = [decode_row("erasure", body) for (body,) in db.execute(f"SELECT body FROM row {which}", (org, *ids))]
        rows = [row for row in found if isinstance(row, Erasure)]
        _delete_numbers(db, org, [(number, row.lead) for row in rows for number in row.numbers])
        bare = [(encode(rewriting.bare(row)), row.id) for row in rows]
        db.executemany(f"UPDATE row SET body = ? WHERE org = {org:d} AND tbl = 'erasure' AND key = ?", bare)
