"""Promised redials and their owners: SPEC 4."""

from msgspec.structs import replace

from .commands import RedialEdit
from .errors import Invalid, NotAllowed, OutsideHours, SlotFull
from .model import PROMISED, REDIAL_KINDS, Lead, Promise, Status
from .order import ID_BITS, ID_MASK, LAST_MS
from .places import is_own
from .queues import Family
from .setup_model import Agent, Campaign
from .state import State

NEARBY_MS = 10 * 60_000


def release_owner(state: State, lead: Lead) -> int:
    """Who owns a released redial (SPEC R4.5): the original owner, or a team where that would leave it unreachable."""
    original = lead.original_owner
    if original < 0:
        return original if -original in state.teams.by_no else -1
    agent = state.agents.by_no.get(original)
    if agent is None:
        return -1
    return original if agent.enabled and original != lead.owner else -agent.team


def release(state: State, lead: Lead, cause: str, actor: str, effective_ms: int | None = None) -> Lead:
    """Release a promised redial (SPEC R4.4, R4.6); status and class stay."""
    new = released(state, lead, state.now_ms if effective_ms is None else effective_ms)
    return state.put(lead, new, "released", actor, cause=cause, effective_ms=effective_ms)


def released(state: State, lead: Lead, at_ms: int) -> Lead:
    """The row of a promised redial that is released at this time."""
    assert lead.promise is not None
    return replace(lead, owner=release_owner(state, lead), promise=replace(lead.promise, released_ms=at_ms))


def must_release(state: State, lead: Lead) -> str | None:
    """The cause for which an own promised redial can't stay with its owner (SPEC R4.6), None if it can."""
    if not is_own(lead):
        return None
    agent = state.agents.by_no.get(lead.owner)
    if agent is None or not agent.enabled:
        return "agent_disabled"
    if state.settings.redial_restrictions and lead.campaign not in agent.campaigns:
        return "no_permission"
    return None


def own_redials(state: State, agent: int) -> list[Lead]:
    """The agent's own promised redials by due time. O(their number)."""
    return [state.need_lead(entry & ID_MASK) for entry in state.promised.get(agent, ())]


def released_to(state: State, agent: Agent) -> list[Lead]:
    """Released redials that belong to the agent as their original owner, and that nobody else could get (SPEC R4.5)."""
    families = (Family.VIP, Family.PRIVATE, Family.URGENT)
    queues = [state.queues.get((campaign.no, agent.no, family)) for campaign in state.campaigns for family in families]
    keys = [key for queue in queues if queue for part in queue.parts.values() for key in part.keys]
    leads = [state.need_lead(key & ID_MASK) for key in keys]
    return [lead for lead in leads if lead.status in PROMISED]


def release_stranded(state: State, agent: Agent, actor: str) -> int:
    """Release every redial of the agent that can't stay with it; leased ones when their lease ends."""
    count = 0
    for lead in own_redials(state, agent.no):
        cause = must_release(state, lead)
        if cause is not None and lead.lease is None:
            release(state, lead, cause, actor)
            count += 1
    return count


def check_time(state: State, lead: Lead, at_ms: int, *, force: bool) -> bool:
    """SPEC R4.2: in the future, within the horizon, and in calling hours; whether it is outside them, by force."""
    dialer = state.campaigns.by_no[lead.campaign].dialer
    if at_ms <= state.now_ms:
        raise Invalid("at", "the promised time must be in the future")
    if at_ms >= LAST_MS or at_ms > state.now_ms + dialer.redial_horizon_ms:
        raise Invalid("at", "the promised time is beyond the campaign's redial_horizon")
    calendar = state.calendar(lead.campaign, state.zones.follow(lead).zones)
    if calendar is None or calendar.at(at_ms).open:
        return False
    if not force:
        raise OutsideHours(
            f"the promised time is outside calling hours: {calendar.describe(at_ms)}",
            next_permitted_ms=calendar.opens_ms(at_ms),
        )
    return True


def nearby(state: State, agent: int, at_ms: int, but: int) -> int:
    """How many own promised redials the agent has within ten minutes of a time (SPEC R4.10). O(log n + found)."""
    entries = state.promised.get(agent)
    if entries is None:
        return 0
    around = entries.irange((at_ms - NEARBY_MS) << ID_BITS, (at_ms + NEARBY_MS) << ID_BITS | ID_MASK)
    return sum(entry & ID_MASK != but for entry in around)


def check_slot(campaign: Campaign, kind: Status, found: int) -> None:
    """SPEC R4.10: `redials_per_slot`."""
    most = campaign.dialer.redials_per_slot
    if kind in PROMISED and most is not None and found >= most:
        raise SlotFull(f"{found} promised redials within ten minutes of it already, and the campaign allows {most}")


def set_redial(lead: Lead, kind: Status, at_ms: int, agent: int, forced_by: str = "") -> Lead:
    """The row with a redial that was set (SPEC R4.1, R4.8)."""
    return replace(
        lead,
        status=kind,
        owner=agent if kind in PROMISED else lead.owner,
        due_ms=at_ms,
        promise=Promise(kind, at_ms, agent, None, forced_by),
        unresolved=None,
        validating=None,
        seller=0,
    )


def forced_in_words(old: Lead, new: Lead) -> str:
    """Who forced the redial that was just set to a time outside calling hours, for the history (SPEC R4.2)."""
    promise = new.promise
    if promise is None or not promise.forced_by or promise is old.promise:
        return ""
    return f"outside calling hours, forced by {promise.forced_by}"


def settle(state: State, lead: Lead) -> Lead:
    """The row as it may stand: an own promised redial whose owner can't be offered it is released at once."""
    return lead if must_release(state, lead) is None else released(state, lead, state.now_ms)


def admin_redial(state: State, lead: Lead, edit: RedialEdit, by: str) -> Lead:
    """An admin's redial for a named agent (SPEC R4.1), or a common one."""
    campaign = state.campaigns.by_no[lead.campaign]
    forced_by = by if check_time(state, lead, edit.at_ms, force=edit.force) else ""
    kind = REDIAL_KINDS[edit.kind]
    if kind not in PROMISED:
        owner = lead.original_owner if is_own(lead) else lead.owner
        return set_redial(replace(lead, owner=owner), kind, edit.at_ms, 0, forced_by)
    if edit.agent is None:
        raise Invalid("redial.agent", f"a {edit.kind} redial names the agent it is for")
    agent = state.agents.need(edit.agent)
    new = set_redial(lead, kind, edit.at_ms, agent.no, forced_by)
    cause = must_release(state, new)
    if cause is None and not campaign.active and not campaign.dialer.dial_promised_when_inactive:
        cause = "campaign_inactive"
    if cause is not None:
        raise NotAllowed(f"agent {agent.code} could not be offered it: {cause}", cause=cause)
    check_slot(campaign, kind, nearby(state, agent.no, edit.at_ms, lead.id))
    return new
