"""Why agents get no lead now (SPEC R14.3): open leads, each counted once under the first rule that keeps it back.

Rules of this file:

1. What does not depend on the agent is counted once, by campaign, owner and kind (`Survey`), from the counts of queues
   (`standing.py`); an agent's answer is put together from that.
2. Leads that have left, written as closed or not, are not open, and not counted.
3. The order of the rules is that of `rules.py`; what a lead is counted under is what its first failing rule says
   (`tests/unit/core/test_idle.py` compares the two).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import IntEnum
from functools import cached_property
from typing import Final

from .choose import paused
from .commands import WhyAllIdle, WhyIdle
from .leases import need_worker
from .model import Lead, Status
from .openings import Openings, next_ms, next_of_campaign_ms
from .order import lead_of
from .places import LAST_DIALABLE, Bar, is_own
from .pool_gates import is_open
from .queues import OWN, UNSHOWN, Family
from .replies import Idle, IdleAgents, IdleCampaign, IdleCounts
from .rules import NOBODY, Context, first_no, reserved_until_ms, rules_named, withheld_until_ms
from .setup_model import Agent, Campaign
from .sight import is_selected, may_get_own, owners_of, sight_of
from .standing import KEYS, READY, named, of_family, settle
from .state import State

NO_LEADS: Final = "no_leads"
"""The chief reason of an agent where no lead is open."""

_RULES: Final = rules_named(*(name for name in KEYS if name != "contact_limit"))
_WHOSE: Final = rules_named("campaign", "owner")
_LOWER: Final = (Status.AUTOMATIC_REDIAL, Status.UNPROCESSED)
_NONE: Final[Counter[str]] = Counter()


class Kind(IntEnum):
    """What of a lead decides whether an agent may have it, but for campaign and owner."""

    OWN = 0
    """Its owner's alone (SPEC R3.3)."""
    LOWER = 1
    """Of classes 8 and 9."""
    OTHER = 2

    __hash__ = int.__hash__


_FAMILIES_OF: Final = {
    Kind.OWN: OWN,
    Kind.LOWER: (Family.AUTOMATIC, Family.UNPROCESSED),
    Kind.OTHER: (Family.URGENT, Family.VIP, Family.PRIVATE, Family.COMMON),
}
_FAMILIES: Final = ((True, OWN), (False, tuple(family for family in Family if family not in OWN)))

Group = tuple[int, int, Kind]
"""Campaign, owner, kind."""


