"""Everything the engine holds, and the one way a lead changes: `State.put`.

Rules of this file:

1. A lead's *footprint* (its place in a queue, its timers, the lists it is in, the counters) is a function of its row and of
   what numbers are held by leases. `put` takes the old row's footprint away and lays the new one's. Nothing else touches it.
2. Handlers compute first and put afterwards: once a handler has called `put`, it does not refuse.
3. What is put is in `changes`, for the store.
"""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace
from sortedcontainers import SortedList

from .changes import Changes
from .errors import NotFound, WrongStatus
from .leads import LeadTable
from .model import (
    PROMISED,
    ROOT_TEAM,
    Agent,
    Blocked,
    Campaign,
    Closures,
    Event,
    FreshLead,
    Lead,
    Pool,
    Project,
    Row,
    Sequences,
    Settings,
    Status,
    Tally,
    Team,
    Token,
)
from .numbers import NumberIndex
from .order import ID_BITS, ID_MASK, NEVER, key_of
from .fresh import seq_of
from .queues import OWN, Family, Part, PartKey, Queue
from .records import Records
from .replies import Served
from .timers import Kind, Slot, Timers
from .transitions import may_change
from .waiting import Waiting

DEFAULT_PRIORITY: Final = 5
URGENT_STEP: Final = 1024
"""An urgent lead's level is its reason times this, plus its priority (SPEC R2.6)."""

_FAMILY: Final = {
    Status.VIP_REDIAL: (Family.VIP_OWN, Family.VIP),
    Status.PRIVATE_REDIAL: (Family.PRIVATE_OWN, Family.PRIVATE),
    Status.COMMON_REDIAL: (Family.COMMON, Family.COMMON),
    Status.AUTOMATIC_REDIAL: (Family.AUTOMATIC, Family.AUTOMATIC),
    Status.UNPROCESSED: (Family.UNPROCESSED, Family.UNPROCESSED),
}


def is_own(lead: Lead) -> bool:
    """A private or VIP redial that is its owner's alone: not released (SPEC R3.3)."""
    return lead.status in PROMISED and lead.promise is not None and lead.promise.released_ms is None


def family_of(lead: Lead) -> Family:
    """Where an unleased, dialable lead queues."""
    own = is_own(lead)
    if lead.urgent is not None:
        return Family.URGENT_OWN if own else Family.URGENT
    return _FAMILY[lead.status][0 if own else 1]


