"""Owners of PostgreSQL databases, and who waits to be one, for tests."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import postgres  # noqa: F401 - skips those who import this file where the driver is missing

from nextlead_adapters.postgres import PostgresDatabase
from nextlead_adapters.postgres.ownership import Times
from nextlead_adapters.postgres.tables import PostgresTables

NEVER = Times(renew_s=3_600, hold_s=7_200, takeover_s=3_600)
"""Nobody says that it lives, and nobody is taken for dead."""
AT_ONCE = Times(renew_s=3_600, hold_s=7_200, takeover_s=0)
"""Everybody else is taken for dead."""


@asynccontextmanager
async def databases_of(url: str) -> AsyncIterator[Callable[[Times], PostgresDatabase]]:
    """Makes databases, which are closed in the end."""
    found: list[PostgresDatabase] = []

    def make(times: Times) -> PostgresDatabase:
        found.append(PostgresDatabase(url, times))
        return found[-1]

    yield make
    for database in found:
        await database.close()


async def claimed(database: Any, no: int = 1) -> Any:
    store = database.store(no)
    await store.open()
    await store.claim()
    return store


def tables_of(store: Any) -> PostgresTables:
    found = store._tables
    assert isinstance(found, PostgresTables)
    return found


class Told:
    """What `claim` says to who waits."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.once = asyncio.Event()

    def __call__(self, name: str) -> None:
        self.names.append(name)
        self.once.set()


class Hands:
    """A clock that somebody moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def until(condition: Callable[[], bool]) -> None:
    """What goes on in the background has come to it."""
    while not condition():
        await asyncio.sleep(0.001)


class owner_of:  # noqa: N801 - it reads like a function
    """A database that is open and claimed."""

    def __init__(self, url: str, times: Times) -> None:
        self.database = PostgresDatabase(url, times)

    async def __aenter__(self) -> PostgresDatabase:
        await self.database.open()
        await self.database.claim()
        return self.database

    async def __aexit__(self, *_: object) -> None:
        await self.database.close()
