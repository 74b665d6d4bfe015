"""Cells and JSON values to the types of a template's fields (R9.4)."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextlead_adapters.intake.values import READERS, is_blank, shown


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("text", " as it is ", " as it is "),
        ("text", 94109, "94109"),
        ("number", " 12 ", 12),
        ("number", "-7", -7),
        ("number", "12.50", 12.5),
        ("number", "1e3", 1000.0),
        ("number", 3, 3),
        ("number", 2.5, 2.5),
        ("date", "2026-03-02", "2026-03-02"),
        ("date", "2026-03-02T09:30:00+01:00", "2026-03-02T09:30:00+01:00"),
        ("boolean", "Yes", True),
        ("boolean", "0", False),
        ("boolean", 1, True),
        ("boolean", False, False),
        ("email", " a.b@example.org ", "a.b@example.org"),
    ],
)
def test_right_values(kind: str, raw: object, value: object) -> None:
    found = READERS[kind](raw)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "raw", "why"),
    [
        ("text", True, "is not text"),
        ("text", ["a"], "is not text"),
        ("number", "1,200", "is not a number"),
        ("number", "twelve", "is not a number"),
        ("number", "nan", "is not a number"),
        ("number", "1e999", "is not a number"),
        ("number", math.inf, "is not a number"),
        ("number", 10**18, "is not a number"),
        ("number", True, "is not a number"),
        ("number", "\u0661\u0662", "is not a number"),
        ("date", "02/03/2026", "is not a date (YYYY-MM-DD)"),
        ("date", "2026-02-30", "is not a date (YYYY-MM-DD)"),
        ("date", 20260302, "is not a date (YYYY-MM-DD)"),
        ("boolean", "perhaps", "is not yes or no"),
        ("boolean", 2, "is not yes or no"),
        ("email", "nobody", "is not an e-mail address"),
        ("email", "a@b@c", "is not an e-mail address"),
        ("email", "a b@c.org", "is not an e-mail address"),
        ("email", None, "is not an e-mail address"),
    ],
)
def test_wrong_values_say_why(kind: str, raw: object, why: str) -> None:
    with pytest.raises(ValueError, match="is not") as refusal:
        READERS[kind](raw)
    assert str(refusal.value) == why


_JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.lists(st.text(), max_size=2)


@given(st.sampled_from(sorted(READERS)), _JSON)
def test_what_a_reader_stores_it_also_reads(kind: str, raw: object) -> None:
    try:
        stored = READERS[kind](raw)
    except ValueError:
        return
    assert READERS[kind](stored) == stored


def test_blank() -> None:
    assert is_blank(None)
    assert is_blank(" \t")
    assert not is_blank("0")
    assert not is_blank(0)
    assert not is_blank(False)


def test_reasons_quote_values_short_and_printable() -> None:
    assert shown("abc") == "'abc'"
    assert shown("x" * 100) == "'" + "x" * 40 + "...'"
    assert shown("a\0\ud800").isprintable()
