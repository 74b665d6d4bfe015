"""The dialer on PostgreSQL (T4), and how long a store takes to load (T8 without the daemon around it).

`python -m benchmarks.postgres postgresql://NAME@HOST/DATABASE`: works in a schema of its own, which it makes anew.
"""

import argparse
import asyncio
from time import perf_counter, process_time
from typing import Final

import asyncpg

from nextlead.core.changes import Changes
from nextlead.core.engine import Engine
from nextlead.ports import Commit
from nextlead.runtime.dialer import Dialer
from nextlead_adapters.almanac import LibraryAlmanac
from nextlead_adapters.postgres import PostgresStore
from nextlead_adapters.scheme_files import shipped_schemes

from .durable import Floor, JobClock, run
from .figures import Result
from .job import START_MS, Job, agent_code, make_centre

SCHEMA: Final = "nextlead_bench"


async def measure(url: str, job: Job, operations: int) -> Result:
    """Load, open, and all agents in closed loop; seconds, operations per second, times in milliseconds."""
    await _make_schema(url)
    there = f"{url}{'&' if '?' in url else '?'}search_path={SCHEMA}"
    result: Result = {}
    started = perf_counter()
    await _fill(PostgresStore(there), job)
    result["fill_s"] = perf_counter() - started
    result["load_s"] = await _load(PostgresStore(there))
    clock, store = JobClock(), PostgresStore(there)
    started = perf_counter()
    dialer = await Dialer.open(store, clock, archive=store, engine=Engine(b"", LibraryAlmanac(), shipped_schemes()))
    result["open_s"] = perf_counter() - started
    first, cpu = dialer.engine.commit_no, process_time()
    floor = Floor(dialer, clock, job, warm_up=operations // 4, operations=operations)
    async with asyncio.TaskGroup() as group:
        for at in range(job.agents):
            group.create_task(floor.agent(agent_code(at)))
    result["cpu_us"] = (process_time() - cpu) / floor.done * 1e6
    result["operations_per_commit"] = floor.done / (dialer.engine.commit_no - first)
    await dialer.close()
    return result | floor.result()


async def _make_schema(url: str) -> None:
    db = await asyncpg.connect(url)
    await db.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
    await db.close()


async def _fill(store: PostgresStore, job: Job) -> None:
    centre = make_centre(job)
    await store.open()
    try:
        no = (await store.claim()).commit_no + 1
        await store.commit(Commit(no, START_MS, Changes(rows=dict(centre.rows))))
        for leads in centre.fresh(data=True):
            no += 1
            await store.commit(Commit(no, START_MS, Changes(fresh=leads)))
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


def main() -> None:
    """Measure once, and say what came out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.postgres", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--operations", type=int, default=200_000)
    parser.add_argument("--agents", type=int, default=200)
    options = parser.parse_args()
    job = Job(options.leads, options.agents)
    for name, value in run(measure(options.url, job, options.operations)).items():
        print(f"{name:24} {value:14,.2f}")


if __name__ == "__main__":
    main()
