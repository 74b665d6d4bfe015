"""What the reference model knows: plain records in plain dicts, changed in place.

Agents, teams, projects and campaigns are named by code, leads and pools by id. An owner is a text, `agent:CODE` or
`team:CODE`. Times are epoch milliseconds.
"""

from dataclasses import dataclass, field

from nextlead.core.almanac import NO_ALMANAC, Almanac
from nextlead.core.errors import Invalid, NotFound, WrongStatus
from nextlead.core.model import PROMISED, Status
from nextlead.core.setup_model import Dialer, Duplicates, Settings, Template

ROOT = "root"

EXPIRING = (Status.UNPROCESSED, Status.AUTOMATIC_REDIAL, Status.COMMON_REDIAL, Status.UNRESOLVED)
"""R8.2: statuses that end with their pool; private and VIP redials only with `expire_promised`."""


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
    template: Template = field(default_factory=Template)
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
class Line:
    """A line of history (SPEC R1.3)."""

    at_ms: int
    effective_ms: int
    actor: str
    before: Status
    after: Status
    closure: str | None
    owner: str


@dataclass
class Lead:
    """A contact. `numbers` are those still left, `number` the one to dial next; `given` those of the intake.

    A `due_ms` of None is its pool's. `dropping` are numbers that go when the lease ends (R10.3). `master` is the lead
    it is a clone of. `former` is the closure of a lead that was anonymised when it was closed already. `zone` is its
    own one (R11.1).
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


@dataclass
class World:
    """Everything there is. `now_ms` is the time of the last command, `floor_ms` the end of the restart grace.

    `asked` are leads whose data the store was asked to erase. `going` are pools whose deletion an engine has not
    finished: whoever drives both says so, and masters that stay are not offered meanwhile. `there` likewise
    is how many leads a pool had when a shuffle of it began, if that was earlier. `attempts` are all that are known.
    """

    teams: dict[str, Team] = field(default_factory=lambda: {ROOT: Team(ROOT)})
    agents: dict[str, Agent] = field(default_factory=dict)
    projects: set[str] = field(default_factory=lambda: {"default"})
    campaigns: dict[str, Campaign] = field(default_factory=dict)
    pools: dict[int, Pool] = field(default_factory=dict)
    leads: dict[int, Lead] = field(default_factory=dict)
    blocked: set[int] = field(default_factory=set)
    blocked_globally: set[int] = field(default_factory=set)
    forgotten: set[int] = field(default_factory=set)
    asked: set[int] = field(default_factory=set)
    going: set[int] = field(default_factory=set)
    there: dict[int, int] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    waiters: list[Waiter] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    almanac: Almanac = NO_ALMANAC
    now_ms: int = 0
    fired_ms: int = 0
    floor_ms: int = 0
    next_pool: int = 1
    next_lead: int = 1

    def team(self, code: str) -> Team:
        """Raises NotFound."""
        if code not in self.teams:
            raise NotFound("team", code)
        return self.teams[code]

    def agent(self, code: str) -> Agent:
        """Raises NotFound."""
        if code not in self.agents:
            raise NotFound("agent", code)
        return self.agents[code]

    def campaign(self, code: str) -> Campaign:
        """Raises NotFound."""
        if code not in self.campaigns:
            raise NotFound("campaign", code)
        return self.campaigns[code]

    def pool(self, number: int) -> Pool:
        """Raises NotFound."""
        if number not in self.pools:
            raise NotFound("pool", number)
        return self.pools[number]

    def lead(self, number: int) -> Lead:
        """An open lead. Raises NotFound for one that never was, WrongStatus for a closed or deleted one (R1.4)."""
        if not 0 < number < self.next_lead:
            raise NotFound("lead", number)
        if number not in self.leads or not self.leads[number].open:
            raise WrongStatus(f"lead {number} is closed")
        return self.leads[number]

    def owner(self, text: str) -> str:
        """Check that `agent:CODE` or `team:CODE` names somebody."""
        kind, _, code = text.partition(":")
        if kind == "agent":
            return f"agent:{self.agent(code).code}"
        if kind == "team":
            return f"team:{self.team(code).code}"
        raise Invalid("owner", "agent:CODE or team:CODE")

    def teams_above(self, team: str) -> list[str]:
        """The team, its parent, and so on to the root."""
        chain = []
        at: str | None = team
        while at is not None:
            chain.append(at)
            at = self.teams[at].parent
        return chain

    def owning_agent(self, lead: Lead) -> Agent | None:
        """The agent that owns the lead, if an agent does."""
        kind, _, code = lead.owner.partition(":")
        return self.agents.get(code) if kind == "agent" else None

    def leased_by(self, agent: str) -> list[Lead]:
        """The agent's leases, oldest first (R3.6)."""
        held = [lead for lead in self.leads.values() if lead.lease and lead.lease.agent == agent]
        return sorted(held, key=lambda lead: (lead.lease.started_ms if lead.lease else 0, lead.id))

    def is_over(self, lead: Lead) -> bool:
        """R8.2: the lead's pool has expired, and the lead with it. Not while it is leased."""
        pool = self.pools[lead.pool]
        if pool.expired_ms is None or lead.lease is not None or not lead.open:
            return False
        return lead.status in EXPIRING or (lead.status in PROMISED and pool.expired_promised)

    def expiry_of(self, pool: Pool) -> int | None:
        """R8.1: the campaign's date, or so long after the pool was loaded; the earlier counts."""
        if pool.loaded_ms is None:
            return None
        dialer = self.campaigns[pool.campaign].dialer
        age_ms = None if dialer.expire_after_ms is None else pool.loaded_ms + dialer.expire_after_ms
        return min((each for each in (dialer.expires_at_ms, age_ms) if each is not None), default=None)

    def release_of(self, lead: Lead) -> int | None:
        """R4.4: promised time + the setting; R4.5: not while the campaign is inactive or the lead leased."""
        if not lead.held_back or lead.lease is not None or not self.campaigns[lead.campaign].active:
            return None
        assert lead.promise is not None
        dialer = self.dialer_of(lead)
        after_ms = dialer.release_private_ms
        if lead.status is Status.VIP_REDIAL and dialer.release_vip_ms != -1:
            after_ms = dialer.release_vip_ms
        return None if after_ms is None else lead.promise.at_ms + after_ms

    def clones_of(self, lead: int) -> list[Lead]:
        """R9.11: the clones of a lead that are still there, open and closed."""
        return [each for each in self.leads.values() if each.master == lead]

    def dialer_of(self, lead: Lead) -> Dialer:
        """The settings of the lead's campaign."""
        return self.campaigns[lead.campaign].dialer

    def due_of(self, lead: Lead) -> int | None:
        """R2.2: the lead's own due time, else the moment its pool was first active (None: never yet)."""
        return self.pools[lead.pool].first_active_ms if lead.due_ms is None else lead.due_ms

    def priority_of(self, lead: Lead) -> int:
        """R2.3: the lead's own, else its pool's, else its campaign's, else 5."""
        return lead.priority or self.pools[lead.pool].priority or self.dialer_of(lead).priority or 5
