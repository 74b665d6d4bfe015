"""Statements that PostgreSQL is sent for a commit, for one that loads leads, and for rows that are folded.

Every statement waits for its answer, so these are the round trips, too. What other tasks ask meanwhile, the renewal of
the ownership before all, is not counted: a statement belongs to the task that sent it.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import asyncpg

from nextlead_adapters.postgres import PostgresStore

from ..job import build_engine, make_centre
from .bounds import Figure
from .commits import JOB, figures_of, work_on

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
    connect = asyncpg.connect

    def saw(_: object) -> None:
        if _phase.get():
            counted["statements", _phase.get()] += 1

    async def connected(*args: Any, **kwargs: Any) -> Any:
        connection = await connect(*args, **kwargs)
        connection.add_query_logger(saw)
        return connection

    asyncpg.connect = connected
    try:
        yield
    finally:
        asyncpg.connect = connect
