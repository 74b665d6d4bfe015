"""Big work while agents call (T9, T10): an import, a shuffle, switches, numbers blocked, a deletion, an expiry.

One process: the dialer on SQLite, the intake with its reading process, and agents as tasks who take a lead, think, and
finish. What is measured of each piece of work: how long it took, how long `next` took meanwhile, and the longest that
one turn of the event loop kept everybody else waiting.
"""

import asyncio
import csv
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Final

from nextlead.core.commands import (
    ActOnPool,
    Block,
    ClosePool,
    Finish,
    IntakeRow,
    LoadRows,
    OpenPool,
    PutAgent,
    PutCampaign,
    PutSession,
    Tick,
)
from nextlead.core.replies import Offer
from nextlead.core.setup_model import CallingHours, Duplicates, Template, TemplateField
from nextlead.core.setup_model import Dialer as Settings
from nextlead.core.tokens import token_text
from nextlead.runtime.dialer import Dialer
from nextlead_adapters.bootstrap import open_dialer
from nextlead_adapters.intake.options import PoolOptions
from nextlead_adapters.intake.service import Intake

from .engine import Tell
from .figures import Result, percentile
from .job import Job
from .stores import store_url
from .watch import Watch

CALLS_PER_S: Final = 200
"""`next` per second of all agents together, each with its finish."""
WARM_LEADS: Final = 50_000
BLOCKED: Final = 10_000
BLOCKED_AT_ONCE: Final = 100
QUIET_S: Final = 5.0
_AREAS: Final = (212, 213, 215, 303, 305, 312, 404, 415, 512, 602, 617, 702)
_EXCHANGES: Final = tuple(range(220, 1000))
_LINES: Final = 10_000
_FIELDS: Final = ("name", "city")
_OPEN: Final = CallingHours(windows=(((0, 24 * 60),),) * 7)
"""Hours in the lead's zone, looked up for each number; open at any hour at which somebody may measure."""
_ELSEWHERE: Final = 4 * 10**11
"""Added to a number: another country's, which no list here has."""


