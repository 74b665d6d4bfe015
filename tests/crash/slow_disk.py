"""`nextlead` on a disk that takes its time: every commit hangs for `SLOW_DISK_S` seconds before it is written.

So a kill hits a commit in flight, and an answer given too early is one that was never written.
"""

import asyncio
import os

from nextlead.ports import Commit
from nextlead_adapters.cli.main import run
from nextlead_adapters.journalled.store import JournalledStore

_commit = JournalledStore.commit


async def _slow_commit(self: JournalledStore, commit: Commit) -> None:
    await asyncio.sleep(float(os.environ["SLOW_DISK_S"]))
    await _commit(self, commit)


JournalledStore.commit = _slow_commit  # type: ignore[method-assign]
run()
