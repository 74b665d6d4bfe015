"""Leads, leases and history as answers; the bodies of calls on leads."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from .hours_shapes import ZoneName
from .setup_shapes import Code, Priority, SchemeName
from .table import Body, PageAfter, PageLimit, View
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


class PublicStatus(Struct, frozen=True):
    """What a lead is shown as: by its campaign's scheme, unless another was asked for (SPEC 13).

    `reason` is null where the status says it all; `label` is both in one line, for people.
    """

    status: str
    reason: str | None
    label: str


class ActivityShort(View):
    """The latest activity of a lead, finishes among them: what it says, when it was, whose; null: nobody was named."""

    kind: str
    at: Moment
    agent: str | None


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
    is known, its campaign's. `not_accepted_by` is the upload rule that one broke which came in closed as
    `not_accepted`.
    """

    id: int
    campaign: str
    pool: int
    phones: tuple[str, ...]
    data: Raw
    status: str
    closure: str | None
    not_accepted_by: str | None
    public_status: PublicStatus
    activity: ActivityShort | None
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


class LoggedView(View):
    """An activity as it was logged. A text may have no outcome.

    `at` is when it happened, `agent` who did it: null if nobody was named. The line's `actor` is who logged it.
    """

    interaction: str
    direction: str
    outcome: str | None
    explanation: str
    at: Moment
    agent: str | None


class EventView(View):
    """A line of a lead's history. `effective` differs from `at` when the daemon was down at the time.

    `public_status` is what the lead was shown as after it, `activity` the one that was logged with it, if any.

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
    public_status: PublicStatus
    owner: Owner | None
    cause: str
    number: str | None
    note: str
    detail: str
    rank: int | None
    priority: int | None
    due: Moment | None
    checks: tuple[CheckLine, ...]
    activity: LoggedView | None


StatusWords = Annotated[str, Meta(min_length=1, max_length=200, description="Case, spaces, hyphens don't count.")]


class LeadFilterBody(Body, omit_defaults=True):
    """Which leads. What is left out does not filter, so `{}` is all leads.

    `public_status` (a status or its label) and `reason` are those of `scheme`; without one, of each lead's campaign.
    `last_by` is the agent whose activity was the latest.
    """

    campaign: Code | None = None
    pool: LeadId | None = None
    status: LeadStatus | None = None
    closure: Code | None = None
    owner: Owner | None = None
    phone: PhoneText | None = None
    due_before: Moment | None = None
    q: Annotated[str, Meta(max_length=200, description="Text in the data fields.")] | None = None
    scheme: SchemeName | None = None
    public_status: StatusWords | None = None
    reason: StatusWords | None = None
    last_by: Annotated[str, Meta(min_length=1, max_length=110, description="The agent's code.")] | None = None


class LeadsQuery(LeadFilterBody):
    """A page of which leads; `scheme` also says by which they are shown."""

    limit: PageLimit = 100
    after: PageAfter = ""


class LeadQuery(Body):
    """By which status scheme the lead is shown; its campaign's, if that is left out."""

    scheme: SchemeName | None = None


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
