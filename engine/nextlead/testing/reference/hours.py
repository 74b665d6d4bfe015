"""When calling hours are open (SPEC 11): wall clocks are read, one moment at a time."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from nextlead.core.almanac import Almanac, zone_named
from nextlead.core.errors import Invalid, OutsideHours
from nextlead.core.setup_model import CallingHours

from .records import Lead
from .world import World

MINUTE_MS = 60_000
DAY_MINUTES = 24 * 60
YEAR_DAYS = 366


def zones_of(world: World, lead: Lead) -> tuple[str, ...]:
    """R11.1: the lead's own zone, else those of the number to be dialled next; empty when nothing is known."""
    return (lead.zone,) if lead.zone else world.almanac.zones_of(lead.number)


def counting(world: World, lead: Lead, hours: CallingHours) -> tuple[str, ...]:
    """R11.1: the zones whose clocks count for the lead: all of them must be open, unless that is never."""
    zones = zones_of(world, lead)
    if hours.zone != "lead":
        return (hours.zone,)
    day = day_of(world.now_ms)
    if not zones or (len(zones) > 1 and never_open(hours, zones, world.almanac, day)):  # type: ignore[arg-type]
        return (hours.campaign_zone,)
    return zones


def open_at(hours: CallingHours, zones: tuple[str, ...], almanac: Almanac, at_ms: int) -> bool:
    """R11.1: the clocks of all the zones are in a window, on a day that is not off."""
    return all(clock_is_open(hours, zone, almanac, at_ms) for zone in zones)


def clock_is_open(hours: CallingHours, zone: str, almanac: Almanac, at_ms: int) -> bool:
    """R11.3: what a clock on the wall says there; windows from inclusive, until exclusive."""
    wall = wall_clock(zone, at_ms)
    if wall.date().isoformat() in hours.days_off:
        return False
    if hours.holidays and wall.date() in almanac.holidays(hours.holidays, wall.year):
        return False
    minute = wall.hour * 60 + wall.minute
    return hours.windows is None or any(start <= minute < end for start, end in hours.windows[wall.weekday()])


def day_of(at_ms: int) -> date:
    """The date in UTC."""
    return wall_clock("UTC", at_ms).date()


def wall_clock(zone: str, at_ms: int) -> datetime:
    """The local time."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(zone))


def within(world: World, lead: Lead, at_ms: int) -> bool:
    """R11.2: hours are open for the lead.

    A forced redial is exempt until its call ends (R4.2), but not while it is urgent (R2.6).
    """
    hours = world.dialer_of(lead).calling_hours
    if hours is None or (lead.promise is not None and lead.promise.forced_by and lead.urgent is None):
        return True
    return open_at(hours, counting(world, lead, hours), world.almanac, at_ms)


def check_promised(world: World, lead: Lead, at_ms: int, *, force: bool) -> bool:
    """R4.2: a time outside hours is refused unless forced; answers whether it was. The lead is as it will be then."""
    hours = world.dialer_of(lead).calling_hours
    if hours is None or open_at(hours, counting(world, lead, hours), world.almanac, at_ms):
        return False
    if not force:
        raise OutsideHours("outside calling hours")
    return True


# -- openings -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=10_000)
def never_open(hours: CallingHours, zones: tuple[str, ...], almanac: Almanac, day: date) -> bool:
    """R11.1: not within a year from that day on."""
    return opening(hours, zones, almanac, wall_ms("UTC", day, 0, fold=0)) is None


def turns(hours: CallingHours, zones: tuple[str, ...], from_ms: int) -> Iterator[int]:
    """Moments from this one on, in order, for a year, at which it may open or close: nothing changes between them."""
    edges = frozenset({0, *(edge for day in hours.windows or () for window in day for edge in window)} - {DAY_MINUTES})
    first = day_of(from_ms)
    for day in range(YEAR_DAYS + 1):
        moments = {at for zone in zones for at in day_turns(zone, first + timedelta(days=day), edges)}
        later = wall_ms("UTC", first + timedelta(days=day + 1), 0, fold=0)
        yield from sorted(at for at in moments if max(from_ms, later - DAY_MINUTES * MINUTE_MS) <= at < later)


@lru_cache(maxsize=200_000)
def day_turns(zone: str, day: date, edges: frozenset[int]) -> tuple[int, ...]:
    """The edges of the local days that a day of UTC may be part of, and changes of the clock on it.

    A local time that comes twice is two moments; one that never comes is the change of the clock.
    """
    near = (day - timedelta(days=1), day, day + timedelta(days=1))
    shown = {wall_ms(zone, local, minute, fold=fold) for local in near for minute in edges for fold in (0, 1)}
    midnight = wall_ms("UTC", day, 0, fold=0)
    quarters = [midnight + quarter * 15 * MINUTE_MS for quarter in range(96)]
    return (
        *shown,
        *(at for at in quarters if wall_clock(zone, at).utcoffset() != wall_clock(zone, at - 1).utcoffset()),
    )


def wall_ms(zone: str, day: date, minute: int, *, fold: int) -> int:
    """When a clock there shows this time, the first or the second time."""
    wall = datetime.combine(day, time(minute // 60, minute % 60, fold=fold), ZoneInfo(zone))
    return round(wall.timestamp()) * 1000


def opening(hours: CallingHours, zones: tuple[str, ...], almanac: Almanac, from_ms: int) -> int | None:
    """The first moment from this one on at which it is open; None if there is none within a year."""
    if open_at(hours, zones, almanac, from_ms):
        return from_ms
    return next((at for at in turns(hours, zones, from_ms) if open_at(hours, zones, almanac, at)), None)


def next_opening(world: World, lead: Lead, from_ms: int) -> int | None:
    """The first moment from this one on at which the lead's hours are open."""
    if within(world, lead, from_ms):
        return from_ms
    hours = world.dialer_of(lead).calling_hours
    assert hours is not None
    return opening(hours, counting(world, lead, hours), world.almanac, from_ms)


# -- settings -------------------------------------------------------------------------------------------------------


def check_hours(hours: CallingHours | None, almanac: Almanac) -> None:
    """What calling hours can't be."""
    if hours is None:
        return
    for zone in {hours.zone, hours.campaign_zone} - {"lead"}:
        if zone_named(zone) is None:
            raise Invalid("calling_hours.zone", "an IANA zone")
    if hours.campaign_zone == "lead":
        raise Invalid("calling_hours.campaign_zone", "an IANA zone")
    for day in hours.windows or ():
        edges = [edge for window in day for edge in window]
        if edges != sorted(set(edges)) or (edges and not 0 <= edges[0] < edges[-1] <= DAY_MINUTES):
            raise Invalid("calling_hours.windows", "in order and apart")
    if hours.windows is not None and (len(hours.windows) != 7 or not any(hours.windows)):
        raise Invalid("calling_hours.windows", "seven days, and a window")
    if hours.holidays and not almanac.knows_holidays(hours.holidays):
        raise Invalid("calling_hours.holidays", "a country")
