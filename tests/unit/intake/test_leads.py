"""Leads given as JSON, as a table (R9.1)."""

from hypothesis import given
from hypothesis import strategies as st

from nextlead_adapters.intake.leads import PHONES_MAX, lead_table


def test_leads_become_columns_and_values() -> None:
    table = lead_table(
        [
            {"phone": "1", "data": {"Name": "a", "city": "x"}, "priority": 3},
            {"phone": ["2", "3"], "data": {"name": "b"}},
            {"phone": "4"},
        ]
    )
    assert table.columns == ("phone", "phone", "priority", "Name", "city")
    assert [lead.values for lead in table.leads] == [
        ("1", None, 3, "a", "x"),
        ("2", "3", None, "b", None),
        ("4", None, None, None, None),
    ]
    assert [lead.problem for lead in table.leads] == ["", "", ""]


def test_what_was_given_is_kept_as_it_was() -> None:
    assert lead_table([{"phone": "1", "data": {"name": "é"}}]).leads[0].cell == '{"phone": "1", "data": {"name": "é"}}'


def test_a_lead_of_another_shape_does_not_hold_up_the_others() -> None:
    # R9.5
    bad: list[object] = [
        "text", None, 5, [], {"phone": "1", "name": "a"}, {"phone": "1", "data": ["a"]},
        {"phone": ["1"] * (PHONES_MAX + 1)}, {"phone": "1", "data": {"a": 1, " A ": 2}}, {"phone": "1\0"},
    ]  # fmt: skip
    table = lead_table([*bad, {"phone": "1"}])
    assert [bool(lead.problem) for lead in table.leads] == [True] * len(bad) + [False]
    assert "unknown keys: name" in table.leads[4].problem
    assert table.columns == ("phone",)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["phone", "data", "owner", "priority"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.lists(_JSON, max_size=6))
def test_any_json_gives_a_table(leads: list[object]) -> None:
    table = lead_table(leads)
    assert len(table.leads) == len(leads)
    assert all(lead.problem or len(lead.values) == len(table.columns) for lead in table.leads)
