"""Hours and limits as the engine's rows, and its reasons as a scenario sees them."""

from collections.abc import Sequence

from nextlead.core import replies
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


def explained(reply: replies.Explanation) -> Explained:
    checks = [Told(check.rule, check.name, check.passed, check.value, check.until_ms) for check in reply.checks]
    return Explained(reply.eligible, reply.eligible_ms, reply.rank, tuple(checks))


def idle(reply: replies.Idle | replies.IdleCampaign) -> Idle:
    return Idle(reply.blocked, reply.ready, reply.next_ms)
