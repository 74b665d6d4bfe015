"""Bodies and answers of set-up. Every key has a default; what is absent stays as it is."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from .hours_shapes import HoursShape, Limits
from .table import Body, View
from .values import Moment, Release, Span

Name = Annotated[str, Meta(max_length=200)]
Code = Annotated[str, Meta(min_length=1, max_length=100)]
SchemeName = Annotated[str, Meta(min_length=1, max_length=100, description="As in `GET /v1/schemes`.")]
RedialKind = Literal["common", "private", "vip"]
Region = Annotated[str, Meta(pattern="^([A-Z]{2})?$", description="ISO 3166 country code.")]
Positive = Annotated[int, Meta(ge=1, le=1_000_000)]
Priority = Annotated[int, Meta(ge=1, le=1000, description="1 is first.")]


class TeamBody(Body):
    """A team. `parent` of null is the whole organisation."""

    name: Name | UnsetType = UNSET
    parent: Code | UnsetType | None = UNSET


class TeamView(View):
    """A team; the root's parent is null."""

    code: str
    name: str
    parent: str | None


class AgentBody(Body):
    """An agent. `campaigns` are those it has permission for, `may_set` the redials it may set."""

    name: Name | UnsetType = UNSET
    team: Code | UnsetType | None = UNSET
    campaigns: tuple[Code, ...] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    may_set: tuple[RedialKind, ...] | UnsetType = UNSET


class SessionView(View):
    """What an agent works with; campaigns as chosen."""

    agent: str
    campaigns: tuple[str, ...]
    cross_campaign_redials: bool


class AgentView(View):
    """An agent; `session` is null when it is logged off."""

    code: str
    name: str
    team: str
    campaigns: tuple[str, ...]
    enabled: bool
    may_set: tuple[str, ...]
    session: SessionView | None


class ProjectBody(Body):
    """A project."""

    name: Name | UnsetType = UNSET


class ProjectView(View):
    """A project."""

    code: str
    name: str


class FieldShape(Body):
    """A column of a campaign's leads."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    type: Literal["text", "number", "date", "boolean", "email", "phone"] = "text"
    required: bool = False


class ResultShape(Body):
    """A result that an agent may pick. `validation`: someone checks it first; `do_not_call`: the number is blocked."""

    code: Code
    label: Name
    category: Literal["success", "negative", "invalid"]
    validation: bool = False
    do_not_call: bool = False


class TemplateShape(Body):
    """Fields and results. Results left out of a new campaign, and an empty list of them, are the scheme's own."""

    fields: tuple[FieldShape, ...] | UnsetType = UNSET
    results: tuple[ResultShape, ...] | UnsetType = UNSET


Retention = Annotated[
    dict[str, Span],
    Meta(max_length=200, description="How long after closing personal data is kept, by closure; not named: for ever."),
]
Spans = Annotated[tuple[Span, ...], Meta(min_length=1, max_length=50)]


class RetryShape(Body):
    """Intervals per cause: the nth attempt with it takes the nth, the last repeats."""

    no_answer: Spans | UnsetType = UNSET
    busy: Spans | UnsetType = UNSET
    voicemail: Spans | UnsetType = UNSET
    dropped: Spans | UnsetType = UNSET
    congestion: Spans | UnsetType = UNSET
    invalid_number: Spans | UnsetType = UNSET


class DialerShape(Body):
    """How a campaign is dialled. null is: no limit, never, or off. `release_vip_after` of `same` is as for private."""

    priority: Priority | UnsetType | None = UNSET
    redial_horizon: Span | UnsetType = UNSET
    reserve_owner: Span | UnsetType | None = UNSET
    redials_per_slot: Positive | UnsetType | None = UNSET
    dial_promised_when_inactive: bool | UnsetType = UNSET
    cancel_pause: Span | UnsetType = UNSET
    lease_timeout: Span | UnsetType = UNSET
    lease_max: Span | UnsetType = UNSET
    max_attempts: Positive | UnsetType | None = UNSET
    overdue_after: Span | UnsetType = UNSET
    release_private_after: Release | UnsetType | None = UNSET
    release_vip_after: Release | UnsetType | None = UNSET
    retry: RetryShape | UnsetType = UNSET
    new_every: Positive | UnsetType | None = UNSET
    weight: Annotated[float, Meta(ge=0.001, le=1_000_000)] | UnsetType | None = UNSET
    max_unresolved: Positive | UnsetType | None = UNSET
    rotate_numbers: bool | UnsetType = UNSET
    expires_at: Moment | UnsetType | None = UNSET
    expire_after: Span | UnsetType | None = UNSET
    expire_promised: bool | UnsetType = UNSET
    retention: Retention | UnsetType = UNSET
    calling_hours: HoursShape | UnsetType | None = UNSET
    contact_limits: Limits | UnsetType | None = UNSET


