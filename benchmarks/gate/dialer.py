"""What the dialer adds to the engine: functions and commits per operation, with agents who all ask at once.

On a store in memory, which never waits, so that the event loop does the same in every run.
"""

import asyncio
import sys
from collections import Counter
from types import FrameType
from typing import Final

from nextlead.core.changes import Changes
from nextlead.core.engine import Engine
from nextlead.ports import Commit
from nextlead.runtime.dialer import Dialer
from nextlead.testing import MemoryStore
from nextlead_adapters.almanac import LibraryAlmanac

from ..durable import Floor, JobClock
from ..job import START_MS, Job, agent_code, make_centre
from .bounds import Figure

JOB: Final = Job(2_000, agents=20)
BEFORE: Final = 100
OPERATIONS: Final = 400


def dialer() -> list[Figure]:
    """Per operation of twenty agents in closed loop."""
    return asyncio.run(_dialer())


async def opened(job: Job, clock: JobClock) -> Dialer:
    """A dialer on a store in memory that has the job's leads."""
    store, centre = MemoryStore(), make_centre(job)
    await store.open()
    no = (await store.claim()).commit_no + 1
    await store.commit(Commit(no, START_MS, Changes(rows=dict(centre.rows))))
    await store.commit(
        Commit(no + 1, START_MS, Changes(fresh=[lead for part in centre.fresh(data=True) for lead in part]))
    )
    await store.close()
    return await Dialer.open(store, clock, archive=store, engine=Engine(b"", LibraryAlmanac()))


async def _dialer() -> list[Figure]:
    clock = JobClock(START_MS)
    dialer = await opened(JOB, clock)
    floor = Floor(dialer, clock, JOB, warm_up=0, operations=BEFORE)
    await _all(floor)
    called: Counter[str] = Counter()
    first = dialer.engine.commit_no

    def saw(frame: FrameType, event: str, _arg: object) -> None:
        if event == "call":
            called[frame.f_globals.get("__name__", "").partition(".")[0]] += 1

    floor = Floor(dialer, clock, JOB, warm_up=0, operations=OPERATIONS)
    before = sys.getprofile()
    sys.setprofile(saw)
    try:
        await _all(floor)
    finally:
        sys.setprofile(before)
    commits = dialer.engine.commit_no - first
    await dialer.close()
    ours = called["nextlead"] + called["nextlead_adapters"]
    return [
        Figure("functions per operation, engine and dialer", ours / floor.done),
        Figure("commits per 100 operations", 100 * commits / floor.done),
    ]


async def _all(floor: Floor) -> None:
    async with asyncio.TaskGroup() as group:
        for at in range(JOB.agents):
            group.create_task(floor.agent(agent_code(at)))
