"""Where leads stand in the order: queues, gates, and leads that a leased number keeps out (SPEC R3.7).

A lead's place is a function of its row (`_spot`). Leads of a held number are *parked*: they stand in no queue, and
come back to their place when the lease ends. `State` is built on this.
"""

from collections.abc import Callable
from enum import IntFlag
from typing import Any, Final

from .leads import LeadTable
from .model import Lead, Pool, Status
from .numbers import NumberIndex
from .order import DUE_SHIFT, ID_BITS, NEVER, key_of, limit
from .queues import OWN, OWN_DUE, SHOWN, UNSHOWN, URGENT_FROM, Family, Part, PartKey, Queue, Shadow
from .records import Records
from .setup_model import Campaign
from .waiting import Waiting

DEFAULT_PRIORITY: Final = 5
URGENT_STEP: Final = 1024
"""An urgent lead's level is its reason times this, plus its priority (SPEC R2.6)."""

_PRIVATE: Final = Status.PRIVATE_REDIAL
_VIP: Final = Status.VIP_REDIAL
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


class Places:
    """Queues by (campaign, owner, family), gates by pool, and the guard of numbers.

    `world` rises when somebody may see other queues than before; `sights` are what agents see (`sight.py`). `held`
    counts the leases of a number, `gated` are the parts of a pool. `shut` are bars on a pool, as flags of `Bar`;
    `shuffling` says how the keys of a pool's leads change, while it is being shuffled.
    """

    def __init__(self) -> None:
        self.now_ms = 0
        self.campaigns: Records[Campaign] = Records("campaign")
        self.pools: dict[int, Pool] = {}
        self.leads = LeadTable(self.pools)
        self.numbers = NumberIndex()
        self.queues: dict[tuple[int, int, int], Queue] = {}
        self.own_queues: dict[int, list[Queue]] = {}
        self.gated: dict[int, dict[Part, None]] = {}
        self.open_pools: set[int] = set()
        self.shut: dict[int, int] = {}
        self.shuffling: dict[int, Callable[[int], int]] = {}
        self.held: dict[int, int] = {}
        self.parked: set[int] = set()
        self.waiting = Waiting()
        self.world = 0
        self.sights: dict[int, Any] = {}

    def place(self, lead: Lead) -> None:
        """Put a dialable lead where its row says; parked while a lease holds one of its numbers (SPEC R3.7)."""
        if self.held and not self.held.keys().isdisjoint(lead.numbers):
            self.parked.add(lead.id)
            return
        queue, part_key, key = self._spot(lead)
        part = queue.parts.get(part_key)
        if part is None:
            part = self.make_part(queue, part_key)
        queue.add(part, key)
        if queue.watchers:
            self.waiting.stir(queue)

    def is_ready(self, lead_id: int, queues: list[Queue]) -> bool:
        """Whether a lead stands in one of these queues, due and behind an open gate."""
        lead = self.leads.get(lead_id)
        if lead is None or lead.lease is not None or lead.status > LAST_DIALABLE or lead_id in self.parked:
            return False
        queue, part_key, key = self._spot(lead)
        part = queue.parts[part_key]
        return queue in queues and part.open and part.base + key < limit(self.now_ms)

    def unplace(self, lead: Lead) -> None:
        """Take a dialable lead out of its queue."""
        if lead.id in self.parked:
            self.parked.discard(lead.id)
            return
        queue, part_key, key = self._spot(lead)
        part = queue.parts[part_key]
        if queue.remove(part, key):
            del self.gated[part_key[0]][part]

    def _spot(self, lead: Lead) -> tuple[Queue, PartKey, int]:
        status, promise, urgent, due_ms = lead.status, lead.promise, lead.urgent, lead.due_ms
        promised = status >= _PRIVATE
        own = promised and promise is not None and promise.released_ms is None
        if urgent is None:
            family = _FAMILIES[status][own]
            variant = OWN_DUE if due_ms else SHOWN if lead.shown else UNSHOWN
        else:
            family = Family.URGENT_OWN if own else Family.URGENT
            variant, due_ms = URGENT_FROM + urgent.reason, urgent.since_ms
        queue = self.queues.get((lead.campaign, lead.owner, family)) or self.queue(lead.campaign, lead.owner, family)
        part_key = (lead.pool, lead.zones, lead.priority or -lead.pool, variant, promised)
        return queue, part_key, due_ms << DUE_SHIFT | lead.seq << ID_BITS | lead.id

    def queue(self, campaign: int, owner: int, family: Family) -> Queue:
        """The queue; made when it is first wanted, and kept: an empty one costs a comparison."""
        queue = self.queues.get((campaign, owner, family))
        if queue is None:
            settings = self.campaigns.by_no[campaign].dialer
            queue = self.queues[campaign, owner, family] = Queue(campaign, owner, family, settings.overdue_after_ms)
            if family in OWN:
                self.own_queues.setdefault(owner, []).append(queue)
            self.world += 1  # those who wait must watch it too
            if family in OWN:
                self.sights.pop(owner, None)
            else:
                for sight in self.sights.values():
                    sight.admit(queue)
        return queue

    def make_part(self, queue: Queue, part_key: PartKey) -> Part:
        """A new, empty part; the caller adds to it."""
        pool_id, _zones, source, variant, promised = part_key
        pool = self.pools[pool_id]
        base = key_of(pool.first_active_ms, 0, 0) if variant in (UNSHOWN, SHOWN) else 0
        level = self.level_of(queue.campaign, source, variant, pool)
        part = queue.parts[part_key] = Part(queue, part_key, level, base, is_open=self.is_part_open(part_key))
        self.gated.setdefault(pool_id, {})[part] = None
        rekey = self.shuffling.get(pool_id)
        if rekey is not None and not promised:
            part.shadow = Shadow(rekey, NEVER)
        return part

    def is_part_open(self, part_key: PartKey) -> bool:
        """Whether the pool lets the part be: SPEC R3.2, R3.4, and what is being deleted or has expired."""
        pool, _zones, _source, variant, promised = part_key
        bars = self.shut.get(pool, 0)
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
            part.queue.switch(part, is_open=self.is_part_open(part.key))
            if part.queue.watchers:
                self.waiting.stir(part.queue)

    # -- the guard of numbers (SPEC R3.7) ---------------------------------------------------------------------------

    def hold(self, lead: Lead) -> None:
        """A lease of the lead begins: others with one of its numbers are parked."""
        for number in lead.numbers:
            self.held[number] = self.held.get(number, 0) + 1
            for other in self.numbers.shared.get(number, ()):
                if other != lead.id and other not in self.parked:
                    self._repark(other)

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
                    if other != lead.id and other in self.parked:
                        self._repark(other)

    def _repark(self, lead: int) -> None:
        found = self.leads.get(lead)
        if found is not None and found.lease is None and found.status <= LAST_DIALABLE:
            self.unplace(found)
            self.place(found)
