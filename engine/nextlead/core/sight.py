"""What an agent may get now: the queues that SPEC 3 opens to it, kept until the set-up changes (`State.sights`)."""

from dataclasses import dataclass, field

from .model import Agent, Campaign
from .queues import OWN, Family, Queue
from .state import State

_SHARED = tuple(family for family in Family if family not in OWN)


@dataclass(slots=True)
class Lower:
    """A selected campaign's queues of classes 8 and 9."""

    campaign: Campaign
    automatic: list[Queue]
    unprocessed: list[Queue]


@dataclass(slots=True)
class Sight:
    """Queues by class.

    `plain`: nothing but the order decides in classes 8 and 9 (no `new_every`, no weight, no `max_unresolved`).
    """

    urgent: list[Queue] = field(default_factory=list)
    vip: list[Queue] = field(default_factory=list)
    private: list[Queue] = field(default_factory=list)
    common: list[Queue] = field(default_factory=list)
    automatic: list[Queue] = field(default_factory=list)
    unprocessed: list[Queue] = field(default_factory=list)
    lower: list[Lower] = field(default_factory=list)
    reserved: list[tuple[Queue, int]] = field(default_factory=list)
    plain: bool = True
    weighted: bool = False

    def queues(self) -> list[Queue]:
        """All of them."""
        return self.urgent + self.vip + self.private + self.common + self.automatic + self.unprocessed


def selected_campaigns(state: State, agent: Agent) -> list[Campaign]:
    """SPEC R3.1: chosen, active and permitted at this moment."""
    if agent.session is None:
        return []
    chosen = (state.campaigns.by_no.get(no) for no in agent.session.campaigns)
    return [campaign for campaign in chosen if campaign and campaign.active and campaign.no in agent.campaigns]


def may_get_own(state: State, agent: Agent, campaign: Campaign) -> bool:
    """SPEC R3.3: whether the agent's own promised redials of the campaign are offered to it."""
    if agent.session is None:
        return False
    permitted = campaign.no in agent.campaigns
    if campaign.active and permitted and campaign.no in agent.session.campaigns:
        return True
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
    return sight


def build_sight(state: State, agent: Agent) -> Sight:
    """O(campaigns selected x teams above, and the agent's own queues)."""
    sight = Sight()
    by_family = {
        Family.URGENT: sight.urgent,
        Family.VIP: sight.vip,
        Family.PRIVATE: sight.private,
        Family.COMMON: sight.common,
        Family.AUTOMATIC: sight.automatic,
        Family.UNPROCESSED: sight.unprocessed,
        Family.URGENT_OWN: sight.urgent,
        Family.VIP_OWN: sight.vip,
        Family.PRIVATE_OWN: sight.private,
    }
    owners = owners_of(state, agent)
    for campaign in selected_campaigns(state, agent):
        lower = Lower(campaign, [], [])
        for owner in owners:
            for family in _SHARED:
                queue = state.queues.get((campaign.no, owner, family))
                if queue is None:
                    continue
                by_family[family].append(queue)
                if family is Family.AUTOMATIC:
                    lower.automatic.append(queue)
                elif family is Family.UNPROCESSED:
                    lower.unprocessed.append(queue)
        sight.lower.append(lower)
        dialer = campaign.dialer
        sight.weighted = sight.weighted or dialer.weight is not None
        if dialer.weight is not None or dialer.new_every is not None or dialer.max_unresolved is not None:
            sight.plain = False
    for queue in state.own_queues.get(agent.no, ()):
        campaign = state.campaigns.by_no[queue.campaign]
        if may_get_own(state, agent, campaign):
            by_family[queue.family].append(queue)
            if campaign.dialer.reserve_owner_ms and queue.family is not Family.URGENT_OWN:
                sight.reserved.append((queue, campaign.dialer.reserve_owner_ms))
    return sight
