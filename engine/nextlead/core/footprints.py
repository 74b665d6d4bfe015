"""What an open lead's row leaves elsewhere: its place or its lease, its timers, the lists of agents that it is in.

`lift` takes all of it away and `lay` lays it, whatever the row.
"""

from bisect import insort
from collections.abc import Iterable
from typing import Final

from .keys import Keys
from .lifetimes import lease_timers
from .model import Lead, Lease, Status
from .order import ID_BITS
from .places import LAST_DIALABLE, Places, is_own
from .timers import Kind, Slot

_LEASE: Final = Kind.LEASE  # a member looked up in its class is slow, and every lease and every finish needs it


def is_plain(lead: Lead) -> bool:
    """Whether the row has no promise, urgency or pause, and waits for nobody: it stands in the order, or is leased."""
    return lead.promise is None and lead.urgent is None and lead.unresolved is None and not lead.pauses


class Footprints(Places):
    """Leases by agent as (start, lead), unresolved leads, own promised redials by due time, and pauses, by agent.

    `pool_leased` counts the leases of a pool's leads.
    """

    def __init__(self) -> None:
        super().__init__()
        self.leases: dict[int, list[tuple[int, int]]] = {}
        self.unresolved: dict[int, set[int]] = {}
        self.promised: dict[int, Keys] = {}
        self.pauses: dict[int, dict[int, int]] = {}
        self.pool_leased: dict[int, int] = {}
        self.aside: dict[tuple[int, int, int, Status], int] = {}
        """How many unresolved and validated-to-be leads there are by campaign, pool, owner and status."""

    def begin_lease(self, lead: Lead, lease: Lease) -> None:
        """What a lease leaves."""
        held = self.leases.get(lease.agent)
        if held:
            insort(held, (lease.started_ms, lead.id))
        else:
            self.leases[lease.agent] = [(lease.started_ms, lead.id)]
        self.pool_leased[lead.pool] = self.pool_leased.get(lead.pool, 0) + 1
        if lease.beat_ms == lease.started_ms:
            self.timers.add((_LEASE, lead.campaign), lease.started_ms, lead.id)
        else:
            for slot, base_ms in lease_timers(lead, lease):
                self.timers.add(slot, base_ms, lead.id)
        self.hold(lead)

    def end_lease(self, lead: Lead, lease: Lease) -> None:
        """Take that away, all but the hold on its numbers (`let_go`)."""
        self.leases[lease.agent].remove((lease.started_ms, lead.id))
        self.pool_leased[lead.pool] -= 1
        if lease.beat_ms == lease.started_ms:
            self.timers.remove((_LEASE, lead.campaign), lease.started_ms, lead.id)
            return
        for slot, base_ms in lease_timers(lead, lease):
            self.timers.remove(slot, base_ms, lead.id)

    def lift(self, lead: Lead) -> None:
        """Take away the footprint that an open lead's row lays."""
        own = lead.promise is not None and is_own(lead)
        if lead.lease is not None:
            self.end_lease(lead, lead.lease)
        elif lead.status <= LAST_DIALABLE:
            self.unplace(lead)
            if own or lead.urgent is not None:
                for slot, base_ms in self._waits(lead):
                    self.timers.remove(slot, base_ms, lead.id)
        else:
            self._count_aside(lead, -1)
            if lead.unresolved is not None:
                self.unresolved[lead.unresolved.agent].discard(lead.id)
                self.timers.remove((Kind.ABANDON, 0), lead.unresolved.since_ms, lead.id)
                self.waiting.stir_agent(lead.unresolved.agent)
        if own:
            self.promised[lead.owner].remove(lead.due_ms << ID_BITS | lead.id)
            self.waiting.stir_agent(lead.owner)
        if lead.pauses:
            for agent, _ in lead.pauses:
                self.pauses[agent].pop(lead.id, None)

    def lay(self, lead: Lead) -> None:
        """Lay the footprint of an open lead's row."""
        own = lead.promise is not None and is_own(lead)
        if own:
            self.promised.setdefault(lead.owner, Keys()).add(lead.due_ms << ID_BITS | lead.id)
        if lead.pauses:
            for agent, until_ms in lead.pauses:
                self.pauses.setdefault(agent, {})[lead.id] = until_ms
                self.waiting.stir_agent(agent)  # it is to be tried again when that ends
        if lead.lease is not None:
            self.begin_lease(lead, lead.lease)
        elif lead.status <= LAST_DIALABLE:
            self.place(lead)
            if own or lead.urgent is not None:
                for slot, base_ms in self._waits(lead):
                    self.timers.add(slot, base_ms, lead.id)
        else:
            self._count_aside(lead, 1)
            if lead.unresolved is not None:
                self.unresolved.setdefault(lead.unresolved.agent, set()).add(lead.id)
                self.timers.add((Kind.ABANDON, 0), lead.unresolved.since_ms, lead.id)

    def _count_aside(self, lead: Lead, by: int) -> None:
        key = (lead.campaign, lead.pool, lead.owner, lead.status)
        count = self.aside.get(key, 0) + by
        if count:
            self.aside[key] = count
        else:
            del self.aside[key]

    def _waits(self, lead: Lead) -> Iterable[tuple[Slot, int]]:
        if lead.promise is not None and is_own(lead):
            kind = Kind.RELEASE_VIP if lead.status is Status.VIP_REDIAL else Kind.RELEASE_PRIVATE
            yield (kind, lead.campaign), lead.promise.at_ms
        if lead.urgent is not None:
            yield (Kind.URGENT, 0), lead.urgent.expires_ms
