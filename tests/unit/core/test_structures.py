"""Timers, numbers, pages and tokens: the small structures under the engine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextlead.core.errors import UnknownLease
from nextlead.core.model import FreshLead
from nextlead.core.numbers import NumberIndex, number_entry
from nextlead.core.order import NEVER
from nextlead.core.pages import PAGE_SIZE, Pages
from nextlead.core.timers import Kind, Slot, Timers
from nextlead.core.tokens import parse_token, token_text


def test_a_changed_setting_moves_every_timer_at_once() -> None:  # R4.4
    delays = {1: 100, 2: None}

    def deadline_of(slot: Slot, base_ms: int) -> int | None:
        delay = delays[slot[1]]
        return None if delay is None else base_ms + delay

    timers = Timers(deadline_of)
    timers.add((Kind.RELEASE_PRIVATE, 1), 1000, 11)
    timers.add((Kind.RELEASE_PRIVATE, 1), 900, 12)
    timers.add((Kind.RELEASE_PRIVATE, 2), 1, 13)
    assert timers.bound == 1000
    assert timers.due(999) is None
    assert timers.due(1000) == (1000, (Kind.RELEASE_PRIVATE, 1), 12)
    delays[1] = 5000
    timers.settings_changed()
    assert timers.due(5899) is None
    assert timers.bound == 5900
    delays[2] = 7
    timers.settings_changed()
    assert timers.due(8) == (8, (Kind.RELEASE_PRIVATE, 2), 13)


def test_a_removed_timer_does_not_fire() -> None:
    timers = Timers(lambda _slot, base_ms: base_ms)
    timers.add((Kind.ABANDON, 0), 50, 1)
    timers.remove((Kind.ABANDON, 0), 50, 1)
    assert timers.due(1000) is None
    assert timers.bound == NEVER
    assert len(timers) == 0


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 8)), max_size=40))
def test_shared_numbers_are_those_of_two_leads(pairs: list[tuple[int, int]]) -> None:  # R3.7
    index, plain = NumberIndex(), set[tuple[int, int]]()
    for number, lead in pairs:
        if (number, lead) in plain:
            index.remove((number,), lead)
            plain.discard((number, lead))
        else:
            index.add((number,), lead)
            plain.add((number, lead))
        by_number = {n: {lead for other, lead in plain if other == n} for n, _ in plain}
        assert {n: set(index.leads(n)) for n in by_number} == by_number
        assert index.shared == {n: leads for n, leads in by_number.items() if len(leads) > 1}
    rebuilt = NumberIndex()
    for _ in rebuilt.build([number_entry(number, lead) for number, lead in plain]):
        pass
    assert sorted(rebuilt.entries()) == sorted(number_entry(number, lead) for number, lead in plain)
    assert rebuilt.shared == index.shared
    assert len(rebuilt) == len(index)


def test_pages_keep_what_came_in_and_forget_what_was_touched() -> None:
    pages = Pages()
    first = FreshLead(1, 3, 1, (14155550100,), -1, 7, 0, b"{}", 99)
    far = FreshLead(PAGE_SIZE + 5, 3, 2, (14155550101, 14155550102), 8, 0, 2, b"{}", 99, 4)
    pages.add([first, far])
    assert pages.get(1) == first
    assert pages.get(PAGE_SIZE + 5) == far
    assert pages.get(2) is None
    assert sorted(pages) == [1, PAGE_SIZE + 5]
    pages.discard(PAGE_SIZE + 5)
    pages.discard(PAGE_SIZE + 5)
    assert pages.get(PAGE_SIZE + 5) is None
    assert pages.held == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "1",
        "1-",
        "1-ab",
        "zz-" + "0" * 32,
        "1-" + "g" * 32,
        "1" * 11 + "-" + "0" * 32,
        "+1-" + "0" * 32,
        "0x1-" + "0" * 32,
        "٣-" + "0" * 32,
        "A-" + "0" * 32,
    ],
)
def test_what_was_never_a_token_is_unknown(text: str) -> None:  # R5.1
    with pytest.raises(UnknownLease):
        parse_token(text)


def test_a_token_names_its_lead() -> None:  # R5.1
    secret = bytes(range(16))
    assert parse_token(token_text(1265, secret)) == (1265, secret)
