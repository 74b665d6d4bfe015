"""Where leads stand in the order: queues, gates of pools and hours, and leads that their number keeps back.

A lead's place is a function of its row (`_spot`). Leads that a leased number (SPEC R3.7) or a contact limit (SPEC 12)
keeps back are *parked*: they stand apart from the others of their queue, and come back to their place when the lease or
the limit ends. `State` is built on this.
"""

from collections.abc import Callable
from enum import IntFlag
from typing import Any, Final

from .awake import Awake
from .calling_hours import LEAD_ZONE, Calendar, Span, calendar_of
from .contacts import Contacts
from .leads import LeadTable
from .model import Lead, Pool, Status, ZoneSet
from .numbers import NumberIndex
from .order import DUE_SHIFT, ID_BITS, NEVER, due_of, key_of, limit
from .queues import (
    ANYTIME,
    FREE,
    HELD,
    LIMITED,
    OWN,
    OWN_DUE,
    SHOWN,
    UNSHOWN,
    URGENT_FROM,
    Family,
    Part,
    PartKey,
    Queue,
    Shadow,
)
from .records import Records
from .setup_model import Campaign
from .stock import Stock
from .timers import Kind, Slot, Timers
from .waiting import Waiting
from .zones import Zones

DEFAULT_PRIORITY: Final = 5
URGENT_STEP: Final = 1024
"""An urgent lead's level is its reason times this, plus its priority (SPEC R2.6)."""

_PRIVATE: Final = Status.PRIVATE_REDIAL
_VIP: Final = Status.VIP_REDIAL
_UNPROCESSED: Final = Family.UNPROCESSED
LAST_DIALABLE: Final = Status.VIP_REDIAL

_FAMILIES: Final = (
    # by status, then by "its owner's alone"
    (Family.UNPROCESSED, Family.UNPROCESSED),
    (Family.UNPROCESSED, Family.UNPROCESSED),
    (Family.AUTOMATIC, Family.AUTOMATIC),
    (Family.COMMON, Family.COMMON),
    (Family.PRIVATE, Family.PRIVATE_OWN),
    (Family.VIP, Family.VIP_OWN),
)


def is_own(lead: Lead) -> bool:
    """A private or VIP redial that is its owner's alone: not released (SPEC R3.3)."""
    promise = lead.promise
    return promise is not None and promise.released_ms is None and _PRIVATE <= lead.status <= _VIP


class Bar(IntFlag):
    """What of a pool is out of the order, whatever its gate says."""

    UNSHOWN = 1
    """Leads that nobody was ever shown: the pool is being deleted (SPEC R9.11)."""
    ORDINARY = 2
    """All but private and VIP redials: they have expired (SPEC R8.2)."""
    PROMISED = 4
    """Private and VIP redials: they have expired, too."""


ALWAYS: Final = Span(open=True, until_ms=None)
_HOURS: Final = (Kind.HOURS, 0)
_LIMIT: Final = (Kind.LIMIT, 0)


def zones_that_count(lead: Lead) -> int:
    """The zone set whose hours hold for a lead: `ANYTIME` for a forced redial, unless it was made urgent (R4.2, R2.6).

    The moment was agreed for the promise; urgency is nobody's consent to be called at night.
    """
    promise = lead.promise
    return ANYTIME if promise is not None and promise.forced_by and lead.urgent is None else lead.zones


class Gate:
    """The calling hours of a campaign for leads in a set of zones, and the parts that they open and close."""

    __slots__ = ("campaign", "no", "parts", "span", "zones")

    def __init__(self, no: int, campaign: int, zones: int) -> None:
        self.no = no
        """What its timer is known by."""
        self.campaign = campaign
        self.zones = zones
        self.parts: dict[Part, None] = {}
        self.span = ALWAYS


