import pytest
from benchmarks.cost import Steps, following
from benchmarks.gate import decisions


def work(turns: int) -> int:
    found = 0
    for number in range(turns):
        if number < 5:
            found += 1
        if number == 5:
            found += number
    return found


def steps_of(turns: int) -> Steps:
    steps = Steps()
    with following():
        work(turns)  # nobody counts this
        assert steps.count(work, turns) == work(turns)
    return steps


def test_turns_and_comparisons_of_order_are_counted() -> None:
    ten, thirty = steps_of(10), steps_of(30)
    assert (ten.times, thirty.turns - ten.turns, thirty.looks - ten.looks) == (1, 20, 20)
    assert thirty.instructions - ten.instructions >= 20 * 6


def test_counts_are_the_same_whoever_counted_before() -> None:
    assert steps_of(10) == steps_of(10)


def test_nothing_is_counted_unless_somebody_follows() -> None:
    with pytest.raises(AssertionError):
        Steps().count(work, 1)


def test_figures_of_decisions_are_the_same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "SCENES", ("pools",))
    monkeypatch.setattr(decisions, "GROWTH_SCENES", ())
    monkeypatch.setattr(decisions, "SCENE_LEADS", (1_500, 3_000))
    monkeypatch.setattr(decisions, "SCENE_BEFORE", 50)
    monkeypatch.setattr(decisions, "SCENE_TURNS", 4)
    assert decisions.blocked() == decisions.blocked()