class Floor:
    """Agents at work, and somebody who looks at the loop."""

    def __init__(self, dialer: Dialer, agents: int, seed: int) -> None:
        self._watch = Watch()
        self._next_s: list[float] = []
        self._none = 0
        self._dialer = dialer
        self._agents = agents
        self._dice = Random(seed)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Everybody calls until the block ends."""
        tasks = [asyncio.create_task(self._agent(f"a{no}")) for no in range(self._agents)]
        try:
            async with self._watch.at_work():
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _agent(self, agent: str) -> None:
        think_s = self._agents / CALLS_PER_S
        while True:
            think_for_s = self._dice.uniform(0.5, 1.5) * think_s
            due_s = perf_counter() + think_for_s
            await asyncio.sleep(think_for_s)
            offer = await self._dialer.next(agent)
            self._next_s.append(perf_counter() - due_s)  # from when it was due: a loop that stands still is slow
            if isinstance(offer, Offer) and offer.lead.lease is not None:
                token = token_text(offer.lead.id, offer.lead.lease.token)
                await self._dialer.finish(Finish(token=token, outcome="unreached", cause="no_answer"))
            else:
                self._none += 1

    async def during(self, name: str, work: Awaitable[object]) -> Result:
        """Figures of a piece of work."""
        self._watch.anew()
        self._next_s = []
        self._none = 0
        started = perf_counter()
        await work
        seconds = perf_counter() - started
        return {
            f"{name}_s": seconds,
            f"{name}_next": float(len(self._next_s)),
            f"{name}_share_none": 100 * self._none / max(1, len(self._next_s)),
            f"{name}_next_p50_ms": 1e3 * percentile(self._next_s, 50),
            f"{name}_next_p99_ms": 1e3 * percentile(self._next_s, 99),
        } | self._watch.result(name)


def measure_bulk(job: Job, path: Path, tell: Tell) -> Result:
    """All of it on a new store: imports `job.leads` rows, and works on a pool of half as many."""
    for old in path.parent.glob(path.name + "*"):
        old.unlink()
    return asyncio.run(_measure(job, path, tell))


async def _measure(job: Job, path: Path, tell: Tell) -> Result:
    tell("writing the list")
    list_path = path.with_suffix(".csv")
    await asyncio.to_thread(write_list, list_path, job.leads)
    async with await open_dialer(store_url(path)) as dialer:
        intake = Intake(dialer)
        await intake.start()
        try:
            await _set_up(dialer, job)
            gc.collect()
            gc.freeze()
            floor = Floor(dialer, job.agents, job.seed)
            async with floor.at_work():
                return await _all(dialer, intake, floor, job, list_path, tell)
        finally:
            await intake.close()
            gc.unfreeze()
            list_path.unlink()


async def _all(dialer: Dialer, intake: Intake, floor: Floor, job: Job, list_path: Path, tell: Tell) -> Result:
    tell("agents alone")
    result = await floor.during("quiet", asyncio.sleep(QUIET_S))
    tell(f"importing {job.leads:,} rows")
    result |= await floor.during("import", _import(dialer, intake, list_path))
    pools = [await _pool(dialer, "bulk", job.leads // 2, first) for first in (0, job.leads)]
    steps: tuple[tuple[str, Callable[[], Awaitable[object]]], ...] = (
        ("shuffle", lambda: dialer.submit(ActOnPool(pool=pools[0], action="shuffle", seed=job.seed))),
        ("block", lambda: _block(dialer)),
        ("switch", lambda: _switch(dialer, pools[0])),
        ("delete", lambda: dialer.submit(ActOnPool(pool=pools[0], action="delete"))),
        ("expire", lambda: _expire(dialer)),
    )
    result["switch_us_a_part"] = _switch_cost(dialer, pools[0])
    for name, work in steps:
        tell(name)
        result |= await floor.during(name, work())
    return result


async def _set_up(dialer: Dialer, job: Job) -> None:
    template = Template(fields=tuple(TemplateField(name) for name in _FIELDS))
    for code in ("calls", "list", "bulk"):
        await dialer.submit(PutCampaign(code=code, template=template, dialer=Settings(calling_hours=_OPEN)))
    for no in range(job.agents):
        await dialer.submit(PutAgent(code=f"a{no}", campaigns=("calls", "list", "bulk")))
        await dialer.submit(PutSession(agent=f"a{no}", campaigns=("calls", "list", "bulk")))
    await _pool(dialer, "calls", min(WARM_LEADS, 10 * job.leads), 0, area=_ELSEWHERE)


async def _import(dialer: Dialer, intake: Intake, path: Path) -> None:
    pool = await intake.upload(path, path.name, PoolOptions(campaign="list"), "admin")
    await intake.idle()
    loaded = dialer.engine.pools[pool.id]
    assert loaded.state == "active", loaded.error
    assert loaded.invalid == loaded.duplicate == 0, f"{loaded.invalid} invalid, {loaded.duplicate} duplicates"


async def _pool(dialer: Dialer, campaign: str, leads: int, first: int, area: int = 0) -> int:
    """An active pool, without the reading of a file."""
    opened = await dialer.submit(OpenPool(campaign=campaign, duplicates=Duplicates(action="load")))
    for at in range(first, first + leads, 250):
        numbers = (_number(no) + area for no in range(at, min(first + leads, at + 250)))
        await dialer.submit(LoadRows(pool=opened.id, rows=tuple(IntakeRow(1, (number,)) for number in numbers)))
    await dialer.submit(ClosePool(pool=opened.id))
    pool: int = opened.id
    return pool


async def _block(dialer: Dialer) -> None:
    for at in range(0, BLOCKED, BLOCKED_AT_ONCE):
        await dialer.submit(Block(numbers=tuple(map(_number, range(at, at + BLOCKED_AT_ONCE))), reason="a list"))


async def _switch(dialer: Dialer, pool: int) -> None:
    for action in ("deactivate", "activate") * 50:
        await dialer.submit(ActOnPool(pool=pool, action=action))


def _switch_cost(dialer: Dialer, pool: int) -> float:
    """Microseconds a part of the pool, in the engine alone."""
    state, times = dialer.engine.state, 100
    parts = len(state.gated[pool])
    started = perf_counter()
    for is_open in (False, True) * times:
        state.switch_pool(pool, is_open=is_open)
    return 1e6 * (perf_counter() - started) / (2 * times * parts)


async def _expire(dialer: Dialer) -> None:
    """The age of the pool's leads is over the moment it is set; then it goes on in slices."""
    await dialer.submit(PutCampaign(code="bulk", dialer=Settings(calling_hours=_OPEN, expire_after_ms=1)))
    await dialer.submit(Tick())
    await dialer.idle()


# -- the list -------------------------------------------------------------------------------------------------------


def _number(no: int) -> int:
    """The nth number: valid ones of the United States, all different."""
    line, no = no % _LINES, no // _LINES
    exchange, no = _EXCHANGES[no % len(_EXCHANGES)], no // len(_EXCHANGES)
    return 10**10 + _AREAS[no] * 10**7 + exchange * 10**4 + line


def write_list(path: Path, rows: int) -> None:
    """A CSV of leads, each with a number of its own."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(("phone", *_FIELDS))
        for no in range(rows):
            writer.writerow((f"+{_number(no)}", f"Lead {no}", "Springfield"))
