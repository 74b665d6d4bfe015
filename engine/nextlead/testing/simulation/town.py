"""A made-up town: who there is, what numbers they have, in which zones, and what campaigns are like."""

from collections.abc import Callable, Collection
from datetime import date
from random import Random
from typing import Any, Final

from nextlead.core.model import CAUSES
from nextlead.core.row import DAY_MS, HOUR_MS, MINUTE_MS
from nextlead.core.setup_model import (
    DEFAULT_RESULTS,
    DEFAULT_RETRY,
    CallingHours,
    ContactLimit,
    Dialer,
    Template,
    TemplateResult,
)

from .plan import Plan

TEAMS: Final = ("north", "south")
CODES: Final = ("ann", "bob", "cyd", "dan", "eve", "fay")
RESULTS: Final = (
    *DEFAULT_RESULTS,
    TemplateResult("stop", "Stop calling", "negative", do_not_call=True),
)
VALIDATED: Final = TemplateResult("sold", "Sold, to be validated", "success", validation=True)

_ZONES: Final = {
    212: ("America/New_York",),
    312: ("America/Chicago",),
    415: ("America/Los_Angeles",),
    850: ("America/Chicago", "America/New_York"),
    907: ("America/Anchorage",),
    303: ("Australia/Lord_Howe", "Europe/London"),
}
_AREAS: Final = (*_ZONES, 800)
OWN_ZONES: Final = ("Europe/London", "Australia/Lord_Howe", "America/New_York")

_DAY: Final = ((9 * 60, 17 * 60),)
_BROKEN: Final = ((8 * 60, 12 * 60), (13 * 60, 20 * 60))
_NIGHT: Final = ((0, 6 * 60), (18 * 60, 24 * 60))
_WEEKS: Final = ((_DAY,) * 7, (_BROKEN,) * 7, (*(_DAY,) * 5, (), ()), (_NIGHT,) * 7, (((90, 150), (600, 1320)),) * 7)


class Town:
    """An `Almanac`: some area codes are in one zone, some in two, and nobody knows where 800 is."""

    def zones_of(self, number: int) -> tuple[str, ...]:
        """See `Almanac`."""
        return _ZONES.get(number // 10_000_000 % 1000, ())

    def knows_holidays(self, place: str) -> bool:
        """See `Almanac`."""
        return place == "US"

    def holidays(self, place: str, year: int) -> Collection[date]:
        """See `Almanac`."""
        return [date(year, 3, 3), date(year, 3, 30), date(year, 11, 2)] if place == "US" else []


def some_number(dice: Random) -> int:
    """A fictional one: +1 NPA 555 01xx."""
    return 10_000_000_000 + dice.choice(_AREAS) * 10_000_000 + 5_550_100 + dice.randrange(100)


def some_limits(dice: Random) -> tuple[ContactLimit, ...]:
    """None to two."""
    known = (
        ContactLimit("max", DAY_MS, most=2),
        ContactLimit("max", 6 * HOUR_MS, most=1, promised=True),
        ContactLimit("max", DAY_MS, most=3, scope="lead"),
        ContactLimit("min_gap", dice.choice((10 * MINUTE_MS, 2 * HOUR_MS))),
        ContactLimit("pause_after_conversation", DAY_MS, promised=dice.random() < 0.5),
    )
    return tuple(dice.sample(known, dice.choice((0, 1, 1, 2))))


def some_hours(dice: Random) -> CallingHours | None:
    """None now and then: at any time."""
    if dice.random() < 0.2:
        return None
    return CallingHours(
        zone=dice.choice(("lead", "lead", "lead", "Europe/London")),
        campaign_zone=dice.choice(("UTC", "America/New_York")),
        windows=dice.choice(_WEEKS),
        days_off=dice.choice(((), ("2026-03-03", "2026-03-08"))),
        holidays=dice.choice(("", "US")),
    )


def some_dialer(dice: Random, plan: Plan) -> Dialer:
    """A campaign's settings, as far as the plan has what they are about."""
    chosen: dict[str, Any] = {"retry": _some_retry(dice), "max_attempts": dice.choice((None, 2, 3, 7))}
    chosen["cancel_pause_ms"] = dice.choice((0, 2 * MINUTE_MS, HOUR_MS))
    chosen["rotate_numbers"] = dice.random() < 0.7
    for feature, draw in _SETTINGS.items():
        if plan.has(feature) and dice.random() < 0.7:
            chosen |= draw(dice)
    return Dialer(**chosen)


def some_template(plan: Plan) -> Template:
    """The results that agents may pick."""
    return Template(results=(*RESULTS, VALIDATED) if plan.has("validation") else RESULTS)


def _some_retry(dice: Random) -> dict[str, tuple[int, ...]]:
    if dice.random() < 0.3:
        return dict(DEFAULT_RETRY)
    first_ms = dice.choice((MINUTE_MS, 10 * MINUTE_MS, HOUR_MS))
    return dict.fromkeys(CAUSES, (first_ms, 3 * first_ms))


_SETTINGS: Final[dict[str, Callable[[Random], dict[str, Any]]]] = {
    "hours": lambda dice: {"calling_hours": some_hours(dice)},
    "limits": lambda dice: {"contact_limits": some_limits(dice)},
    "priorities": lambda dice: {
        "priority": dice.choice((0, 3, 7)),
        "overdue_after_ms": dice.choice((0, 5 * MINUTE_MS)),
    },
    "new_every": lambda dice: {"new_every": dice.choice((1, 2, 3))},
    "weight": lambda dice: {"weight": dice.choice((0.5, 1.0, 3.0))},
    "expiry": lambda dice: {
        "expire_after_ms": dice.choice((2 * HOUR_MS, 20 * HOUR_MS)),
        "expire_promised": dice.random() < 0.5,
    },
    "reserve": lambda dice: {"reserve_owner_ms": dice.choice((5 * MINUTE_MS, HOUR_MS))},
    "short_leases": lambda dice: {
        "lease_timeout_ms": dice.choice((4 * MINUTE_MS, 15 * MINUTE_MS)),
        "lease_max_ms": dice.choice((20 * MINUTE_MS, 90 * MINUTE_MS)),
    },
    "short_releases": lambda dice: {
        "release_private_ms": dice.choice((None, 0, 10 * MINUTE_MS)),
        "release_vip_ms": dice.choice((None, -1, HOUR_MS)),
    },
    "unresolved_limit": lambda dice: {
        "max_unresolved": dice.choice((1, 2)),
        "redials_per_slot": dice.choice((None, 1, 2)),
    },
    "redials": lambda dice: {"dial_promised_when_inactive": dice.random() < 0.5},
}
"""Settings by the feature they belong to."""
