"""Leads, leases and history as answers; the bodies of calls on leads."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, UnsetType, field

from .hours_shapes import ZoneName
from .setup_shapes import Code, Priority
from .table import Body, Paging, View
from .values import Moment, Owner, Span

LeadStatus = Literal[
    "unprocessed",
    "automatic_redial",
    "common_redial",
    "private_redial",
    "vip_redial",
    "unresolved",
    "pending_validation",
    "closed",
]
RedialKind = Literal["common", "private", "vip"]
Cause = Literal["no_answer", "busy", "voicemail", "dropped", "congestion", "invalid_number"]
LeadId = Annotated[int, Meta(ge=1, le=2**53)]
Note = Annotated[str, Meta(max_length=10_000)]
PhoneText = Annotated[str, Meta(min_length=1, max_length=40)]
Fields = Annotated[dict[str, str | int | float | bool | None], Meta(max_length=1000)]


class PublicStatus(View):
    """A status by the campaign's scheme."""

    status: str
    reason: str | None
    label: str


class LeaseShort(View):
    """Who has a lead, on which number, since when and until when."""

    agent: str
    number: str
    started: Moment
    expires: Moment


class UrgentView(View):
    """Why a lead is in the first class, and until when (SPEC R2.6)."""

    reason: str
    expires: Moment


class LeadView(View):
    """A lead. `priority` is the one that counts: its own, its pool's, its campaign's or the default.

    `due` is null while nothing is to be called, `promised` without a promised redial, `released` until it was released.
    `master` is the lead that this one is a clone of. An `erased` lead has no phones and no data any more: the person
    was forgotten, or its time was over.

    `zones` are those it may be in, by `zone_source`: its own, those of the number to be dialled next, or, where nothing
    is known, its campaign's.
    """

    id: int
    campaign: str
    pool: int
    phones: tuple[str, ...]
    data: Raw
    status: str
    closure: str | None
    public_status: PublicStatus
    owner: Owner | None
    original_owner: Owner | None
    priority: int
    attempts: int
    due: Moment | None
    promised: Moment | None
    released: Moment | None
    urgent: UrgentView | None
    lease: LeaseShort | None
    master: int | None
    erased: bool
    zones: tuple[str, ...]
    zone_source: Literal["lead", "number", "campaign"]
    created: Moment
    version: int


class WhyView(View):
    """Why this lead (SPEC R14.1). `among`, when asked for, is the number of leads it was chosen from."""

    family: str = field(name="class")
    rank: int
    priority: int
    due: Moment | None
    lateness: Span
    among: int | UnsetType = UNSET


class LeaseView(View):
    """A lead leased to an agent. `token` is needed to end it; `blocked`: its number was blocked meanwhile."""

    token: str | UnsetType
    lead: LeadView
    family: str = field(name="class")
    rank: int
    overdue: bool
    number: str
    started: Moment
    expires: Moment
    blocked: bool
    why: WhyView


class CheckLine(View):
    """A rule that a lease was given out by, and what it found."""

    name: str
    value: str


class EventView(View):
    """A line of a lead's history. `effective` differs from `at` when the daemon was down at the time.

    `rank`, `priority` and `due` are those that a lease was given out by; in other lines `due` is the due time that
    was set. `checks` are the hours and limits that a lease was given out by: what they said at that moment.
    """

    at: Moment
    effective: Moment
    actor: str
    event: str
    status_before: str
    status: str
    closure: str | None
    owner: Owner | None
    cause: str
    number: str | None
    note: str
    detail: str
    rank: int | None
    priority: int | None
    due: Moment | None
    checks: tuple[CheckLine, ...]


class LeadsQuery(Paging):
    """Which leads. What is left out does not filter."""

    campaign: Code | None = None
    pool: LeadId | None = None
    status: LeadStatus | None = None
    closure: Code | None = None
    owner: Owner | None = None
    phone: PhoneText | None = None
    due_before: Moment | None = None
    q: Annotated[str, Meta(max_length=200, description="Text in the data fields.")] | None = None


class RedialShape(Body):
    """A redial: common for nobody, private or VIP for a named agent; `force` sets calling hours aside."""

    kind: RedialKind
    at: Moment
    agent: Code | UnsetType = UNSET
    force: bool = False


class LeadPatch(Body):
    """Changes to a lead. `data` changes the fields it names; a `version` must match.

    A `priority` of null inherits. `timezone` is the lead's own IANA zone, null that of its number.
    """

    priority: Priority | UnsetType | None = UNSET
    owner: Owner | UnsetType = UNSET
    due: Moment | UnsetType = UNSET
    redial: RedialShape | UnsetType = UNSET
    data: Fields | UnsetType = UNSET
    timezone: ZoneName | UnsetType | None = UNSET
    version: Annotated[int, Meta(ge=0)] | UnsetType = UNSET


class ReopenBody(Body):
    """A closed lead opens as unprocessed, or with a redial."""

    redial: RedialShape | UnsetType = UNSET


class UrgentBody(Body):
    """Why the lead comes first now, and until when."""

    reason: Literal["lost_call", "blank_call", "hot_lead"]
    expires: Moment


class ValidateBody(Body):
    """Whether the validation passed."""

    passed: bool
