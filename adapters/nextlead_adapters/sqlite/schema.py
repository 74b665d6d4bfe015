"""Tables, and how an older file becomes a newer one.

Every table of an organisation has its number first in its key. `lead` and `state` share the leads between them: a lead
is in `lead` while nobody has touched it and moves to `state` when its first row is folded in, so loading the untouched
ones reads nothing else. No ANALYZE is ever run: with statistics SQLite plans anew for each binding.
"""

import sqlite3
from collections.abc import Callable
from typing import Final

from nextlead.ports import StoreRefused

from . import version_2, version_3, version_4, version_5
from .connection import transaction

APPLICATION_ID: Final = 0x6E6C6561
"""Marks a database as ours in its header: `nlea`."""

_VERSION_1: Final = """
CREATE TABLE journal (
    org INTEGER NOT NULL, no INTEGER NOT NULL, at_ms INTEGER NOT NULL, epoch INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (org, no)
);
CREATE TABLE owner (
    org INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, pid INTEGER NOT NULL, folded_to INTEGER NOT NULL
);
CREATE TABLE row (
    org INTEGER NOT NULL, tbl TEXT NOT NULL, key NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (org, tbl, key)
) WITHOUT ROWID;
CREATE TABLE lead (
    org INTEGER NOT NULL, pool INTEGER NOT NULL, ordinal INTEGER NOT NULL, id INTEGER NOT NULL,
    owner INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (org, pool, ordinal, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX lead_id ON lead (org, id);
CREATE TABLE state (
    org INTEGER NOT NULL, id INTEGER NOT NULL, status INTEGER NOT NULL, closure TEXT, campaign INTEGER NOT NULL,
    pool INTEGER NOT NULL, owner INTEGER NOT NULL, due_ms INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (org, id)
) WITHOUT ROWID;
CREATE INDEX state_open ON state (org, id) WHERE status <> 8;
CREATE TRIGGER touched AFTER INSERT ON state BEGIN
    DELETE FROM lead WHERE org = NEW.org AND id = NEW.id;
END;
CREATE TABLE number (
    org INTEGER NOT NULL, number INTEGER NOT NULL, lead INTEGER NOT NULL,
    PRIMARY KEY (org, number, lead)
) WITHOUT ROWID;
CREATE TABLE lead_data (
    org INTEGER NOT NULL, lead INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (org, lead)
);
CREATE TABLE reject (
    org INTEGER NOT NULL, pool INTEGER NOT NULL, kind TEXT NOT NULL, row INTEGER NOT NULL,
    no INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (org, pool, kind, row, no, at)
);
CREATE TABLE answer (
    org INTEGER NOT NULL, key TEXT NOT NULL, at_ms INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (org, key)
);
CREATE INDEX answer_age ON answer (org, at_ms);
"""


def _create(db: sqlite3.Connection) -> None:
    """Version 1: all tables."""
    version_2.run(db, _VERSION_1)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)")


MIGRATIONS: Final[tuple[Callable[[sqlite3.Connection], None], ...]] = (
    _create,
    version_2.migrate,
    version_3.migrate,
    version_4.migrate,
    version_5.migrate,
)
"""The nth takes a file from version n - 1 to n. Never changed once released; a change of the tables is a new one."""


def version(db: sqlite3.Connection) -> int:
    """The file's version, 0 for an empty one. Raises `StoreRefused` for what is not ours or newer than this program."""
    if not db.execute("SELECT 1 FROM sqlite_schema").fetchone():
        return 0
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise StoreRefused("this is a database of another program")
    (found,) = db.execute("SELECT max(version) FROM schema_version").fetchone()
    if found is None or found > len(MIGRATIONS):
        raise StoreRefused(f"the store is of version {found}, this program knows versions up to {len(MIGRATIONS)}")
    return int(found)


def migrate(db: sqlite3.Connection) -> None:
    """Bring the file to the present version, all steps or none."""
    with transaction(db):
        for step in range(version(db), len(MIGRATIONS)):
            MIGRATIONS[step](db)
            db.execute("INSERT INTO schema_version VALUES (?, CURRENT_TIMESTAMP)", (step + 1,))
