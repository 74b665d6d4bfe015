"""All records of the reference model, in plain dicts, and what is asked of them everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nextlead.core.almanac import NO_ALMANAC, Almanac
from nextlead.core.errors import Invalid, NotFound, WrongStatus
from nextlead.core.model import PROMISED, Status
from nextlead.core.schemes import NO_SCHEMES, Scheme
from nextlead.core.setup_model import Dialer, Settings

from .records import ROOT, Agent, Attempt, Campaign, Filter, Lead, Pool, Team, Waiter

EXPIRING = (Status.UNPROCESSED, Status.AUTOMATIC_REDIAL, Status.COMMON_REDIAL, Status.UNRESOLVED)
"""R8.2: statuses that end with their pool; private and VIP redials only with `expire_promised`."""


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
    filters: dict[str, Filter] = field(default_factory=dict)
    almanac: Almanac = NO_ALMANAC
    schemes: Mapping[str, Scheme] = field(default_factory=lambda: NO_SCHEMES)
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
