"""From the store into a new engine: what was durable is there again, and time has gone on (SPEC R5.7)."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from nextlead.core.engine import Engine
from nextlead.ports import Part, Store

ROWS: Final = 500
TOUCHED: Final = 250
FRESH: Final = 1_000
"""Rows between two turns of the event loop, which take a few milliseconds: others are served while a million load."""

COLLECT: Final = (2_000, 20, 50)
"""Thresholds of the garbage collector while commands are served; the process's own, as they can be no others.

What 200 waiting agents need is two thousand young objects at any moment. With the usual 700 these are looked at again
and again, found alive, and looked at with all that is older soon after, which takes 4 % of the time. Rows are untracked
and hardly anything is a cycle, so little waits to be collected. More than 2,000 would save more, and stop the loop for
longer each time.
"""


async def load(store: Store, engine: Engine, last_ms: int = 0) -> None:
    """Restore everything that is open, and build the order as of the engine time of the last commit.

    The garbage collector rests meanwhile, and looks at none of it afterwards. The event loop is held for a few
    milliseconds at a time: another organisation's agents are served, and /healthz answers.
    """
    with _no_collection():
        async for part in store.load():
            await _restore(engine, part)
        for _ in engine.build(last_ms):
            await asyncio.sleep(0)


async def _restore(engine: Engine, part: Part) -> None:
    for at in range(0, len(part.rows), ROWS):
        for table, row in part.rows[at : at + ROWS]:
            engine.restore_row(table, row)
        await asyncio.sleep(0)
    for at in range(0, len(part.leads), TOUCHED):
        for lead in part.leads[at : at + TOUCHED]:
            engine.restore_lead(lead)
        await asyncio.sleep(0)
    for at in range(0, len(part.fresh), FRESH):
        engine.restore_fresh(part.fresh[at : at + FRESH])
        await asyncio.sleep(0)


@contextmanager
def _no_collection() -> Iterator[None]:
    """A full collection over a million tracked objects stops the process for 180 ms: don't, while and after loading."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
        gc.set_threshold(*COLLECT)
    finally:
        if was_on:
            gc.enable()
