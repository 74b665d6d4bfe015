"""Rule packs: those that are shipped can be used and say where they have it from; others are refused with the key."""

from pathlib import Path

import pytest

from nextlead_adapters import limit_packs
from nextlead_adapters.bootstrap import build
from nextlead_adapters.config import Config, StoreConfig
from nextlead_adapters.limit_packs import NOTICE, PackError, parse_pack, read_packs, shipped_packs
from nextlead_adapters.resources import resource
from nextlead_adapters.server import REFUSALS

GOOD = """
title = "Here"
about = "For one."
[[sources]]
law = "Law of here"
section = "1"
says = "Not at night."
link = "https://example.org/law"
noted = 2026-11-22
[calling_hours.windows]
mon = [["09:00", "17:00"]]
[[contact_limits]]
max = 3
per = "P1D"
"""


def test_packs_of_four_places_are_shipped() -> None:
    assert {"us-federal", "us-florida", "uk", "canada"} <= shipped_packs().keys()


@pytest.mark.parametrize("name", shipped_packs())
def test_a_shipped_pack_says_what_it_is_and_where_it_stands(name: str) -> None:
    pack = shipped_packs()[name]
    assert pack.title
    assert pack.notice == NOTICE
    assert all(source.link.startswith("http") and source.says for source in pack.sources)
    first = resource(f"limits/{name}.toml").read_text().splitlines()[0]
    assert first.startswith("# An example, not legal advice")


@pytest.mark.parametrize("name", shipped_packs())
def test_no_word_of_a_shipped_pack_is_broken_where_its_file_breaks_a_line(name: str) -> None:
    pack = shipped_packs()[name]
    said = [pack.title, pack.about, *(source.says for source in pack.sources)]
    assert [text for text in said if "- " in text or "  " in text] == []


@pytest.mark.parametrize("name", shipped_packs())
def test_a_shipped_pack_leaves_no_holidays_of_another_behind(name: str) -> None:
    hours = shipped_packs()[name].calling_hours
    assert hours.zone == "lead"  # type: ignore[union-attr]
    assert isinstance(hours.holidays, str)  # type: ignore[union-attr]


def test_a_folder_is_read_by_name(tmp_path: Path) -> None:
    for name in ("b", "a-2"):
        (tmp_path / f"{name}.toml").write_text(GOOD)
    (tmp_path / "README.md").write_text("none")
    assert list(read_packs(tmp_path)) == ["a-2", "b"]


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ('title = "Here"', "", "here.toml: title: is required"),
        ('title = "Here"', 'title = ""', "here.toml: title: expected `str` of length >= 1"),
        ('title = "Here"', "titel = 1", "here.toml: titel: is not known"),
        ('link = "https://example.org/law"', "", "here.toml: sources[0].link: is required"),
        ("https://", "ftp://", "here.toml: sources[0].link: expected `str` matching regex '^https?://'"),
        ("noted = 2026-11-22", 'noted = "lately"', "here.toml: sources[0].noted: expected `date`"),
        ("17:00", "9:00", "here.toml: calling_hours.windows.mon[0]: must be [from, until] as HH:MM, from before until"),
        ("mon = [", 'mon = [["16:00", "18:00"], ', "here.toml: calling_hours.windows.mon[1]: overlaps with [0]"),
        ("mon =", "monday =", "here.toml: calling_hours.windows.monday: is not known"),
        ("max = 3", "max = 0", "here.toml: contact_limits[0].max: expected `int` >= 1"),
        ('per = "P1D"', "", "here.toml: contact_limits[0].per: is required with max"),
        ('per = "P1D"', 'per = "P2Y"', "here.toml: contact_limits[0].per: must be a duration such as PT3H30M"),
        ('per = "P1D"', 'per = "P400D"', "here.toml: contact_limits[0].per: must be at most 366 days"),
        ('per = "P1D"', 'per = "P1D"\nmin_gap = "PT1H"', "here.toml: contact_limits[0]: must have exactly one of"),
        ("[[sources]]", "[[sources]", "here.toml: not TOML: "),
    ],
)
def test_errors_name_file_key_and_rule(line: str, instead: str, message: str) -> None:
    assert parse_pack(GOOD.encode(), "here.toml").name == "here"
    assert line in GOOD
    with pytest.raises(PackError) as error:
        parse_pack(GOOD.replace(line, instead, 1).encode(), "here.toml")
    assert str(error.value).startswith(message)


def test_a_pack_says_something() -> None:
    empty = GOOD[: GOOD.index("[calling_hours")].encode()
    with pytest.raises(PackError, match=r"^here.toml: has neither calling_hours nor contact_limits$"):
        parse_pack(empty, "here.toml")


def test_a_name_fits_into_an_address() -> None:
    for name in ("Here.toml", "a b.toml", ".toml", "a--b.toml"):
        with pytest.raises(PackError, match="a pack's name has"):
            parse_pack(GOOD.encode(), name)


async def test_a_daemon_does_not_start_with_a_pack_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here.toml").write_text(GOOD.replace("max = 3", "max = 0"))
    monkeypatch.setattr(limit_packs, "resource", lambda _name: tmp_path)
    shipped_packs.cache_clear()
    try:
        with pytest.raises(REFUSALS, match=r"^here.toml: contact_limits\[0\].max: "):
            async with build(Config(store=StoreConfig(url="memory:"))):
                pass
    finally:
        shipped_packs.cache_clear()
