"""What belonged to a pool or a file that is gone, taken away in slices: rejected rows, parts of the original."""

import sqlite3
from collections.abc import Iterable
from typing import Final

from nextlead.redaction import names_of

from ..journalled.codec import decode_reject
from ..journalled.slices import SLICE
from .connection import transaction

_PARTS: Final = 8
"""Parts of a file that go at once: 2 MiB, for what is freed is also overwritten."""
_PLACE: Final = "org = ? AND pool = ? AND kind = ? AND row = ? AND no = ? AND at = ?"


def are_there(db: sqlite3.Connection, org: int) -> bool:
    """Whether something is to be taken away."""
    return db.execute("SELECT 1 FROM doomed WHERE org = ? LIMIT 1", (org,)).fetchone() is not None


def take_away(db: sqlite3.Connection, org: int) -> bool:
    """The next slice, in one transaction; False when there is nothing left."""
    with transaction(db):
        found = db.execute("SELECT tbl, id FROM doomed WHERE org = ? LIMIT 1", (org,)).fetchone()
        if found is None:
            return False
        table, id_ = found
        more = _of_pool(db, org, id_) if table == "pool" else _of_file(db, org, id_)
        if not more:
            db.execute("DELETE FROM doomed WHERE org = ? AND tbl = ? AND id = ?", (org, table, id_))
    return True


def delete_rejects(db: sqlite3.Connection, places: Iterable[tuple[object, ...]]) -> None:
    """Rejected rows by organisation, pool, kind, row, commit and place in it, and what leads to them by number."""
    for place in places:
        found = db.execute(f"SELECT body FROM reject WHERE {_PLACE}", place).fetchone()
        names = names_of(decode_reject(found[0])) if found else ()
        db.executemany(f"DELETE FROM reject_number WHERE {_PLACE} AND number = ?", [(*place, name) for name in names])
        db.execute(f"DELETE FROM reject WHERE {_PLACE}", place)


def _of_pool(db: sqlite3.Connection, org: int, pool: int) -> bool:
    found = db.execute(
        "SELECT org, pool, kind, row, no, at FROM reject WHERE org = ? AND pool = ? LIMIT ?", (org, pool, SLICE)
    ).fetchall()
    delete_rejects(db, found)
    return bool(found)


def _of_file(db: sqlite3.Connection, org: int, file: int) -> bool:
    found = db.execute("SELECT no FROM file_part WHERE org = ? AND file = ? LIMIT ?", (org, file, _PARTS)).fetchall()
    db.executemany("DELETE FROM file_part WHERE org = ? AND file = ? AND no = ?", [(org, file, no) for (no,) in found])
    return bool(found)
