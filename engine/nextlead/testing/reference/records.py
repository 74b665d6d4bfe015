"""What the reference model knows: plain records, changed in place.

Agents, teams, projects and campaigns are named by code, leads and pools by id. An owner is a text, `agent:CODE` or
`team:CODE`. Times are epoch milliseconds.
"""

from dataclasses import dataclass, field

from nextlead.core.activity_model import Activity
from nextlead.core.conditions import Condition
from nextlead.core.model import PROMISED, Status
from nextlead.core.setup_model import Dialer, Duplicates, Template, UploadRules

ROOT = "root"


@dataclass
class Team:
    """A node of the tree; only the root has no parent."""

    code: str
    parent: str | None = None


@dataclass
class Session:
    """SPEC R3.1: the campaigns as chosen, and the box."""

    campaigns: list[str]
    cross: bool


@dataclass
class Agent:
    """Who calls. `campaigns` are those it has permission for."""

    code: str
    team: str = ROOT
    campaigns: list[str] = field(default_factory=list)
    enabled: bool = True
    may_set: tuple[str, ...] = ("common", "private", "vip")
    session: Session | None = None

    @property
    def owner(self) -> str:
        """The agent as an owner."""
        return f"agent:{self.code}"


@dataclass
class Campaign:
    """`handed` counts for R2.4, `stride` is the pass of R2.5."""

    code: str
    project: str = "default"
    active: bool = True
    scheme: str = "hero"
    template: Template = field(default_factory=Template)
    upload_rules: UploadRules = field(default_factory=UploadRules)
    dialer: Dialer = field(default_factory=Dialer)
    handed: int = 0
    stride: int = 0


@dataclass
class Pool:
    """SPEC 9. `first_active_ms` is None while it was never active; `loaded_ms` and `expired_ms` likewise.

    `rejects` are the rows that are kept: (row, kind, the original or the lead it came in as, what was done).
    """

    id: int
    campaign: str
    owner: str
    state: str = "loading"
    source: str = "file"
    priority: int = 0
    active_from_ms: int | None = None
    active_until_ms: int | None = None
    first_active_ms: int | None = None
    ordinals: int = 0
    shuffle_seed: int = 0
    shuffled_to: int = 0
    duplicates: Duplicates = field(default_factory=Duplicates)
    valid: int = 0
    invalid: int = 0
    duplicate: int = 0
    on_invalid: str = "file"
    loaded_ms: int | None = None
    expired_ms: int | None = None
    expired_promised: bool = False
    deleted: int = 0
    rejects: list[tuple[int, str, int, str]] = field(default_factory=list)

    def open_at(self, now_ms: int) -> bool:
        """R9.9: active, and inside its dates (from inclusive, until exclusive)."""
        after_start = self.active_from_ms is None or self.active_from_ms <= now_ms
        before_end = self.active_until_ms is None or now_ms < self.active_until_ms
        return self.state == "active" and after_start and before_end


@dataclass
class Promise:
    """SPEC 4: what was agreed. `released_ms` is set when a private or VIP one was released.

    `forced_by` is who set it although its time is outside calling hours (R4.2).
    """

    kind: Status
    at_ms: int
    agent: str
    released_ms: int | None = None
    forced_by: str = ""


@dataclass
class Lease:
    """SPEC 5. `rank` is 0 when the lead was taken by hand."""

    token: bytes
    agent: str
    started_ms: int
    beat_ms: int
    number: int
    rank: int


@dataclass
class Urgent:
    """SPEC R2.6. `reason` indexes URGENT_REASONS."""

    reason: int
    since_ms: int
    expires_ms: int


@dataclass
class Unresolved:
    """SPEC 7: who it is locked to, and since when."""

    agent: str
    since_ms: int


@dataclass
class Attempt:
    """SPEC R12.1: a call that was made, by the start of its lease. `talked_ms` is when a conversation ended."""

    lead: int
    campaign: str
    number: int
    at_ms: int
    talked_ms: int | None = None


@dataclass
class Latest:
    """SPEC R13.3: what the latest activity says of the lead, when it was, and whose it was; empty for nobody's."""

    kind: Activity
    at_ms: int
    agent: str = ""


@dataclass
class Line:
    """A line of history (SPEC R1.3): the conditions are as they are shown (SPEC 13)."""

    at_ms: int
    effective_ms: int
    actor: str
    before: Condition
    after: Condition
    owner: str


@dataclass
class Filter:
    """A saved filter (SPEC R13.4)."""

    body: bytes
    description: str
    by: str
    at_ms: int


@dataclass
class Lead:
    """A contact. `numbers` are those still left, `number` the one to dial next; `given` those of the intake.

    A `due_ms` of None is its pool's. `dropping` are numbers that go when the lease ends (R10.3). `master` is the lead
    it is a clone of. `former` is the closure of a lead that was anonymised when it was closed already. `zone` is its
    own one (R11.1). `rule` is the one that it broke when it came in as `not_accepted`.
    """

    id: int
    campaign: str
    pool: int
    ordinal: int
    seq: int
    numbers: list[int]
    number: int
    owner: str
    original_owner: str
    created_ms: int
    given: tuple[int, ...] = ()
    priority: int = 0
    status: Status = Status.UNPROCESSED
    closure: str | None = None
    due_ms: int | None = None
    attempts: int = 0
    dialled: dict[int, int] = field(default_factory=dict)
    dropped: list[int] = field(default_factory=list)
    retries: dict[str, int] = field(default_factory=dict)
    promise: Promise | None = None
    lease: Lease | None = None
    urgent: Urgent | None = None
    unresolved: Unresolved | None = None
    pauses: dict[str, int] = field(default_factory=dict)
    mark: str | None = None
    shown: bool = False
    validating: str | None = None
    seller: str | None = None
    tokens: dict[bytes, int] = field(default_factory=dict)
    last_token: bytes | None = None
    last_agent: str | None = None
    last_nearby: int | None = None
    dropping: list[int] = field(default_factory=list)
    data: dict[str, object] = field(default_factory=dict)
    master: int = 0
    former: str | None = None
    erased: bool = False
    closed_ms: int = 0
    zone: str = ""
    latest: Latest | None = None
    rule: str = ""
    history: list[Line] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Not closed."""
        return self.status is not Status.CLOSED

    @property
    def held_back(self) -> bool:
        """A private or VIP redial that was not released: only its owner gets it (R3.3)."""
        return self.status in PROMISED and self.promise is not None and self.promise.released_ms is None


@dataclass
class Waiter:
    """An agent whose `next` waits (R5.5)."""

    agent: str
    id: int
    token: bytes
    count: bool
