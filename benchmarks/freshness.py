"""How fresh leads are when they are offered, and how late redials: ours beside a buffer that is filled once a minute.

Some simulated hours of the same call centre, once with the engine and once with `rivals.buffer`. No clock and no
machine's speed is in it: the same job gives the same figures everywhere. Agents call 20 to 100 s; whoever has no lead
waits for one. Meanwhile the world changes, for both at the same moments: numbers are blocked, leads are done elsewhere,
pools are switched off and on again, calling hours end zone by zone.

*Late* is the time from the moment when a redial was due and its pool and hours were open to the moment when somebody
got it. With `waiting`, only of redials that an agent got who was waiting already when it came due: nothing but the
system held those up. *Stale* is an offer that at its moment was blocked, done elsewhere, of a pool that is switched
off (redials to an agent's own name may be called all the same), or outside hours (promised calls may be, too).
"""

from datetime import datetime
from heapq import heapify, heappop, heappush
from itertools import count
from random import Random
from typing import Final, Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from nextlead.core.model import PROMISED, FreshLead, Status, ZoneSet
from nextlead.core.row import HOUR_MS, MINUTE_MS

from .figures import Result, spread
from .job import HOURS, START_MS, Centre, Job, make_centre

BEGIN_MS: Final = START_MS + 16 * HOUR_MS
"""An hour before the first zone closes."""
CALL_MS: Final = (20_000, 100_000)
CHANGES_A_MINUTE: Final = 3
"""Numbers that are blocked in a minute, and as many leads that are done elsewhere."""
POOL_OFF_EVERY_MS: Final = 5 * MINUTE_MS
POOL_OFF_FOR_MS: Final = 15 * MINUTE_MS
KINDS: Final = {
    Status.VIP_REDIAL: "vip",
    Status.PRIVATE_REDIAL: "private",
    Status.COMMON_REDIAL: "common",
    Status.AUTOMATIC_REDIAL: "automatic",
}
STALE: Final = ("blocked", "done", "pool", "hours")
_MINUTES_A_DAY: Final = 24 * 60

Kind = Literal["block", "done", "pool_off", "pool_on"]


class Change(NamedTuple):
    """What happens in the world: a number is blocked, a lead is done elsewhere, a pool goes off or on."""

    at_ms: int
    kind: Kind
    what: int


class Given(NamedTuple):
    """A lead that an agent got, as it was when it was given out. Agents are told by their place in the list.

    `promised`: the time is one that an agent promised, and not a retry's, so hours don't count.
    """

    agent: int
    lead: int
    status: int
    due_ms: int
    promised: bool


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


class World:
    """Leads, and what is true of them at any time; the changes are drawn from the seed beforehand."""

    def __init__(self, job: Job, hours: int) -> None:
        self.centre: Centre = make_centre(job)
        self.leads: dict[int, FreshLead] = {lead.id: lead for leads in self.centre.fresh() for lead in leads}
        self.end_ms = BEGIN_MS + hours * HOUR_MS
        self._zones = {row.id: ZoneInfo(row.zones[0]) for row in self.centre.rows.values() if isinstance(row, ZoneSet)}
        self._offsets = {no: _offset_minutes(zone) for no, zone in self._zones.items()}
        self._off: dict[int, list[tuple[int, int]]] = {pool: [] for pool, *_ in self.centre.pools}
        self.blocked: dict[int, int] = {}
        self.done: dict[int, int] = {}
        self.changes = sorted(self._draw(Random(job.seed)))

    def _draw(self, rng: Random) -> list[Change]:
        found = []
        ids, pools = list(self.leads), list(self._off)
        for minute_ms in range(BEGIN_MS, self.end_ms, MINUTE_MS):
            for _ in range(CHANGES_A_MINUTE):
                number = self.leads[rng.choice(ids)].numbers[0]
                found.append(Change(minute_ms + rng.randrange(MINUTE_MS), "block", number))
                found.append(Change(minute_ms + rng.randrange(MINUTE_MS), "done", rng.choice(ids)))
        for at_ms in range(BEGIN_MS + POOL_OFF_EVERY_MS // 2, self.end_ms, POOL_OFF_EVERY_MS):
            pool = pools[at_ms // POOL_OFF_EVERY_MS % len(pools)]
            off_ms = at_ms + rng.randrange(MINUTE_MS)
            self._off[pool].append((off_ms, off_ms + POOL_OFF_FOR_MS))
            found += [Change(off_ms, "pool_off", pool), Change(off_ms + POOL_OFF_FOR_MS, "pool_on", pool)]
        for change in found:
            if change.kind in ("block", "done"):
                times = self.blocked if change.kind == "block" else self.done
                times[change.what] = min(change.at_ms, times.get(change.what, change.at_ms))
        return found

    def is_open(self, zones: int, at_ms: int) -> bool:
        """Whether it is within calling hours."""
        minute = (at_ms // MINUTE_MS + self._offsets[zones]) % _MINUTES_A_DAY
        return any(first <= minute < until for first, until in HOURS)

    def is_off(self, pool: int, at_ms: int) -> bool:
        """Whether a pool is switched off."""
        return any(off_ms <= at_ms < on_ms for off_ms, on_ms in self._off[pool])

    def ready_ms(self, given: Given) -> int:
        """From when on a redial could be called."""
        row, at_ms = self.leads[given.lead], max(given.due_ms, BEGIN_MS)
        while True:
            if not given.promised and not self.is_open(row.zones, at_ms):
                at_ms = (at_ms // MINUTE_MS + 1) * MINUTE_MS
            elif given.status not in PROMISED and self.is_off(row.pool, at_ms):
                at_ms = max(on_ms for off_ms, on_ms in self._off[row.pool] if off_ms <= at_ms < on_ms)
            else:
                return at_ms

    def staleness(self, given: Given, now_ms: int) -> str:
        """Which of `STALE` an offer is, "" if it is right."""
        row = self.leads[given.lead]
        if any(self.blocked.get(number, now_ms) < now_ms for number in row.numbers):
            return "blocked"
        if self.done.get(row.id, now_ms) < now_ms:
            return "done"
        if given.status not in PROMISED and self.is_off(row.pool, now_ms):
            return "pool"
        return "" if given.promised or self.is_open(row.zones, now_ms) else "hours"


def _offset_minutes(zone: ZoneInfo) -> int:
    """Of all simulated hours: no clock changes within them."""
    offset = datetime.fromtimestamp(BEGIN_MS / 1_000, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) // 60


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
        self._called = [False] * job.agents
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
        if self._called[what]:
            self._give(self._system.finish(what, now_ms), now_ms)
        self._called[what], self._waits[what], self._since_ms[what] = False, True, now_ms
        self._give(self._system.next(what, now_ms), now_ms)

    def _give(self, offers: list[Given], now_ms: int) -> None:
        for given in offers:
            since_ms = self._since_ms[given.agent]
            self._note(given, since_ms, now_ms)
            self._seen.idle_ms += now_ms - since_ms
            self._waits[given.agent], self._called[given.agent] = False, True
            ends_ms = now_ms + self._lengths[given.agent].randint(*CALL_MS)
            heappush(self._events, (ends_ms, next(self._order), given.agent))

    def _note(self, given: Given, since_ms: int, now_ms: int) -> None:
        seen = self._seen
        seen.offers += 1
        if stale := self._world.staleness(given, now_ms):
            seen.stale[stale] += 1
            return
        if kind := KINDS.get(Status(given.status)):
            ready_ms = self._world.ready_ms(given)
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
