"""Parts of statements.

Many rows go into one statement: `executemany` would take the interpreter's lock for every row, and the event loop would
wait in line with it.
"""

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Final

from nextlead.core.model import Status

from ..journalled.slices import batches

BY_ID: Final = "INDEXED BY lead_id"
"""Without it SQLite reads the whole table once a dozen ids are asked for: it has no statistics, and guesses."""

OPEN: Final = f"status <> {Status.CLOSED.value}"
"""Word for word the condition of the index `state_open`, or SQLite will not use it."""


def marks(count: int) -> str:
    """`(?,?,?)`."""
    return f"({','.join('?' * count)})"


def insert(db: sqlite3.Connection, around: tuple[str, str], rows: Sequence[tuple[object, ...]]) -> None:
    """All rows in one statement; a lead may bring more numbers than `SLICE`, so even these are counted."""
    for part in batches(rows):
        values = ",".join([marks(len(part[0]))] * len(part))
        db.execute(f"{around[0]} {values} {around[1]}", list(chain.from_iterable(part)))
