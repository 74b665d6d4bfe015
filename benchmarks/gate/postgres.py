"""Statements that PostgreSQL is sent for a commit, for one that loads leads, and for rows that are folded.

Every statement waits for its answer, so these are the round trips, too. Not counted is what goes by other clocks than
the work's: what other tasks ask meanwhile, the renewal of the ownership before all (a statement belongs to the task
that sent it), and what a session asks when it is new.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import asyncpg

from nextlead_adapters.postgres import PostgresStore
from nextlead_adapters.postgres.connection import Server

from ..job import build_engine, make_centre
from .bounds import Figure
from .commits import JOB, figures_of, work_on

_OF_THE_DRIVER: Final = ("typeinfo_tree", "current_setting('jit')")
"""Words of what the driver asks once in each session, to learn of types."""
_phase: Final[ContextVar[str]] = ContextVar("_phase", default="")


def postgres(url: str) -> list[Figure]:
    """Of the store in a database's schema that has none yet."""
    counted: Counter[tuple[str, str]] = Counter()
    centre = make_centre(JOB)
    with _counting(counted):
        done = asyncio.run(work_on(PostgresStore(url), centre, build_engine(centre), _set))
    return figures_of(counted, done)


def _set(phase: str) -> None:
    _phase.set(phase)


@contextmanager
def _counting(counted: Counter[tuple[str, str]]) -> Iterator[None]:
    connect, session = asyncpg.connect, Server.connect

    def saw(logged: asyncpg.connection.LoggedQuery) -> None:
        if _phase.get() and not any(words in logged.query for words in _OF_THE_DRIVER):
            counted["statements", _phase.get()] += 1

    async def connected(*args: Any, **kwargs: Any) -> Any:
        connection = await connect(*args, **kwargs)
        connection.add_query_logger(saw)
        return connection

    async def new_session(self: Server, *args: Any, **kwargs: Any) -> Any:
        before = _phase.set("")
        try:
            return await session(self, *args, **kwargs)
        finally:
            _phase.reset(before)

    asyncpg.connect, Server.connect = connected, new_session  # type: ignore[method-assign]
    try:
        yield
    finally:
        asyncpg.connect, Server.connect = connect, session  # type: ignore[method-assign]
