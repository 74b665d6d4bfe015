"""The IANA time zones that `tzdata` has: their names, which are the same, and which a country has.

`zoneinfo` looks into the system's own data first, but finds every name that is here.
"""

from functools import cache
from importlib.resources import files
from typing import TypeVar

T = TypeVar("T")


def zone_name(text: str) -> str | None:
    """The zone as it is spelt; without regard to case and space around. None when there is none of that name."""
    return _by_folded().get(text.strip().casefold())


def spelt(given: T) -> T | str:
    """The same; what is no zone's name stays as it is, for the core to refuse."""
    return (zone_name(given) or given) if isinstance(given, str) else given


@cache
def zone_names() -> frozenset[str]:
    """All of them, names of old among them."""
    return frozenset(_read("zones").split())


@cache
def zones_by_country() -> dict[str, tuple[str, ...]]:
    """Zones by country (ISO 3166, two capitals), sorted. Each of these names is of one country."""
    found: dict[str, list[str]] = {}
    for line in _lines("zone.tab"):
        country, _, zone = line.split("\t")[:3]
        if zone in zone_names():
            found.setdefault(country, []).append(zone)
    return {country: tuple(sorted(zones)) for country, zones in found.items()}


@cache
def links() -> dict[str, str]:
    """The zone that a name stands for, by names that are nothing but another name (`Asia/Calcutta`).

    Zones of several countries that have had the same clock since 1970 stand for one of them too.
    """
    words = (line.split() for line in _lines("tzdata.zi") if line.startswith("L "))
    return {name: zone for _, zone, name in words}


@cache
def _by_folded() -> dict[str, str]:
    return {name.casefold(): name for name in zone_names()}


def _lines(name: str) -> list[str]:
    return [line for line in _read(f"zoneinfo/{name}").splitlines() if line and not line.startswith("#")]


def _read(name: str) -> str:
    return files("tzdata").joinpath(name).read_text("utf-8")
