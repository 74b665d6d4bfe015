"""`nextlead` with a store that takes for ever to be opened or loaded (`SLOW_STEP`), and says so when it begins."""

import asyncio
import os
from collections.abc import AsyncIterator

from nextlead.ports import Part
from nextlead_adapters.cli.main import run
from nextlead_adapters.journalled.store import JournalledStore

_load = JournalledStore.load


async def _for_ever() -> None:
    print("it begins", flush=True)
    await asyncio.Event().wait()


async def _slow_open(_self: JournalledStore) -> None:
    await _for_ever()


async def _slow_load(self: JournalledStore) -> AsyncIterator[Part]:
    async for part in _load(self):
        yield part
        await _for_ever()


if os.environ["SLOW_STEP"] == "open":
    JournalledStore.open = _slow_open  # type: ignore[method-assign]
else:
    JournalledStore.load = _slow_load  # type: ignore[method-assign]
run()
