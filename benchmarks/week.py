"""A week in some minutes (T11): the clock runs fast, the calls come at their pace, and the memory must not grow.

A dialer over a loaded store, 200 agents, 500 operations a second by the clock on the wall. Engine time runs so fast
that a week passes meanwhile: retries and promised redials fall due, calling hours of four zones open and close. Each
simulated day leads are added for those that closed, new ones come that expire after half a day, one pool is shuffled
and one switched off and on: the same ones each day, as keys of a shuffled pool are longer. So at the end of each day
there are as many open leads, and more memory than after the first day is a leak, or is kept of people who were called.
"""

import asyncio
from array import array
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from time import monotonic, perf_counter
from typing import Final, cast

from nextlead.core.commands import (
    ActOnPool,
    ClosePool,
    IntakeRow,
    LoadRows,
    OpenPool,
    PutAgent,
    PutCampaign,
    PutSession,
)
from nextlead.core.engine import Engine
from nextlead.core.errors import LeaseEnded
from nextlead.core.model import Lead
from nextlead.core.replies import Offer
from nextlead.core.row import DAY_MS, HOUR_MS, MINUTE_MS
from nextlead.core.setup_model import CallingHours, Duplicates
from nextlead.core.setup_model import Dialer as Settings
from nextlead.ports import Archive, Claim, Commit, Part
from nextlead.runtime.clock import Alarm
from nextlead.runtime.dialer import Dialer
from nextlead.testing import MemoryStore
from nextlead_adapters.almanac import LibraryAlmanac
from nextlead_adapters.bootstrap import open_dialer

from .calls import Calls
from .durable import run
from .engine import Tell
from .figures import Result, spread
from .job import AREAS, CAMPAIGNS_PER_AGENT, HOURS, START_MS, Job, agent_code, make_centre
from .resident import MB, resident_bytes
from .stores import copy_store, store_url
from .watch import Watch

DAYS: Final = 7
OPERATIONS_PER_S: Final = 500
CALL_MS: Final = 3 * MINUTE_MS
EXPIRING: Final = 100
"""One lead of so many comes new each day, and expires."""
EXPIRE_AFTER_MS: Final = 12 * HOUR_MS
EXPIRING_CAMPAIGN: Final = "today"
TOPPED_UP: Final = "c0"
SHUFFLED: Final = 1
SWITCHED: Final = 2
"""Pools of the job."""
CHUNK: Final = 250
_NUMBERS_PER_AREA: Final = 10**7


class FastClock:
    """Engine time that runs `speed` times as fast as time; the `Timekeeper` of this dialer."""

    def __init__(self, speed: float) -> None:
        self.steps = 0
        self.slip_ms = 0
        self.speed = speed
        self._base_ms = START_MS
        self._began_s = monotonic()

    def begin(self, stored_ms: int) -> None:
        """See `Timekeeper`."""
        self._base_ms = max(START_MS, stored_ms)
        self._began_s = monotonic()

    def now_ms(self) -> int:
        """See `Timekeeper`."""
        return self._base_ms + int((monotonic() - self._began_s) * 1000 * self.speed)

    def call_at(self, when_ms: int, ring: Callable[[], None]) -> Alarm:
        """See `Timekeeper`."""
        ahead_s = max(when_ms - self.now_ms(), 0) / 1000 / self.speed
        return asyncio.get_running_loop().call_later(ahead_s, ring)

    def call_later(self, seconds: float, ring: Callable[[], None]) -> Alarm:
        """See `Timekeeper`."""
        return asyncio.get_running_loop().call_later(seconds, ring)

    async def until(self, when_ms: int) -> None:
        """Return at an engine time."""
        await asyncio.sleep(max(0, when_ms - self.now_ms()) / 1000 / self.speed)