class Places:
    """Queues by (campaign, owner, family), gates by pool and by (campaign, zones), and leads kept back by number.

    `world` rises when somebody may see other queues than before; `sights` are what agents see (`sight.py`), `viewers`
    those of them that see the ordinary leads of a (campaign, owner). `held`
    counts the leases of a number, `gated` are the parts of a pool. `parked` are the leads that stand apart, with the
    time at which a contact limit lets them go, 0 for those of a leased number. `shut` are bars on a pool, as flags of
    `Bar`; `shuffling` says how the keys of a pool's leads change, while it is being shuffled. `stocks` are
    what is counted of a campaign's queues.
    """

    def __init__(self) -> None:
        self.now_ms = 0
        self.campaigns: Records[Campaign] = Records("campaign")
        self.pools: dict[int, Pool] = {}
        self.leads = LeadTable(self.pools)
        self.numbers = NumberIndex()
        self.queues: dict[tuple[int, int, int], Queue] = {}
        self.stocks: dict[int, Stock] = {}
        self.awake = Awake()
        self.own_queues: dict[int, list[Queue]] = {}
        self.gated: dict[int, dict[Part, None]] = {}
        self.open_pools: set[int] = set()
        self.shut: dict[int, int] = {}
        self.shuffling: dict[int, Callable[[int], int]] = {}
        self.held: dict[int, int] = {}
        self.parked: dict[int, int] = {}
        self.timers = Timers(self.deadline_of)
        self.zones = Zones(self.keep_zones)
        self.calendars: dict[tuple[int, int], Calendar] = {}
        self.gates: dict[tuple[int, int], Gate] = {}
        self._gates_made: dict[int, Gate] = {}
        self.contacts = Contacts(self.leads, self.numbers, self.campaigns)
        self.waiting = Waiting()
        self.world = 0
        self.sights: dict[int, Any] = {}
        self.viewers: dict[tuple[int, int], list[Any]] = {}

    def deadline_of(self, slot: Slot, base_ms: int) -> int | None:
        """When a timer of this slot and base fires; None while it does not run."""
        raise NotImplementedError

    def keep_zones(self, row: ZoneSet) -> None:
        """Make a new zone set durable."""
        raise NotImplementedError

    def place(self, lead: Lead) -> None:
        """Put a dialable lead where its row says; apart from the others while its number keeps it back."""
        apart = FREE
        if self.held and not self.held.keys().isdisjoint(lead.numbers):
            apart = HELD
            self.parked[lead.id] = 0
        elif self.contacts.active:
            until_ms = self._limited_until(lead)
            if until_ms:
                apart = LIMITED
                self.parked[lead.id] = until_ms
                self.timers.add(_LIMIT, until_ms, lead.id)
        if apart and lead.promise is not None and is_own(lead):
            self.waiting.stir_agent(lead.owner)  # who was kept free for it may not be any more (SPEC R4.9)
        queue, part_key, key = self._spot(lead, apart)
        part = queue.parts.get(part_key)
        if part is None:
            part = self.make_part(queue, part_key)
        if part.ends is not None:
            part.ends.add(self.parked[lead.id] << ID_BITS | lead.id)
        queue.add(part, key)
        if queue.watchers and part.open:  # a gate that opens stirs them by itself
            self._tell_watchers(queue, part.base + key)

    def _tell_watchers(self, queue: Queue, key: int) -> None:
        """A lead came behind an open gate: those who wait for the queue are tried now, or when it is due."""
        if key < limit(self.now_ms):
            self.waiting.stir(queue)
        else:
            self.waiting.wake_by(queue, due_of(key))

    def _limited_until(self, lead: Lead) -> int:
        """When contact limits let the lead go, 0 unless that is after it may be called for all else."""
        until_ms = self.contacts.until_ms(lead, self.now_ms)
        due_ms = lead.due_ms if lead.urgent is None else 0
        return until_ms if until_ms > due_ms else 0

    def is_ready(self, lead_id: int, queues: list[Queue]) -> bool:
        """Whether a lead stands in one of these queues, due and behind an open gate."""
        lead = self.leads.get(lead_id)
        if lead is None or lead.lease is not None or lead.status > LAST_DIALABLE or lead_id in self.parked:
            return False
        queue, part_key, key = self._spot(lead, FREE)
        part = queue.parts[part_key]
        return queue in queues and part.open and part.base + key < limit(self.now_ms)

    def unplace(self, lead: Lead) -> None:
        """Take a dialable lead out of its queue."""
        until_ms = self.parked.pop(lead.id, None) if self.parked else None
        queue, part_key, key = self._spot(lead, FREE if until_ms is None else LIMITED if until_ms else HELD)
        part = queue.parts[part_key]
        if until_ms:
            self.timers.remove(_LIMIT, until_ms, lead.id)
            if part.ends is not None:
                part.ends.remove(until_ms << ID_BITS | lead.id)
        if queue.remove(part, key):
            del self.gated[part_key[0]][part]
            del self.gates[queue.campaign, part_key[1]].parts[part]

    def reconsider(self, lead_id: int) -> None:
        """Place a lead anew if it is in the order: what keeps it back by its number may be other than before."""
        found = self.leads.get(lead_id)
        if found is not None and found.lease is None and found.status <= LAST_DIALABLE:
            self.unplace(found)
            self.place(found)

    def _spot(self, lead: Lead, apart: int) -> tuple[Queue, PartKey, int]:
        """The queue, the part and the key of a row."""
        status, promise, urgent, due_ms, zones = lead.status, lead.promise, lead.urgent, lead.due_ms, lead.zones
        promised = status >= _PRIVATE
        own = promised and promise is not None and promise.released_ms is None
        if urgent is None:
            family = _FAMILIES[status][own]
            variant = OWN_DUE if due_ms else SHOWN if lead.shown else UNSHOWN
        else:
            family = Family.URGENT_OWN if own else Family.URGENT
            variant, due_ms = URGENT_FROM + urgent.reason, urgent.since_ms
        if promise is not None:
            zones = zones_that_count(lead)
        queue = self.queues.get((lead.campaign, lead.owner, family)) or self.queue(lead.campaign, lead.owner, family)
        part_key = (lead.pool, zones, lead.priority or -lead.pool, variant, promised, apart)
        return queue, part_key, due_ms << DUE_SHIFT | lead.seq << ID_BITS | lead.id

    def queue(self, campaign: int, owner: int, family: Family) -> Queue:
        """The queue; made when it is first wanted, and kept: an empty one costs a comparison."""
        queue = self.queues.get((campaign, owner, family))
        if queue is None:
            settings = self.campaigns.by_no[campaign].dialer
            wakes = self.awake if family < _UNPROCESSED else None
            stock = self.stocks.get(campaign)
            if stock is None:
                stock = self.stocks[campaign] = Stock()
            queue = Queue(campaign, owner, family, settings.overdue_after_ms, wakes, stock)
            self.queues[campaign, owner, family] = queue
            if family in OWN:
                self.own_queues.setdefault(owner, []).append(queue)
            if family not in OWN:
                for sight in self.viewers.get((campaign, owner), ()):
                    sight.admit(queue)
                    self.waiting.watch_also(sight.agent, queue)
            elif owner in self.sights:
                self.sights[owner].admit_own(self, queue)
                self.waiting.watch_also(owner, queue)
        return queue

    def make_part(self, queue: Queue, part_key: PartKey) -> Part:
        """A new, empty part; the caller adds to it."""
        pool_id, zones, source, variant, promised, _apart = part_key
        pool = self.pools[pool_id]
        base = key_of(pool.first_active_ms, 0, 0) if variant in (UNSHOWN, SHOWN) else 0
        level = self.level_of(queue.campaign, source, variant, pool)
        gate = self.gates.get((queue.campaign, zones)) or self._make_gate(queue.campaign, zones)
        part = queue.parts[part_key] = Part(queue, part_key, level, base, is_open=self._lets_in(part_key, gate))
        gate.parts[part] = None
        self.gated.setdefault(pool_id, {})[part] = None
        rekey = self.shuffling.get(pool_id)
        if rekey is not None and not promised:
            part.shadow = Shadow(rekey, NEVER)
        return part

    def is_part_open(self, part: Part) -> bool:
        """Whether its pool and its hours let the part be (SPEC R3.2, R3.4, R11.2), and its leads do not stand apart."""
        return self._lets_in(part.key, self.gates[part.queue.campaign, part.key[1]])

    def _lets_in(self, part_key: PartKey, gate: Gate) -> bool:
        return not part_key[5] and gate.span.open and self.pool_lets_in(part_key)

    def pool_lets_in(self, part_key: PartKey) -> bool:
        """Whether the pool lets the part be: SPEC R3.2, R3.4, and what is being deleted or has expired."""
        pool, _zones, _source, variant, promised, _apart = part_key
        bars = self.shut.get(pool, 0)
        if not bars:  # nearly always
            return promised or pool in self.open_pools
        if promised:
            return not bars & Bar.PROMISED
        return pool in self.open_pools and not bars & (
            Bar.ORDINARY | Bar.UNSHOWN if variant == UNSHOWN else Bar.ORDINARY
        )

    def level_of(self, campaign: int, source: int, variant: int, pool: Pool) -> int:
        """Effective priority (SPEC R2.3), behind the reason for urgent leads."""
        priority = source if source > 0 else self.inherited_priority(campaign, pool)
        return priority if variant < URGENT_FROM else (variant - URGENT_FROM) * URGENT_STEP + priority

    def inherited_priority(self, campaign: int, pool: Pool | None) -> int:
        """The pool's, else the campaign's, else 5."""
        return (pool.priority if pool else 0) or self.campaigns.by_no[campaign].dialer.priority or DEFAULT_PRIORITY

    def extend(self, queue: Queue, part_key: PartKey, keys: list[int]) -> None:
        """Add many keys of one part at once."""
        if not keys:
            return
        part = queue.parts.get(part_key) or self.make_part(queue, part_key)
        queue.extend(part, keys)
        if queue.watchers:
            self.waiting.stir(queue)

    def switch_pool(self, pool: int, *, is_open: bool) -> None:
        """Open or close a pool's gate; O(parts)."""
        (self.open_pools.add if is_open else self.open_pools.discard)(pool)
        self._settle_parts(pool)

    def bar(self, pool: int, bars: int) -> None:
        """Set the bars on a pool, those of before apart; O(parts)."""
        if bars:
            self.shut[pool] = bars
        else:
            self.shut.pop(pool, None)
        self._settle_parts(pool)

    def _settle_parts(self, pool: int) -> None:
        for part in self.gated.get(pool, ()):
            self._settle(part)

    def _settle(self, part: Part) -> None:
        part.queue.switch(part, is_open=self.is_part_open(part))
        if part.queue.watchers:
            self.waiting.stir(part.queue)

    # -- calling hours (SPEC 11) ------------------------------------------------------------------------------------

    def calendar(self, campaign: int, zones: int) -> Calendar | None:
        """A campaign's hours for leads in a set of zones; None when it has none. Kept until its settings change."""
        hours = self.campaigns.by_no[campaign].dialer.calling_hours
        if hours is None or zones == ANYTIME:
            return None
        found = self.calendars.get((campaign, zones))
        if found is None:
            found = calendar_of(hours, self.zones.names(zones), self.zones.almanac, self.now_ms)
            if hours.zone == LEAD_ZONE and self.zones.names(zones) and not found.is_substitute:
                found.source = "lead" if self.zones.is_own(zones) else "number"
            self.calendars[campaign, zones] = found
        return found

    def follow_hours(self, campaign: int) -> None:
        """The campaign's hours are others now. O(parts of the campaign)."""
        self._forget_calendars(campaign)
        for gate in self.gates.values():
            if gate.campaign == campaign:
                self.turn_gate(gate)

    def drop_gates(self, campaign: int) -> None:
        """The campaign is gone, and has no leads."""
        for key in [key for key in self.gates if key[0] == campaign]:
            gate = self.gates.pop(key)
            del self._gates_made[gate.no]
            if gate.span.until_ms is not None:
                self.timers.remove(_HOURS, gate.span.until_ms, gate.no)
        self._forget_calendars(campaign)

    def _forget_calendars(self, campaign: int) -> None:
        for key in [key for key in self.calendars if key[0] == campaign]:
            del self.calendars[key]

    def turn_gate(self, gate: Gate) -> None:
        """Make a gate what the hours say now; O(its parts) when they open or close it."""
        calendar = self.calendar(gate.campaign, gate.zones)
        before, span = gate.span, ALWAYS if calendar is None else calendar.at(self.now_ms)
        gate.span = span
        if before.until_ms != span.until_ms:
            if before.until_ms is not None:
                self.timers.remove(_HOURS, before.until_ms, gate.no)
            if span.until_ms is not None:
                self.timers.add(_HOURS, span.until_ms, gate.no)
        if before.open is not span.open:
            self._turn_parts(gate)

    def _turn_parts(self, gate: Gate) -> None:
        """`_settle` for all of a gate's parts: thousands of them at nine o'clock, in one turn of the loop."""
        is_open, lets_in = gate.span.open, self.pool_lets_in
        for part in gate.parts:
            part_key, queue = part.key, part.queue
            queue.switch(part, is_open=is_open and not part_key[5] and lets_in(part_key))
            if queue.watchers:
                self.waiting.stir(queue)

    def gate_of(self, no: int) -> Gate:
        """The gate of a timer."""
        return self._gates_made[no]

    def _make_gate(self, campaign: int, zones: int) -> Gate:
        """Gates stay: there are few, and most of their parts come and go with every call."""
        no = next(reversed(self._gates_made), 0) + 1
        gate = self.gates[campaign, zones] = self._gates_made[no] = Gate(no, campaign, zones)
        self.turn_gate(gate)
        return gate

    # -- the guard of numbers (SPEC R3.7) ---------------------------------------------------------------------------

    def hold(self, lead: Lead) -> None:
        """A lease of the lead begins: others with one of its numbers are parked."""
        for number in lead.numbers:
            self.held[number] = self.held.get(number, 0) + 1
            for other in self.numbers.shared.get(number, ()):
                if other != lead.id and self.parked.get(other) != 0:
                    self.reconsider(other)

    def let_go(self, lead: Lead) -> None:
        """The lease ends: those that no other lease keeps out come back."""
        held, shared = self.held, self.numbers.shared
        for number in lead.numbers:
            left = held.pop(number) - 1
            if left:
                held[number] = left
        if shared:
            for number in lead.numbers:
                for other in shared.get(number, ()):
                    if other != lead.id and (self.contacts.active or other in self.parked):
                        self.reconsider(other)