class Survey:
    """Open leads of some campaigns, and an agent's own redials anywhere, by group and by what keeps them back.

    `READY` is nothing. Most stand in queues and are counted there (`standing.py`); leased ones and those that have left
    or wait for people are looked at here: O(leases), and what `settle` and `_exceptions` say.
    """

    def __init__(self, state: State, campaigns: Collection[int], agent: int = 0) -> None:
        self._state = state
        self._context = Context(state, NOBODY, state.now_ms)
        self._campaigns = campaigns
        self._agent = agent
        self._totals: dict[tuple[int, bool], Counter[str]] = {}
        self._elsewhere: defaultdict[Group, Counter[str]] = defaultdict(Counter)
        self._own_elsewhere: defaultdict[int, set[int]] = defaultdict(set)
        self._groups: dict[Group, dict[str, int]] = {}
        for no in {*campaigns, *(queue.campaign for queue in state.own_queues.get(agent, ()))}:
            settle(state, no, state.now_ms)
        for no in campaigns:
            for own, families in _FAMILIES:
                total = self._totals[no, own] = Counter()
                for family in families:
                    total.update(of_family(state, no, family, state.now_ms))
        self._count_aside()
        opened = {pool.id for pool in state.pools.values() if is_open(pool, state.now_ms)}
        for lead in self._leads(lead for held in state.leases.values() for _, lead in held):
            ordinary = lead.status <= LAST_DIALABLE and lead.pool in opened and not state.shut  # nearly all
            self._count(_group_of(lead), KEYS["leased"] if ordinary else self.key_of(lead), 1)
        for lead in self._leads(_exceptions(state)):
            self._count(_group_of(lead), self.key_of(lead), -1)

    def key_of(self, lead: Lead) -> str:
        """What one lead is counted under, whoever the agent is; while limits change, where it still stands."""
        if _waits_for_deletion(self._state, lead):
            return KEYS["pool"]
        rule = first_no(self._context, lead, _RULES)
        if rule is not None:
            return KEYS[rule.name]
        return KEYS["contact_limit"] if self._state.parked.get(lead.id) else READY

    def of(self, campaign: int, owner: int, kind: Kind) -> Mapping[str, int]:
        """A group's counts. Teams are asked for by each of their agents, so it is put together once."""
        group = campaign, owner, kind
        found = self._groups.get(group)
        if found is None:
            found = self._groups[group] = dict(self._elsewhere.get(group, _NONE))
            for family in _FAMILIES_OF[kind]:
                queue = self._state.queues.get((campaign, owner, family))
                if queue is not None and queue.parts:
                    for key, count in named(queue.counts).items():
                        found[key] = found.get(key, 0) + count
        return found

    def total(self, campaign: int, *, own: bool) -> Counter[str]:
        """A campaign's, of leads that are their owner's alone, or of the others."""
        return self._totals.get((campaign, own), _NONE)

    def own_campaigns(self, agent: int) -> set[int]:
        """In which an agent has leads that are its alone. O(its queues)."""
        found = {queue.campaign for queue in self._state.own_queues.get(agent, ()) if queue.parts}
        return found | self._own_elsewhere.get(agent, found)

    @cached_property
    def owners(self) -> Collection[int]:
        """All who have any lead. O(queues)."""
        found = {queue.owner for queue in self._state.queues.values() if queue.parts}
        return found.union(owner for _, owner, _ in self._elsewhere)

    def _leads(self, leads: Iterable[int]) -> Iterator[Lead]:
        campaigns = frozenset(self._campaigns)
        for lead in map(self._state.need_lead, leads):
            if lead.campaign in campaigns or (lead.owner == self._agent and is_own(lead)):
                yield lead

    def _count(self, group: Group, key: str, by: int) -> None:
        campaign, owner, kind = group
        self._elsewhere[group][key] += by
        if kind is Kind.OWN:
            self._own_elsewhere[owner].add(campaign)
        total = self._totals.get((campaign, kind is Kind.OWN))
        if total is not None:
            total[key] += by

    def _count_aside(self) -> None:
        state = self._state
        for (campaign, pool, owner, status), found in state.aside.items():
            expired = status is Status.UNRESOLVED and state.shut.get(pool, 0) & Bar.ORDINARY
            if campaign in self._campaigns and not expired:
                key = status.code if pool in state.open_pools else KEYS["pool"]
                self._count((campaign, owner, Kind.OTHER), key, found)


def _group_of(lead: Lead) -> Group:
    if is_own(lead):
        return lead.campaign, lead.owner, Kind.OWN
    lower = lead.urgent is None and lead.status in _LOWER
    return lead.campaign, lead.owner, Kind.LOWER if lower else Kind.OTHER


def _exceptions(state: State) -> list[int]:
    """Leads that have left, and stand among others: tasks are going to close or delete them.

    O(leads of a number that is being closed), and O(leads with a due time of their own) while a pool is being deleted.
    """
    found = {lead for lead in state.leaving if state.leads.get(lead) is not None}
    for pool, bars in state.shut.items():
        if bars & Bar.UNSHOWN:
            parts = [part for part in state.gated.get(pool, ()) if part.key[3] != UNSHOWN]
            found.update(lead_of(key) for part in parts for key in part.keys)
    leads = map(state.need_lead, found)
    return [lead.id for lead in leads if state.has_left(lead) and not _is_counted_out(state, lead)]


def _is_counted_out(state: State, lead: Lead) -> bool:
    """Whether it has left with all of its part but masters."""
    return state.is_over(lead) or (state.is_going(lead) and _waits_for_deletion(state, lead))


def _waits_for_deletion(state: State, lead: Lead) -> bool:
    """Whether it stands in a part that is shut while its pool is being deleted."""
    if not state.shut.get(lead.pool, 0) & Bar.UNSHOWN or lead.status is not Status.UNPROCESSED:
        return False
    return not lead.shown and not lead.due_ms and lead.urgent is None


