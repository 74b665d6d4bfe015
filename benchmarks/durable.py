"""The dialer on SQLite, every answer given when it is on the disk: 200 agents in closed loop (T3), one alone (T5)."""

import asyncio
import gc
from array import array
from collections.abc import Coroutine
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from secrets import token_bytes
from time import perf_counter, perf_counter_ns
from typing import Any, Final

from msgspec.structs import replace

from nextlead.core.model import Lead
from nextlead.core.replies import Offer
from nextlead.runtime.clock import ManualClock
from nextlead.runtime.dialer import Dialer
from nextlead_adapters.bootstrap import open_dialer

from .calls import STEP_MS, Calls
from .disk import Probe
from .engine import Tell
from .figures import Result, spread
from .job import Job, agent_code
from .rivals.writers import RIVALS, read_written
from .stores import copy_store, store_url
from .usage import Usage

NS_PER_MS: Final = 1e6


class JobClock(ManualClock):
    """The simulated clock: it moves with each `next`."""

    def step(self) -> None:
        """Another `next` comes."""
        self.put(self.now_ms() + STEP_MS)


class Floor:
    """The agents at work on a dialer, each in closed loop: the next call begins when the last answer is there.

    The first `warm_up` operations are not measured; it is `over` after so many `operations` more. `together`: an agent
    finishes and asks for the next lead in one call (SPEC R5.8), which is two operations with one answer.
    """

    def __init__(
        self, dialer: Dialer, clock: JobClock, job: Job, *, warm_up: int, operations: int, together: bool = False
    ) -> None:
        self._together = together
        self.next_ns = array("q")
        self.finish_ns = array("q")
        self.done = self.asked = self.none = 0
        self.began_ns = self.ended_ns = perf_counter_ns()
        self.usage = Usage()
        self._dialer = dialer
        self._clock = clock
        self._calls = Calls(job.seed)
        self._warm_up = warm_up
        self._most = warm_up + operations
        if not warm_up:
            self.usage.begin()

    @property
    def over(self) -> bool:
        """All operations are done."""
        return self.done >= self._most

    async def agent(self, code: str) -> None:
        """One agent's shift."""
        lead: Lead | None = None
        while not self.over:
            lead = await self.turn(code, lead)

    async def turn(self, code: str, lead: Lead | None) -> Lead | None:
        """Finish the call of the lead that the agent has, ask for the next one; the lead that came."""
        if lead is not None and self._together:
            return await self._turn_in_one(lead)
        if lead is not None:
            started = perf_counter_ns()
            await self._dialer.finish(self._calls.finish(lead, self._clock.now_ms()))
            self._note(self.finish_ns, started)
        self._clock.step()
        started = perf_counter_ns()
        reply = await self._dialer.next(code)
        self._note(self.next_ns, started)
        return self._took(reply)

    async def _turn_in_one(self, lead: Lead) -> Lead | None:
        self._clock.step()
        token = token_bytes(16)
        started = perf_counter_ns()
        command = replace(self._calls.finish(lead, self._clock.now_ms()), next_token=token)
        offer = (await self._dialer.finish(command)).next
        self._note(self.finish_ns, started)
        self._note(self.next_ns, started)
        return self._took(offer)

    def _took(self, reply: object) -> Lead | None:
        self.asked += 1
        if isinstance(reply, Offer):
            return reply.lead
        self.none += 1
        return None

    def _note(self, times: "array[int]", started_ns: int) -> None:
        now_ns = perf_counter_ns()
        self.done += 1
        if self._warm_up < self.done <= self._most:
            times.append(now_ns - started_ns)
            self.ended_ns = now_ns
            if self.done == self._most:
                self.usage.end()
        elif self.done == self._warm_up:
            self.began_ns = now_ns
            self.usage.begin()

    def result(self) -> Result:
        """Operations per second, times in milliseconds, processor time in microseconds per operation (`usage.py`).

        The agents' part is in it, about 3 us.
        """
        measured = len(self.next_ns) + len(self.finish_ns)
        found: Result = {
            "operations": float(measured),
            "operations_per_s": measured / max(1, self.ended_ns - self.began_ns) * 1e9,
            "share_none": 100 * self.none / max(1, self.asked),
        }
        for name, times in (("next", self.next_ns), ("finish", self.finish_ns)):
            found |= times_ms(name, times)
        return found | self.usage.result(measured)