class State:
    """The rows in memory with their indexes. See the rules of this file."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.sequences = Sequences()
        self.teams: Records[Team] = Records("team")
        self.agents: Records[Agent] = Records("agent")
        self.projects: Records[Project] = Records("project")
        self.campaigns: Records[Campaign] = Records("campaign")
        self.tallies: dict[int, Tally] = {}
        self.pools: dict[int, Pool] = {}
        self.pool_ids: dict[int, list[tuple[int, int]]] = {}
        self.tokens: dict[int, Token] = {}
        self.blocked: dict[int, Blocked] = {}

        self.leads = LeadTable(self.pools)
        self.numbers = NumberIndex()
        self.queues: dict[tuple[int, int, int], Queue] = {}
        self.own_queues: dict[int, list[Queue]] = {}
        self.gated: dict[int, dict[Part, None]] = {}
        self.open_pools: set[int] = set()
        self.pool_timers: dict[int, int] = {}
        self.timers = Timers(self.deadline_of)
        self.held: dict[int, int] = {}
        self.parked: set[int] = set()
        self.leases: dict[int, list[int]] = {}
        self.unresolved: dict[int, set[int]] = {}
        self.promised: dict[int, SortedList[int]] = {}
        self.pauses: dict[int, dict[int, int]] = {}
        self.counts: dict[tuple[int, Status], int] = {}
        self.closures: dict[int, Closures] = {}
        self.pool_open: dict[int, int] = {}
        self.pool_leased: dict[int, int] = {}
        self.waiting = Waiting()

        self.world = 0
        self.commit_no = 1
        self.now_ms = 0
        self.previous_ms = 0
        self.lease_floor_ms = 0
        self.faults = 0
        self.changes = Changes()
        self.served: list[Served] = []

    # -- rows other than leads --------------------------------------------------------------------------------------

    def record(self, table: str, key: int | str, row: Row | None) -> None:
        """Note a row for the store; None when it is gone."""
        self.changes.rows[table, key] = row

    def changed_world(self) -> None:
        """Who may get what has changed: what agents see is built anew, deadlines are derived anew."""
        self.world += 1
        self.timers.settings_changed()

    def put_pool(self, pool: Pool) -> None:
        """Keep a pool's new row."""
        self.pools[pool.id] = pool
        self.record("pool", pool.id, pool)

    def next_record(self) -> int:
        """A number for a new team, agent, project or campaign."""
        self.sequences = replace(self.sequences, record=self.sequences.record + 1)
        self.record("sequences", 0, self.sequences)
        return self.sequences.record - 1

    # -- leads ------------------------------------------------------------------------------------------------------

    def need_lead(self, lead: int) -> Lead:
        """The open lead; `WrongStatus` if it was closed (or deleted), `NotFound` if there never was one."""
        found = self.leads.get(lead)
        if found is None:
            if 0 < lead < self.sequences.lead:
                raise WrongStatus(f"lead {lead} is closed", status=Status.CLOSED.code)
            raise NotFound("lead", lead)
        return found

    def put(  # noqa: PLR0913 - the words of a history line
        self,
        old: Lead,
        new: Lead,
        trigger: str,
        actor: str,
        *,
        cause: str = "",
        number: int = 0,
        note: str = "",
        detail: str = "",
        effective_ms: int | None = None,
    ) -> Lead:
        """Replace a lead's row, write its history line, move its footprint. O(log n). Returns the row as kept."""
        if not may_change(trigger, old.status, new.status):
            raise AssertionError(f"{trigger} may not change {old.status.code} into {new.status.code}")
        now_ms = self.now_ms
        new = replace(new, version=old.version + 1, last_commit=self.commit_no)
        self.changes.events.append(
            Event(
                new.id,
                old.last_commit,
                now_ms,
                now_ms if effective_ms is None else effective_ms,
                actor,
                trigger,
                old.status,
                new.status,
                new.closure,
                new.owner,
                cause,
                number,
                note,
                detail,
            )
        )
        self._move(old, new)
        self.changes.leads[new.id] = new
        return new

    def _move(self, old: Lead, new: Lead) -> None:
        self.count(old, -1)
        if old.status is not Status.CLOSED:
            self.lift(old)
        if new.status is Status.CLOSED:
            self.leads.drop(new.id)
            if old.status is not Status.CLOSED:
                self.numbers.remove(old.numbers, old.id)
        else:
            self.leads.put(new)
            if old.status is Status.CLOSED:
                self.numbers.add(new.numbers, new.id)
            elif old.numbers is not new.numbers:
                self.numbers.remove(old.numbers, old.id)
                self.numbers.add(new.numbers, new.id)
            self.lay(new)
        self.count(new, 1)

    def lift(self, lead: Lead) -> None:
        """Take away the footprint that an open lead's row lays."""
        if lead.lease is not None:
            agent = lead.lease.agent
            self.leases[agent].remove(lead.id)
            self.timers.remove((Kind.LEASE_BEAT, lead.campaign), lead.lease.beat_ms, lead.id)
            self.timers.remove((Kind.LEASE_MAX, lead.campaign), lead.lease.started_ms, lead.id)
            self._let_go(lead)
        elif lead.status in _FAMILY:
            self.unplace(lead)
            for slot, base_ms in self._waits(lead):
                self.timers.remove(slot, base_ms, lead.id)
        elif lead.unresolved is not None:
            self.unresolved[lead.unresolved.agent].discard(lead.id)
            self.timers.remove((Kind.ABANDON, 0), lead.unresolved.since_ms, lead.id)
            self.waiting.stir_agent(lead.unresolved.agent)
        if lead.promise is not None and is_own(lead):
            self.promised[lead.owner].remove(lead.promise.at_ms << ID_BITS | lead.id)
            self.waiting.stir_agent(lead.owner)
        for agent, _ in lead.pauses:
            self.pauses[agent].pop(lead.id, None)

    def lay(self, lead: Lead) -> None:
        """Lay the footprint of an open lead's row."""
        if lead.promise is not None and is_own(lead):
            self.promised.setdefault(lead.owner, SortedList()).add(lead.promise.at_ms << ID_BITS | lead.id)
        for agent, until_ms in lead.pauses:
            self.pauses.setdefault(agent, {})[lead.id] = until_ms
        if lead.lease is not None:
            self.leases.setdefault(lead.lease.agent, []).append(lead.id)
            self.timers.add((Kind.LEASE_BEAT, lead.campaign), lead.lease.beat_ms, lead.id)
            self.timers.add((Kind.LEASE_MAX, lead.campaign), lead.lease.started_ms, lead.id)
            self._hold(lead)
        elif lead.status in _FAMILY:
            self.place(lead)
            for slot, base_ms in self._waits(lead):
                self.timers.add(slot, base_ms, lead.id)
        elif lead.unresolved is not None:
            self.unresolved.setdefault(lead.unresolved.agent, set()).add(lead.id)
            self.timers.add((Kind.ABANDON, 0), lead.unresolved.since_ms, lead.id)

    def _waits(self, lead: Lead) -> Iterable[tuple[Slot, int]]:
        if lead.promise is not None and is_own(lead):
            kind = Kind.RELEASE_VIP if lead.status is Status.VIP_REDIAL else Kind.RELEASE_PRIVATE
            yield (kind, lead.campaign), lead.promise.at_ms
        if lead.urgent is not None:
            yield (Kind.URGENT, 0), lead.urgent.expires_ms

    def count(self, lead: Lead, by: int) -> None:
        """Keep up the counters that a scrape and a pool's details read."""
        key = (lead.campaign, lead.status)
        self.counts[key] = self.counts.get(key, 0) + by
        if lead.closure is None:
            self.pool_open[lead.pool] = self.pool_open.get(lead.pool, 0) + by
            if lead.lease is not None:
                self.pool_leased[lead.pool] = self.pool_leased.get(lead.pool, 0) + by
        else:
            counts = dict(self.closures[lead.pool].counts) if lead.pool in self.closures else {}
            counts[lead.closure] = counts.get(lead.closure, 0) + by
            row = Closures(lead.pool, {closure: count for closure, count in counts.items() if count})
            self.closures[lead.pool] = row
            self.record("closures", lead.pool, row)

    # -- places in queues -------------------------------------------------------------------------------------------

    def place(self, lead: Lead) -> None:
        """Put a dialable lead where its row says; parked while a lease holds one of its numbers (SPEC R3.7)."""
        if self.held and any(number in self.held for number in lead.numbers):
            self.parked.add(lead.id)
            return
        part, key = self._spot(lead, make=True)
        part.queue.add(part, key)
        if part.queue.watchers:
            self.waiting.stir(part.queue)

    def unplace(self, lead: Lead) -> None:
        """Take a dialable lead out of its queue."""
        if lead.id in self.parked:
            self.parked.discard(lead.id)
            return
        part, key = self._spot(lead, make=False)
        if part.queue.remove(part, key) and part.key[0]:
            self.gated[part.key[0]].pop(part, None)

    def _spot(self, lead: Lead, *, make: bool) -> tuple[Part, int]:
        family = family_of(lead)
        queue = self.queue(lead.campaign, lead.owner, family)
        gate = 0 if lead.status in PROMISED else lead.pool
        source = lead.priority or -lead.pool
        if lead.urgent is not None:
            part_key, due_ms = (gate, lead.zones, source, 2 + lead.urgent.reason), lead.urgent.since_ms
        else:
            due_ms = lead.due_ms
            part_key = (gate, lead.zones, source, 0 if due_ms else 1)
        part = queue.parts.get(part_key)
        if part is None:
            assert make, f"lead {lead.id} has no part {part_key}"
            part = self.make_part(queue, part_key)
        return part, key_of(due_ms, lead.seq, lead.id)

    def queue(self, campaign: int, owner: int, family: Family) -> Queue:
        """The queue; made when it is first wanted, and kept: an empty one costs a comparison."""
        queue = self.queues.get((campaign, owner, family))
        if queue is None:
            settings = self.campaigns.by_no[campaign].dialer
            queue = self.queues[campaign, owner, family] = Queue(campaign, owner, family, settings.overdue_after_ms)
            if family in OWN:
                self.own_queues.setdefault(owner, []).append(queue)
            self.world += 1
        return queue

    def make_part(self, queue: Queue, part_key: PartKey) -> Part:
        """A new, empty part; the caller adds to it."""
        gate, _zones, source, variant = part_key
        pool = self.pools[-source] if source < 0 else None
        base = key_of(self.pools[gate].first_active_ms, 0, 0) if variant == 1 else 0
        part = queue.parts[part_key] = Part(
            queue, part_key, self.level_of(queue.campaign, source, variant, pool), base, is_open=not gate or gate in self.open_pools
        )
        if gate:
            self.gated.setdefault(gate, {})[part] = None
        return part

    def level_of(self, campaign: int, source: int, variant: int, pool: Pool | None) -> int:
        """Effective priority (SPEC R2.3), behind the reason for urgent leads."""
        priority = source if source > 0 else self.inherited_priority(campaign, pool)
        return priority if variant < 2 else (variant - 2) * URGENT_STEP + priority  # noqa: PLR2004

    def inherited_priority(self, campaign: int, pool: Pool | None) -> int:
        """The pool's, else the campaign's, else 5."""
        return (pool.priority if pool else 0) or self.campaigns.by_no[campaign].dialer.priority or DEFAULT_PRIORITY

    def add_fresh(self, pool: Pool, leads: list[FreshLead]) -> None:
        """Take untouched leads of one pool into the order; O(m log n)."""
        self.leads.add_fresh(leads)
        groups: dict[tuple[int, int, int], list[int]] = {}
        for lead in leads:
            self.numbers.add(lead.numbers, lead.id)
            group = groups.setdefault((lead.owner, lead.zones, lead.priority or -pool.id), [])
            if self.held and any(number in self.held for number in lead.numbers):
                self.parked.add(lead.id)
            else:
                group.append(key_of(0, seq_of(pool, lead.ordinal, lead.id), lead.id))
        for (owner, zones, source), keys in groups.items():
            self._extend(self.queue(pool.campaign, owner, Family.UNPROCESSED), (pool.id, zones, source, 1), keys)
        key = (pool.campaign, Status.UNPROCESSED)
        self.counts[key] = self.counts.get(key, 0) + len(leads)
        self.pool_open[pool.id] = self.pool_open.get(pool.id, 0) + len(leads)

    def _extend(self, queue: Queue, part_key: PartKey, keys: list[int]) -> None:
        if not keys:
            return
        part = queue.parts.get(part_key) or self.make_part(queue, part_key)
        queue.extend(part, keys)
        if queue.watchers:
            self.waiting.stir(queue)

    def switch_pool(self, pool: int, *, is_open: bool) -> None:
        """Open or close a pool's gate; O(parts)."""
        (self.open_pools.add if is_open else self.open_pools.discard)(pool)
        for part in self.gated.get(pool, ()):
            part.queue.switch(part, is_open=is_open)
            if part.queue.watchers:
                self.waiting.stir(part.queue)

    # -- the guard of numbers (SPEC R3.7) ---------------------------------------------------------------------------

    def _hold(self, lead: Lead) -> None:
        for number in lead.numbers:
            self.held[number] = self.held.get(number, 0) + 1
            for other in self.numbers.shared.get(number, ()):
                if other != lead.id and other not in self.parked:
                    self._repark(other)

    def _let_go(self, lead: Lead) -> None:
        freed = []
        for number in lead.numbers:
            left = self.held.pop(number) - 1
            if left:
                self.held[number] = left
            else:
                freed.append(number)
        for number in freed:
            for other in self.numbers.shared.get(number, ()):
                if other != lead.id and other in self.parked:
                    self._repark(other)

    def _repark(self, lead: int) -> None:
        found = self.leads.get(lead)
        if found is not None and found.lease is None and found.status in _FAMILY:
            if lead in self.parked:
                self.parked.discard(lead)
            else:
                part, key = self._spot(found, make=False)
                if part.queue.remove(part, key) and part.key[0]:
                    self.gated[part.key[0]].pop(part, None)
            self.place(found)

    # -- deadlines --------------------------------------------------------------------------------------------------

    def deadline_of(self, slot: Slot, base_ms: int) -> int | None:  # noqa: PLR0911 - one line per kind
        """When a timer of this slot and base fires; None while it does not run."""
        kind, campaign = slot
        if kind is Kind.ABANDON:
            return base_ms + self.settings.abandon_after_ms
        if kind in (Kind.URGENT, Kind.POOL):
            return base_ms
        record = self.campaigns.by_no[campaign]
        dialer = record.dialer
        if kind is Kind.LEASE_BEAT:
            return max(base_ms + dialer.lease_timeout_ms, self.lease_floor_ms)
        if kind is Kind.LEASE_MAX:
            return max(base_ms + dialer.lease_max_ms, self.lease_floor_ms)
        after_ms = dialer.release_private_ms
        if kind is Kind.RELEASE_VIP and dialer.release_vip_ms != -1:
            after_ms = dialer.release_vip_ms
        return None if after_ms is None or not record.active else base_ms + after_ms

    def lease_end_ms(self, lead: Lead) -> int:
        """When the lead's lease ends by itself (SPEC R5.2, R5.7)."""
        assert lead.lease is not None
        dialer = self.campaigns.by_no[lead.campaign].dialer
        end_ms = min(lead.lease.beat_ms + dialer.lease_timeout_ms, lead.lease.started_ms + dialer.lease_max_ms)
        return max(end_ms, self.lease_floor_ms)

    # -- teams ------------------------------------------------------------------------------------------------------

    def team_and_above(self, team: int) -> list[int]:
        """The team, its parent, and so on to the root."""
        found = []
        while team:
            found.append(team)
            team = self.teams.by_no[team].parent
        return found or [ROOT_TEAM]


