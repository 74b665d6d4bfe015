"""The agents of a job at work on a rival, as `durable.Floor` has them at work on the dialer."""

import asyncio
import gc
from array import array
from collections.abc import Mapping
from time import perf_counter_ns
from typing import Final, Protocol

from msgspec import Struct, field

from ..calls import STEP_MS
from ..engine import Tell
from ..figures import Result, spread
from ..job import START_MS
from .rows import Dice, Ending, RivalAgent, RivalJob

ROUNDS: Final = 4
"""How often the forms of a rival take turns: all of them meet all parts of the day."""
WARM_UP: Final = 4
"""A quarter as many operations as are measured come before."""
_NS_PER_MS: Final = 1e6


class Rival(Protocol):
    """A system that gives out leads. Both answers are given when they are durable, with a line of history each."""

    async def next(self, agent: RivalAgent, now_ms: int) -> int | None:
        """The best lead for the agent, which is nobody else's from then on; None when there is none."""
        ...

    async def finish(self, agent: RivalAgent, lead: int, ending: Ending, now_ms: int) -> None:
        """What came of the call of the lead that the agent has."""
        ...


class Tally(Struct):
    """What was done by a form of a rival, and how long each took."""

    next_ns: "array[int]" = field(default_factory=lambda: array("q"))
    finish_ns: "array[int]" = field(default_factory=lambda: array("q"))
    elapsed_ns: int = 0

    @property
    def operations_per_s(self) -> float:
        """Both kinds together."""
        return (len(self.next_ns) + len(self.finish_ns)) / max(1, self.elapsed_ns) * 1e9


class RivalFloor:
    """All agents, each in closed loop. What they hold and what time it is goes on from one `work` to the next."""

    def __init__(self, job: RivalJob) -> None:
        self.now_ms = START_MS
        self.done = self.asked = self.none = 0
        self._agents = job.agents
        self._held: list[int | None] = [None] * len(job.agents)
        self._dice = Dice(job.seed)
        self._left = 0

    async def work(self, rival: Rival, operations: int, tally: Tally) -> None:
        """So many operations, all agents at once."""
        self._left = operations
        started = perf_counter_ns()
        async with asyncio.TaskGroup() as group:
            for at in range(len(self._agents)):
                group.create_task(self._shift(rival, at, tally))
        tally.elapsed_ns += perf_counter_ns() - started

    async def _shift(self, rival: Rival, at: int, tally: Tally) -> None:
        agent = self._agents[at]
        while self._left > 0:
            self._left -= 1
            self.done += 1
            lead = self._held[at]
            if lead is None:
                self.now_ms += STEP_MS
                started = perf_counter_ns()
                self._held[at] = await rival.next(agent, self.now_ms)
                tally.next_ns.append(perf_counter_ns() - started)
                self.asked += 1
                self.none += self._held[at] is None
            else:
                ending, now_ms = self._dice.ending(self.now_ms), self.now_ms
                started = perf_counter_ns()
                await rival.finish(agent, lead, ending, now_ms)
                tally.finish_ns.append(perf_counter_ns() - started)
                self._held[at] = None


async def measure_forms(forms: Mapping[str, Rival], job: RivalJob, operations: int, tell: Tell) -> Result:
    """Each form of a rival in turn on the same leads; `operations` are shared among them.

    A form's figures begin with its name; `operations_per_s` is the best form's, `lines` the lines of history that all
    of it must have left, and times are in milliseconds.
    """
    gc.collect()
    gc.freeze()
    floor, tallies = RivalFloor(job), {name: Tally() for name in forms}
    tell("warming up")
    for rival in forms.values():
        await floor.work(rival, operations // WARM_UP // len(forms), Tally())
    for turn in range(1, ROUNDS + 1):
        for name, rival in forms.items():
            tell(f"{name}, round {turn} of {ROUNDS}")
            await floor.work(rival, max(1, operations // ROUNDS // len(forms)), tallies[name])
    result: Result = {"lines": float(floor.done - floor.none), "share_none": 100 * floor.none / max(1, floor.asked)}
    for name, tally in tallies.items():
        result[f"{name}_operations_per_s"] = tally.operations_per_s
        result |= spread(f"{name}_next", tally.next_ns, "ms", _NS_PER_MS)
        result |= spread(f"{name}_finish", tally.finish_ns, "ms", _NS_PER_MS)
    best = max(tallies, key=lambda name: tallies[name].operations_per_s)
    result["operations_per_s"] = tallies[best].operations_per_s
    for kind, times in (("next", tallies[best].next_ns), ("finish", tallies[best].finish_ns)):
        result |= spread(kind, times, "ms", _NS_PER_MS)
    gc.unfreeze()
    return result
