"""Columns to fields (R9.2, R9.3)."""

import pytest

from nextlead.core.errors import Invalid
from nextlead.core.setup_model import TemplateField
from nextlead_adapters.intake.mapping import COLUMNS_MAX, Matcher, Plan

FIELDS = (TemplateField("name"), TemplateField("City", required=True), TemplateField("mobile", "phone"))


def plan(columns: list[str], mapping: dict[str, str | None] | None = None) -> Plan:
    return Matcher(FIELDS, mapping or {}).plan(columns)


def test_names_match_whatever_their_case_and_surrounding_space() -> None:
    found = plan([" NAME", "city ", "Phone"])
    assert [column.field.template.name for column in found.data if column.field.template] == ["name", "City"]
    assert [column.index for column in found.phones] == [2]
    assert found.unmatched == ()


def test_columns_that_match_nothing_are_unmatched_under_their_own_name() -> None:
    # R9.3
    assert plan(["phone", "Fax ", "name", "", "fax"]).unmatched == ("fax", "column 4")


def test_mapping_names_a_field_for_a_column() -> None:
    found = plan(["Telephone", "Firm", "city"], {"telephone ": "Phone", "firm": "NAME"})
    assert [column.name for column in found.phones] == ["Telephone"]
    assert [column.name for column in found.data] == ["Firm", "city"]


def test_mapping_wins_over_the_columns_own_name() -> None:
    found = plan(["phone", "city", "name"], {"city": "name", "name": "city"})
    assert {column.name: column.field.template.name for column in found.data if column.field.template} == {
        "city": "name",
        "name": "City",
    }


@pytest.mark.parametrize("nothing", [None, "", " "])
def test_a_column_mapped_to_nothing_is_left_out_on_purpose(nothing: str | None) -> None:
    found = plan(["phone", "fax", "name"], {"fax": nothing, "name": nothing})
    assert found.unmatched == ()
    assert found.data == ()


def test_several_phones_are_dialled_in_their_order() -> None:
    columns = ["mobile", "phone3", "office", "phone", "phone2"]
    found = plan(columns, {"office": "phone"})
    assert [column.name for column in found.phones] == ["office", "phone", "phone2", "phone3", "mobile"]


def test_a_template_field_of_type_phone_is_enough() -> None:
    assert [column.name for column in plan(["mobile"]).phones] == ["mobile"]


def test_required_fields_without_a_column_are_known() -> None:
    assert plan(["phone", "name"]).missing == ("City",)
    assert plan(["phone", "city"]).missing == ()


def test_special_fields_win_over_the_templates() -> None:
    matcher = Matcher((TemplateField("priority", required=True), TemplateField("phone")), {})
    found = matcher.plan(["phone", "priority", "owner", "timezone"])
    assert [column.field.kind for column in found.special] == ["priority", "owner", "timezone"]
    assert found.data == ()
    assert found.missing == ()


@pytest.mark.parametrize(
    ("columns", "mapping", "field", "part"),
    [
        (["phone"], {"phone": "nothing"}, "mapping.phone", "there is no field 'nothing'"),
        (["phone"], {"tel": "phone"}, "mapping.tel", "the file has no such column (it has: 'phone')"),
        (["phone"], {"a": "name", " A": "city"}, "mapping. A", "named twice"),
        (["phone", "name", "Name "], {}, "mapping", "columns 2 ('name') and 3 ('Name') are both 'name'"),
        (["phone", "owner", "owner"], {}, "mapping", "both 'owner'"),
        (["name", "city"], {}, "file", "no column holds the phone number"),
        (["phone"] * (COLUMNS_MAX + 1), {}, "file", "1001 columns"),
    ],
)
def test_what_is_ambiguous_or_hopeless_is_refused(
    columns: list[str], mapping: dict[str, str | None], field: str, part: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        plan(columns, mapping)
    assert refusal.value.field == field
    assert part in refusal.value.rule
