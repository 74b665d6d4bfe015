"""Plain heaps in memory: the limit of what any scheduler in this language can do.

For each agent a heap of VIP and one of private redials, for each campaign one of common and one of automatic redials,
and a heap of new leads; entries are whole numbers of time and id. So it has classes, promised redials, retries, three
campaigns to an agent and the order by due time, and nothing else: no owners of ordinary leads, no pools, no hours, no
priorities of redials, no leases that anybody checks, no history, nothing on a disk.
"""

import gc
from array import array
from heapq import heapify, heappop, heappush
from time import perf_counter_ns
from typing import Final

from nextlead.core.model import Status

from ..calls import STEP_MS, Tally
from ..engine import Tell, speeds
from ..figures import Result
from ..job import START_MS, Job
from .rows import ATTEMPTS_MOST, RETRY_MS, Dice, Ending, RivalAgent, RivalJob

ID_BITS: Final = 32
_ID: Final = (1 << ID_BITS) - 1
Heap = list[int]


class Heaps:
    """All leads by id in plain columns, and the heaps."""

    def __init__(self, job: RivalJob) -> None:
        self._campaign, self._attempts, self._status = array("i", [0]), array("b", [0]), array("b", [0])
        self._fresh: dict[int, Heap] = {}
        self._common: dict[int, Heap] = {}
        self._retries: dict[int, Heap] = {}
        self._vip: dict[int, Heap] = {agent.no: [] for agent in job.agents}
        self._private: dict[int, Heap] = {agent.no: [] for agent in job.agents}
        for leads in job.leads():
            for lead in leads:
                self._campaign.append(lead.campaign)
                self._fresh.setdefault(lead.campaign, []).append(
                    lead.priority << 2 * ID_BITS | lead.seq << ID_BITS | lead.id
                )
        self._attempts.extend(bytes(len(self._campaign) - 1))
        self._status.extend(bytes([Status.UNPROCESSED]) * (len(self._campaign) - 1))
        for campaign, heap in self._fresh.items():
            heapify(heap)
            self._common[campaign], self._retries[campaign] = [], []

    def next(self, agent: RivalAgent, now_ms: int) -> int | None:
        """The best lead for an agent, taken out of its heap."""
        limit = now_ms + 1 << ID_BITS
        for own in (self._vip[agent.no], self._private[agent.no]):
            if own and own[0] < limit:
                return heappop(own) & _ID
        for heaps, most in ((self._common, limit), (self._retries, limit), (self._fresh, 0)):
            best: Heap | None = None
            for campaign in agent.campaigns:
                heap = heaps.get(campaign)
                if heap and (heap[0] < most or not most) and (best is None or heap[0] < best[0]):
                    best = heap
            if best is not None:
                return heappop(best) & _ID
        return None

    def finish(self, agent: RivalAgent, lead: int, ending: Ending, now_ms: int) -> None:
        """Where a lead goes after a call; a closed one goes nowhere."""
        attempts = self._attempts[lead] = self._attempts[lead] + 1
        status, due_ms = ending.status, ending.due_ms
        if not status:
            before = self._status[lead]
            status = Status.AUTOMATIC_REDIAL if before == Status.UNPROCESSED else before
            status = Status.CLOSED if attempts >= ATTEMPTS_MOST else status
            due_ms = now_ms + RETRY_MS[min(attempts, len(RETRY_MS)) - 1]
        self._status[lead] = status
        if status != Status.CLOSED:
            heappush(self._heap_of(status, agent.no, self._campaign[lead]), due_ms << ID_BITS | lead)

    def _heap_of(self, status: int, agent: int, campaign: int) -> Heap:
        if status == Status.VIP_REDIAL:
            return self._vip[agent]
        if status == Status.PRIVATE_REDIAL:
            return self._private[agent]
        return self._common[campaign] if status == Status.COMMON_REDIAL else self._retries[campaign]


def measure_heaps(job: Job, operations: int, tell: Tell) -> Result:
    """The same shift as `measure_speed`'s, in figures of the same names; a quarter as many operations come before."""
    tell("loading")
    gc.disable()
    rivals = RivalJob(job)
    heaps = Heaps(rivals)
    gc.collect()
    gc.freeze()
    gc.enable()
    tell("working")
    shift = _Shift(heaps, rivals)
    shift.work(operations // 8 + job.agents)
    found = speeds(shift.work(operations // 2))
    gc.unfreeze()
    return {name: value for name, value in found.items() if not name.startswith("share_") or name == "share_none"}


class _Shift:
    """As `calls.Shift`: each agent in turn finishes its call, then asks for the next lead."""

    def __init__(self, heaps: Heaps, job: RivalJob) -> None:
        self._heaps, self._agents, self._dice = heaps, job.agents, Dice(job.seed)
        self._held: list[int | None] = [None] * len(job.agents)
        self._now_ms, self._turn = START_MS, 0

    def work(self, turns: int) -> Tally:
        """So many turns, every one of them timed."""
        tally = Tally()
        began = perf_counter_ns()
        for _ in range(turns):
            at = self._turn % len(self._agents)
            self._turn += 1
            agent, held = self._agents[at], self._held[at]
            if held is not None:
                ending = self._dice.ending(self._now_ms)
                started = perf_counter_ns()
                self._heaps.finish(agent, held, ending, self._now_ms)
                tally.finish_ns.append(perf_counter_ns() - started)
            self._now_ms += STEP_MS
            started = perf_counter_ns()
            self._held[at] = self._heaps.next(agent, self._now_ms)
            tally.next_ns.append(perf_counter_ns() - started)
            tally.none += self._held[at] is None
        tally.elapsed_ns = perf_counter_ns() - began
        return tally
