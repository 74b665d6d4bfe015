"""How a lead changes: status and history (SPEC 1), releases (SPEC 4), what a call leaves behind (SPEC 5 to 7)."""

from nextlead.core.activity_model import Activity
from nextlead.core.errors import Invalid
from nextlead.core.model import CAUSES, PROMISED, Status
from nextlead.core.setup_model import DEFAULT_RETRY, TemplateResult

from . import limits
from .conditions import write_line
from .records import ROOT, Agent, Latest, Lead, Lease, Promise, Unresolved
from .world import World

AFTER_UNREACHED = {
    Status.UNPROCESSED: Status.AUTOMATIC_REDIAL,
    Status.AUTOMATIC_REDIAL: Status.AUTOMATIC_REDIAL,
    Status.COMMON_REDIAL: Status.COMMON_REDIAL,
    Status.PRIVATE_REDIAL: Status.PRIVATE_REDIAL,
    Status.VIP_REDIAL: Status.VIP_REDIAL,
}
"""R1.4 and R4.7: an unanswered promised redial stays what it is."""


def become(
    world: World, lead: Lead, status: Status, *, by: str, closure: str | None = None, effective_ms: int | None = None
) -> None:
    """R1.3: give the lead a status and write the line of history. Leaving `unresolved` ends its lock.

    R8.2: a status that the lead can't have in a pool that has expired is `closed: expired` instead.
    """
    lead.status, lead.closure = status, closure
    if world.is_over(lead):
        status, closure = lead.status, lead.closure = Status.CLOSED, "expired"
    if status is not Status.UNRESOLVED:
        lead.unresolved = None
    if status is not Status.PENDING_VALIDATION:
        lead.validating, lead.seller = None, None
    if status is Status.CLOSED:
        lead.urgent, lead.mark, lead.dropping = None, None, []
        lead.closed_ms = world.now_ms if effective_ms is None else effective_ms
    write_line(world, lead, by=by, effective_ms=effective_ms)


def close(world: World, lead: Lead, closure: str, *, by: str, effective_ms: int | None = None) -> None:
    """R1.2: closed, with the reason."""
    become(world, lead, Status.CLOSED, by=by, closure=closure, effective_ms=effective_ms)


def note(world: World, lead: Lead, kind: Activity, agent: str, at_ms: int | None = None) -> None:
    """R13.3: the latest activity by its time counts; one that is told late is history only. Before `become`."""
    at_ms = world.now_ms if at_ms is None else at_ms
    if lead.latest is None or at_ms >= lead.latest.at_ms:
        lead.latest = Latest(kind, at_ms, agent)


def erase(world: World, lead: Lead) -> None:
    """R10.6, R10.7: of a closed lead, its numbers and data are gone; counters stay. The store is asked to erase too."""
    world.asked.add(lead.id)
    lead.numbers, lead.given, lead.dropped, lead.dialled, lead.data = [], (), [], {}, {}
    lead.erased, lead.zone = True, ""
    limits.forget(world, lead)


# -- releases -------------------------------------------------------------------------------------------------------


def release_target(world: World, lead: Lead) -> str:
    """R4.5: the original owner; if that is a missing, disabled or the same agent, that agent's team."""
    kind, _, code = lead.original_owner.partition(":")
    if kind == "team":
        return lead.original_owner if code in world.teams else f"team:{ROOT}"
    agent = world.agents.get(code)
    if agent is None:
        holder = world.owning_agent(lead)
        return f"team:{holder.team if holder else ROOT}"
    if agent.enabled and agent.owner != lead.owner:
        return agent.owner
    return f"team:{agent.team}"


def release(world: World, lead: Lead, *, by: str, effective_ms: int | None = None) -> None:
    """R4.4: status and class stay; the owner becomes the original owner."""
    assert lead.promise is not None
    lead.owner = release_target(world, lead)
    lead.promise.released_ms = world.now_ms if effective_ms is None else effective_ms
    write_line(world, lead, by=by, effective_ms=effective_ms)


def must_be_released(world: World, lead: Lead) -> bool:
    """R4.6: the owner is gone, disabled or without the permission it needs; R4.5: not while leased."""
    if not lead.held_back or lead.lease is not None:
        return False
    agent = world.owning_agent(lead)
    return agent is None or loses_redials(world, agent, lead.campaign)


def release_if_lost(world: World, lead: Lead) -> None:
    """R4.6: a promise set, or kept, for an agent that may not have it is released with the same step."""
    assert lead.promise is not None
    agent = world.owning_agent(lead)
    if lead.promise.released_ms is None and (agent is None or loses_redials(world, agent, lead.campaign)):
        lead.owner, lead.promise.released_ms = release_target(world, lead), world.now_ms


