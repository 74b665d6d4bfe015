"""The queues of docs/architecture.md: order is kept, not computed, and nothing moves when time passes.

Rules of this file:

1. A *queue* holds the leads of one (campaign, owner, family). A *family* is a class of SPEC R2.1 without "overdue".
2. A *part* is the leads of a queue of one pool, in the same zones and with one source of priority, as one sorted list
   of keys. Its pool or its calling hours may close it: then it is passed over as a whole. Leads that are kept back by
   their number stand *apart*, in parts that are always closed. Parts exist only while they hold a lead.
3. A *level* is the heads of a queue's open parts of one priority, sorted. A closed part has no head there.
4. A queue keeps what was found in it last until a head changes or time brings a better one: most are passed over by
   one comparison. (`tests/unit/core/test_queues.py` compares all of it with a plain sort.)

Not due, on schedule and overdue are prefixes of the same lists: "the best due lead" is the first level whose head is
below the limit.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterator
from enum import IntEnum
from heapq import merge
from itertools import islice
from typing import Final, Protocol

from .keys import Keys
from .order import DUE_SHIFT, ID_MASK, NEVER, PRIORITY_SHIFT
from .stock import Kept, Stock


class Family(IntEnum):
    """Classes as they are kept.

    OWN: the owner's alone (SPEC R3.3); the others follow R3.2, released redials included.
    """

    URGENT_OWN = 0
    URGENT = 1
    VIP_OWN = 2
    VIP = 3
    PRIVATE_OWN = 4
    PRIVATE = 5
    COMMON = 6
    AUTOMATIC = 7
    UNPROCESSED = 8

    __hash__ = int.__hash__


OWN: Final = (Family.URGENT_OWN, Family.VIP_OWN, Family.PRIVATE_OWN)

CLASS_NAME: Final = {
    Family.URGENT_OWN: "urgent",
    Family.URGENT: "urgent",
    Family.VIP_OWN: "vip_redial",
    Family.VIP: "vip_redial",
    Family.PRIVATE_OWN: "private_redial",
    Family.PRIVATE: "private_redial",
    Family.COMMON: "common_redial",
    Family.AUTOMATIC: "automatic_redial",
    Family.UNPROCESSED: "unprocessed",
}

PartKey = tuple[int, int, int, int, bool, int]
"""(pool, zone set, own priority or minus the pool it is inherited from, variant, whether an agent's promise, apart)."""

ANYTIME: Final = -1
"""Stands for the zone set of promised redials that no calling hours hold up (SPEC R4.2)."""

FREE: Final = 0
"""Nothing that is its own keeps the lead from being called when it is due."""
HELD: Final = 1
"""A lead with one of its numbers is leased (SPEC R3.7)."""
LIMITED: Final = 2
"""A contact limit keeps it back (SPEC 12)."""

OWN_DUE: Final = 0
"""Variant of a part whose keys have their due time."""
UNSHOWN: Final = 1
"""Unprocessed leads that nobody was ever shown: their due time is their pool's, the part's base (SPEC R2.2)."""
SHOWN: Final = -1
"""The same for unprocessed leads that came back from an agent by `cancelled`."""
URGENT_FROM: Final = 2
"""Urgent leads have this and their reason (SPEC R2.6)."""


class Shadow:
    """Another order of a part's leads, built beside the old one while that is still in use (SPEC R2.7).

    `rekey` gives a lead's new key for its old one. Everything up to the `cursor`, in the old order, is copied; what
    comes and goes there meanwhile comes and goes here, too. (`tests/unit/core/test_shadow.py` guards it.)
    """

    __slots__ = ("cursor", "keys", "rekey")

    def __init__(self, rekey: Callable[[int], int], cursor: int = -1) -> None:
        self.rekey = rekey
        self.cursor = cursor
        self.keys = Keys()

    def add(self, key: int) -> None:
        """A lead has come into the old order. O(log n)."""
        if key <= self.cursor:
            self.keys.add(self.rekey(key))

    def remove(self, key: int) -> None:
        """A lead is leaving the old order. O(log n)."""
        if key <= self.cursor:
            self.keys.remove(self.rekey(key))

    def copy(self, part: "Part", most: int) -> int:
        """Copy the next leads of the part, at most so many; how many there were. O(copied * log n)."""
        found = list(islice(part.keys.after(self.cursor), most))
        if len(found) < most:
            self.cursor = NEVER
        else:
            self.cursor = found[-1]
        for key in found:
            self.keys.add(self.rekey(key))
        return len(found)


class Part:
    """Leads of one pool, zone set and source of priority. `base` is added to each key (a due time they share).

    `ends` are the times at which contact limits let its leads go, each with the lead, in a part of limited ones. `kept`
    is what was counted of it last, None if it never was.
    """

    __slots__ = ("base", "ends", "head", "kept", "key", "keys", "open", "priority", "queue", "shadow")

    def __init__(self, queue: "Queue", key: PartKey, priority: int, base: int, *, is_open: bool) -> None:
        self.queue = queue
        self.key = key
        self.priority = priority
        self.base = base
        self.open = is_open
        self.keys = Keys()
        self.head = NEVER
        self.shadow: Shadow | None = None
        self.kept: Kept | None = None
        self.ends = Keys() if key[5] == LIMITED else None

    def in_order(self) -> Iterator[int]:
        """All keys, with the base."""
        base = self.base
        return (base + key for key in self.keys)


First = tuple[int, int, int]
"""Zone set, closed pool or 0, and the moment before which none of the first leads of such parts is due."""


class Wakes(Protocol):
    """Whoever keeps which queues may have something due: `awake.py`."""

    def wake_at(self, queue: "Queue", head: int) -> None:
        """A queue that sleeps has a head that is due before it would be woken."""
        ...


class Queue:
    """All leads of one campaign, owner and family, in order.

    `levels` are by priority, `priorities` are those of all levels in order. `top` is the best lead that was found last:
    it holds up to the limit `top_until`, which is 0 after a head has changed. `asleep` and `alarm` are kept by
    `awake.py`. `changed` are the campaign's parts of which leads came or went, or that opened or closed, or were looked
    at for that (`stock.py`); `counts`, `counts_until_ms` and `firsts` are kept by `standing.py`.
    """

    __slots__ = (
        "_wakes",
        "alarm",
        "asleep",
        "campaign",
        "changed",
        "counts",
        "counts_until_ms",
        "family",
        "firsts",
        "levels",
        "overdue",
        "owner",
        "parts",
        "priorities",
        "top",
        "top_until",
        "watchers",
    )

    def __init__(
        self,
        campaign: int,
        owner: int,
        family: Family,
        overdue_after_ms: int,
        wakes: Wakes | None = None,
        stock: Stock | None = None,
    ) -> None:
        self.campaign = campaign
        self.owner = owner
        self.family = family
        self.parts: dict[PartKey, Part] = {}
        self.levels: dict[int, list[int]] = {}
        self.priorities: list[int] = []
        self.top = NEVER
        self.top_until = 0
        self.asleep = wakes is not None
        self.alarm = NEVER
        self._wakes = wakes
        self.overdue = 0
        self.watchers: set[int] = set()
        stock = stock or Stock()
        stock.admit(self)
        self.changed = stock.changed
        self.counts: list[int] | None = None
        self.counts_until_ms = NEVER
        self.firsts: tuple[First, ...] | None = None
        self.set_overdue_after(overdue_after_ms)

    def set_overdue_after(self, overdue_after_ms: int) -> None:
        """Keys below `limit - overdue` are overdue (SPEC R2.2)."""
        self.overdue = overdue_after_ms + 1 << DUE_SHIFT

    def add(self, part: Part, key: int) -> None:
        """O(log n)."""
        self.changed[part] = None
        part.keys.add(key)
        if part.shadow is not None:
            part.shadow.add(key)
        head = part.base + key
        if head < part.head:
            if part.open:
                self._swap(part.priority, part.head, head)
            part.head = head

    def extend(self, part: Part, keys: Collection[int]) -> None:
        """Add many at once; O(m log n), and O(1) amortised for keys that come behind all others."""
        part.keys.update(keys)
        if part.shadow is not None:
            for key in keys:
                part.shadow.add(key)
        self._rehead(part)

    def turn(self, part: Part) -> None:
        """Put the part's other order in the place of the old one; O(levels)."""
        shadow, part.shadow = part.shadow, None
        assert shadow is not None, "there is another order"
        assert shadow.cursor == NEVER, "it is whole"
        part.keys = shadow.keys
        self._rehead(part)

    def remove(self, part: Part, key: int) -> bool:
        """O(log n); true when the part is empty now and was dropped."""
        self.changed[part] = None
        if part.shadow is not None:
            part.shadow.remove(key)
        keys, old = part.keys, part.head
        if part.base + key != old:
            keys.remove(key)
            return False
        keys.pop_first()
        head = part.base + keys.first() if keys else NEVER
        if part.open:
            self._swap(part.priority, old, head)
        part.head = head
        if head is NEVER:
            del self.parts[part.key]
            if part.kept is None:
                del self.changed[part]
            return True
        return False

    def switch(self, part: Part, *, is_open: bool) -> None:
        """Open or close the gate before a part; O(levels)."""
        self.changed[part] = None
        if part.open is not is_open:
            part.open = is_open
            self._swap(part.priority, *((NEVER, part.head) if is_open else (part.head, NEVER)))

    def rebase(self, part: Part, base: int) -> None:
        """Give a part another shared due time."""
        part.base = base
        self._rehead(part)

    def relevel(self, part: Part, priority: int) -> None:
        """Give a part another priority."""
        if part.open:
            self._swap(part.priority, part.head, NEVER)
            self._swap(priority, NEVER, part.head)
        part.priority = priority

    @property
    def earliest(self) -> int:
        """The least head of all levels, NEVER without one. O(levels)."""
        return min((heads[0] for heads in self.levels.values()), default=NEVER)

    def best(self, below: int) -> int:
        """The score of the best lead whose key is below the limit, else NEVER. O(levels)."""
        for priority in self.priorities:
            head = self.levels[priority][0]
            if head < below:
                return priority << PRIORITY_SHIFT | head
        return NEVER

    def look(self, below: int) -> None:
        """Find the same and keep it in `top`, for a limit that is never less than the last one. O(levels).

        It holds until a better level than its own has a due head, or any head changes.
        """
        until, top = NEVER, NEVER
        for priority in self.priorities:
            head = self.levels[priority][0]
            if head < below:
                top = priority << PRIORITY_SHIFT | head
                break
            if head < until:
                until = head
        self.top, self.top_until = top, until

    def best_but(self, below: int, but: Collection[int]) -> int:
        """The same, passing over some leads; O(levels + passed over * log n)."""
        for priority in self.priorities:
            if self.levels[priority][0] >= below:
                continue
            for key in self._in_order(priority):
                if key >= below:
                    break
                if key & ID_MASK not in but:
                    return priority << PRIORITY_SHIFT | key
        return NEVER

    def ready(self, below: int) -> int:
        """How many leads are below the limit and behind open gates. O(parts * log n)."""
        return sum(part.keys.bisect_left(below - part.base) for part in self.parts.values() if part.open)

    def _in_order(self, priority: int) -> Iterator[int]:
        return merge(*(part.in_order() for part in self.parts.values() if part.open and part.priority == priority))

    def _rehead(self, part: Part) -> None:
        self.changed[part] = None
        head = part.base + part.keys.first() if part.keys else NEVER
        if head != part.head:
            if part.open:
                self._swap(part.priority, part.head, head)
            part.head = head

    def _swap(self, priority: int, old: int, new: int) -> None:
        """A part of this priority has another head; NEVER stands for none."""
        self.top_until = 0
        if new < self.alarm and self.asleep and self._wakes is not None:
            self._wakes.wake_at(self, new)
        heads = self.levels.get(priority)
        if heads is None:
            heads = self.levels[priority] = []
            insort(self.priorities, priority)
        if old is not NEVER:
            del heads[bisect_left(heads, old)]
        if new is not NEVER:
            insort(heads, new)
        elif not heads:
            del self.levels[priority]
            self.priorities.remove(priority)
