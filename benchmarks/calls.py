"""What the agents of a job do: who calls, what comes of it, and how a whole shift runs on an engine."""

from array import array
from random import Random
from time import perf_counter_ns
from typing import Final

from msgspec import Struct, field

from nextlead.core.commands import Finish, Next
from nextlead.core.engine import Engine
from nextlead.core.model import Lead
from nextlead.core.replies import Offer
from nextlead.core.row import MINUTE_MS
from nextlead.core.tokens import token_text

from .job import START_MS, Job, agent_code

STEP_MS: Final = 300
"""How far the simulated clock moves with each `next`: 200 agents with calls of a minute."""
OUTCOMES: Final = {"no_answer": 60, "private": 10, "vip": 2, "common": 8, "closed": 20}
"""What comes of a call, in per cent."""
PROMISE_MINUTES: Final = (10, 480)
RESULTS: Final = ("success", "not_interested", "invalid", "unqualified")

_KINDS = tuple(OUTCOMES)
_WEIGHTS = tuple(OUTCOMES.values())


class Calls:
    """Throws the dice of the calls. `finishes` counts what came of them."""

    def __init__(self, seed: int) -> None:
        self.finishes = dict.fromkeys(OUTCOMES, 0)
        self._rng = Random(seed)
        self._drawn: list[str] = []

    def finish(self, lead: Lead, now_ms: int) -> Finish:
        """The finish of a call of a leased lead."""
        assert lead.lease is not None
        if not self._drawn:
            self._drawn = self._rng.choices(_KINDS, _WEIGHTS, k=10_000)
        kind = self._drawn.pop()
        self.finishes[kind] += 1
        token = token_text(lead.id, lead.lease.token)
        if kind == "no_answer":
            return Finish(token=token, outcome="unreached", cause="no_answer")
        if kind == "closed":
            return Finish(token=token, outcome="resolved", result=self._rng.choice(RESULTS))
        at_ms = now_ms + self._rng.randint(*PROMISE_MINUTES) * MINUTE_MS
        # forced, for the few whose customers insist on a time outside calling hours
        return Finish(token=token, outcome="redial", kind=kind, at_ms=at_ms, force=True)  # type: ignore[arg-type]


class Tally(Struct):
    """How often something was done; times in nanoseconds. `ranks` counts leases by class (rank of dial order)."""

    next_ns: "array[int]" = field(default_factory=lambda: array("q"))
    finish_ns: "array[int]" = field(default_factory=lambda: array("q"))
    ranks: dict[int, int] = field(default_factory=dict)
    none: int = 0
    elapsed_ns: int = 0

    @property
    def operations(self) -> int:
        """`next` and `finish`, together."""
        return len(self.next_ns) + len(self.finish_ns)


class Shift:
    """The agents of a job at work on an engine, in turn: each finishes its call, then asks for the next lead.

    So every agent holds a lease all the time but for that moment. `worked` counts leads that were called at all.
    """

    def __init__(self, engine: Engine, job: Job, step_ms: int = STEP_MS) -> None:
        self.now_ms = START_MS
        self.worked = 0
        self.step_ms = step_ms
        self._engine = engine
        self._calls = Calls(job.seed)
        self._codes = [agent_code(at) for at in range(job.agents)]
        self._held: list[Lead | None] = [None] * job.agents
        self._turn = 0

    def work(self, turns: int) -> Tally:
        """So many turns, each of a `finish` (if the agent has a call) and a `next`; every one of them is timed."""
        tally = Tally()
        began = perf_counter_ns()
        for _ in range(turns):
            finish, ask = self.commands()
            if finish is not None:
                started = perf_counter_ns()
                self._engine.apply(finish, self.now_ms)
                tally.finish_ns.append(perf_counter_ns() - started)
            self.now_ms += self.step_ms
            started = perf_counter_ns()
            reply = self._engine.apply(ask, self.now_ms).reply
            tally.next_ns.append(perf_counter_ns() - started)
            self.took(reply, tally)
        tally.elapsed_ns = perf_counter_ns() - began
        return tally

    def commands(self) -> tuple[Finish | None, Next]:
        """What the agent whose turn it is says; `took` must follow."""
        self._turn += 1
        at = self._turn % len(self._codes)
        lead, code = self._held[at], self._codes[at]
        ask = Next(agent=code, token=self._turn.to_bytes(16, "big"), by=f"agent:{code}")
        return (None if lead is None else self._calls.finish(lead, self.now_ms)), ask

    def took(self, reply: object, tally: Tally) -> None:
        """The answer to the `next` of this turn."""
        at = self._turn % len(self._codes)
        if not isinstance(reply, Offer):
            self._held[at] = None
            tally.none += 1
            return
        self._held[at] = reply.lead
        self.worked += reply.lead.attempts == 0
        tally.ranks[reply.rank] = tally.ranks.get(reply.rank, 0) + 1