# -- agents ---------------------------------------------------------------------------------------------------------


def why_idle(state: State, command: WhyIdle) -> Idle:
    """Why an agent gets no lead now. `NoSession` and `AgentDisabled` as for a `next`. For the cost see `Survey`."""
    agent = state.agents.need(command.agent)
    need_worker(agent)
    assert agent.session is not None
    return _Agent(state, Survey(state, agent.session.campaigns, agent.no), agent).answer()


class _Agent:
    """One agent's answer, from a survey."""

    def __init__(self, state: State, survey: Survey, agent: Agent) -> None:
        self._state = state
        self._survey = survey
        self._agent = agent
        self._owners = owners_of(state, agent)
        self._sight = sight_of(state, agent)
        self._reserved = reserved_until_ms(state, self._sight, agent, state.now_ms) is not None
        self._found: Counter[str] = Counter()

    def answer(self, openings: Openings | None = None) -> Idle:
        """Everything put together. Once."""
        blocked = self.blocked()
        if _comes_now(self._state, self._found):
            opens_ms: int | None = self._state.now_ms
        else:
            opens_ms = next_ms(self._state, self._sight, self._agent, openings)
        return Idle(self._agent.code, blocked, self._found[READY], opens_ms)

    def blocked(self) -> dict[str, int]:
        """What keeps leads back, and how many."""
        agent, state = self._agent, self._state
        chosen = agent.session.campaigns if agent.session is not None else ()
        for no in {*chosen, *self._survey.own_campaigns(agent.no)}:
            campaign = state.campaigns.by_no.get(no)
            if campaign is not None:
                self._add_own(campaign)
                if no in chosen:
                    self._add_others(campaign)
        self._move_paused()
        return {key: found for key, found in self._found.items() if found and key != READY}

    def _add_own(self, campaign: Campaign) -> None:
        own = self._survey.of(campaign.no, self._agent.no, Kind.OWN)
        if not own:
            return
        if may_get_own(self._state, self._agent, campaign):
            self._add(campaign, Kind.OWN, own)
        else:
            self._found["campaign"] += sum(own.values())

    def _add_others(self, campaign: Campaign) -> None:
        """What is not the agent's alone, other agents' own redials among it."""
        survey, agent = self._survey, self._agent
        shared = survey.total(campaign.no, own=False)
        left = shared.total() + survey.total(campaign.no, own=True).total()
        left -= sum(survey.of(campaign.no, agent.no, Kind.OWN).values())
        if not is_selected(agent, campaign):
            self._found["campaign"] += left
            return
        inactive = shared[KEYS["pool"]]
        self._found[KEYS["pool"]] += inactive
        left -= inactive
        for owner in self._owners:
            for kind in (Kind.LOWER, Kind.OTHER):
                found = survey.of(campaign.no, owner, kind)
                if not found:
                    continue
                self._add(campaign, kind, found)
                inactive = found.get(KEYS["pool"], 0)  # these were counted already
                self._found[KEYS["pool"]] -= inactive
                left -= sum(found.values()) - inactive
        self._found["other_owner"] += left

    def _add(self, campaign: Campaign, kind: Kind, found: Mapping[str, int]) -> None:
        for key, count in found.items():
            self._found[self._stage(campaign, kind) if key == READY else key] += count

    def _stage(self, campaign: Campaign, kind: Kind) -> str:
        """What else keeps a ready lead from the agent, a pause apart."""
        if kind is Kind.LOWER and withheld_until_ms(self._state, self._agent, campaign, self._state.now_ms):
            return "max_unresolved"
        return "reserved" if self._reserved and kind is not Kind.OWN else READY

    def _move_paused(self) -> None:
        """Leads that the agent cancelled lately were counted as if it had not (SPEC R5.6)."""
        state = self._state
        context = Context(state, self._agent, state.now_ms)
        for lead in map(state.need_lead, paused(state, self._agent, state.now_ms)):
            reached = first_no(context, lead, _WHOSE) is None and not state.has_left(lead)
            if reached and self._survey.key_of(lead) == READY:
                kind = _group_of(lead)[2]
                self._found[self._stage(state.campaigns.by_no[lead.campaign], kind)] -= 1
                self._found["cancel_pause"] += 1


