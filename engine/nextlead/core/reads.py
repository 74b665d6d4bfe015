"""What can be read of an engine. Rows are values; nothing that is given out here changes later."""

from collections.abc import Mapping

from msgspec import Struct

from .almanac import Almanac
from .blocking import open_leads, refusal_of_number
from .conditions import Condition
from .errors import NotFound
from .idle import idle_counts
from .leases import offer_of
from .model import Blocked, Erasure, Forgotten, Lead, Pool, SavedFilter, Token, ZoneSet
from .order import limit
from .privacy import knows_key
from .queues import CLASS_NAME, OWN, Family
from .records import Records
from .redials import own_redials
from .replies import IdleCounts, Offer
from .schemes import Scheme
from .setup_model import Agent, Campaign, Project, Sequences, Settings, Team
from .standing import READY, of_family
from .state import State
from .timers import Kind
from .verify import verify


class PoolCounts(Struct, frozen=True):
    """Counts of a pool's leads now (SPEC R9.12, R9.13).

    `ready` passes every rule that does not depend on the agent. `used` leads were shown to an agent at least once.
    """

    ready: int
    open: int
    leased: int
    closed: dict[str, int]
    used: int = 0


class Reads:
    """The read side of `Engine`."""

    def __init__(self) -> None:
        self.state = State()

    @property
    def teams(self) -> Records[Team]:
        """Teams by number and by code."""
        return self.state.teams

    @property
    def agents(self) -> Records[Agent]:
        """Agents by number and by code."""
        return self.state.agents

    @property
    def projects(self) -> Records[Project]:
        """Projects by number and by code."""
        return self.state.projects

    @property
    def campaigns(self) -> Records[Campaign]:
        """Campaigns by number and by code."""
        return self.state.campaigns

    @property
    def pools(self) -> Mapping[int, Pool]:
        """Pools by id."""
        return self.state.pools

    @property
    def tokens(self) -> Mapping[int, Token]:
        """Bearer tokens by id."""
        return self.state.tokens

    @property
    def filters(self) -> Mapping[str, SavedFilter]:
        """Saved filters by name (SPEC R13.4)."""
        return self.state.filters

    @property
    def schemes(self) -> Mapping[str, Scheme]:
        """Status schemes by name (SPEC 13)."""
        return self.state.schemes

    @property
    def zone_sets(self) -> Mapping[int, ZoneSet]:
        """Zones that leads may be in, by `Lead.zones`; there is none where nothing is known (SPEC R11.1)."""
        return self.state.zones.rows

    @property
    def faults(self) -> int:
        """How many leads were about to be offered that a rule forbids (SPEC R14.4): 0 unless the order is wrong."""
        return self.state.faults

    @property
    def blocked(self) -> Mapping[int, Blocked]:
        """The organisation's do-not-call list by number."""
        return self.state.blocked

    @property
    def blocked_globally(self) -> Mapping[int, Blocked]:
        """The operator's do-not-call list, for all organisations, by number."""
        return self.state.blocked_globally

    @property
    def forgotten(self) -> Mapping[str, Forgotten]:
        """Numbers that were anonymised, by their keyed hash."""
        return self.state.forgotten

    @property
    def knows_key(self) -> bool:
        """Whether the engine's secret is the one that the forgotten numbers were hashed with."""
        return knows_key(self.state)

    @property
    def erasures(self) -> Mapping[int, Erasure]:
        """What the store still has to erase, by id, in the order it came (SPEC R10.6)."""
        return self.state.erasures

    def refusal_of(self, number: int) -> str | None:
        """Why a number may not be dialled: anonymized, global_do_not_call or do_not_call; None if it may. O(1)."""
        return refusal_of_number(self.state, number)

    @property
    def almanac(self) -> Almanac:
        """Where zones of numbers and public holidays are looked up."""
        return self.state.zones.almanac

    @property
    def settings(self) -> Settings:
        """The organisation's settings."""
        return self.state.settings

    @property
    def sequences(self) -> Sequences:
        """The next free numbers."""
        return self.state.sequences

    @property
    def waiting(self) -> int:
        """How many agents wait."""
        return len(self.state.waiting)

    @property
    def leases(self) -> int:
        """How many leases are out."""
        return sum(len(leads) for leads in self.state.leases.values())

    @property
    def timers_pending(self) -> int:
        """How many timers run."""
        return len(self.state.timers)

    def lead(self, lead: int) -> Lead | None:
        """An open lead; None for a closed one, which only the archive has. O(1)."""
        return self.state.leads.get(lead)

    def lease_end_ms(self, lead: Lead) -> int:
        """When a leased lead's lease ends by itself (SPEC R5.2, R5.7)."""
        return self.state.lease_end_ms(lead)

    def leases_of(self, agent: str) -> list[Offer]:
        """The leases an agent holds, oldest first."""
        held = self.state.leases.get(self.state.agents.need(agent).no, ())
        return [offer_of(self.state, self.state.need_lead(lead)) for _, lead in held]

    def redials_of(self, agent: str) -> list[Lead]:
        """The agent's own promised redials, by due time."""
        found = own_redials(self.state, self.state.agents.need(agent).no)
        return [lead for lead in found if not self.state.has_left(lead)]

    def unresolved_of(self, agent: str) -> list[Lead]:
        """The agent's unresolved leads, oldest first (SPEC R7.1)."""
        leads = self.state.unresolved.get(self.state.agents.need(agent).no, ())
        found = [lead for lead in map(self.state.need_lead, leads) if not self.state.has_left(lead)]
        return sorted(found, key=lambda lead: (lead.unresolved.since_ms if lead.unresolved else 0, lead.id))

    def leads_with_number(self, number: int) -> list[int]:
        """Open leads that have the number, by id."""
        return open_leads(self.state, number)

    def counts(self) -> dict[tuple[str, str], int]:
        """Leads by (campaign code, status code). O(conditions)."""
        found = ((each.code, self.state.counts.by_status(each.no)) for each in self.campaigns)
        return {(code, status.code): n for code, counts in found for status, n in counts.items()}

    def ready_counts(self, now_ms: int) -> dict[tuple[str, str], int]:
        """Leads ready to dial by (campaign code, class), of classes that have had a lead. O(queues); see `settle`."""
        found: dict[tuple[str, str], int] = {}
        state = self.state
        now_ms = max(now_ms, state.now_ms)
        for campaign in self.campaigns:
            stock = state.stocks.get(campaign.no)
            for family in stock.by_family if stock is not None else ():
                if self._campaign_dials(campaign, family):
                    key = (campaign.code, CLASS_NAME[family])
                    ready = of_family(state, campaign.no, family, now_ms).get(READY, 0)
                    found[key] = found.get(key, 0) + ready
        return found

    def idle_counts(self, now_ms: int) -> IdleCounts:
        """Why agents sit idle at this moment, for watching (SPEC R14.3). See `idle.idle_counts` for what it costs."""
        state = self.state
        last_ms = state.now_ms
        state.now_ms = max(last_ms, now_ms)  # put back: time goes on with commands only
        try:
            return idle_counts(state)
        finally:
            state.now_ms = last_ms

    @staticmethod
    def _campaign_dials(campaign: Campaign, family: Family) -> bool:
        return campaign.active or (family in OWN and campaign.dialer.dial_promised_when_inactive)

    def pool_counts(self, pool: int, now_ms: int) -> PoolCounts:
        """O(parts of the pool * log n)."""
        state = self.state
        below = limit(now_ms)
        campaign = state.campaigns.by_no[state.pools[pool].campaign]
        ready = sum(
            part.keys.bisect_left(below - part.base)
            for part in state.gated.get(pool, ())
            if part.open and self._campaign_dials(campaign, part.queue.family)
        )
        counts = state.counts
        still_open, closed = counts.open_of(pool), counts.by_closure(pool)
        used = still_open + sum(closed.values()) - counts.unshown_of(pool)
        return PoolCounts(ready, still_open, state.pool_leased.get(pool, 0), closed, used)

    def conditions(self, campaign: str | None = None, pool: int | None = None) -> dict[tuple[str, Condition], int]:
        """Leads, open and closed, by campaign code and condition: of one campaign, of one pool, or all (SPEC 13).

        Anonymised ones stand under the closure they had (SPEC R10.6). O(conditions). Raises `NotFound`.
        """
        only = None if campaign is None else self.campaigns.need(campaign).no
        if pool is not None:
            record = self.pools.get(pool)
            if record is None:
                raise NotFound("pool", pool)
            if only not in (None, record.campaign):
                return {}
            code = self.campaigns.by_no[record.campaign].code
            return {(code, condition): n for condition, n in self.state.counts.of_pool(pool).items()}
        counts = self.state.counts
        asked = [record for record in self.campaigns if only in (None, record.no)]
        return {(each.code, found): n for each in asked for found, n in counts.conditions(each.no).items()}

    def verify(self) -> list[str]:
        """What differs between memory and a rebuild from the rows; empty when all is well. O(n log n)."""
        return verify(self.state)

    def timer_kinds(self) -> dict[str, int]:
        """Running timers by kind."""
        found: dict[str, int] = {kind.name.lower(): 0 for kind in Kind}
        for (kind, _), _base, _what in self.state.timers.entries():
            found[kind.name.lower()] += 1
        return found
