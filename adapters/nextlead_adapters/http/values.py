"""Values of request and answer bodies that JSON has no type for: times, durations, owners.

msgspec hands what it does not know to the hooks below. A `ValueError` they raise becomes a 400 that names the field.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from nextlead.core.local_days import format_clock
from nextlead.core.spans import format_span

from .times import format_time, parse_clock, parse_day, parse_span, parse_time


class Moment:
    """A time: RFC 3339 with an offset outside, epoch milliseconds inside."""

    __slots__ = ("ms",)

    def __init__(self, ms: int) -> None:
        self.ms = ms


class Span:
    """A duration: ISO 8601 or `3h30m` outside, milliseconds inside."""

    __slots__ = ("ms",)

    def __init__(self, ms: int) -> None:
        self.ms = ms


class Release:
    """When a promised redial is released: a duration, `never` (null does as well; None inside) or `same` (SAME)."""

    __slots__ = ("ms",)

    def __init__(self, ms: int | None) -> None:
        self.ms = ms


class Hours:
    """A window of a day: `["09:00", "17:00"]` outside, minutes after midnight inside; until is more than from."""

    __slots__ = ("end", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end


class Day:
    """A date without a time: `2026-12-25`."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Owner:
    """An agent or a team: `{"agent": code}` or `"agent:CODE"` outside."""

    __slots__ = ("code", "kind")

    def __init__(self, kind: str, code: str) -> None:
        self.kind = kind
        self.code = code

    @property
    def name(self) -> str:
        """`agent:CODE`, as commands want it."""
        return f"{self.kind}:{self.code}"


def moment(ms: int | None) -> Moment | None:
    """A time that may be missing."""
    return None if ms is None else Moment(ms)


def span(ms: int | None) -> Span | None:
    """A duration that may be missing."""
    return None if ms is None else Span(ms)


SAME: Final = -1
"""Inside `Release`: VIP redials are released as private ones are."""
_RELEASES: Final[dict[object, int | None]] = {"never": None, "same": SAME}
_OWNER_RULE: Final = 'must be "agent:CODE", "team:CODE", {"agent": CODE} or {"team": CODE}'


def _owner(given: object) -> Owner:
    if isinstance(given, dict) and len(given) == 1:
        ((kind, code),) = given.items()
    elif isinstance(given, str):
        kind, _, code = given.partition(":")
    else:
        raise ValueError(_OWNER_RULE)
    if kind not in ("agent", "team") or not isinstance(code, str) or not code:
        raise ValueError(_OWNER_RULE)
    return Owner(kind, code)


_HOURS_RULE: Final = "must be [from, until] as HH:MM, from before until"
_NIGHT_RULE: Final = f"{_HOURS_RULE}; a night is two windows: until 24:00, and from 00:00 on the next day"


def _hours(given: object) -> Hours:
    if not isinstance(given, list) or len(given) != 2:
        raise ValueError(_HOURS_RULE)
    start, end = map(parse_clock, given)
    if start is None or end is None or start == end:
        raise ValueError(_HOURS_RULE)
    if start > end:
        raise ValueError(_NIGHT_RULE)
    return Hours(start, end)


def dec_hook(kind: type, given: Any) -> Any:
    """From JSON; raises `ValueError` with the rule that is broken."""
    if kind is Owner:
        return _owner(given)
    if kind is Hours:
        return _hours(given)
    if kind is Day:
        return Day(parse_day(given))
    if kind is Moment:
        if not isinstance(given, str):
            raise ValueError("must be an RFC 3339 time such as 2026-03-02T10:00:00Z")
        return Moment(parse_time(given))
    if kind is Release and given in _RELEASES:
        return Release(_RELEASES[given])
    if kind in (Span, Release):
        if not isinstance(given, str):
            raise ValueError("must be a duration such as PT3H30M or 3h30m")
        return kind(parse_span(given))
    raise NotImplementedError(kind)


def enc_hook(value: Any) -> Any:
    """To JSON."""
    if type(value) is Moment:  # most of them are
        return format_time(value.ms)
    encode = _ENCODERS.get(type(value))
    if encode is None:
        raise NotImplementedError(type(value))
    return encode(value)


def _release(value: Release) -> str | None:
    return "same" if value.ms == SAME else None if value.ms is None else format_span(value.ms)


_ENCODERS: Final[dict[type, Callable[[Any], Any]]] = {
    Moment: lambda value: format_time(value.ms),
    Span: lambda value: format_span(value.ms),
    Release: _release,
    Owner: lambda value: {value.kind: value.code},
    Hours: lambda value: [format_clock(value.start), format_clock(value.end)],
    Day: lambda value: value.text,
}


_SCHEMAS: Final[dict[type, dict[str, Any]]] = {
    Moment: {"type": "string", "format": "date-time", "examples": ["2026-03-02T10:00:00Z"]},
    Span: {
        "type": "string",
        "description": "ISO 8601; `3h30m` is understood too.",
        "examples": ["PT3H30M"],
        "minLength": 2,
    },
    Release: {
        "type": "string",
        "description": "A duration, or `never` (as null), or `same` (of VIP: as for private).",
        "examples": ["PT3H30M", "never", "same"],
        "minLength": 2,
    },
    Hours: {
        "type": "array",
        "description": "From, until: `HH:MM`, from before until; `24:00` is the end of the day.",
        "items": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"},
        "minItems": 2,
        "maxItems": 2,
        "examples": [["09:00", "17:00"]],
    },
    Day: {"type": "string", "format": "date", "examples": ["2026-12-25"]},
    Owner: {
        "description": "An agent or a team.",
        "anyOf": [
            {"type": "string", "pattern": "^(agent|team):.+$"},
            {"type": "object", "properties": {"agent": {"type": "string"}}, "required": ["agent"]},
            {"type": "object", "properties": {"team": {"type": "string"}}, "required": ["team"]},
        ],
    },
}


def schema_hook(kind: type) -> dict[str, Any]:
    """For the OpenAPI document."""
    if kind is msgspec.Raw:
        return {"type": "object"}
    if kind in _SCHEMAS:
        return dict(_SCHEMAS[kind])
    raise NotImplementedError(kind)


_encoder: Final = msgspec.json.Encoder(enc_hook=enc_hook)


def to_json(value: object) -> bytes:
    """JSON of an answer."""
    return _encoder.encode(value)
