"""What falls due by itself, except leads: those are found by the limit in their keys (`order.py`).

Timers hold *base* times (promised, lease started, unresolved since); the setting that makes a deadline of it is added
at the head. So a changed setting counts for all leads at once (SPEC R4.4), and costs nothing.
"""

from collections.abc import Callable
from enum import IntEnum

from sortedcontainers import SortedList

from .order import ID_BITS, ID_MASK, NEVER


class Kind(IntEnum):
    """Kinds of timers, in the order they fire at one moment.

    A lease without a heartbeat has one timer, LEASE; with one it has LEASE_BEAT and LEASE_MAX.
    """

    LEASE = 0
    LEASE_BEAT = 1
    LEASE_MAX = 2
    RELEASE_PRIVATE = 3
    RELEASE_VIP = 4
    ABANDON = 5
    URGENT = 6
    POOL = 7

    __hash__ = int.__hash__


Slot = tuple[Kind, int]
"""Timers that share a setting: kind and campaign (0 where the setting is not a campaign's)."""


class Timers:
    """Sorted base times per slot.

    `bound` is never later than the next deadline. It is lowered when a timer is added and left alone when one is
    removed, so it may be too early; who acts on it asks `due`, which finds out.
    """

    def __init__(self, deadline_of: Callable[[Slot, int], int | None]) -> None:
        self._slots: dict[Slot, SortedList[int]] = {}
        self._deadline_of = deadline_of
        self.bound = NEVER

    def __len__(self) -> int:
        return sum(len(entries) for entries in self._slots.values())

    def add(self, slot: Slot, base_ms: int, what: int) -> None:
        """O(log n). `what` is a lead's or pool's id."""
        entries = self._slots.get(slot)
        if entries is None:
            entries = self._slots[slot] = SortedList()
        entry = base_ms << ID_BITS | what
        entries.add(entry)
        if entries[0] == entry:
            deadline_ms = self._deadline_of(slot, base_ms)
            if deadline_ms is not None and deadline_ms < self.bound:
                self.bound = deadline_ms

    def remove(self, slot: Slot, base_ms: int, what: int) -> None:
        """O(log n)."""
        self._slots[slot].remove(base_ms << ID_BITS | what)

    def settings_changed(self) -> None:
        """Deadlines are to be derived anew."""
        self.bound = 0

    def due(self, now_ms: int) -> tuple[int, Slot, int] | None:
        """A deadline that has come, the earliest, with its slot and whose it is.

        O(1) while there is none, else O(slots).
        """
        if self.bound > now_ms:
            return None
        found = min(
            (
                (deadline, slot, entries[0] & ID_MASK)
                for slot, entries in self._slots.items()
                if entries and (deadline := self._deadline_of(slot, entries[0] >> ID_BITS)) is not None
            ),
            default=None,
        )
        self.bound = NEVER if found is None else found[0]
        return found if found is not None and found[0] <= now_ms else None

    def entries(self) -> set[tuple[Slot, int, int]]:
        """All of them as (slot, base, whose), for `verify`."""
        return {(slot, e >> ID_BITS, e & ID_MASK) for slot, entries in self._slots.items() for e in entries}
