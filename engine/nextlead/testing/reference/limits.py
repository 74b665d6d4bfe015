"""How often people may be called (SPEC 12): every look is a look at all attempts."""

from collections.abc import Iterator

from nextlead.core.errors import Invalid
from nextlead.core.setup_model import LIMIT_KINDS, ContactLimit

from .records import Attempt, Lead
from .world import World


def limits_of(world: World, lead: Lead) -> Iterator[tuple[ContactLimit, list[Attempt]]]:
    """R12.1: each rule that counts for the lead, with the attempts that it looks at; R12.2: promises are exempt."""
    everybodys = world.attempts
    own = [attempt for attempt in everybodys if attempt.campaign == lead.campaign]
    for limits, attempts in ((world.settings.contact_limits, everybodys), (world.dialer_of(lead).contact_limits, own)):
        for limit in limits:
            if lead.promise is None or limit.promised:
                yield limit, [attempt for attempt in attempts if concerns(limit, attempt, lead)]


def concerns(limit: ContactLimit, attempt: Attempt, lead: Lead) -> bool:
    """R12.1: to one number, or one lead; gaps and pauses look at both. The number is the one to be dialled next."""
    to_number, to_lead = attempt.number == lead.number, attempt.lead == lead.id
    if limit.kind != "max":
        return to_number or to_lead
    return to_lead if limit.scope == "lead" else to_number


def end_ms(limit: ContactLimit, attempts: list[Attempt]) -> int:
    """R12.1: when the rule stops blocking, 0 if it never did: so long after the attempt, or talk, that it goes by."""
    if limit.kind == "pause_after_conversation":
        talks = [attempt.talked_ms for attempt in attempts if attempt.talked_ms is not None]
        return max(talks) + limit.span_ms if talks else 0
    starts = sorted(attempt.at_ms for attempt in attempts)
    nth = limit.most if limit.kind == "max" else 1
    return starts[-nth] + limit.span_ms if len(starts) >= nth else 0


def limited_until(world: World, lead: Lead) -> int:
    """When the last of its rules ends; it is blocked before that. 0 for none."""
    return max((end_ms(limit, attempts) for limit, attempts in limits_of(world, lead)), default=0)


def count(world: World, lead: Lead, number: int, at_ms: int, talked_ms: int | None) -> None:
    """R12.1: an attempt counts at its lease's start, exempt ones too."""
    world.attempts.append(Attempt(lead.id, lead.campaign, number, at_ms, talked_ms))


def talked(world: World, lead: Lead, at_ms: int) -> None:
    """R12.1: the lead's last call, if there was one, was a conversation after all, which ended then (R7.5)."""
    mine = [attempt for attempt in world.attempts if attempt.lead == lead.id]
    if mine:
        mine[-1].talked_ms = at_ms


def forget(world: World, lead: Lead) -> None:
    """R10.6: what an erased lead was called at is gone, too."""
    world.attempts = [attempt for attempt in world.attempts if attempt.lead != lead.id]


def check_limits(limits: tuple[ContactLimit, ...]) -> None:
    """What a limit can't be."""
    for limit in limits:
        if limit.kind not in LIMIT_KINDS or limit.scope not in ("number", "lead"):
            raise Invalid("contact_limits", "no such rule")
        if limit.span_ms <= 0 or (limit.kind == "max" and limit.most < 1):
            raise Invalid("contact_limits", "over 0")