# -- everybody ------------------------------------------------------------------------------------------------------


def why_all_idle(state: State, _command: WhyAllIdle) -> IdleAgents:
    """The same for all campaigns, and all agents with a session who hold no lease.

    What `Survey` costs, and for each agent O(owners above it * campaigns it chose).
    """
    survey, openings = Survey(state, state.campaigns.by_no), Openings(state)
    free = [agent for agent in state.agents if agent.enabled and agent.session and not state.leases.get(agent.no)]
    waiting = tuple(agent.code for agent in free if agent.no in state.waiting.by_agent)
    agents = tuple(_Agent(state, survey, agent).answer(openings) for agent in free)
    return IdleAgents(_idle_campaigns(state, survey, openings), agents, waiting)


def idle_counts(state: State) -> IdleCounts:
    """Campaigns as in `why_all_idle`; of agents only how many wait, by what keeps most leads from each.

    What `Survey` costs, and O(owners above * campaigns chosen) for each of those who differ in what they may get, and
    O(queues) of the campaigns without a lead that could be had now.
    """
    survey = Survey(state, state.campaigns.by_no)
    reasons: dict[tuple[object, ...], str] = {}
    waiting: Counter[str] = Counter()
    for no in state.waiting.by_agent:
        agent = state.agents.by_no[no]
        alike = _likeness(state, agent, survey.owners)
        if alike not in reasons:
            reasons[alike] = chief_reason(_Agent(state, survey, agent).blocked())
        waiting[reasons[alike]] += 1
    return IdleCounts(_idle_campaigns(state, survey, Openings(state)), dict(waiting))


def _likeness(state: State, agent: Agent, owners: Collection[int]) -> tuple[object, ...]:
    """The same for agents who wait, have nothing of their own, and from whom the same rules keep the same leads.

    Pauses need no look: what one of them may get the others may too, so all wait only if all paused it.
    """
    held_back = state.unresolved.get(agent.no) and not sight_of(state, agent).plain  # by `max_unresolved`
    if agent.session is None or agent.no in owners or held_back:
        return (agent.no,)
    chosen = agent.session.campaigns
    return (agent.team, chosen, tuple(no in agent.campaigns for no in chosen))


def _comes_now(state: State, found: Counter[str]) -> bool:
    """Whether a lead can be had now: then nobody need look for the next one. Not said while limits change."""
    return found[READY] > 0 and not state.tasks


def chief_reason(blocked: Mapping[str, int]) -> str:
    """What keeps most leads back; of several that keep as many, the first by name. `NO_LEADS` if none is open."""
    return min(blocked, key=lambda reason: (-blocked[reason], reason), default=NO_LEADS)


def _idle_campaigns(state: State, survey: Survey, openings: Openings) -> tuple[IdleCampaign, ...]:
    return tuple(_idle_campaign(state, survey, campaign, openings) for campaign in state.campaigns)


def _idle_campaign(state: State, survey: Survey, campaign: Campaign, openings: Openings) -> IdleCampaign:
    own_too = campaign.active or campaign.dialer.dial_promised_when_inactive
    found: Counter[str] = Counter()
    for own, dialled in ((True, own_too), (False, campaign.active)):
        total = survey.total(campaign.no, own=own)
        if dialled:
            found.update(total)
        else:
            found["campaign"] += total.total()

    def is_dialled(lead: Lead) -> bool:
        return lead.campaign == campaign.no and (own_too if is_own(lead) else campaign.active)

    blocked = {key: count for key, count in found.items() if count and key != READY}
    if _comes_now(state, found):
        opens_ms: int | None = state.now_ms
    else:
        stock = state.stocks.get(campaign.no)
        queues = () if stock is None else stock.queues
        dialled_queues = [queue for queue in queues if (own_too if queue.family in OWN else campaign.active)]
        opens_ms = next_of_campaign_ms(state, dialled_queues, is_dialled, openings)
    return IdleCampaign(campaign.code, blocked, found[READY], opens_ms)
