"""What falls due by itself, except leads: those are found by the limit in their keys (`order.py`).

Timers hold *base* times (promised, lease started, unresolved since); the setting that makes a deadline of it is added
at the head. So a changed setting counts for all leads at once (SPEC R4.4), and costs nothing.
"""

from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Final

from .keys import Keys
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
    EXPIRE = 8
    HOURS = 9
    LIMIT = 10

    __hash__ = int.__hash__


_LEASE: Final = Kind.LEASE  # looked up once: every lease adds a timer

Slot = tuple[Kind, int]
"""Timers that share a setting: kind and campaign (0 where the setting is not a campaign's)."""


class Fifo:
    """Entries whose base never goes back: leases, of which one begins and ends with every call. O(1)."""

    __slots__ = ("_bases",)

    def __init__(self) -> None:
        self._bases: dict[int, int] = {}

    def add(self, base_ms: int, what: int) -> bool:
        """Append; true when it is the head now."""
        self._bases[what] = base_ms
        return len(self._bases) == 1

    def remove(self, _base_ms: int, what: int) -> None:
        """Take it out, wherever it is."""
        del self._bases[what]

    def head(self) -> tuple[int, int] | None:
        """The oldest as (base, whose). O(removed since the last growth)."""
        return next(((base_ms, what) for what, base_ms in self._bases.items()), None)

    def entries(self) -> Iterator[tuple[int, int]]:
        """All as (base, whose)."""
        return ((base_ms, what) for what, base_ms in self._bases.items())

    def __len__(self) -> int:
        return len(self._bases)


class Sorted:
    """Entries in order of their base, whenever they come. O(log n)."""

    __slots__ = ("keys",)

    def __init__(self) -> None:
        self.keys = Keys()

    def add(self, base_ms: int, what: int) -> bool:
        """Put it where it belongs; true when it is the head now."""
        key = base_ms << ID_BITS | what
        self.keys.add(key)
        return self.keys.first() == key

    def remove(self, base_ms: int, what: int) -> None:
        """Take it out."""
        self.keys.remove(base_ms << ID_BITS | what)

    def head(self) -> tuple[int, int] | None:
        """The earliest as (base, whose)."""
        if not self.keys:
            return None
        key = self.keys.first()
        return key >> ID_BITS, key & ID_MASK

    def entries(self) -> Iterator[tuple[int, int]]:
        """All as (base, whose)."""
        return ((key >> ID_BITS, key & ID_MASK) for key in self.keys)

    def __len__(self) -> int:
        return len(self.keys)


class Timers:
    """Base times per slot.

    `bound` is never later than the next deadline. It is lowered when a timer is added and left alone when one is
    removed, so it may be too early; who acts on it asks `due`, which finds out. `_bounds` are the same of each slot.
    """

    def __init__(self, deadline_of: Callable[[Slot, int], int | None]) -> None:
        self._slots: dict[Slot, Fifo | Sorted] = {}
        self._bounds: dict[Slot, int] = {}
        self._deadline_of = deadline_of
        self.bound = NEVER

    def __len__(self) -> int:
        return sum(len(entries) for entries in self._slots.values())

    def add(self, slot: Slot, base_ms: int, what: int) -> None:
        """O(log n). `what` is a lead's or pool's id."""
        entries = self._slots.get(slot)
        if entries is None:
            entries = self._slots[slot] = Fifo() if slot[0] is _LEASE else Sorted()
            self._bounds[slot] = NEVER
        if entries.add(base_ms, what):
            deadline_ms = self._deadline_of(slot, base_ms)
            if deadline_ms is not None and deadline_ms < self._bounds[slot]:
                self._bounds[slot] = deadline_ms
                self.bound = min(self.bound, deadline_ms)

    def remove(self, slot: Slot, base_ms: int, what: int) -> None:
        """O(log n)."""
        self._slots[slot].remove(base_ms, what)

    def settings_changed(self) -> None:
        """Deadlines are to be derived anew."""
        self._bounds = dict.fromkeys(self._slots, 0)
        self.bound = 0

    def due(self, now_ms: int) -> tuple[int, Slot, int] | None:
        """A deadline that has come, the earliest, with its slot and whose it is.

        O(1) while there is none, else one comparison a slot, and a look at the head of those that may be due.
        """
        if self.bound > now_ms:
            return None
        found: tuple[int, Slot, int] | None = None
        for slot in [slot for slot, bound_ms in self._bounds.items() if bound_ms <= now_ms]:
            head = self._slots[slot].head()
            deadline_ms = None if head is None else self._deadline_of(slot, head[0])
            self._bounds[slot] = NEVER if deadline_ms is None else deadline_ms
            if head is not None and deadline_ms is not None and deadline_ms <= now_ms:
                found = min(found or (NEVER, slot, 0), (deadline_ms, slot, head[1]))
        self.bound = min(self._bounds.values(), default=NEVER)
        return found

    def of_slot(self, slot: Slot) -> Iterator[tuple[int, int]]:
        """The timers of one slot as (base, whose), the earliest first; they must not change meanwhile."""
        entries = self._slots.get(slot)
        return iter(()) if entries is None else entries.entries()

    def disorder(self) -> list[Slot]:
        """Slots whose entries are not in order, for `verify`."""
        return [
            slot
            for slot, found in self._slots.items()
            if (bases := [base_ms for base_ms, _ in found.entries()]) != sorted(bases)
        ]

    def late(self) -> list[Slot]:
        """Slots whose next deadline is before the bound that says when to look at them, for `verify`."""
        found = []
        for slot, entries in self._slots.items():
            head = entries.head()
            deadline_ms = None if head is None else self._deadline_of(slot, head[0])
            if deadline_ms is not None and deadline_ms < max(self._bounds[slot], self.bound):
                found.append(slot)
        return found

    def sorted_keys(self) -> Iterator[tuple[Slot, Keys]]:
        """What slots keep sorted, for `verify`."""
        return ((slot, entries.keys) for slot, entries in self._slots.items() if isinstance(entries, Sorted))

    def entries(self) -> set[tuple[Slot, int, int]]:
        """All of them as (slot, base, whose), for `verify`."""
        return {(slot, base_ms, what) for slot, found in self._slots.items() for base_ms, what in found.entries()}
