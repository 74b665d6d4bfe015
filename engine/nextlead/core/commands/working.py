"""Commands of agents: sessions, next, take, finish, activities."""

from typing import Literal

from ..model import Lead
from .base import Command, RedialEdit


class PutSession(Command, frozen=True, kw_only=True):
    """Choose campaigns and the box (SPEC R3.1). `cross` of None takes the organisation's default."""

    agent: str
    campaigns: tuple[str, ...]
    cross: bool | None = None


class EndSession(Command, frozen=True, kw_only=True):
    """Log off: leases end as `unresolved`, a waiting `next` is answered with none."""

    agent: str


class Next(Command, frozen=True, kw_only=True):
    """Lease the best lead for the agent (SPEC 2, 3). `token` is 16 fresh random bytes.

    With `wait`, and no lead now, the reply is `Waiting`; the offer comes later in `Outcome.served`, to be matched by
    `waiter`, which the caller chooses and never uses twice. `count` asks how many leads it was chosen from.
    """

    agent: str
    token: bytes
    wait: bool = False
    waiter: int = 0
    count: bool = False


class StopWaiting(Command, frozen=True, kw_only=True):
    """The caller of a waiting `next` has gone or its time is over; nothing happens if it was served already."""

    agent: str
    waiter: int


class Take(Command, frozen=True, kw_only=True):
    """Lease a chosen lead (SPEC R3.8). `override` sets owner and campaign aside; only supervisors may."""

    agent: str
    lead: int
    token: bytes
    override: bool = False


class Finish(Command, frozen=True, kw_only=True):
    """End a lease with what happened (SPEC 5, 6). `token` is the text that people outside hold.

    `result` goes with resolved; `kind`, `at_ms`, `force` with redial; `cause` with unreached; `reason` with cancelled.
    `data` is a JSON object of fields to change, already checked. `next_token` also leases the next lead (SPEC R5.8).
    `digest` identifies the body, so that the same finish sent again is known (SPEC R5.3).
    """

    token: str
    outcome: Literal["resolved", "redial", "unreached", "unresolved", "cancelled"]
    result: str | None = None
    kind: Literal["common", "private", "vip"] | None = None
    at_ms: int | None = None
    force: bool = False
    cause: str | None = None
    reason: str = ""
    note: str = ""
    data: bytes | None = None
    number: int | None = None
    next_token: bytes | None = None
    digest: int = 0


class Heartbeat(Command, frozen=True, kw_only=True):
    """Move a lease's timeout on; the reply is the lead."""

    token: str


class EndLease(Command, frozen=True, kw_only=True):
    """A supervisor ends a stuck lease, or the runtime one that could not be delivered (SPEC R5.5)."""

    token: str
    outcome: Literal["cancelled", "unresolved"]
    gone: bool = False


class Resolve(Command, frozen=True, kw_only=True):
    """Settle an unresolved lead (SPEC R7.5). `agent` is set when the agent itself does it, else a supervisor does."""

    lead: int
    outcome: Literal["resolved", "redial", "unreached"]
    agent: str | None = None
    result: str | None = None
    kind: Literal["common", "private", "vip"] | None = None
    at_ms: int | None = None
    force: bool = False
    cause: str | None = None
    note: str = ""
    data: bytes | None = None


class LogActivity(Command, frozen=True, kw_only=True):
    """Log what was said to a lead, or by it (SPEC R13.3, R13.5); the reply is the lead.

    `agent` is who did it; None for nobody in particular, such as a gateway of texts. A text without an outcome is only
    noted. An outcome ends the lease of that agent as a finish would (`Leased` for another's), and an attempt is counted
    if it was a call out; of a lead that is not leased it settles what comes next, and no attempt is counted.
    `redial` goes with sale_in_progress, and `redial.agent` must not be given. `number` is the one called.

    `at_ms` is when it happened, not in the future; None is now. `row` is the lead as the archive has it, for one that
    is closed (`WrongStatus` asks for it): it takes texts without an outcome only.
    """

    lead: int
    interaction: Literal["call", "sms", "email", "in_store"]
    direction: Literal["in", "out"] = "out"
    outcome: Literal["sale_in_progress", "no_sale", "sold", "no_answer", "left_a_voicemail", "wrong_number"] | None = (
        None
    )
    explanation: str = ""
    at_ms: int | None = None
    agent: str | None = None
    redial: RedialEdit | None = None
    number: int | None = None
    note: str = ""
    data: bytes | None = None
    row: Lead | None = None
