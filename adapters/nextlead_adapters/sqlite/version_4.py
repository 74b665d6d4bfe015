"""Version 4 of the file: `state` tells what leads are counted and listed by (SPEC 13)."""

import sqlite3
from typing import Final

from .version_2 import run

_TABLES: Final = """
ALTER TABLE state ADD COLUMN activity INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN rule TEXT NOT NULL DEFAULT '';
ALTER TABLE state ADD COLUMN last_by INTEGER NOT NULL DEFAULT 0;
"""


def migrate(db: sqlite3.Connection) -> None:
    """From version 3 to 4."""
    run(db, _TABLES)