def loses_redials(world: World, agent: Agent, campaign: str) -> bool:
    """R4.6: the agent's redials of this campaign are released at once."""
    return not agent.enabled or (world.settings.redial_restrictions and campaign not in agent.campaigns)


# -- redials --------------------------------------------------------------------------------------------------------


def promise(
    world: World, lead: Lead, kind: Status, at_ms: int, agent: Agent | None, *, by: str, forced: bool = False
) -> None:
    """R4.1: private and VIP redials belong to the agent (or are released at once), a common one leaves the owner."""
    lead.promise = Promise(kind, at_ms, agent.code if agent else "", forced_by=by if forced else "")
    lead.due_ms = at_ms
    if kind in PROMISED:
        assert agent is not None
        lead.owner = agent.owner
        release_if_lost(world, lead)
    become(world, lead, kind, by=by)


def nearby(world: World, agent: Agent, lead: Lead, at_ms: int) -> int:
    """R4.10: the agent's other private and VIP redials due within ten minutes of `at_ms`, bounds included."""
    return sum(
        1
        for other in world.leads.values()
        if other.id != lead.id
        and other.held_back
        and other.owner == agent.owner
        and other.due_ms is not None
        and abs(other.due_ms - at_ms) <= 600_000
    )


# -- calls ----------------------------------------------------------------------------------------------------------


def count_attempt(world: World, lead: Lead, held: Lease, number: int, talked_ms: int | None = None) -> None:
    """R6.1: for the lead and for the number dialled; R12.1."""
    lead.attempts += 1
    lead.dialled[number] = lead.dialled.get(number, 0) + 1
    limits.count(world, lead, number, held.started_ms, talked_ms)


def end_force(lead: Lead) -> None:
    """R4.2: the call that was forced has ended."""
    if lead.promise is not None:
        lead.promise.forced_by = ""


def number_after(lead: Lead, number: int) -> int:
    """R6.6: the lead's next number, cyclic."""
    return lead.numbers[(lead.numbers.index(number) + 1) % len(lead.numbers)]


def unreached(
    world: World, lead: Lead, cause: str, number: int, former: Status, *, by: str, limited: bool = True
) -> None:
    """R6.2 to R6.6, after the attempt was counted: number, limit, interval, status, in this order.

    Without a number left the lead closes as `invalid_phone_number`, at the limit too (R6.4).
    """
    dialer = world.dialer_of(lead)
    following = number_after(lead, number) if number in lead.numbers else lead.number
    if cause == "invalid_number" and number in lead.numbers:
        lead.numbers.remove(number)
        lead.dropped.append(number)
        if not lead.numbers:
            return close(world, lead, "invalid_phone_number", by=by)
    if limited and dialer.max_attempts is not None and lead.attempts >= dialer.max_attempts:
        return close(world, lead, "max_call_attempts", by=by)
    stays = number in lead.numbers and not dialer.rotate_numbers
    lead.number = number if stays else following
    nth = lead.retries.get(cause, 0)
    intervals = dialer.retry.get(cause) or DEFAULT_RETRY[cause]
    lead.retries[cause] = nth + 1
    lead.due_ms = world.now_ms + intervals[min(nth, len(intervals) - 1)]
    if former in PROMISED:
        release_if_lost(world, lead)
    return become(world, lead, AFTER_UNREACHED[former], by=by)


def lock(world: World, lead: Lead, agent: str, *, by: str, effective_ms: int | None = None) -> None:
    """R7.1: unresolved, locked to the agent who called it; the clock of R7.3 runs from the effective time."""
    become(world, lead, Status.UNRESOLVED, by=by, effective_ms=effective_ms)
    if lead.open:
        lead.unresolved = Unresolved(agent, world.now_ms if effective_ms is None else effective_ms)


def result_named(world: World, lead: Lead, code: str | None) -> TemplateResult:
    """The template's result of that code; Invalid when it has none."""
    for each in world.campaigns[lead.campaign].template.results:
        if each.code == code:
            return each
    raise Invalid("result", "not a result of the campaign's template")


def result_known(world: World, lead: Lead, code: str) -> TemplateResult:
    """The same; also one that agents can't pick any more."""
    template = world.campaigns[lead.campaign].template
    return next(each for each in (*template.results, *template.past) if each.code == code)


def check_cause(cause: str | None) -> str:
    """R6.2; Invalid for anything else."""
    if cause not in CAUSES:
        raise Invalid("cause", "not a cause")
    return cause
