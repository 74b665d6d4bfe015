"""Version 5 of the file: it says which organisations are in it. Their rows were always told apart, by number."""

import sqlite3
from typing import Final

from nextlead.ports import DEFAULT

from .version_2 import run

_TABLE: Final = """
CREATE TABLE organisation (
    no INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, name TEXT NOT NULL, created_ms INTEGER NOT NULL
);
"""
_DEFAULT: Final = "INSERT INTO organisation (no, code, name, created_ms) VALUES (?, ?, ?, ?)"
_OTHERS: Final = """INSERT INTO organisation (no, code, name, created_ms)
SELECT org, 'organisation-' || org, 'Organisation ' || org, 0 FROM owner WHERE org <> ?"""


def migrate(db: sqlite3.Connection) -> None:
    """From version 4 to 5. Who used the library may have others in the file than the one there was."""
    run(db, _TABLE)
    db.execute(_DEFAULT, (DEFAULT.no, DEFAULT.code, DEFAULT.name, DEFAULT.created_ms))
    db.execute(_OTHERS, (DEFAULT.no,))
