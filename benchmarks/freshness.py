"""How fresh leads are when they are offered, and how late redials: ours beside a buffer that is filled once a minute.

Some simulated hours of the same call centre, once with the engine and once with `rivals.buffer`. No clock and no
machine's speed is in it: the same job gives the same figures everywhere. Agents call 20 to 100 s; whoever has no lead
waits for one. Meanwhile the world changes, for both at the same moments: numbers are blocked, leads are done elsewhere,
pools are switched off and on again, calling hours end zone by zone.

*Late* is the time from the moment when a redial was due, its pool and hours were open and none of its numbers was on a
call, to the moment when somebody got it. With `waiting`, only of redials that an agent got who was waiting already when
it came due: nothing but the system held those up. *Stale* is an offer that at its moment was blocked, done elsewhere,
of a pool that is switched off (redials to an agent's own name may be called all the same), or outside hours (promised
calls may be, too).
"""

from heapq import heapify, heappop, heappush
from itertools import count
from random import Random
from typing import Final, Protocol

from msgspec import Struct, field

from nextlead.core.model import Status
from nextlead.core.row import HOUR_MS, MINUTE_MS

from .figures import Result, spread
from .fresh_world import BEGIN_MS, Change, Given, World
from .job import Job

CALL_MS: Final = (20_000, 100_000)
KINDS: Final = {
    Status.VIP_REDIAL: "vip",
    Status.PRIVATE_REDIAL: "private",
    Status.COMMON_REDIAL: "common",
    Status.AUTOMATIC_REDIAL: "automatic",
}
STALE: Final = ("blocked", "done", "pool", "hours")


class System(Protocol):
    """Who gives out leads. Each method answers what was given to whom by then, to agents who wait, too."""

    def next(self, agent: int, now_ms: int) -> list[Given]:
        """An agent is free: it gets a lead, or waits for one."""
        ...

    def finish(self, agent: int, now_ms: int) -> list[Given]:
        """An agent's call ended."""
        ...

    def change(self, change: Change, now_ms: int) -> list[Given]:
        """The world changed."""
        ...

    def tick(self, now_ms: int) -> list[Given]:
        """It is time for what `deadline_ms` said."""
        ...

    def deadline_ms(self) -> int | None:
        """When it wants to do something by itself."""
        ...


class Seen(Struct):
    """What was seen in the simulated hours. Times in milliseconds."""

    late_ms: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in KINDS.values()})
    waiting_ms: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in KINDS.values()})
    stale: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STALE, 0))
    offers: int = 0
    idle_ms: int = 0


def simulate(system: System, world: World, job: Job) -> Seen:
    """The simulated hours with a system."""
    return _Simulation(system, world, job).run()


class _Simulation:
    def __init__(self, system: System, world: World, job: Job) -> None:
        self._system = system
        self._world = world
        self._seen = Seen()
        self._order = count()
        self._lengths = [Random(job.seed * 1_000_003 + at) for at in range(job.agents)]
        self._since_ms = [0] * job.agents
        self._waits = [False] * job.agents
        self._called: list[int] = [0] * job.agents
        self._free_ms: dict[int, int] = {}
        self._events: list[tuple[int, int, int | Change]] = [
            (change.at_ms, next(self._order), change) for change in world.changes if change.at_ms < world.end_ms
        ]
        self._events += [(BEGIN_MS + at * MINUTE_MS // job.agents, next(self._order), at) for at in range(job.agents)]
        heapify(self._events)

    def run(self) -> Seen:
        """Event by event; what the system wants to do by itself comes before what happens at the same moment."""
        now_ms = BEGIN_MS
        while True:
            at_ms = self._events[0][0] if self._events else self._world.end_ms
            deadline_ms = self._system.deadline_ms()
            if deadline_ms is not None and deadline_ms <= at_ms:
                now_ms = max(now_ms, deadline_ms)
                if now_ms >= self._world.end_ms:
                    break
                self._give(self._system.tick(now_ms), now_ms)
                continue
            if at_ms >= self._world.end_ms:
                break
            now_ms = at_ms
            self._happen(heappop(self._events)[2], now_ms)
        for at, waits in enumerate(self._waits):
            self._seen.idle_ms += self._world.end_ms - self._since_ms[at] if waits else 0
        return self._seen

    def _happen(self, what: int | Change, now_ms: int) -> None:
        if isinstance(what, Change):
            self._give(self._system.change(what, now_ms), now_ms)
            return
        if lead := self._called[what]:
            self._free_ms |= dict.fromkeys(self._world.leads[lead].numbers, now_ms)
            self._called[what] = 0
            self._give(self._system.finish(what, now_ms), now_ms)
        self._waits[what], self._since_ms[what] = True, now_ms
        self._give(self._system.next(what, now_ms), now_ms)

    def _give(self, offers: list[Given], now_ms: int) -> None:
        for given in offers:
            since_ms = self._since_ms[given.agent]
            self._note(given, since_ms, now_ms)
            self._seen.idle_ms += now_ms - since_ms
            self._waits[given.agent], self._called[given.agent] = False, given.lead
            ends_ms = now_ms + self._lengths[given.agent].randint(*CALL_MS)
            heappush(self._events, (ends_ms, next(self._order), given.agent))

    def _note(self, given: Given, since_ms: int, now_ms: int) -> None:
        seen = self._seen
        seen.offers += 1
        if stale := self._world.staleness(given, now_ms):
            seen.stale[stale] += 1
            return
        if kind := KINDS.get(Status(given.status)):
            numbers = self._world.leads[given.lead].numbers
            ready_ms = max(self._world.ready_ms(given), *(self._free_ms.get(number, 0) for number in numbers))
            seen.late_ms[kind].append(now_ms - ready_ms)
            if since_ms <= ready_ms:
                seen.waiting_ms[kind].append(now_ms - ready_ms)


def result_of(seen: Seen, job: Job, hours: int) -> Result:
    """Lateness in seconds, `all` and by kind; stale offers; the share of the agents' time that they had no lead."""
    result: Result = {"offers": float(seen.offers), "stale": float(sum(seen.stale.values()))}
    result |= {f"stale_{name}": float(times) for name, times in seen.stale.items()}
    result["idle_per_cent"] = 100 * seen.idle_ms / (job.agents * hours * HOUR_MS)
    for name, found in (("late", seen.late_ms), ("waiting", seen.waiting_ms)):
        for kind, values in (*found.items(), ("all", [value for times in found.values() for value in times])):
            result[f"{name}_{kind}_count"] = float(len(values))
            result |= spread(f"{name}_{kind}", values, "s", 1_000)
    return result