def times_ms(name: str, times: "array[int]") -> Result:
    """Percentiles in milliseconds of times in nanoseconds."""
    return spread(name, times, "ms", NS_PER_MS)


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a measurement on the loop that the daemon would take: uvloop's where that is installed."""
    loop_factory = import_module("uvloop").new_event_loop if find_spec("uvloop") else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(main)


# -- T3 -------------------------------------------------------------------------------------------------------------


def measure_together(job: Job, operations: int, made: Path, tell: Tell) -> Result:
    """T3 with finish and next in one call: all agents in closed loop on a copy of a loaded store."""
    path = copy_store(made, made.parent)
    tell("agents at work")
    return run(_agents(job, operations, path, together=True))


def measure_agents(job: Job, operations: int, made: Path, tell: Tell) -> Result:
    """T3: all agents in closed loop on a copy of a loaded store, then writers without rules with what that wrote.

    `close_s` is what the dialer had left to do in the end: mostly folding.
    """
    path = copy_store(made, made.parent)
    tell("agents at work")
    result = run(_agents(job, operations, path))
    written = read_written(path, int(result.pop("first_commit")))
    result["commits"] = float(len(written.bodies))
    result["operations_per_commit"] = written.operations / max(1, len(written.bodies))
    result["kib_per_commit"] = sum(map(len, written.bodies)) / max(1, len(written.bodies)) / 1_024
    gc.collect()
    gc.freeze()  # as the dialer does with what lives long: else each collection looks at all that they are to write
    for name, rival in RIVALS.items():
        tell(f"writer without rules: {name}")
        rate = run(rival(written, made.parent / "rival.db", job.agents))["operations_per_s"]
        result[f"{name}_operations_per_s"] = rate
        result[f"ratio_{name}"] = result["operations_per_s"] / rate
    gc.unfreeze()
    return result


async def _agents(job: Job, operations: int, path: Path, *, together: bool = False) -> Result:
    clock = JobClock()
    dialer = await open_dialer(store_url(path), clock)
    first = dialer.engine.commit_no
    floor = Floor(dialer, clock, job, warm_up=operations // 4, operations=operations, together=together)
    async with asyncio.TaskGroup() as group:
        for at in range(job.agents):
            group.create_task(floor.agent(agent_code(at)))
    started = perf_counter()
    await dialer.close()
    return floor.result() | {"close_s": perf_counter() - started, "first_commit": float(first)}


# -- T5 -------------------------------------------------------------------------------------------------------------


def measure_alone(job: Job, operations: int, made: Path, tell: Tell) -> Result:
    """T5: one agent alone on a copy of a loaded store; after each call the disk alone syncs 4 KiB."""
    path = copy_store(made, made.parent)
    tell("one agent at work")
    with Probe(made.parent) as probe:
        return run(_alone(job, operations, path, probe))


async def _alone(job: Job, operations: int, path: Path, probe: Probe) -> Result:
    clock = JobClock()
    async with await open_dialer(store_url(path), clock) as dialer:
        floor = Floor(dialer, clock, job, warm_up=operations // 10, operations=operations)
        sync_ns, lead = array("q"), None
        while not floor.over:
            lead = await floor.turn(agent_code(0), lead)
            sync_ns.append(probe.sync_ns())
    result = floor.result() | times_ms("sync", sync_ns)
    result["next_over_sync_ms"] = result["next_p50_ms"] - result["sync_p50_ms"]
    return result
