"""Agents whose `next` waits, in the order they came (SPEC R5.5).

Nothing here is durable: a waiter has no answer yet.
"""

from collections.abc import Iterable

from sortedcontainers import SortedDict, SortedList

from .queues import Queue


class Waiter:
    """One waiting `next`. `order` is its turn, `wake_ms` when time alone may bring it a lead."""

    __slots__ = ("agent", "count", "order", "queues", "token", "waiter", "wake_ms")

    def __init__(self, agent: int, waiter: int, token: bytes, order: int, *, count: bool) -> None:
        self.agent = agent
        self.waiter = waiter
        self.token = token
        self.order = order
        self.count = count
        self.wake_ms: int | None = None
        self.queues: list[Queue] = []


class Waiting:
    """All waiters. A queue knows who watches it, so a lead that comes in wakes those it may be for, and no others."""

    def __init__(self) -> None:
        self._by_order: SortedDict[int, Waiter] = SortedDict()
        self.by_agent: dict[int, Waiter] = {}
        self._wakes: SortedList[tuple[int, int]] = SortedList()
        self._stirred: set[int] = set()
        self._turn = 0
        self.world = -1

    def __len__(self) -> int:
        return len(self.by_agent)

    def add(self, agent: int, waiter: int, token: bytes, *, count: bool) -> Waiter:
        """A newcomer, last in turn."""
        self._turn += 1
        new = Waiter(agent, waiter, token, self._turn, count=count)
        self._by_order[new.order] = new
        self.by_agent[agent] = new
        return new

    def drop(self, waiter: Waiter) -> None:
        """It has its answer, or has gone."""
        self._unwatch(waiter)
        del self._by_order[waiter.order]
        del self.by_agent[waiter.agent]
        self._stirred.discard(waiter.order)

    def watch(self, waiter: Waiter, queues: Iterable[Queue], wake_ms: int | None) -> None:
        """Wake it for these queues, and at this time."""
        self._unwatch(waiter)
        waiter.queues = list(queues)
        for queue in waiter.queues:
            queue.watchers.add(waiter.agent)
        waiter.wake_ms = wake_ms
        if wake_ms is not None:
            self._wakes.add((wake_ms, waiter.order))

    def watch_also(self, agent: int, queue: Queue) -> None:
        """A queue was made that the agent may get leads from: if it waits, it waits for those, too."""
        waiter = self.by_agent.get(agent)
        if waiter is not None:
            waiter.queues.append(queue)
            queue.watchers.add(agent)

    def wake_by(self, queue: Queue, at_ms: int) -> None:
        """A lead came into the queue that is due at this time. O(watchers), and O(log waiters) for those it wakes."""
        for agent in queue.watchers:
            waiter = self.by_agent[agent]
            if waiter.wake_ms is None or at_ms < waiter.wake_ms:
                if waiter.wake_ms is not None:
                    self._wakes.remove((waiter.wake_ms, waiter.order))
                waiter.wake_ms = at_ms
                self._wakes.add((at_ms, waiter.order))

    def stir(self, queue: Queue) -> None:
        """Something came into the queue."""
        for agent in queue.watchers:
            self._stirred.add(self.by_agent[agent].order)

    def stir_agent(self, agent: int) -> None:
        """Something about the agent changed."""
        waiter = self.by_agent.get(agent)
        if waiter is not None:
            self._stirred.add(waiter.order)

    def next_ms(self) -> int | None:
        """The earliest moment at which time alone may serve somebody."""
        return self._wakes[0][0] if self._wakes else None

    def is_quiet(self, now_ms: int, world: int) -> bool:
        """Whether nobody is to be tried now: nearly always, and every command asks. O(1)."""
        return world == self.world and not self._stirred and (not self._wakes or self._wakes[0][0] > now_ms)

    def will_wake(self, waiter: Waiter) -> bool:
        """Whether it is tried again when it is to be, for `verify`."""
        return waiter.wake_ms is None or (waiter.wake_ms, waiter.order) in self._wakes

    def awake(self, now_ms: int, world: int) -> list[Waiter]:
        """Those to be tried now, in turn; they are not stirred any more."""
        if self.is_quiet(now_ms, world):
            return []
        if world != self.world:
            self.world = world
            found = list(self._by_order.values())
        else:
            orders = self._stirred | {order for _, order in self._wakes.irange(None, (now_ms, self._turn))}
            found = [self._by_order[order] for order in sorted(orders)]
        self._stirred.clear()
        return found

    def _unwatch(self, waiter: Waiter) -> None:
        for queue in waiter.queues:
            queue.watchers.discard(waiter.agent)
        waiter.queues = []
        if waiter.wake_ms is not None:
            self._wakes.discard((waiter.wake_ms, waiter.order))
            waiter.wake_ms = None
