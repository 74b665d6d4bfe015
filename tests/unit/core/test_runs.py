"""A long list is put in order in pieces: it is as if it had been sorted at once, and no piece is a big one."""

from collections.abc import Generator
from random import Random
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextlead.core.keys import Keys
from nextlead.core.runs import sorted_in_pieces

T = TypeVar("T")
ORDERS = ("random", "rising", "falling", "close together", "two heaps")


def ended(pieces: Generator[None, None, T]) -> tuple[T, int]:
    """What comes of it, and in how many pieces."""
    count = 1
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            return end.value, count
        count += 1


def keys_in(order: str, count: int) -> list[int]:
    rng = Random(7)
    match order:
        case "random":
            return rng.sample(range(1 << 60), count)
        case "rising":
            return list(range(count))
        case "falling":
            return list(range(count, 0, -1))
        case "close together":
            return [*rng.sample(range(count), count - 3), 1 << 50, 1 << 51, 1 << 52]
        case _:
            return [at + (1 << 40) * (at % 2) for at in range(count)]


@given(st.sets(st.integers(0, 1 << 70)), st.integers(1, 9))
def test_it_is_in_order(keys: set[int], run: int) -> None:
    given_keys = list(keys)
    found, _ = ended(sorted_in_pieces(given_keys, run))
    assert list(found) == sorted(keys)
    assert given_keys == []


@pytest.mark.parametrize("order", ORDERS)
def test_the_list_is_as_if_it_had_been_sorted_at_once(order: str) -> None:
    keys = keys_in(order, 5_000)
    found, _ = ended(sorted_in_pieces(list(keys), 300))
    assert list(found) == sorted(keys)
    for key in keys[::7]:
        found.remove(key)
        found.add(key + (1 << 70))
    assert found.bisect_left(1 << 70) == 5_000 - len(keys[::7])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("run", [400, 200])
def test_no_piece_is_a_big_one(order: str, run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    appended: list[int] = []
    append = Keys.append

    def counted(keys: Keys, more: list[int]) -> None:
        appended.append(len(more))
        append(keys, more)

    monkeypatch.setattr(Keys, "append", counted)
    keys = keys_in(order, 5_000)
    _, pieces = ended(sorted_in_pieces(keys, run))
    assert pieces >= 2 * 5_000 // run
    assert max(appended) <= 2 * run
