"""A PostgreSQL server for tests: a real one, with a schema for each test.

It comes from the wheel `pgserver`, is started once for all workers of a run, and stopped and deleted with the last one.
`NEXTLEAD_TEST_POSTGRES` names another server, by the URL of a database in which schemas may be made. Who imports this
file is skipped where the driver is missing.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from postgres_server import shared_server

from nextlead.ports import DEFAULT

asyncpg = pytest.importorskip("asyncpg", reason="there is no driver for PostgreSQL: `pip install -e .[dev]` brings it")

from nextlead_adapters.postgres.schema import TABLES  # noqa: E402 - it needs the driver

GIVEN = "NEXTLEAD_TEST_POSTGRES"
HOW = f"install the extra for tests (`pip install -e .[dev]`), or name a server in {GIVEN}"
ROWS = set(TABLES) - {"owner", "organisation", "folding"}
EMPTY = f"""
{" ".join(f"DELETE FROM {table};" for table in sorted(ROWS))}
DELETE FROM organisation WHERE no > 1; UPDATE organisation SET name = '{DEFAULT.name}';
DELETE FROM folding WHERE org > 1; UPDATE folding SET folded_to = 0;
UPDATE owner SET renewed_at = NULL, key_mark = NULL;
"""
"""Makes a store's tables as they were when they were made, but for the epoch."""


class Admin:
    """A session of its own, in a thread of its own: fixtures that are not asynchronous ask it, too."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._names = (f"nextlead_test_{uuid4().hex}_{no}" for no in count(1))
        self._used: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._db: Any = self._run(_connect(url))

    def execute(self, statement: str) -> None:
        self._run(self._db.execute(statement))

    def fetch(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._run(self._db.fetch(statement, *values))]

    @contextmanager
    def schema(self) -> Iterator[str]:
        """The URL of a schema that is new and empty; it goes when it is left."""
        name = self._make()
        try:
            yield self._url_of(name)
        finally:
            self.execute(f"DROP SCHEMA {name} CASCADE")

    @contextmanager
    def store(self) -> Iterator[str]:
        """The URL of a schema without rows, for stores whose tables nobody changes: they are made once, not each time."""
        name = self._used.pop() if self._used else self._make()
        yield self._url_of(name)
        self.execute(f"SET search_path = {name}")
        if self.fetch("SELECT to_regclass('schema_version') IS NOT NULL")[0][0]:
            self.execute(EMPTY)
        self._used.append(name)

    def disown(self, url: str) -> None:
        """Take the right to write away from whoever has it, and give it to nobody."""
        for table in ("owner", "organisation", "folding"):
            self.execute(f"UPDATE {schema_of(url)}.{table} SET epoch = epoch + 1")
        self.execute(f"UPDATE {schema_of(url)}.owner SET renewed_at = NULL")

    def close(self) -> None:
        for name in self._used:
            self.execute(f"DROP SCHEMA {name} CASCADE")
        self._run(self._db.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _make(self) -> str:
        name = next(self._names)
        self.execute(f"CREATE SCHEMA {name}")
        return name

    def _url_of(self, schema: str) -> str:
        return f"{self.url}{'&' if urlsplit(self.url).query else '?'}search_path={schema}"

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


async def _connect(url: str) -> Any:
    return await asyncpg.connect(url)


@contextmanager
def asking() -> Iterator[Admin]:
    """The server, and a session to ask it by; skips where there is none."""
    with _server() as url:
        admin = Admin(url)
        yield admin
        admin.close()


@contextmanager
def _server() -> Iterator[str]:
    if given := os.environ.get(GIVEN):
        yield given
        return
    if not find_spec("pgserver"):
        pytest.skip(f"there is no PostgreSQL server: {HOW}")
    with shared_server(os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())) as found:
        yield found.get_uri()


def schema_of(url: str) -> str:
    """The schema that `Admin.schema` made a URL of."""
    return url.rpartition("search_path=")[2]
