"""Names of zones (R11.1, R9.2)."""

import pytest

from nextlead.core.almanac import zone_named
from nextlead_adapters.zone_names import links, spelt, zone_name, zone_names, zones_by_country


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("America/New_York", "America/New_York"),
        (" america/new_york\t", "America/New_York"),
        ("EUROPE/LONDON", "Europe/London"),
        ("utc", "UTC"),
        ("EST5EDT", "EST5EDT"),
        ("asia/calcutta", "Asia/Calcutta"),  # a name of old is kept as it is
        ("America", None),
        ("Mars/Base", None),
        ("", None),
        ("../../etc/passwd", None),
        ("localtime", None),
        ("posixrules", None),
        ("+01:00", None),
        ("zone.tab", None),
    ],
)
def test_a_zone_is_found_however_its_letters_are_written(text: str, name: str | None) -> None:
    assert zone_name(text) == name
    assert spelt(text) == (name or text)
    assert spelt(None) is None


@pytest.mark.parametrize("name", ["localtime", "posixrules", "posix/UTC", "right/Europe/London"])
def test_what_a_system_has_beside_the_list_is_no_zone(name: str) -> None:
    """It would mean something else on another machine."""
    assert zone_named(name) is None


def test_every_zone_that_has_a_name_has_rules() -> None:
    assert [name for name in zone_names() if zone_named(name) is None] == []
    assert {zone for zones in zones_by_country().values() for zone in zones} <= zone_names()
    assert set(links()) | set(links().values()) <= zone_names()


def test_countries_have_the_zones_they_are_known_for() -> None:
    assert zones_by_country()["GB"] == ("Europe/London",)
    assert zones_by_country()["ES"] == ("Africa/Ceuta", "Atlantic/Canary", "Europe/Madrid")
    assert len(zones_by_country()["US"]) > 20
    assert links()["Asia/Calcutta"] == "Asia/Kolkata"
