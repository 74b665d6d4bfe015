"""The work that is done while power may go: a town's past (`contract/town.py`) in several lives of a store.

As a program it does one life on the file it is given, and marks in the trace what was begun and what returned. The test
asks `work` for the same on a store that keeps nothing, to know what every commit left.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from contract.town import Town
from crash.power_loss import Mark

from nextlead.core.model import Erasure
from nextlead.ports import Commit
from nextlead_adapters.journalled import tending
from nextlead_adapters.sqlite import SqliteStore, upkeep

LIVES = 3
LEADS, TURNS = 300, 12
SEED = 5
CLOSES = (False, True, False)
"""Whether a life ends in order; else by a kill."""


def forgotten(life: int) -> list[int]:
    """Who is forgotten in a life."""
    return list(range(life + 1, LEADS + 1, 10))


async def work(town: Town, store: Any, life: int) -> None:
    """One life: leads are loaded or called, then some are forgotten, in every other life while calls go on."""
    if life == 0:
        await town.live(store, TURNS)
    for _ in range(TURNS):
        await town.turn(store)
    ids = forgotten(life)
    erasing = asyncio.create_task(store.erase(await town.forget(store, ids)))
    for _ in range(TURNS * (life % 2)):
        await town.turn(store)
    await erasing
    await store.done(f"erased {life}")
    for _ in range(TURNS):
        await town.turn(store)


class Nowhere:
    """A store that keeps nothing."""

    async def commit(self, commit: Commit) -> None:
        """Let others go on, as a real one does."""
        await asyncio.sleep(0)

    async def erase(self, _erasures: list[Erasure]) -> None:
        """Nothing is there."""

    async def done(self, _text: str) -> None:
        """Nobody wants to know."""


class Marked:
    """A store whose returns are marked."""

    def __init__(self, store: SqliteStore, mark: Mark) -> None:
        self._store = store
        self._mark = mark

    async def commit(self, commit: Commit) -> None:
        """Marks before and after."""
        self._mark(f"begun {commit.no}")
        await self._store.commit(commit)
        self._mark(f"commit {commit.no}")

    async def erase(self, erasures: list[Erasure]) -> None:
        """As it is."""
        await self._store.erase(erasures)

    async def done(self, text: str) -> None:
        """Mark it."""
        self._mark(text)


async def main(path: str, trace: str, life: int) -> None:
    """Life number `life` of the file."""
    tending.FOLD_ROWS, upkeep.PAGES = 60, 40  # type: ignore[misc]
    town = Town(LEADS, SEED)
    for before in range(life):
        await work(town, Nowhere(), before)
    store = SqliteStore(path)
    await store.open()
    claim = await store.claim()
    assert claim.commit_no == town.last
    await work(town, Marked(store, Mark(Path(trace))), life)
    if not CLOSES[life]:
        os._exit(0)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
