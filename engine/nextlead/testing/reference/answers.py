"""What the reference model answers where the engine answers with its own rows."""

from dataclasses import dataclass

from nextlead.core.replies import Anonymised, Bulk, Count, Loaded, NoLead, PoolDeleted, Stranded, Waiting


@dataclass
class Offered:
    """The answer to `next` and `take`: which lead, and why. `among` is how many leads it was chosen from."""

    lead: int
    token: bytes
    number: int
    family: str
    rank: int
    overdue: bool
    priority: int
    due_ms: int
    started_ms: int
    expires_ms: int
    blocked: bool
    among: int
    repeated: bool = False


@dataclass
class Done:
    """The answer to `finish` and `resolve`. `repeated`: the same finish was done before (R5.3)."""

    lead: int
    nearby: int | None = None
    next: Offered | NoLead | None = None
    repeated: bool = False


@dataclass
class Served:
    """A waiting agent's answer."""

    agent: str
    waiter: int
    answer: Offered | NoLead


Reply = Offered | NoLead | Waiting | Done | Count | Bulk | Stranded | Loaded | PoolDeleted | Anonymised | None


@dataclass
class Answer:
    """What `ReferenceModel.apply` gives: the reply, and the waiting agents that were answered, in order."""

    reply: Reply
    served: list[Served]
