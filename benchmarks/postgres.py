"""The dialer on PostgreSQL (T4), and the daemon's start on what that left (T8)."""

import asyncio
from pathlib import Path
from secrets import token_hex
from time import perf_counter
from typing import Final

import asyncpg

from nextlead.core.changes import Changes
from nextlead.core.engine import Engine
from nextlead.ports import Commit
from nextlead.runtime.dialer import Dialer
from nextlead_adapters.almanac import LibraryAlmanac
from nextlead_adapters.postgres import PostgresStore
from nextlead_adapters.scheme_files import shipped_schemes

from .durable import Floor, JobClock
from .engine import Tell
from .figures import Result
from .job import START_MS, Job, agent_code, make_centre
from .restart import start_daemon
from .rivals.servers import check_durable

SCHEMA: Final = f"nextlead_bench_{token_hex(4)}"
"""This process's own: somebody else may measure on the same server."""


async def measure_postgres(url: str, job: Job, operations: int, folder: Path, tell: Tell) -> Result:
    """All agents in closed loop on a store with the job's leads, in a schema of its own that goes afterwards.

    Seconds, operations per second, times in milliseconds; `ready_s` is from starting the daemon on the worked store to
    its being ready. Raises `NotDurable` when the server does not make commits durable.
    """
    db = await asyncpg.connect(url)
    try:
        await check_durable(db)
        await db.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        there = f"{url}{'&' if '?' in url else '?'}search_path={SCHEMA}"
        return await _measure(there, job, operations, folder, tell)
    finally:
        await db.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        await db.close()


async def _measure(there: str, job: Job, operations: int, folder: Path, tell: Tell) -> Result:
    result: Result = {}
    started = perf_counter()
    await _fill(PostgresStore(there), job, tell)
    result["fill_s"] = perf_counter() - started
    tell("loading")
    result["load_s"] = await _load(PostgresStore(there))
    result |= await _work(there, job, operations, tell)
    tell("starting the daemon")
    result["ready_s"] = (await asyncio.to_thread(start_daemon, there, folder / "serve.log", folder))[0]
    return result


async def _work(there: str, job: Job, operations: int, tell: Tell) -> Result:
    clock, store = JobClock(), PostgresStore(there)
    started = perf_counter()
    dialer = await Dialer.open(store, clock, archive=store, engine=Engine(b"", LibraryAlmanac(), shipped_schemes()))
    result: Result = {"open_s": perf_counter() - started}
    tell("agents at work")
    first = dialer.engine.commit_no
    floor = Floor(dialer, clock, job, warm_up=operations // 4, operations=operations)
    async with asyncio.TaskGroup() as group:
        for at in range(job.agents):
            group.create_task(floor.agent(agent_code(at)))
    result["operations_per_commit"] = floor.done / (dialer.engine.commit_no - first)
    await dialer.close()
    return result | floor.result()


async def _fill(store: PostgresStore, job: Job, tell: Tell) -> None:
    centre, written = make_centre(job), 0
    await store.open()
    try:
        no = (await store.claim()).commit_no + 1
        await store.commit(Commit(no, START_MS, Changes(rows=dict(centre.rows))))
        for leads in centre.fresh(data=True):
            no += 1
            await store.commit(Commit(no, START_MS, Changes(fresh=leads)))
            written += len(leads)
            tell(f"writing the store {100 * written // job.leads} %")
    finally:
        await store.close()


async def _load(store: PostgresStore) -> float:
    await store.open()
    try:
        await store.claim()
        started = perf_counter()
        async for _ in store.load():
            pass
        return perf_counter() - started
    finally:
        await store.close()
