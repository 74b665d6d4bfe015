"""What is in a store file, in a few numbers: for who made, restored or migrated it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from nextlead.ports import DEFAULT, StoreRefused


class Share(Struct):
    """What an organisation has. `leads` are all, open and closed; times are UTC."""

    code: str
    leads: int
    commits: int
    last_commit: str | None


class Contents(Struct):
    """A store file: bytes, version of its tables, organisations; `needs_key`: it has forgotten numbers."""

    bytes: int
    version: int
    needs_key: bool
    organisations: list[Share]


def contents_of(file: Path) -> Contents:
    """Look into a store file. O(leads). Raises `StoreRefused` for what is none, or is damaged where it is looked at."""
    try:
        with closing(reader(file)) as db:
            db.execute("BEGIN")
            (version,) = db.execute("SELECT max(version) FROM schema_version").fetchone()
            known = db.execute("SELECT 1 FROM row WHERE tbl = 'forgotten' LIMIT 1").fetchone()
            shares = [_share(db, no, code) for no, code in organisations_of(db)]
            return Contents(file.stat().st_size, version, known is not None, shares)
    except sqlite3.Error as error:
        raise StoreRefused(f"{file} can't be read: {error}") from error


def reader(file: Path, timeout_s: float = 5.0) -> sqlite3.Connection:
    """A connection that can't write, to be used in any thread, one at a time. Raises `sqlite3.Error`.

    It waits `timeout_s` for who holds what it needs.
    """
    uri = f"file:{quote(str(file))}?mode=ro"
    return sqlite3.connect(uri, timeout=timeout_s, uri=True, isolation_level=None, check_same_thread=False)


def organisations_of(db: sqlite3.Connection) -> list[tuple[int, str]]:
    """Numbers and codes. Before version 5 there was one, and it had no name."""
    if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'organisation'").fetchone():
        return list(db.execute("SELECT no, code FROM organisation ORDER BY no"))
    return [(DEFAULT.no, DEFAULT.code)]


def _share(db: sqlite3.Connection, org: int, code: str) -> Share:
    counts = (db.execute(f"SELECT count(*) FROM {table} WHERE org = ?", (org,)) for table in ("lead", "state"))
    leads = sum(count for ((count,),) in counts)
    last = db.execute("SELECT no, at_ms FROM journal WHERE org = ? ORDER BY no DESC LIMIT 1", (org,)).fetchone()
    no, at_ms = last or (0, 0)
    return Share(code, leads, no, _time(at_ms) if no else None)


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
