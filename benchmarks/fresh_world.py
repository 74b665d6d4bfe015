"""What is true in the simulated hours of `freshness.py`, whoever gives out the leads."""

from datetime import datetime
from random import Random
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from nextlead.core.model import PROMISED, FreshLead, ZoneSet
from nextlead.core.row import HOUR_MS, MINUTE_MS

from .job import HOURS, START_MS, Centre, Job, make_centre

BEGIN_MS: Final = START_MS + 16 * HOUR_MS
"""An hour before the first zone closes."""
LEADS_A_CHANGE: Final = 10_000
"""Of so many leads one number is blocked, and one lead done elsewhere, in a minute; at least one of each in four."""
POOL_OFF_EVERY_MS: Final = 5 * MINUTE_MS
POOL_OFF_FOR_MS: Final = 15 * MINUTE_MS
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


class World:
    """Leads, and what is true of them at any time; the changes are drawn from the seed beforehand."""

    def __init__(self, job: Job, hours: int) -> None:
        self.centre: Centre = make_centre(job)
        self.leads: dict[int, FreshLead] = {lead.id: lead for leads in self.centre.fresh() for lead in leads}
        self.end_ms = BEGIN_MS + hours * HOUR_MS
        self.zones = {row.id: ZoneInfo(row.zones[0]) for row in self.centre.rows.values() if isinstance(row, ZoneSet)}
        self._offsets = {no: _offset_minutes(zone) for no, zone in self.zones.items()}
        self._off: dict[int, list[tuple[int, int]]] = {pool: [] for pool, *_ in self.centre.pools}
        self.blocked: dict[int, int] = {}
        self.done: dict[int, int] = {}
        self.changes = self._draw(Random(job.seed))

    def _draw(self, rng: Random) -> list[Change]:
        found = []
        ids, pools = list(self.leads), list(self._off)
        every_ms = min(MINUTE_MS * LEADS_A_CHANGE // len(ids), 4 * MINUTE_MS)
        for at_ms in range(BEGIN_MS, self.end_ms, every_ms):
            number = self.leads[rng.choice(ids)].numbers[0]
            found.append(Change(at_ms + rng.randrange(every_ms), "block", number))
            found.append(Change(at_ms + rng.randrange(every_ms), "done", rng.choice(ids)))
        for at_ms in range(BEGIN_MS + POOL_OFF_EVERY_MS // 2, self.end_ms, POOL_OFF_EVERY_MS):
            pool = pools[at_ms // POOL_OFF_EVERY_MS % len(pools)]
            off_ms = at_ms + rng.randrange(MINUTE_MS)
            self._off[pool].append((off_ms, off_ms + POOL_OFF_FOR_MS))
            found += [Change(off_ms, "pool_off", pool), Change(off_ms + POOL_OFF_FOR_MS, "pool_on", pool)]
        found.sort()
        for change in found:  # who is blocked twice is blocked from the first time on
            if change.kind in ("block", "done"):
                (self.blocked if change.kind == "block" else self.done).setdefault(change.what, change.at_ms)
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
