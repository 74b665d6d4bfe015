"""What falls due by itself, except leads: those are found by the limit in their keys (`order.py`).

Timers hold *base* times (promised, lease started, unresolved since); the setting that makes a deadline of it is added at the
head. So a changed setting counts for all leads at once (SPEC R4.4), and costs nothing.
"""

from collections.abc import Callable
from enum import IntEnum

from sortedcontainers import SortedList

from .order import ID_BITS, ID_MASK


class Kind(IntEnum):
    """Kinds of timers, in the order they fire at one moment."""

    LEASE_BEAT = 0
    LEASE_MAX = 1
    RELEASE_PRIVATE = 2
    RELEASE_VIP = 3
    ABANDON = 4
    URGENT = 5
    POOL = 6

    __hash__ = int.__hash__


Slot = tuple[Kind, int]
"""Timers that share a setting: kind and campaign (0 where the setting is not a campaign's)."""


class Timers:
    """Sorted base times per slot. `delay_of` gives the time to add for a slot, None while it does not run."""

    def __init__(self, deadline_of: Callable[[Slot, int], int | None]) -> None:
        self._slots: dict[Slot, SortedList[int]] = {}
        self._deadline_of = deadline_of
        self._earliest: tuple[int, Slot, int] | None = None
        self._known = True

    def __len__(self) -> int:
        return sum(len(entries) for entries in self._slots.values())

    def add(self, slot: Slot, base_ms: int, what: int) -> None:
        """O(log n). `what` is a lead's or pool's id."""
        entries = self._slots.get(slot)
        if entries is None:
            entries = self._slots[slot] = SortedList()
        entry = base_ms << ID_BITS | what
        entries.add(entry)
        if self._known and entries[0] == entry:
            self._known = False

    def remove(self, slot: Slot, base_ms: int, what: int) -> None:
        """O(log n)."""
        entries = self._slots[slot]
        entry = base_ms << ID_BITS | what
        if self._known and entries[0] == entry:
            self._known = False
        entries.remove(entry)

    def settings_changed(self) -> None:
        """Deadlines are to be derived anew."""
        self._known = False

    def earliest(self) -> tuple[int, Slot, int] | None:
        """The next deadline, its slot, and whose it is. O(1) while no head changed, else O(slots)."""
        if not self._known:
            self._earliest = min(
                (
                    (deadline, slot, entries[0] & ID_MASK)
                    for slot, entries in self._slots.items()
                    if entries and (deadline := self._deadline_of(slot, entries[0] >> ID_BITS)) is not None
                ),
                default=None,
            )
            self._known = True
        return self._earliest

    def entries(self) -> set[tuple[Slot, int, int]]:
        """All of them as (slot, base, whose), for `verify`."""
        return {(slot, e >> ID_BITS, e & ID_MASK) for slot, entries in self._slots.items() for e in entries}
