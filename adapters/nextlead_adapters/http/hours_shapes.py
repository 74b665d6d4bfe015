"""Calling hours and contact limits, as bodies and answers (SPEC 11, 12).

Rules of this file:

1. Here is read what people write: days by name, `HH:MM`, dates, exactly one kind of limit. Whether it can work (zones,
   holidays, spans) the core says (`core/settings_check.py`).
2. Hours are laid over those that are there, key by key; `windows` is a whole week, a day left out is closed.
3. Errors name the place as it was sent: `dialer.calling_hours.windows.mon[1]`.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from nextlead.core.errors import Invalid
from nextlead.core.settings_check import DAYS, SPAN_MOST_MS
from nextlead.core.setup_model import LIMIT_KINDS, CallingHours, ContactLimit, Window

from ..zone_names import spelt
from .problems import malformed
from .table import Body
from .values import Day, Hours, Span

ZoneName = Annotated[str, Meta(min_length=1, max_length=64, examples=["America/New_York"])]
_Zone = Annotated[
    str, Meta(min_length=1, max_length=64, description="`lead`, or the IANA zone that counts for all leads.")
]
_Place = Annotated[str, Meta(max_length=64, description="A country or a part of one: `US`, `US-FL`.")]
_Day = Annotated[tuple[Hours, ...], Meta(max_length=48)]
_DaysOff = Annotated[tuple[Day, ...], Meta(max_length=1000, description="Dates on which nobody is called.")]


class WeekShape(Body, omit_defaults=True):
    """Windows by day, from inclusive, until exclusive; `24:00` is the day's end. A day left out is closed."""

    mon: _Day = ()
    tue: _Day = ()
    wed: _Day = ()
    thu: _Day = ()
    fri: _Day = ()
    sat: _Day = ()
    sun: _Day = ()


class HoursShape(Body):
    """When a campaign may call, by local time (SPEC R11.1). null is the default: `lead`, `UTC`, any hour, no days off.

    `campaign_zone` counts where the zone of a lead is not known. `holidays` are the public ones of a place.
    """

    zone: _Zone | UnsetType | None = UNSET
    campaign_zone: ZoneName | UnsetType | None = UNSET
    windows: WeekShape | UnsetType | None = UNSET
    days_off: _DaysOff | UnsetType | None = UNSET
    holidays: _Place | UnsetType | None = UNSET


class LimitShape(Body):
    """How often people may be called (SPEC R12.1), in one of three ways.

    `max` attempts `per` a time, to one number or one lead (`scope`, number unless said); `min_gap` between two
    attempts; `pause_after_conversation`. With `promised` it holds for promised redials, too.
    """

    max: Annotated[int, Meta(ge=1, le=1000)] | UnsetType = UNSET
    per: Span | UnsetType = UNSET
    scope: Literal["number", "lead"] | UnsetType = UNSET
    min_gap: Span | UnsetType = UNSET
    pause_after_conversation: Span | UnsetType = UNSET
    promised: bool | UnsetType = UNSET


Limits = Annotated[tuple[LimitShape, ...], Meta(max_length=20)]


# -- hours ----------------------------------------------------------------------------------------------------------


def hours_shape(hours: CallingHours | None) -> HoursShape | None:
    """Calling hours, whole; None: at any time."""
    if hours is None:
        return None
    return HoursShape(
        zone=hours.zone,
        campaign_zone=hours.campaign_zone,
        windows=None if hours.windows is None else _week_shape(hours.windows),
        days_off=tuple(Day(text) for text in hours.days_off),
        holidays=hours.holidays or None,
    )


def _week_shape(week: Sequence[Sequence[Window]]) -> WeekShape:
    return WeekShape(*(tuple(Hours(*window) for window in windows) for windows in week))


def hours_over(
    old: CallingHours | None, body: HoursShape | UnsetType | None, field: str = "dialer.calling_hours"
) -> CallingHours | UnsetType | None:
    """The hours with what the body says; raises `Invalid` for two windows that overlap."""
    if not isinstance(body, HoursShape):
        return body
    default = CallingHours()
    new: dict[str, Any] = {
        "zone": spelt(body.zone),
        "campaign_zone": spelt(body.campaign_zone),
        "windows": _week(body.windows, f"{field}.windows") if isinstance(body.windows, WeekShape) else body.windows,
        "days_off": tuple(sorted({day.text for day in body.days_off})) if body.days_off else body.days_off,
        "holidays": body.holidays,
    }
    given = {name: value for name, value in new.items() if value is not UNSET}
    return replace(
        old or default, **{name: getattr(default, name) if value is None else value for name, value in given.items()}
    )


def _week(shape: WeekShape, field: str) -> tuple[tuple[Window, ...], ...]:
    return tuple(_windows(getattr(shape, day), f"{field}.{day}") for day in DAYS)


def _windows(given: Sequence[Hours], field: str) -> tuple[Window, ...]:
    """A day's windows in order."""
    by_start = sorted(range(len(given)), key=lambda at: (given[at].start, given[at].end))
    for one, other in pairwise(by_start):
        if given[other].start < given[one].end:
            raise Invalid(f"{field}[{max(one, other)}]", f"overlaps with [{min(one, other)}] of the same day")
    return tuple((given[at].start, given[at].end) for at in by_start)


# -- limits ---------------------------------------------------------------------------------------------------------


def limit_shapes(limits: Sequence[ContactLimit]) -> tuple[LimitShape, ...]:
    """Contact limits as they are sent."""
    return tuple(map(_limit_shape, limits))


def _limit_shape(limit: ContactLimit) -> LimitShape:
    shape = LimitShape(promised=limit.promised or UNSET)
    if limit.kind == "max":
        shape.max, shape.per, shape.scope = limit.most, Span(limit.span_ms), limit.scope  # type: ignore[assignment]
    else:
        setattr(shape, limit.kind, Span(limit.span_ms))
    return shape


def limits_of(
    shapes: Sequence[LimitShape] | UnsetType | None, field: str = "dialer.contact_limits"
) -> tuple[ContactLimit, ...] | UnsetType:
    """Contact limits as the core has them, None is none; raises a 400 or `Invalid` naming the one that is not right."""
    if isinstance(shapes, UnsetType):
        return UNSET
    return tuple(_limit(shape, f"{field}[{at}]") for at, shape in enumerate(shapes or ()))


def _limit(shape: LimitShape, field: str) -> ContactLimit:
    kinds = [kind for kind in LIMIT_KINDS if getattr(shape, kind) is not UNSET]
    if len(kinds) != 1:
        raise malformed(field, f"must have exactly one of {', '.join(LIMIT_KINDS)}")
    promised = shape.promised is True
    if isinstance(shape.max, int):
        if not isinstance(shape.per, Span):
            raise malformed(f"{field}.per", "is required with max")
        scope = "number" if isinstance(shape.scope, UnsetType) else shape.scope
        return ContactLimit("max", _some_ms(shape.per, f"{field}.per"), shape.max, scope, promised)
    for name in ("per", "scope"):
        if getattr(shape, name) is not UNSET:
            raise malformed(f"{field}.{name}", "goes with max only")
    (kind,) = kinds
    return ContactLimit(kind, _some_ms(getattr(shape, kind), f"{field}.{kind}"), promised=promised)


def _some_ms(span: Span, field: str) -> int:
    if span.ms == 0:
        raise malformed(field, "must be longer than nothing")
    if span.ms > SPAN_MOST_MS:
        raise Invalid(field, "must be at most 366 days")
    return span.ms
