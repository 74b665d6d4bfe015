"""What tests of the operator's commands share: a store with a bit of everything, and all rows of a file."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from crash.twins import Centre

from nextlead_adapters.soundness.check import check_file
from nextlead_adapters.verify import quiet

MOVES = 120


async def a_centre(path: Path, seed: int = 1, moves: int = MOVES) -> Centre:
    """A call centre in a file after some random work, all of it durable; `close` its store."""
    centre = Centre(seed, path)
    await centre.begin()
    for _ in range(moves):
        await centre.happen()
    await centre.work_off()
    return centre


def rows_of(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, but who owned the file last."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        return {
            table: sorted(db.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in tables
            if table not in ("owner", "schema_version")
        }


async def findings(path: Path, *, deep: bool = True) -> list[str]:
    return await check_file(path, quiet, deep=deep)
