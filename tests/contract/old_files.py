"""Files that programs of before wrote, from their dumps."""

import sqlite3
from contextlib import closing
from pathlib import Path

from nextlead_adapters.sqlite import schema


def written(folder: Path, dump: str) -> Path:
    """The file, made anew from a dump that lies beside this one. A dump does not tell whose file it was."""
    path = folder / "a.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(Path(__file__).with_name(dump).read_text())
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    return path
