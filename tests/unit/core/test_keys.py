"""`Keys` against a sorted list."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nextlead.core import keys as module
from nextlead.core.keys import Keys

INTS = st.integers(0, 400)


class Machine(RuleBasedStateMachine):
    """Small chunks, so that they split and join all the time."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = Keys()
        self.model: list[int] = []

    @rule(key=INTS)
    def add(self, key: int) -> None:
        if key not in self.model:
            self.keys.add(key)
            self.model = sorted([*self.model, key])

    @precondition(lambda self: bool(self.model))
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.model))
        self.keys.remove(key)
        self.model.remove(key)

    @rule(key=INTS)
    def remove_what_is_not_there(self, key: int) -> None:
        if key not in self.model:
            with pytest.raises(ValueError, match=str(key)):
                self.keys.remove(key)

    @precondition(lambda self: bool(self.model))
    @rule()
    def pop_first(self) -> None:
        assert self.keys.pop_first() == self.model.pop(0)

    @precondition(lambda self: bool(self.model))
    @rule()
    def pop_last(self) -> None:
        assert self.keys.pop_last() == self.model.pop()

    @rule(more=st.sets(INTS, max_size=60))
    def update(self, more: set[int]) -> None:
        more -= set(self.model)
        self.keys.update(more)
        self.model = sorted([*self.model, *more])

    @rule(more=st.sets(st.integers(1, 90), max_size=40))
    def append(self, more: set[int]) -> None:
        behind = sorted(max(self.model, default=0) + each for each in more)
        self.keys.append(behind)
        self.model += behind

    @rule(key=INTS, high=INTS)
    def look(self, key: int, high: int) -> None:
        assert self.keys.bisect_left(key) == sum(each < key for each in self.model)
        assert list(self.keys.after(key)) == [each for each in self.model if each > key]
        assert list(self.keys.irange(key, high)) == [each for each in self.model if key <= each <= high]

    @invariant()
    def same(self) -> None:
        assert list(self.keys) == self.model
        assert len(self.keys) == len(self.model)
        assert bool(self.keys) == bool(self.model)
        assert not self.model or self.keys.first() == self.model[0]
        assert [self.keys[place] for place in range(len(self.model))] == self.model
        with pytest.raises(IndexError):
            self.keys[len(self.model)]


@pytest.fixture(autouse=True, scope="module")
def small_chunks() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    for name, value in (("MOST", 16), ("_LEAST", 2), ("_FULL", 8)):
        patch.setattr(module, name, value)
    yield
    patch.undo()


TestKeys = Machine.TestCase
TestKeys.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


@given(st.sets(st.integers(0, 10**6), max_size=300))
def test_from_any_order(numbers: set[int]) -> None:
    assert list(Keys(numbers)) == sorted(numbers)
