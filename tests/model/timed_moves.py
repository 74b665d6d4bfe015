"""Calling hours and contact limits: random ones, and what changes them."""

from hypothesis import strategies as st
from model.almanac import KATHMANDU, LONDON, LORD_HOWE, NEW_YORK, ZONES
from model.moves import DAY, HOUR, MINUTE, Draw, some_lead, sometimes
from model.shop import Shop
from msgspec import structs

from nextlead.core import commands as c
from nextlead.core.setup_model import CallingHours, ContactLimit


def found_timed(shop: Shop, draw: Draw) -> None:
    """R11.1, R12.1: most campaigns have hours, and limits, from the start; at times the organisation has some, too."""
    for code in sorted(shop.world.campaigns):
        change = {"calling_hours": draw(hours), "contact_limits": draw(limits)}
        kept = {name: value for name, value in change.items() if not sometimes(draw)}
        dialer = structs.replace(shop.world.campaigns[code].dialer, **kept)
        shop.do(c.PutCampaign(code=code, dialer=dialer, by="admin"))
    if sometimes(draw):
        put_everybodys_limits(shop, draw)


def put_hours(shop: Shop, draw: Draw) -> None:
    """R11.1: other hours, at times ones that can't be, or none."""
    change_dialer(shop, draw, "calling_hours", draw(st.one_of(st.none(), hours, hours, hours, no_hours)))


def put_limits(shop: Shop, draw: Draw) -> None:
    """R12.1: other limits of a campaign."""
    change_dialer(
        shop, draw, "contact_limits", draw(st.one_of(limits, limits, limits, no_limit.map(lambda limit: (limit,))))
    )


def change_dialer(shop: Shop, draw: Draw, name: str, value: object) -> None:
    """One setting of one campaign."""
    code = draw(st.sampled_from(sorted(shop.world.campaigns)))
    dialer = structs.replace(shop.world.campaigns[code].dialer, **{name: value})
    shop.do(c.PutCampaign(code=code, dialer=dialer, by="admin"))


def put_everybodys_limits(shop: Shop, draw: Draw) -> None:
    """R12.1: other limits of the organisation."""
    shop.do(c.PutSettings(contact_limits=draw(limits), by="admin"))


def edit_zone(shop: Shop, draw: Draw) -> None:
    """R11.1: a zone of the lead's own, that of its number again, or none that there is."""
    zone = "Mars/Base" if sometimes(draw) and sometimes(draw) else draw(st.sampled_from((None, None, *ZONES)))
    shop.do(c.EditLead(lead=some_lead(draw, shop.both, wanted=lambda lead: lead.open), zone=zone, by="admin"))


WEEK = (((9 * 60, 17 * 60),),) * 5 + ((), ())
LUNCH = (((8 * 60, 12 * 60), (13 * 60, 20 * 60)),) * 7
MORNING = (((9 * 60, 11 * 60 + 30),),) * 7
NIGHT = (((0, 6 * 60), (18 * 60, 24 * 60)),) * 7
CLOCK_CHANGE = (((90, 150),), *(((90, 150), (12 * 60, 24 * 60)),) * 5, ((61, 119), (120, 165)))
SUNDAY = (*((),) * 6, ((10 * 60, 16 * 60),))
NEVER = ((),) * 7
BACKWARDS = (((9 * 60, 9 * 60),),) * 7
SIX_DAYS = WEEK[:6]

DAYS_OFF = ("2026-03-02", "2026-03-08", "2026-03-09", "2026-03-29", "2026-04-05", "2026-11-01")

hours = st.builds(
    CallingHours,
    zone=st.sampled_from(("lead", "lead", "lead", "lead", NEW_YORK, KATHMANDU)),
    campaign_zone=st.sampled_from(("UTC", LONDON, LORD_HOWE, NEW_YORK)),
    windows=st.sampled_from((None, WEEK, WEEK, LUNCH, LUNCH, MORNING, NIGHT, CLOCK_CHANGE, CLOCK_CHANGE, SUNDAY)),
    days_off=st.sampled_from(((), (), DAYS_OFF, DAYS_OFF[:1])),
    holidays=st.sampled_from(("", "", "US", "US-FL")),
)
no_hours = st.sampled_from(
    (
        CallingHours(zone="Mars/Base"),
        CallingHours(campaign_zone="lead"),
        CallingHours(windows=BACKWARDS),
        CallingHours(windows=SIX_DAYS),
        CallingHours(windows=NEVER),
        CallingHours(holidays="ZZ"),
    )
)
"""What the engine refuses."""

limit = st.one_of(
    st.builds(
        ContactLimit,
        kind=st.just("max"),
        span_ms=st.sampled_from((10 * MINUTE, HOUR, DAY)),
        most=st.sampled_from((1, 1, 2, 3)),
        scope=st.sampled_from(("number", "lead")),
        promised=st.booleans(),
    ),
    st.builds(
        ContactLimit,
        kind=st.sampled_from(("min_gap", "pause_after_conversation")),
        span_ms=st.sampled_from((MINUTE, 30 * MINUTE, HOUR, 2 * DAY)),
        promised=st.booleans(),
    ),
)
some_limits = st.lists(limit, min_size=1, max_size=3).map(tuple)
limits = st.one_of(st.just(()), some_limits, some_limits)
no_limit = st.sampled_from((ContactLimit("max", HOUR), ContactLimit("often", HOUR), ContactLimit("min_gap", 0)))

TIMED_MOVES = (put_hours, put_hours, put_hours, put_limits, put_limits, put_everybodys_limits, edit_zone, edit_zone)
