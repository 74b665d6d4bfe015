"""Rows to leads or rejects, with every reason (R9.4)."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from nextlead.core.commands import IntakeReject, IntakeRow
from nextlead.core.setup_model import TemplateField, UploadRules
from nextlead_adapters.intake.mapping import Matcher
from nextlead_adapters.intake.numbers import Numbers
from nextlead_adapters.intake.rows import RowChecker
from nextlead_adapters.intake.upload_rules import compile_rules

FIELDS = (
    TemplateField("name", required=True),
    TemplateField("size", "number"),
    TemplateField("since", "date"),
    TemplateField("chain", "boolean"),
    TemplateField("mail", "email"),
    TemplateField("mobile", "phone"),
)
COLUMNS = ["phone", "Name", "size", "since", "chain", "mail", "mobile", "priority", "owner", "timezone", "other"]
OWNERS = frozenset({"agent:ann", "team:north"})


def check(columns: Sequence[str], *cells: object) -> IntakeRow | IntakeReject:
    checker = RowChecker(Matcher(FIELDS, {}).plan(columns), Numbers("US"), OWNERS, compile_rules(UploadRules(), FIELDS))
    return checker.check(7, cells, tuple(map(str, cells)))


def lead(columns: Sequence[str], *cells: object) -> IntakeRow:
    found = check(columns, *cells)
    assert isinstance(found, IntakeRow), found
    return found


def reasons(columns: Sequence[str], *cells: object) -> tuple[str, ...]:
    found = check(columns, *cells)
    assert isinstance(found, IntakeReject), found
    return found.reasons


def test_a_right_row_becomes_a_lead() -> None:
    row = lead(COLUMNS, "(415) 555-0100", "Bakery 1", "12", "2020-01-31", "no", "a@example.org", "+442079460018",
               "3", " team:north ", "America/New_York", "dropped")  # fmt: skip
    assert row.row == 7
    assert row.numbers == (14155550100, 442079460018)
    assert (row.priority, row.owner, row.original, row.dropped) == (3, "team:north", None, ())
    assert row.zone == "America/New_York"  # R11.1
    assert json.decode(row.data) == {
        "name": "Bakery 1",
        "size": 12,
        "since": "2020-01-31",
        "chain": False,
        "mail": "a@example.org",
        "mobile": "+442079460018",
    }
    assert row.cells[-1] == "dropped"


def test_blank_cells_are_absent_not_empty() -> None:
    row = lead(COLUMNS, "4155550100", "B", "", " ", "", "", "", "", "", "", "")
    assert json.decode(row.data) == {"name": "B"}
    assert (row.priority, row.owner, row.zone) == (0, None, "")


def test_every_reason_is_given() -> None:
    found = reasons(
        COLUMNS, "555", "", "many", "31.1.2020", "maybe", "nobody", "12", "1001", "agent:bob", "Mars/Base", ""
    )
    assert found == (
        "Name: required",
        "size: 'many' is not a number",
        "since: '31.1.2020' is not a date (YYYY-MM-DD)",
        "chain: 'maybe' is not yes or no",
        "mail: 'nobody' is not an e-mail address",
        "priority: '1001' is not a priority from 1 to 1000",
        "owner: 'agent:bob' is no agent:CODE or team:CODE of this organisation",
        "timezone: 'Mars/Base' must be an IANA name such as America/New_York",
        "phone: '555' is too short",
        "mobile: '12' is too short",
    )


def test_an_unusable_number_is_dropped_while_another_is_left() -> None:
    columns = ["phone", "phone2", "name"]
    assert lead(columns, "555", "4155550100", "a").numbers == (14155550100,)
    assert lead(columns, "4155550101", "nobody", "a").numbers == (14155550101,)
    assert reasons(columns, "555", "nobody", "a") == (
        "phone: '555' is too short",
        "phone2: 'nobody' is not a phone number",
    )


def test_a_row_without_a_number_says_so() -> None:
    assert reasons(["phone", "phone2", "name"], "", " ", "a") == ("no phone number",)


def test_the_same_number_twice_in_a_row_is_one_number() -> None:
    assert lead(["phone", "phone2", "name"], "4155550100", "+1 (415) 555-0100", "a").numbers == (14155550100,)


def test_a_required_field_that_no_column_holds_makes_each_row_invalid() -> None:
    assert reasons(["phone"], "4155550100") == ("name: required, but no column holds it",)


def test_priorities_are_whole_numbers_from_1_to_1000() -> None:
    # R2.3
    columns = ["phone", "name", "priority"]
    assert [lead(columns, "4155550100", "a", good).priority for good in ("1", " 1000 ", "007", 5)] == [1, 1000, 7, 5]
    for bad in ("0", "1001", "-1", "1.0", "\u0661", "high", "99999999999", True, 1.5):
        assert reasons(columns, "4155550100", "a", bad)[0].startswith("priority: ")


def test_a_zone_is_kept_as_it_is_spelt_however_it_is_written() -> None:
    # R9.2, R11.1
    columns = ["phone", "name", "Timezone"]
    written = {"america/new_york": "America/New_York", " UTC ": "UTC", "EST5EDT": "EST5EDT", "gb": "GB", "  ": ""}
    for text, zone in written.items():
        row = lead(columns, "4155550100", "a", text)
        assert row.zone == zone
        assert json.decode(row.data) == {"name": "a"}


def test_a_zone_that_is_none_makes_the_row_invalid() -> None:
    # R9.2, R11.1
    columns = ["phone", "name", "timezone"]
    for bad in ("EDT", "Eastern", "+01:00", "America", "America/New York", "../UTC", "\ud800", -5, True, ["UTC"]):
        found = check(columns, "4155550100", "a", bad)
        assert isinstance(found, IntakeReject)
        assert (found.closure, found.rule, found.numbers) == ("not_accepted", "timezone", (14155550100,))
        assert found.reasons[0].startswith("timezone: ")
        assert found.reasons[0].endswith(" must be an IANA name such as America/New_York")
        assert found.zone == ""
    columns = ["phone", "size", "timezone"]
    unsized = check(columns, "4155550100", "large", "utc")
    assert isinstance(unsized, IntakeReject)
    assert unsized.zone == "UTC"


def test_a_field_of_the_campaign_that_is_called_timezone_is_hidden_by_the_special_one() -> None:
    # R9.2: as one called priority or owner is.
    fields = (TemplateField("name"), TemplateField("timezone", required=True))
    plan = Matcher(fields, {"zone": "timezone"}).plan(["phone", "name", "zone"])
    checker = RowChecker(plan, Numbers("US"), OWNERS, compile_rules(UploadRules(), fields))
    found = checker.check(7, ("4155550100", "a", "europe/london"), ())
    assert isinstance(found, IntakeRow)
    assert (found.zone, json.decode(found.data)) == ("Europe/London", {"name": "a"})
    assert isinstance(checker.check(8, ("4155550100", "a", ""), ()), IntakeRow), "it is never required"


def test_json_values_of_any_type_are_judged_too() -> None:
    columns = ["phone", "name", "owner", "timezone"]
    assert lead(columns, 14155550100, "a", None, None).numbers == (14155550100,)
    for bad in (-14155550100, True, 1.5, {"a": 1}, ["4155550100"]):
        assert "is not a phone number" in reasons(columns, bad, "a", None, None)[0]
    assert len(reasons(columns, "4155550100", ["a"], 7, 8)) == 3


def test_text_that_is_not_unicode_is_a_reason_not_a_crash() -> None:
    assert reasons(["phone", "name"], "4155550100", "\ud800") == ("has characters that are not Unicode text",)


_CELL = (
    st.none() | st.text(max_size=12) | st.integers() | st.floats() | st.booleans()
    | st.sampled_from(["4155550100", "agent:ann", "yes", "2026-03-02", "a@b.c", "UTC"])
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(_CELL, min_size=len(COLUMNS), max_size=len(COLUMNS)))
def test_any_row_is_a_lead_with_a_number_or_a_reject_with_a_reason(cells: list[object]) -> None:
    found = check(COLUMNS, *cells)
    if isinstance(found, IntakeRow):
        assert found.numbers
        assert isinstance(json.decode(found.data), dict)
    else:
        assert found.reasons
        assert all(found.reasons)
