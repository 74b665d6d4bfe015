"""Hours and limits as the engine's rows, and its reasons as a scenario sees them."""

from collections.abc import Iterable, Mapping, Sequence

from nextlead.core import replies
from nextlead.core.commands import Explain
from nextlead.core.engine import Engine
from nextlead.core.explaining import explain
from nextlead.core.setup_model import CallingHours, ContactLimit

from .driver import Body
from .reasons import DAYS, Explained, Hours, Idle, Told
from .times import duration_ms


def hours_row(hours: Hours | None) -> CallingHours | None:
    """What is not said has its default."""
    if hours is None:
        return None
    known = CallingHours(zone=hours.zone)
    windows = hours.windows
    return CallingHours(
        zone=hours.zone,
        campaign_zone=hours.campaign_zone or known.campaign_zone,
        windows=None if windows is None else tuple(tuple(map(_window, windows.get(day, ()))) for day in DAYS),
        days_off=tuple(sorted(hours.days_off)),
        holidays=hours.holidays,
    )


def _window(window: tuple[str, str]) -> tuple[int, int]:
    return _minutes(window[0]), _minutes(window[1])


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def limit_rows(limits: Sequence[Body]) -> tuple[ContactLimit, ...]:
    return tuple(map(_limit_row, limits))


def _limit_row(limit: Body) -> ContactLimit:
    promised = limit.get("promised", False)
    if "max" in limit:
        return ContactLimit("max", duration_ms(limit["per"]), limit["max"], limit["scope"], promised)
    kind = "min_gap" if "min_gap" in limit else "pause_after_conversation"
    return ContactLimit(kind, duration_ms(limit[kind]), promised=promised)


def eligible_leads(engine: Engine, leads: Iterable[int], agent: str) -> dict[int, int]:
    """Those of the leads, open ones, that explain says the agent may get now; and their ranks."""
    if agent not in engine.agents.by_code:
        return {}
    found = (lead for lead in leads if engine.lead(lead) is not None)
    asked = (explain(engine.state, Explain(lead=lead, agent=agent)) for lead in found)
    return {reply.lead: reply.rank for reply in asked if reply.eligible}


def check_answer(answer: object, eligible: Mapping[int, int]) -> None:
    """What is offered is what explain says yes of, and nothing that it says yes of ranks before it (R14.4).

    Which of classes 8 and 9 comes first, `new_every` decides.
    """
    if isinstance(answer, replies.NoLead):
        assert not eligible, f"nothing was offered, but explain says that these are eligible: {eligible}"
    elif isinstance(answer, replies.Offer) and not answer.repeated:
        assert answer.lead.id in eligible, f"lead {answer.lead.id} was offered, but explain says no"
        assert min(answer.rank, 8) <= min(eligible.values()), f"rank {answer.rank} was offered before {eligible}"


def explained(reply: replies.Explanation) -> Explained:
    checks = [Told(check.rule, check.name, check.passed, check.value, check.until_ms) for check in reply.checks]
    return Explained(reply.eligible, reply.eligible_ms, reply.rank, tuple(checks))


def idle(reply: replies.Idle | replies.IdleCampaign) -> Idle:
    return Idle(reply.blocked, reply.ready, reply.next_ms)
