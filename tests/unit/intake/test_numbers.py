"""Text to numbers (R9.4)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextlead_adapters.intake.numbers import Numbers, is_region


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("+14155550100", "US", 14155550100),
        ("(415) 555-0100", "US", 14155550100),
        ("1 415 555 0100", "us", 14155550100),
        ("  415.555.0100\t", "US", 14155550100),
        ("tel:+1-415-555-0100", "US", 14155550100),
        ("+1 415 555 0100 ext. 5", "US", 14155550100),
        ("020 7946 0018", "GB", 442079460018),
        ("+44 20 7946 0018", "US", 442079460018),
        ("011 44 20 7946 0018", "US", 442079460018),
        ("0044 20 7946 0018", "DE", 442079460018),
        ("06 698 12345", "IT", 390669812345),
        ("\uff0b1\uff14\uff11\uff15 555 0100", "US", 14155550100),
    ],
)
def test_numbers_come_out_as_e164(text: str, region: str, number: int) -> None:
    assert Numbers(region).read(text) == number


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nobody", "is not a phone number"),
        ("-", "is not a phone number"),
        ("+999 123 456 789", "has no known country code"),
        ("415 555", "is too short"),
        ("555 0100", "lacks the area code"),
        ("+1 415 555 0100 0100", "is too long"),
        ("1" * 300, "is too long"),
        ("(999) 555-0100", "is not in use in the numbering plan of +1"),
    ],
)
def test_unusable_numbers_say_why(text: str, why: str) -> None:
    assert Numbers("US").read(text) == why


def test_a_spreadsheets_decimal_does_not_become_another_number() -> None:
    # Without care, 4930123456.0 is read as 49301234560: valid too, but somebody else's.
    numbers = Numbers("DE")
    assert numbers.read("4930123456.0") == numbers.read("4930123456") == 4930123456


def test_a_text_read_twice_is_the_same_number_and_regions_do_not_mix() -> None:
    british, american = Numbers("GB"), Numbers("US")
    assert british.read("020 7946 0018") == british.read("020 7946 0018") == 442079460018
    assert isinstance(american.read("020 7946 0018"), str)


def test_regions() -> None:
    assert is_region("us")
    assert not is_region("ZZ")
    assert not is_region("")


@settings(max_examples=200)
@given(st.text(max_size=40) | st.from_regex(r"[+(0-9][0-9 ()./+x-]{0,20}", fullmatch=True))
def test_any_text_gives_a_number_or_a_reason(text: str) -> None:
    found = Numbers("US").read(text)
    if isinstance(found, int):
        assert Numbers("US").read(f"+{found}") == found
    else:
        assert found
