"""What a store does for a commit, and for rows that are folded behind it: statements, rows, hops, bytes.

The commits are those of a shift, some operations in each, one after the other; folding comes when the store closes, so
that nothing goes on beside what is counted.
"""

import asyncio
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from nextlead.core.changes import Changes
from nextlead.core.engine import Engine
from nextlead.ports import Commit, Store
from nextlead_adapters.sqlite import SqliteStore
from nextlead_adapters.sqlite.connection import Connection

from ..calls import Shift
from ..job import START_MS, Centre, Job, build_engine, make_centre
from ..stores import changes_of
from .bounds import Figure

JOB: Final = Job(2_000, agents=50)
COMMITS: Final = 30
TURNS: Final = 20
"""Of a `finish` and a `next`, in each commit."""

Mark = Callable[[str], None]
"""Told what begins now; the empty word at the end."""


class Done(NamedTuple):
    """How much was done in all."""

    loads: int
    folded: int


async def work_on(store: Store, centre: Centre, engine: Engine, mark: Mark) -> Done:
    """Load, commit and fold. Nothing but the set-up waits to be folded when the commits begin."""
    await store.open()
    try:
        no = (await store.claim()).commit_no + 1
        await store.commit(Commit(no, START_MS, Changes(rows=dict(centre.rows))))
        mark("load")
        first = no
        for leads in centre.fresh(data=True):
            no += 1
            await store.commit(Commit(no, START_MS, Changes(fresh=leads)))
        loads = no - first
        mark("commit")
        shift, folded = Shift(engine, centre.job), set(centre.rows)
        for _ in range(COMMITS):
            no += 1
            engine.commit_no = no
            changes = changes_of(shift, engine, TURNS)
            await store.commit(Commit(no, shift.now_ms, changes))
            folded |= {("lead", lead) for lead in changes.leads} | set(changes.rows)
        mark("fold")
    finally:
        await store.close()
    mark("")
    return Done(loads, len(folded))


def figures_of(counted: Mapping[tuple[str, str], int], done: Done) -> list[Figure]:
    """Of what was counted by (what, phase)."""
    assert counted["statements", "commit"] >= COMMITS, "each commit has a statement; if not, this counts elsewhere"
    times = {"commit": COMMITS, "load": done.loads}
    pers = {"commit": "commit", "load": "commit that loads leads"}
    found = []
    for (what, phase), count in counted.items():
        if phase == "fold":
            found.append(Figure(f"{what} per 100 rows folded", 100 * count / done.folded))
        else:
            found.append(Figure(f"{what} per {pers[phase]}", count / times[phase], exact=True))
    return found


# -- SQLite ---------------------------------------------------------------------------------------------------------


class SqliteCounts:
    """Statements and hops by phase, of all connections that are opened while it counts."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[str, str]] = Counter()
        self._phase = ""
        self._connections: list[sqlite3.Connection] = []
        self._by_closed = self._before = 0

    def mark(self, phase: str) -> None:
        """See `Mark`. Rows that were written until now belong to the phase before."""
        written = self._by_closed + sum(connection.total_changes for connection in self._connections)
        if self._phase:
            self.counted["rows written", self._phase] += written - self._before
        self._phase, self._before = phase, written

    def _closes(self, connection: sqlite3.Connection) -> None:
        self._connections.remove(connection)
        self._by_closed += connection.total_changes

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Whoever connects in here is counted."""
        connect, run, cursor = sqlite3.connect, Connection.run, _counting_cursor(self._saw)

        closes = self._closes

        class Counting(sqlite3.Connection):
            def close(self) -> None:
                closes(self)
                super().close()

            def cursor(self, factory: Any = None) -> Any:
                assert factory is None, "there are no cursors of another kind"
                return super().cursor(cursor)

            def execute(self, *args: Any) -> Any:
                return self.cursor().execute(*args)

            def executemany(self, *args: Any) -> Any:
                return self.cursor().executemany(*args)

            def executescript(self, script: str) -> Any:
                return self.cursor().executescript(script)

        def connected(*args: Any, **kwargs: Any) -> sqlite3.Connection:
            assert "factory" not in kwargs, "there is no connection of another kind"
            connection: sqlite3.Connection = connect(*args, factory=Counting, **kwargs)
            self._connections.append(connection)
            return connection

        async def ran(self_: Connection, *args: Any, **kwargs: Any) -> Any:
            self._saw("hops to a thread")
            return await run(self_, *args, **kwargs)

        sqlite3.connect, Connection.run = connected, ran  # type: ignore[assignment, method-assign]
        try:
            yield
        finally:
            sqlite3.connect, Connection.run = connect, run  # type: ignore[method-assign]

    def _saw(self, what: str, times: int = 1) -> None:
        if self._phase:
            self.counted[what, self._phase] += times


def _counting_cursor(saw: Callable[[str, int], None]) -> type[sqlite3.Cursor]:
    """Cursors that tell of their statements: of one with many rows, once for each."""

    class Counting(sqlite3.Cursor):
        def execute(self, *args: Any) -> Any:
            saw("statements", 1)
            return super().execute(*args)

        def executemany(self, statement: str, rows: Any) -> Any:
            rows = list(rows)
            saw("statements", len(rows))
            return super().executemany(statement, rows)

        def executescript(self, script: str) -> Any:
            saw("statements", script.count(";"))
            return super().executescript(script)

    return Counting


def sqlite() -> list[Figure]:
    """Of the store in a file."""
    counts, centre = SqliteCounts(), make_centre(JOB)
    engine = build_engine(centre)
    with tempfile.TemporaryDirectory(prefix="nextlead-gate-") as folder, counts.counting():
        path = Path(folder) / "a.db"
        sizes: dict[str, int] = {}

        def mark(phase: str) -> None:
            counts.mark(phase)
            sizes[phase] = log.stat().st_size if (log := path.with_name("a.db-wal")).exists() else 0

        done = asyncio.run(work_on(SqliteStore(path), centre, engine, mark))
    written = (sizes["fold"] - sizes["commit"]) / (COMMITS * TURNS)
    return [*figures_of(counts.counted, done), Figure("bytes written to the log per turn", written)]
