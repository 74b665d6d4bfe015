"""The rows of a set-up: teams, agents, campaigns, settings. The rules of `model.py` hold here, too."""

from typing import Final

from msgspec import field

from .row import DAY_MS, HOUR_MS, MINUTE_MS, Row

ROOT_TEAM: Final = 1
"""Number of the team that is the whole organisation; its code is `root`. It exists from the first start."""


class Team(Row, frozen=True):
    """A node of the tree of teams. `parent` is 0 for the root only."""

    no: int
    code: str
    name: str
    parent: int


class Session(Row, frozen=True):
    """What an agent works with (SPEC R3.1): campaign numbers as chosen, and the box for redials of other campaigns."""

    campaigns: tuple[int, ...]
    cross: bool


class Agent(Row, frozen=True):
    """A user who calls. `campaigns` are the numbers of those it has permission for."""

    no: int
    code: str
    name: str
    team: int
    campaigns: tuple[int, ...] = ()
    enabled: bool = True
    may_set: tuple[str, ...] = ("common", "private", "vip")
    session: Session | None = None


class Project(Row, frozen=True):
    """A container of campaigns."""

    no: int
    code: str
    name: str


class TemplateField(Row, frozen=True):
    """A column of a campaign's leads. `type` is text, number, date, boolean, email or phone."""

    name: str
    type: str = "text"
    required: bool = False


class TemplateResult(Row, frozen=True):
    """A result an agent may pick (SPEC R1.2). `category` is success, negative or invalid."""

    code: str
    label: str
    category: str
    validation: bool = False
    do_not_call: bool = False


DEFAULT_RESULTS: Final = (
    TemplateResult("success", "Success", "success"),
    TemplateResult("not_interested", "Not interested", "negative"),
    TemplateResult("invalid", "Invalid", "invalid"),
    TemplateResult("unqualified", "Unqualified", "negative"),
)


class Template(Row, frozen=True):
    """Fields and results of a campaign's leads.

    `past` are results that agents can't pick any more: closed leads still have them (`schemes.py`).
    """

    fields: tuple[TemplateField, ...] = ()
    results: tuple[TemplateResult, ...] = DEFAULT_RESULTS
    past: tuple[TemplateResult, ...] = ()


DEFAULT_RETRY: Final[dict[str, tuple[int, ...]]] = {
    "no_answer": (2 * HOUR_MS, 4 * HOUR_MS, 24 * HOUR_MS),
    "busy": (10 * MINUTE_MS, 30 * MINUTE_MS),
    "voicemail": (4 * HOUR_MS, 24 * HOUR_MS),
    "dropped": (2 * MINUTE_MS,),
    "congestion": (5 * MINUTE_MS,),
    "invalid_number": (0,),
}


Window = tuple[int, int]
"""From and until, in minutes after local midnight: until is more than from, and at most 1440."""


class CallingHours(Row, frozen=True):
    """When a campaign may call (SPEC R11.1).

    `zone` is `lead` (the zone of each lead, and `campaign_zone` where that is not known), or the IANA zone that counts
    for all leads. `windows` are seven lists, Monday first, in order and apart; None is at any time of day. `days_off`
    are ISO dates, `holidays` a country (`US`) or a part of one (`US-FL`) whose public holidays are days off, too.
    """

    zone: str = "lead"
    campaign_zone: str = "UTC"
    windows: tuple[tuple[Window, ...], ...] | None = None
    days_off: tuple[str, ...] = ()
    holidays: str = ""


class ContactLimit(Row, frozen=True):
    """How often people may be called (SPEC R12.1). `kind` is one of `LIMIT_KINDS`.

    max: at most `most` attempts per `span_ms` to one number, or one lead, as `scope` says. min_gap: `span_ms` between
    two attempts. pause_after_conversation: `span_ms` after a conversation. The last two look at the lead's attempts and
    at those to its number. With `promised` it holds for redials that an agent promised, too (SPEC R12.2).
    """

    kind: str
    span_ms: int
    most: int = 0
    scope: str = "number"
    promised: bool = False


LIMIT_KINDS: Final = ("max", "min_gap", "pause_after_conversation")


