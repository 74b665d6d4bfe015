"""What the engine answers. Rows are answered as they are; these are the rest."""

from typing import Any

from msgspec import Struct

from .changes import Changes
from .model import Lead

_OVERDUE_RANKS = frozenset({2, 4, 6})
_BLOCKED = frozenset({"do_not_call", "global_do_not_call", "anonymized"})


class Why(Struct, frozen=True, gc=False):
    """Why this lead (SPEC R14.1). `among` is the number of leads it was chosen from, when asked for."""

    family: str
    rank: int
    priority: int
    due_ms: int
    late_ms: int
    among: int | None = None


class Offer(Struct, frozen=True, gc=False):
    """A lead leased to an agent: `lead.lease` is the lease. `repeated`: it was out already (SPEC R3.6).

    `rank` is the class's (SPEC R2.1), 0 when the lead was taken by hand.
    """

    lead: Lead
    rank: int
    priority: int
    due_ms: int
    expires_ms: int
    among: int | None = None
    repeated: bool = False

    @property
    def family(self) -> str:
        """The class's name: urgent, vip_redial, private_redial, common_redial, automatic_redial, unprocessed."""
        return "urgent" if self.rank == 1 else self.lead.status.code

    @property
    def overdue(self) -> bool:
        """SPEC R2.2."""
        return self.rank in _OVERDUE_RANKS

    @property
    def blocked(self) -> bool:
        """It, or the number on the screen, may not be dialled any more since it was leased (SPEC R10.4)."""
        lead = self.lead
        return lead.mark in _BLOCKED or (lead.lease is not None and lead.lease.number in lead.dropping)

    @property
    def why(self) -> Why:
        """SPEC R14.1."""
        started_ms = self.lead.lease.started_ms if self.lead.lease else self.due_ms
        late_ms = max(0, started_ms - self.due_ms)
        return Why(self.family, self.rank, self.priority, self.due_ms, late_ms, self.among)


class NoLead(Struct, frozen=True, gc=False):
    """Nothing for this agent now; `WhyIdle` says why in full, and when the next one comes.

    `reason`: no_lead, reserved, max_unresolved, limits_changing; of one who waited: superseded, timeout,
    closing, logged_off, agent_disabled, agent_deleted.
    """

    reason: str


class Waiting(Struct, frozen=True, gc=False):
    """The agent waits; an `Outcome.served` with this `waiter` comes later."""

    waiter: int


class Served(Struct, frozen=True, gc=False):
    """A waiter's answer."""

    agent: str
    waiter: int
    answer: Offer | NoLead


class Finished(Struct, frozen=True, gc=False):
    """The answer to a finish.

    `commit_no` other than 0: it was finished before, and that commit has the first answer.
    """

    lead: Lead
    nearby_redials: int | None = None
    next: Offer | NoLead | None = None
    commit_no: int = 0


class Count(Struct, frozen=True, gc=False):
    """How many."""

    count: int


class Stranded(Struct, frozen=True, gc=False):
    """The answer to deactivating a campaign: promised redials per agent code, dialable still or not (SPEC R3.3)."""

    dialable: dict[str, int]
    withheld: dict[str, int]


class Loaded(Struct, frozen=True, gc=False):
    """The answer to `LoadRows`: ids of the dialable leads that were made, in row order; counts of this call.

    `stale` are row numbers that were not taken, see there.
    """

    leads: tuple[int, ...]
    duplicates: int
    invalid: int
    stale: tuple[int, ...] = ()


class Bulk(Struct, frozen=True, gc=False):
    """The answer to `EditLeads`: how many leads it was done to, and how many refused, by the refusal's code."""

    done: int
    refused: dict[str, int]


class Anonymised(Struct, frozen=True, gc=False):
    """The answer to `Anonymise` and `Forget`.

    `closed` leads were erased now, `marked` ones are leased and go when their lease ends.
    """

    closed: int
    marked: int


class Begun(Struct, frozen=True, gc=False):
    """What was asked for goes on in slices; the reply comes in `Outcome.done` with this id."""

    job: int


class Done(Struct, frozen=True, gc=False):
    """What was begun is done."""

    job: int
    reply: Any


class PoolDeleted(Struct, frozen=True, gc=False):
    """The answer to deleting a pool (SPEC R9.11): how many leads went, how many stayed per reason."""

    deleted: int
    kept: dict[str, int]


class Check(Struct, frozen=True, gc=False):
    """What one rule says of one lead for one agent (SPEC R14.2). `rule` is its number there, `value` in words.

    `until_ms` is when it stops blocking; None when it does not block, or time alone will not end that.
    """

    rule: str
    name: str
    passed: bool
    value: str
    until_ms: int | None = None


class Explanation(Struct, frozen=True, gc=False):
    """The answer to `Explain`. `eligible_ms` is now for a lead that passes, None if time alone won't make it so.

    `rank` is that of its class now, or the one it will have when it is due (SPEC R2.1); 0 for a lead that has none.
    """

    lead: int
    agent: str
    eligible: bool
    eligible_ms: int | None
    rank: int
    checks: tuple[Check, ...]


class Idle(Struct, frozen=True, gc=False):
    """The answer to `WhyIdle`: open leads by the first rule that keeps each from the agent (SPEC R14.3).

    Those of the campaigns it chose, and its own redials of others. `ready` are those that nothing keeps from it.
    `next_ms` is when time alone brings the next one, None if it brings none.
    """

    agent: str
    blocked: dict[str, int]
    ready: int
    next_ms: int | None


class IdleCampaign(Struct, frozen=True, gc=False):
    """Open leads of one campaign by the first rule that keeps each from every agent; `ready` passes all of them."""

    campaign: str
    blocked: dict[str, int]
    ready: int
    next_ms: int | None


class IdleAgents(Struct, frozen=True, gc=False):
    """The answer to `WhyAllIdle`. `waiting` are codes of those agents whose `next` waits."""

    campaigns: tuple[IdleCampaign, ...]
    agents: tuple[Idle, ...]
    waiting: tuple[str, ...]


class IdleCounts(Struct, frozen=True, gc=False):
    """For watching: campaigns, and how many agents wait, by what keeps most leads from each.

    `no_leads`: where none is open.
    """

    campaigns: tuple[IdleCampaign, ...]
    waiting: dict[str, int]


class Fault(Struct, frozen=True, gc=False):
    """A lead was about to be offered that a rule forbids: the order was wrong, and it was not offered (SPEC R14.4)."""

    lead: int
    agent: str
    rule: str


class Outcome(Struct):
    """What came of a command.

    `served` are waiting agents that it, or the time, gave an answer to; `done` is what was begun earlier. `faults` are
    to be logged.
    """

    reply: Any
    changes: Changes
    served: list[Served]
    done: tuple[Done, ...] = ()
    faults: tuple[Fault, ...] = ()
