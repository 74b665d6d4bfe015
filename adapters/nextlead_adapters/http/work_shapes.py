"""Bodies and answers of an agent's work."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from .lead_shapes import Cause, Fields, LeadId, LeadView, LeaseView, Note, PhoneText, RedialKind
from .setup_shapes import Code
from .table import Body, View
from .values import Moment

Codes = Annotated[tuple[Code, ...], Meta(max_length=1000)]


class SessionBody(Body):
    """The campaigns to work in; the box left out takes the organisation's default."""

    campaigns: Codes
    cross_campaign_redials: bool | UnsetType = UNSET


class NextQuery(Body):
    """`explain` also counts the leads that the offer was chosen from, and says why there is none."""

    explain: bool = False


class NextBody(Body):
    """How many seconds to wait for a lead when there is none now."""

    wait: Annotated[float, Meta(ge=0, le=60)] = 0


class TakeBody(Body):
    """The lead to take; a supervisor may set owner and campaign aside."""

    lead: LeadId
    override: bool = False


class Outcome(Body, tag_field="outcome", kw_only=True):
    """What happened to the call. `data` changes the fields it names."""

    note: Note = ""
    data: Fields | UnsetType = UNSET


class Ending(Outcome, kw_only=True):
    """`number` is the one dialled, if not the lease's. With `next` the next lead is leased in the same step."""

    number: PhoneText | UnsetType = UNSET
    next: bool = False


class Resolved(Ending, tag="resolved", kw_only=True):
    """The call had a result of the campaign's template."""

    result: Code


class Redial(Ending, tag="redial", kw_only=True):
    """The lead is to be called again at a promised time; `force` sets calling hours aside."""

    kind: RedialKind
    at: Moment
    force: bool = False


class Unreached(Ending, tag="unreached", kw_only=True):
    """Nobody was reached."""

    cause: Cause


class Unresolved(Ending, tag="unresolved", kw_only=True):
    """The call was made, its outcome comes later."""


class Cancelled(Ending, tag="cancelled", kw_only=True):
    """No call was started."""

    reason: Annotated[str, Meta(max_length=1000)] = ""


FinishBody = Resolved | Redial | Unreached | Unresolved | Cancelled


class SettleResolved(Outcome, tag="resolved", kw_only=True):
    """The lead had a result after all."""

    result: Code


class SettleRedial(Outcome, tag="redial", kw_only=True):
    """It is to be called again."""

    kind: RedialKind
    at: Moment
    force: bool = False


class SettleUnreached(Outcome, tag="unreached", kw_only=True):
    """Nobody was reached after all."""

    cause: Cause


ResolveBody = SettleResolved | SettleRedial | SettleUnreached


class FinishedView(View):
    """The lead as the finish left it; with `next`, the next lease, or null and the reason why there is none."""

    lead: LeadView
    nearby_redials: int | UnsetType = UNSET
    next: LeaseView | UnsetType | None = UNSET
    next_reason: str | UnsetType = UNSET


class HeartbeatView(View):
    """When the lease now ends by itself, and whether its number may not be called any more (SPEC R10.4)."""

    expires: Moment
    blocked: bool


class EndBody(Body):
    """How a stuck lease ends."""

    outcome: Literal["cancelled", "unresolved"]


class LeadAnswer(View):
    """The lead after it."""

    lead: LeadView


class CountView(View):
    """How many."""

    count: int