class Dialer(Row, frozen=True):
    """A campaign's dialer settings; docs/http.md lists the same names without `_ms`.

    A release of None means never; `release_vip_ms` of -1 means the same as private. `max_attempts`, `new_every`,
    `weight`, `max_unresolved`, `redials_per_slot` of None mean unlimited or off. `priority` of 0 means not set.
    """

    priority: int = 0
    redial_horizon_ms: int = 180 * DAY_MS
    reserve_owner_ms: int = 0
    redials_per_slot: int | None = None
    dial_promised_when_inactive: bool = True
    cancel_pause_ms: int = 2 * MINUTE_MS
    lease_timeout_ms: int = HOUR_MS
    lease_max_ms: int = 4 * HOUR_MS
    max_attempts: int | None = 7
    overdue_after_ms: int = 5 * MINUTE_MS
    release_private_ms: int | None = 3 * HOUR_MS + 30 * MINUTE_MS
    release_vip_ms: int | None = -1
    retry: dict[str, tuple[int, ...]] = field(default_factory=lambda: dict(DEFAULT_RETRY))
    new_every: int | None = None
    weight: float | None = None
    max_unresolved: int | None = None
    rotate_numbers: bool = True
    expires_at_ms: int | None = None
    expire_after_ms: int | None = None
    expire_promised: bool = False
    retention_ms: dict[str, int] = field(default_factory=dict)
    """How long after closing a lead keeps its personal data, by closure (SPEC R10.7); a closure left out keeps it."""
    calling_hours: CallingHours | None = None
    """None: at any time."""
    contact_limits: tuple[ContactLimit, ...] = ()
    """They count this campaign's attempts; those of `Settings` count every campaign's."""


class Duplicates(Row, frozen=True):
    """Duplicate check and processing of a pool (SPEC R9.6, R9.8).

    `match` are rules of which any one makes a duplicate: `phone` (any number), the name of a template field, or several
    of these that must agree together, joined by a plus: `last_name+postcode`.
    """

    match: tuple[str, ...] = ("phone",)
    scope: str = "campaign"
    among: str = "all"
    action: str = "skip"


class FieldRule(Row, frozen=True):
    """What the values of one template field may be (SPEC R9.4). Text compares without regard to case or space around.

    `pattern` is an RE2 pattern that the whole value matches. `least` and `most` bound a number, or a date as ISO text.
    """

    field: str
    allowed: tuple[str, ...] = ()
    prohibited: tuple[str, ...] = ()
    pattern: str = ""
    least: float | str | None = None
    most: float | str | None = None


class UploadRules(Row, frozen=True):
    """What a campaign's rows must be to be loaded (SPEC R9.4), and what an upload that does not say otherwise does.

    `countries` are ISO 3166 codes and `number_types` libphonenumber's in lower case (`mobile`); empty allows all.
    """

    countries: tuple[str, ...] = ()
    number_types: tuple[str, ...] = ()
    fields: tuple[FieldRule, ...] = ()
    on_invalid: str = "file"
    duplicates: Duplicates = Duplicates()


class Campaign(Row, frozen=True):
    """Leads, their template, and how they are dialled."""

    no: int
    code: str
    name: str
    project: int
    active: bool = True
    scheme: str = "hero"
    template: Template = Template()
    dialer: Dialer = Dialer()
    default_region: str = ""
    """Region for numbers without a country code; empty = the organisation's."""
    upload_rules: UploadRules = UploadRules()


class Tally(Row, frozen=True):
    """A campaign's durable counters: `handed` of SPEC R2.4, `stride` of SPEC R2.5."""

    campaign: int
    handed: int = 0
    stride: int = 0


class Settings(Row, frozen=True):
    """Settings of an organisation; docs/http.md lists the same names."""

    redial_restrictions: bool = False
    cross_campaign_redials_default: bool = True
    default_region: str = "US"
    abandon_after_ms: int = 7 * DAY_MS
    leases_per_agent: int = 1
    manual_pool_gap_ms: int = 30 * MINUTE_MS
    restart_grace_ms: int = 5 * MINUTE_MS
    contact_limits: tuple[ContactLimit, ...] = ()


class Sequences(Row, frozen=True):
    """The next free numbers. Ids are never given twice, even when what had them is gone."""

    record: int = 2
    pool: int = 1
    lead: int = 1


def team_owner(no: int) -> int:
    """The owner value of a team."""
    return -no