DuplicateRule = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=500,
        description="`phone`, a field of the template, or several joined by a plus: `last_name+postcode`.",
    ),
]
DuplicateScope = Literal["file", "pool", "campaign", "project", "organisation"]
DuplicateAction = Literal["skip", "load", "update", "replace", "clone", "close"]
OnInvalid = Literal["file", "close"]


class DuplicatesShape(Body):
    """Duplicate check and what becomes of duplicates; any one rule of `match` makes a duplicate (SPEC R9.6, R9.8)."""

    match: Annotated[tuple[DuplicateRule, ...], Meta(max_length=20)] = ("phone",)
    scope: DuplicateScope = "campaign"
    among: Literal["open", "all"] = "all"
    action: DuplicateAction = "skip"


Values = Annotated[tuple[Annotated[str, Meta(max_length=1000)], ...], Meta(max_length=10_000)]
Bound = int | float | Annotated[str, Meta(max_length=40, description="A date.")] | None


class FieldRuleShape(Body):
    """What the values of a field may be. `pattern` is an RE2 pattern that the whole value matches.

    `min` and `max` bound a number or a date. Text compares without regard to case and surrounding space.
    """

    allowed: Values = ()
    prohibited: Values = ()
    pattern: Annotated[str, Meta(max_length=1000)] = ""
    least: Bound = msgspec.field(default=None, name="min")
    most: Bound = msgspec.field(default=None, name="max")


FieldRules = Annotated[dict[str, FieldRuleShape], Meta(max_length=1000)]


class UploadRulesShape(Body):
    """What rows must be to be loaded, beside what the template requires (SPEC R9.4).

    `countries` are ISO 3166 codes, `number_types` such as `mobile` or `fixed_line`; empty lists allow all. `on_invalid`
    and `duplicates` are for uploads that don't say otherwise.
    """

    countries: Annotated[tuple[Annotated[str, Meta(pattern="^[A-Z]{2}$")], ...], Meta(max_length=300)] | UnsetType = (
        UNSET
    )
    number_types: Annotated[tuple[Annotated[str, Meta(max_length=40)], ...], Meta(max_length=50)] | UnsetType = UNSET
    fields: FieldRules | UnsetType = UNSET
    on_invalid: OnInvalid | UnsetType = UNSET
    duplicates: DuplicatesShape | UnsetType = UNSET


class CampaignBody(Body):
    """A campaign. `template`, `dialer` and `upload_rules` may be partial too, and `calling_hours` in the dialer.

    Lists, and the objects `retention`, `windows`, `fields` and `duplicates`, are given whole. With another `scheme`,
    results, `on_invalid` and `duplicates` that were the old one's own become the new one's, unless they are given.
    """

    name: Name | UnsetType = UNSET
    project: Code | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    scheme: SchemeName | UnsetType = UNSET
    template: TemplateShape | UnsetType = UNSET
    dialer: DialerShape | UnsetType = UNSET
    default_region: Region | UnsetType = UNSET
    upload_rules: UploadRulesShape | UnsetType = UNSET


class CampaignView(View):
    """A campaign with all its settings."""

    code: str
    name: str
    project: str
    active: bool
    scheme: str
    template: TemplateShape
    dialer: DialerShape
    default_region: str
    upload_rules: UploadRulesShape


class PromisedLeft(View):
    """Promised redials per agent: those that stay dialable while the campaign is inactive, and those that do not."""

    dialable: dict[str, int]
    withheld: dict[str, int]


class CampaignDeactivated(CampaignView):
    """The campaign, and what becomes of its promised redials."""

    promised_redials: PromisedLeft


class SettingsBody(Body):
    """Settings of the organisation."""

    redial_restrictions: bool | UnsetType = UNSET
    cross_campaign_redials_default: bool | UnsetType = UNSET
    default_region: Annotated[str, Meta(pattern="^[A-Z]{2}$")] | UnsetType = UNSET
    abandon_after: Span | UnsetType = UNSET
    leases_per_agent: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    manual_pool_gap: Span | UnsetType = UNSET
    restart_grace: Span | UnsetType = UNSET
    contact_limits: Limits | UnsetType | None = UNSET


class SettingsView(View):
    """All settings of the organisation."""

    redial_restrictions: bool
    cross_campaign_redials_default: bool
    default_region: str
    abandon_after: Span
    leases_per_agent: int
    manual_pool_gap: Span
    restart_grace: Span
    contact_limits: Limits


class TokenBody(Body):
    """A new token; `agent` goes with the role agent only."""

    role: Literal["admin", "supervisor", "agent", "metrics"]
    agent: Code | UnsetType = UNSET


class TokenView(View):
    """A token, without its secret."""

    id: int
    role: str
    agent: str | None
    created: Moment


class TokenMade(TokenView):
    """A new token. `token` is shown this once."""

    token: str | UnsetType = UNSET
