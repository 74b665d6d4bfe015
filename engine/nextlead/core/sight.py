"""What an agent may get now: the queues that SPEC 3 opens to it, kept until the set-up changes (`State.sights`)."""

from dataclasses import dataclass, field
from typing import Final

from .awake import lane_of
from .queues import OWN, Family, Queue
from .setup_model import Agent, Campaign
from .state import State

_SHARED = tuple(family for family in Family if family not in OWN)
_AUTOMATIC: Final = Family.AUTOMATIC  # members looked up in their class are slow, and queues come and go with leads
_LIST_OF: Final = {
    Family.URGENT: "urgent",
    Family.URGENT_OWN: "urgent",
    Family.VIP: "vip",
    Family.VIP_OWN: "vip",
    Family.PRIVATE: "private",
    Family.PRIVATE_OWN: "private",
    Family.COMMON: "common",
}


@dataclass(slots=True)
class Lower:
    """A selected campaign's queues of classes 8 and 9."""

    campaign: Campaign
    automatic: list[Queue] = field(default_factory=list)
    unprocessed: list[Queue] = field(default_factory=list)


@dataclass(slots=True)
class Sight:
    """Queues by class. `owners` and `lower` (by campaign number) say whose ordinary leads the agent may get.

    `lanes` are those of all shared queues (`awake.py`), `own` the campaigns of its own promised redials. `ahead` are
    the queues of classes 1 to 7, in no order.

    `reserves` are the campaigns whose `reserve_owner` keeps the agent free for its own redials (SPEC R4.9), in ms.
    `plain`: nothing but the order decides in classes 8 and 9 (no `new_every`, no weight, no `max_unresolved`).
    """

    agent: int
    owners: frozenset[int]
    urgent: list[Queue] = field(default_factory=list)
    vip: list[Queue] = field(default_factory=list)
    private: list[Queue] = field(default_factory=list)
    common: list[Queue] = field(default_factory=list)
    automatic: list[Queue] = field(default_factory=list)
    unprocessed: list[Queue] = field(default_factory=list)
    ahead: list[Queue] = field(default_factory=list)
    lanes: set[int] = field(default_factory=set)
    own: set[int] = field(default_factory=set)
    lower: dict[int, Lower] = field(default_factory=dict)
    reserves: dict[int, int] = field(default_factory=dict)
    plain: bool = True
    weighted: bool = False

    @property
    def redials(self) -> tuple[tuple[int, list[Queue]], ...]:
        """The classes of agent-set redials in order, each with the rank it has when overdue."""
        return (2, self.vip), (4, self.private), (6, self.common)

    def queues(self) -> list[Queue]:
        """All of them."""
        return self.ahead + self.automatic + self.unprocessed

    def admit(self, queue: Queue) -> None:
        """Take in a queue whose leads the agent may get."""
        family = queue.family
        if family < _AUTOMATIC:
            of_class: list[Queue] = getattr(self, _LIST_OF[family])
            of_class.append(queue)
            self.ahead.append(queue)
        elif family is _AUTOMATIC:
            self.automatic.append(queue)
            self.lower[queue.campaign].automatic.append(queue)
        else:
            self.unprocessed.append(queue)
            self.lower[queue.campaign].unprocessed.append(queue)

    def admit_own(self, state: State, queue: Queue) -> None:
        """Take in a queue of the agent's own promised redials, if they are offered to it now (SPEC R3.3)."""
        agent, campaign = state.agents.by_no[queue.owner], state.campaigns.by_no[queue.campaign]
        if may_get_own(state, agent, campaign):
            self.admit(queue)
            self.own.add(campaign.no)
            if campaign.dialer.reserve_owner_ms:
                self.reserves[campaign.no] = campaign.dialer.reserve_owner_ms


def selected_campaigns(state: State, agent: Agent) -> list[Campaign]:
    """SPEC R3.1: chosen, active and permitted at this moment."""
    if agent.session is None:
        return []
    chosen = (state.campaigns.by_no.get(no) for no in agent.session.campaigns)
    return [campaign for campaign in chosen if campaign and is_selected(agent, campaign)]


def is_selected(agent: Agent, campaign: Campaign) -> bool:
    """Whether the campaign is one of those."""
    no, session = campaign.no, agent.session
    return session is not None and campaign.active and no in agent.campaigns and no in session.campaigns


def may_get_own(state: State, agent: Agent, campaign: Campaign) -> bool:
    """SPEC R3.3: whether the agent's own promised redials of the campaign are offered to it."""
    if agent.session is None:
        return False
    if is_selected(agent, campaign):
        return True
    permitted = campaign.no in agent.campaigns
    if not agent.session.cross or not (permitted or not state.settings.redial_restrictions):
        return False
    return campaign.active or campaign.dialer.dial_promised_when_inactive


def owners_of(state: State, agent: Agent) -> list[int]:
    """Owners whose ordinary leads are the agent's too: itself, its team, and those above (SPEC R3.2)."""
    return [agent.no, *(-team for team in state.team_and_above(agent.team))]


def sight_of(state: State, agent: Agent) -> Sight:
    """What the agent sees now; O(1) while nothing changed."""
    sight: Sight | None = state.sights.get(agent.no)
    if sight is None:
        sight = state.sights[agent.no] = build_sight(state, agent)
        for campaign in sight.lower:
            for owner in sight.owners:
                state.viewers.setdefault((campaign, owner), []).append(sight)
    return sight


def build_sight(state: State, agent: Agent) -> Sight:
    """What the agent sees as a new value, kept nowhere. O(campaigns selected x teams above, and its own queues)."""
    owners = owners_of(state, agent)
    sight = Sight(agent.no, frozenset(owners))
    for campaign in selected_campaigns(state, agent):
        dialer = campaign.dialer
        sight.lower[campaign.no] = Lower(campaign)
        sight.weighted = sight.weighted or dialer.weight is not None
        if dialer.weight is not None or dialer.new_every is not None or dialer.max_unresolved is not None:
            sight.plain = False
        for owner in owners:
            sight.lanes.add(lane_of(campaign.no, owner))
            for family in _SHARED:
                queue = state.queues.get((campaign.no, owner, family))
                if queue is not None:
                    sight.admit(queue)
    for queue in state.own_queues.get(agent.no, ()):
        sight.admit_own(state, queue)
    return sight
