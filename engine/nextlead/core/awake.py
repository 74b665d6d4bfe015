"""Which queues `next` has to look at: those in which something may be due.

Rules of this file:

1. A queue of classes 1 to 8 is *awake* when one of its leads is due, or may be. It sleeps until an alarm at the moment
   at which its first lead is due; a lead that comes in and is due before that sets an earlier one. Who looks at a queue
   that is awake and finds nothing due puts it to sleep.
2. Most of them sleep most of the time, and to look at one costs a cache miss or three: so an agent does not go round
   the forty that it may get leads from, but asks which of those are awake. Queues of class 9 are not here: they have
   leads at any time.
3. An alarm may ring too early, never too late. (`State.verify` looks at that, and `tests/model` compares every choice
   with `min` over all leads.)
"""

from collections.abc import Set as AbstractSet
from heapq import heapify, heappop, heappush
from typing import Final

from .order import NEVER
from .queues import OWN, Queue

_OWNER_BITS = 32
_STALE: Final = 100
"""Alarms that may count no more, besides as many as count: then they are dropped, O(1) for each that was made."""


def lane_of(campaign: int, owner: int) -> int:
    """All leads of one campaign and owner, as one int."""
    return campaign << _OWNER_BITS | owner & (1 << _OWNER_BITS) - 1


class Awake:
    """Queues that are awake, shared ones by lane and an agent's own by agent; alarms of the others."""

    def __init__(self) -> None:
        self.shared: dict[int, set[Queue]] = {}
        self.own: dict[int, set[Queue]] = {}
        self.alarm = NEVER
        """The limit (`order.limit`) above which somebody is to be woken."""
        self._alarms: list[tuple[int, int, Queue]] = []
        self._made = 0
        self._set = 0

    def wake_at(self, queue: Queue, head: int) -> None:
        """Set an alarm for a queue that sleeps; the one that it has, if any, is for later. O(log queues)."""
        if queue.alarm == NEVER:
            self._set += 1
        queue.alarm = head
        self._made += 1
        heappush(self._alarms, (head, self._made, queue))
        if head < self.alarm:
            self.alarm = head
        if len(self._alarms) > 2 * self._set + _STALE:
            self._drop_stale()

    def _drop_stale(self) -> None:
        """Of each queue one alarm counts; earlier ones took the place of others that are for days ahead."""
        counting = {queue: (until, made, queue) for until, made, queue in self._alarms if queue.alarm == until}
        self._alarms = list(counting.values())
        heapify(self._alarms)

    def _wake(self, queue: Queue) -> None:
        queue.asleep = False
        if queue.family in OWN:
            self.own.setdefault(queue.owner, set()).add(queue)
        else:
            self.shared.setdefault(lane_of(queue.campaign, queue.owner), set()).add(queue)

    def ring(self, below: int) -> None:
        """Wake those in which leads may be due below this limit. O(log queues) each."""
        alarms = self._alarms
        while alarms and alarms[0][0] < below:
            until, _, queue = heappop(alarms)
            if queue.alarm == until:
                queue.alarm = NEVER
                self._set -= 1
                if queue.asleep:
                    self._wake(queue)
        self.alarm = alarms[0][0] if alarms else NEVER

    def due(self, lanes: AbstractSet[int], agent: int, campaigns: AbstractSet[int], below: int) -> list[Queue]:
        """Queues with due leads: shared ones of these lanes, the agent's own of these campaigns.

        What is due is their `top`. O(those of them that are awake).
        """
        found: list[Queue] = []
        if agent in self.own:
            own = [queue for queue in tuple(self.own[agent]) if self._is_due(queue, below)]
            found += [queue for queue in own if queue.campaign in campaigns]
        for lane in self.shared.keys() & lanes:
            found += [queue for queue in tuple(self.shared[lane]) if self._is_due(queue, below)]
        return found

    @property
    def first_alarm(self) -> int:
        """When the first alarm rings, NEVER without one. O(1)."""
        return self._alarms[0][0] if self._alarms else NEVER

    def will_ring(self, queue: Queue) -> bool:
        """Whether the alarm that a queue has is set, for `verify`. O(alarms)."""
        return any(whose is queue and until == queue.alarm for until, _, whose in self._alarms)

    def _is_due(self, queue: Queue, below: int) -> bool:
        if below > queue.top_until:
            queue.look(below)
        if queue.top is not NEVER:
            return True
        self._put_to_sleep(queue)
        return False

    def _put_to_sleep(self, queue: Queue) -> None:
        queue.asleep = True
        where, key = (
            (self.own, queue.owner) if queue.family in OWN else (self.shared, lane_of(queue.campaign, queue.owner))
        )
        there = where[key]
        there.remove(queue)
        if not there:
            del where[key]
        if queue.top_until < queue.alarm:
            self.wake_at(queue, queue.top_until)
