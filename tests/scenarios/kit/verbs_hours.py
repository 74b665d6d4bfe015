"""Verbs of calling hours, time zones and contact limits."""

import re
from typing import Any, Final

from .language import BadStep, Step
from .reasons import DAYS, Hours
from .times import DURATION
from .verbs import verb
from .world import World

_WINDOW: Final = r"\d\d:\d\d-\d\d:\d\d"
_DAY: Final = rf"(?:{'|'.join(DAYS)})(?:-(?:{'|'.join(DAYS)}))?"
_OPEN: Final = re.compile(rf"(daily|{_DAY}(?: {_DAY})*) ({_WINDOW}(?: {_WINDOW})*)")
_LIMIT: Final = re.compile(
    rf"(?:at most (?P<max>\d+) per (?P<per>{DURATION}) to one (?P<scope>number|lead)|gap (?P<min_gap>{DURATION})|"
    rf"pause (?P<pause_after_conversation>{DURATION}) after a conversation)(?P<promised>, promised ones too)?"
)


@verb(r"hours of (?P<campaign>\w+): (?P<hours>.+)")
def put_hours(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.put_hours(m["campaign"], None if m["hours"] == "none" else read_hours(m["hours"]))


def read_hours(text: str) -> Hours:
    """`mon-fri 09:00-12:00 13:00-17:00, sat 10:00-14:00, zone Europe/Paris, days off 2026-12-24, holidays US`."""
    said: dict[str, Any] = {}
    windows: dict[str, list[tuple[str, str]]] = {}
    for part in (part.strip() for part in text.split(",")):
        if m := _OPEN.fullmatch(part):
            for day in _days(m[1]):
                windows.setdefault(day, []).extend(_window(window) for window in m[2].split())
        elif m := re.fullmatch(r"(zone|campaign zone|holidays) (\S+)", part):
            said[m[1].replace(" ", "_")] = m[2]
        elif m := re.fullmatch(r"days off ([\d -]+)", part):
            said["days_off"] = tuple(m[1].split())
        elif part != "at any time":
            raise BadStep(part)
    return Hours(windows=windows or None, **said)


def _days(text: str) -> list[str]:
    if text == "daily":
        return list(DAYS)
    days: list[str] = []
    for part in text.split():
        first, _, last = part.partition("-")
        days += DAYS[DAYS.index(first) : DAYS.index(last or first) + 1]
    return days


def _window(text: str) -> tuple[str, str]:
    start, _, end = text.partition("-")
    return start, end


@verb(r"contact limits of (?P<whose>\w+): (?P<limits>.+)")
def put_limits(world: World, m: re.Match[str], _: Step) -> None:
    """`contact limits of organisation` count every campaign's attempts."""
    limits = [] if m["limits"] == "none" else [_limit(text.strip()) for text in m["limits"].split(";")]
    world.driver.put_limits("" if m["whose"] == "organisation" else m["whose"], limits)


def _limit(text: str) -> dict[str, Any]:
    m = _LIMIT.fullmatch(text)
    if m is None:
        raise BadStep(text)
    limit: dict[str, Any] = {key: value for key, value in m.groupdict().items() if value and key != "promised"}
    if "max" in limit:
        limit["max"] = int(limit["max"])
    return limit | ({"promised": True} if m["promised"] else {})


@verb(r"admin sets timezone of lead (?P<lead>\w+) to (?P<zone>[\w/+-]+|that of its number)")
def set_zone(world: World, m: re.Match[str], _: Step) -> None:
    zone = None if m["zone"] == "that of its number" else m["zone"]
    world.driver.edit(world.lead(m["lead"]), {"timezone": zone})
