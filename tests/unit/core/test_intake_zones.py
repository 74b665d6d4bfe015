"""Zones that rows come with, and what the duplicate check's actions make of them (R11.1, R9.8)."""

import pytest
from msgspec.structs import replace
from unit.core.intake_desk import ANN, BOB, Desk, row

from nextlead.core.commands import IntakeReject, IntakeRow, LoadRows

YORK, LONDON = "America/New_York", "Europe/London"
COAST = "America/Los_Angeles"


class _Almanac:
    """Numbers of Ann's exchange are in one zone; nothing is known of others."""

    def zones_of(self, number: int) -> tuple[str, ...]:
        return (COAST,) if number == ANN else ()

    def knows_holidays(self, place: str) -> bool:
        return False

    def holidays(self, place: str, year: int) -> tuple[()]:
        return ()


def desk_with_zones() -> Desk:
    desk = Desk()
    desk.engine.state.zones.almanac = _Almanac()
    return desk


def zoned(no: int, number: int, zone: str, **data: object) -> IntakeRow:
    return replace(row(no, number, **data), zone=zone)


def zone(desk: Desk, lead: int) -> tuple[tuple[str, ...], bool]:
    """Names, and whether they are the lead's own."""
    zones = desk.engine.state.zones
    return zones.names(desk.lead(lead).zones), zones.is_own(desk.lead(lead).zones)


def test_a_lead_has_the_zone_of_its_row_else_that_of_its_number() -> None:  # R11.1
    desk = desk_with_zones()
    desk.loaded("load", zoned(1, ANN, YORK), zoned(2, ANN, ""), zoned(3, BOB, ""), zoned(4, BOB, "UTC"))
    assert [zone(desk, lead) for lead in (1, 2, 3, 4)] == [
        ((YORK,), True),
        ((COAST,), False),
        ((), False),
        (("UTC",), True),
    ]


@pytest.mark.parametrize("action", ["load", "clone", "close", "replace"])
def test_a_lead_that_a_duplicate_becomes_has_its_own_rows_zone(action: str) -> None:  # R11.1 R9.8
    desk = desk_with_zones()
    desk.loaded("load", zoned(1, ANN, YORK))
    desk.loaded(action, zoned(1, ANN, LONDON))
    assert zone(desk, 2) == ((LONDON,), True)
    assert zone(desk, 1) == ((YORK,), True)


def test_update_gives_the_original_the_rows_zone_and_an_empty_one_leaves_it() -> None:  # R11.1 R9.8
    desk = desk_with_zones()
    desk.loaded("load", zoned(1, ANN, "", name="Ann"))
    desk.loaded("update", zoned(1, ANN, YORK, name="Anna"))
    assert zone(desk, 1) == ((YORK,), True)
    desk.loaded("update", zoned(1, ANN, "", name="Annie"))
    assert (zone(desk, 1), desk.data(1)) == (((YORK,), True), {"name": "Annie"})


def test_a_row_with_an_unknown_zone_updates_nothing() -> None:  # R9.4
    desk = desk_with_zones()
    desk.loaded("load", zoned(1, ANN, YORK, name="Ann"))
    pool = desk.loaded("update", zoned(1, ANN, "Mars/Base", name="Anna"))
    assert desk.counts(pool) == (0, 1, 0)
    assert (zone(desk, 1), desk.data(1)) == (((YORK,), True), {"name": "Ann"})
    assert desk.rejects(pool, "invalid")[0].reasons == ("timezone must be an IANA name such as America/New_York",)


def test_a_row_that_is_loaded_closed_keeps_its_zone() -> None:  # R9.4 R11.1
    desk = desk_with_zones()
    pool = desk.open("load", on_invalid="close")
    nobodys = replace(zoned(1, ANN, YORK), owner="agent:nobody")
    unknown = zoned(2, ANN, "Mars/Base")
    refused = IntakeReject(3, ("name: required",), numbers=(ANN,), zone=LONDON)
    desk(LoadRows(pool=pool.id, rows=(nobodys, unknown), rejects=(refused,)))
    assert [zone(desk, lead) for lead in (1, 2, 3)] == [((YORK,), True), ((COAST,), False), ((LONDON,), True)]