class Forgetful:
    """A store that is loaded with a job and keeps nothing: what grows then is the dialer's own."""

    def __init__(self, job: Job) -> None:
        self._job = job

    async def open(self) -> None:
        """See `Store`."""

    async def claim(self) -> Claim:
        """See `Store`."""
        return Claim(1, 1, START_MS)

    async def load(self) -> AsyncIterator[Part]:
        """See `Store`."""
        centre = make_centre(self._job)
        yield Part(rows=[(table, row) for (table, _), row in centre.rows.items()])
        for fresh in centre.fresh():
            yield Part(fresh=fresh)

    async def commit(self, commit: Commit) -> None:
        """See `Store`."""

    async def erase(self, erasures: object) -> None:
        """See `Store`."""

    async def close(self) -> None:
        """See `Store`."""


class Week:
    """The dialer, the agents and what an administrator does each day."""

    def __init__(self, dialer: Dialer, clock: FastClock, job: Job, tell: Tell) -> None:
        self.watch = Watch()
        self.next_s = array("d")
        self.operations = self.none = self.ended = 0
        self._dialer = dialer
        self._clock = clock
        self._job = job
        self._tell = tell
        self._calls = Calls(job.seed)
        self._dice = Random(job.seed)
        self._number = job.leads
        self._began_ms = clock.now_ms()
        self._began_s = perf_counter()

    async def set_up(self) -> None:
        """The campaign whose leads expire; some of the agents work in it, too."""
        hours = CallingHours(windows=(HOURS,) * 7)
        dialer = Settings(calling_hours=hours, expire_after_ms=EXPIRE_AFTER_MS)
        await self._dialer.submit(PutCampaign(code=EXPIRING_CAMPAIGN, dialer=dialer))
        for at in range(0, self._job.agents, 4):
            code, agent = agent_code(at), self._dialer.engine.agents.need(agent_code(at))
            by_no = self._dialer.engine.campaigns.by_no
            allowed = tuple(by_no[no].code for no in agent.campaigns)[: CAMPAIGNS_PER_AGENT - 1]
            team = self._dialer.engine.teams.by_no[agent.team].code
            await self._dialer.submit(PutAgent(code=code, team=team, campaigns=(*allowed, EXPIRING_CAMPAIGN)))
            await self._dialer.submit(PutSession(agent=code, campaigns=(*allowed, EXPIRING_CAMPAIGN)))

    # -- agents -----------------------------------------------------------------------------------------------------

    async def agent(self, at: int) -> None:
        """One agent, who asks for a lead so often that all together do the operations that are wanted."""
        every_s = 2 * self._job.agents / OPERATIONS_PER_S
        call_s = min(CALL_MS / 1000 / self._clock.speed, every_s / 2)
        due_s = perf_counter() + every_s * at / self._job.agents
        while True:
            await asyncio.sleep(max(0.0, due_s - perf_counter()))
            reply = await self._dialer.next(agent_code(at))
            self.next_s.append(perf_counter() - due_s)  # from when it was due: a loop that stands still is slow
            due_s += every_s
            self.operations += 1
            if isinstance(reply, Offer):
                await asyncio.sleep(self._dice.uniform(0.5, 1.5) * call_s)
                await self._finish(reply.lead)
                self.operations += 1
            else:
                self.none += 1

    async def _finish(self, lead: Lead) -> None:
        """End the call; where the clock runs very fast, a turn that takes long is an hour, and ended the lease."""
        try:
            await self._dialer.finish(self._calls.finish(lead, self._clock.now_ms()))
        except LeaseEnded:
            self.ended += 1

    # -- days -------------------------------------------------------------------------------------------------------

    async def days(self) -> Result:
        """The week; MB at the end of each day, day 0 is its beginning."""
        result: Result = {}
        for day in range(DAYS + 1):
            await self._clock.until(self._began_ms + day * DAY_MS)
            await self._dialer.idle()
            result[f"day{day}_mb"] = resident_bytes() / MB
            result[f"day{day}_leads"] = float(len(self._dialer.engine.state.leads))
            if day:
                result |= self.watch.result(f"day{day}")
            self.watch.anew()
            if day < DAYS:
                self._tell(f"day {day + 1}, {result[f'day{day}_mb']:.0f} MB")
                await self._day(day)
        return result

    async def _day(self, day: int) -> None:
        """New leads for those that closed, new ones that expire, a shuffle, a switch."""
        begun_ms = self._began_ms + day * DAY_MS
        await self._load(TOPPED_UP, self._job.leads - len(self._dialer.engine.state.leads))
        await self._load(EXPIRING_CAMPAIGN, self._job.leads // EXPIRING)
        await self._clock.until(begun_ms + 6 * HOUR_MS)
        await self._dialer.submit(ActOnPool(pool=SHUFFLED, action="shuffle", seed=day))
        await self._clock.until(begun_ms + 9 * HOUR_MS)
        await self._dialer.submit(ActOnPool(pool=SWITCHED, action="deactivate"))
        await self._clock.until(begun_ms + 10 * HOUR_MS)
        await self._dialer.submit(ActOnPool(pool=SWITCHED, action="activate"))

    async def _load(self, campaign: str, leads: int) -> None:
        if leads <= 0:
            return
        pool = await self._dialer.submit(OpenPool(campaign=campaign, duplicates=Duplicates(action="load")))
        for at in range(0, leads, CHUNK):
            rows = tuple(IntakeRow(at + no, (self._new_number(),)) for no in range(min(CHUNK, leads - at)))
            await self._dialer.submit(LoadRows(pool=pool.id, rows=rows))
        await self._dialer.submit(ClosePool(pool=pool.id))

    def _new_number(self) -> int:
        self._number += 1
        return AREAS[self._number % len(AREAS)][0] * _NUMBERS_PER_AREA + self._number % _NUMBERS_PER_AREA

    def result(self) -> Result:
        """What the whole week was like."""
        return {
            "operations_per_s": self.operations / (perf_counter() - self._began_s),
            "leases_ended": float(self.ended),
            "share_none": 100 * self.none / max(1, len(self.next_s)),
        } | spread("next", self.next_s, "ms", 1e-3)


def measure_week(job: Job, minutes: float, made: Path | None, tell: Tell) -> Result:
    """T11 in so many minutes, on a copy of a loaded store; without one, on a store that keeps nothing."""
    tell("loading")
    return run(_measured(job, minutes, made, tell))


async def _measured(job: Job, minutes: float, made: Path | None, tell: Tell) -> Result:
    clock = FastClock(DAYS * DAY_MS / (minutes * MINUTE_MS))
    async with await _open(job, clock, made) as dialer:
        week = Week(dialer, clock, job, tell)
        await week.set_up()
        async with week.watch.at_work(), asyncio.TaskGroup() as group:
            agents = [group.create_task(week.agent(at)) for at in range(job.agents)]
            days = await week.days()
            for task in agents:
                task.cancel()
        return days | week.result() | _of_all(days)


async def _open(job: Job, clock: FastClock, made: Path | None) -> Dialer:
    if made is not None:
        return await open_dialer(store_url(copy_store(made, made.parent)), clock)
    nothing = cast("Archive", MemoryStore())
    return await Dialer.open(Forgetful(job), clock, archive=nothing, engine=Engine(almanac=LibraryAlmanac()))


def _of_all(days: Result) -> Result:
    """Growth after the first day; the worst of all days."""
    later = [days[f"day{day}_mb"] for day in range(2, DAYS + 1)]
    worst = {
        name: max(days[f"day{day}_{name}"] for day in range(1, DAYS + 1))
        for name in ("stall_ms", "stall_p99.9_ms", "busy_ms", "gc_longest_ms")
    }
    return worst | {
        "growth_per_cent": 100 * (max(later) / days["day1_mb"] - 1),
        "gc_ms": sum(days[f"day{day}_gc_ms"] for day in range(1, DAYS + 1)),
        "gc_full": sum(days[f"day{day}_gc_full"] for day in range(1, DAYS + 1)),
    }
