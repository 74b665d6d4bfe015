from pathlib import Path

import pytest
from benchmarks.gate import command
from benchmarks.gate.bounds import Figure, Recorded, hold, read, record, write

OURS, THEIRS, UNKNOWN = "3.11", "3.12", "3.99"


def texts(figures: list[Figure], recorded: Recorded, version: str = OURS) -> list[str]:
    return [f"{finding.kind}: {finding.text}" for finding in hold("engine", figures, recorded, version)]


def recorded_as(value: float, version: str = OURS) -> Recorded:
    return {version: {"engine": {"calls": value}}}


@pytest.mark.parametrize(
    ("value", "recorded", "exact", "held"),
    [
        (105.0, 100, False, True),
        (105.1, 100, False, False),
        (100.0, 100, True, True),
        (100.001, 100, True, False),
        (0.04, 0.0, False, True),
        (0.06, 0.0, False, False),
        (0.000001, 0.0, True, True),
        (0.0001, 0.0, True, False),
    ],
)
def test_a_bound_is_what_was_recorded_and_a_little_more(value: float, recorded: float, exact: bool, held: bool) -> None:
    assert (texts([Figure("calls", value, exact=exact)], recorded_as(recorded)) == []) is held


def test_what_fails_is_named_with_its_bound_and_what_was_found() -> None:
    [text] = texts([Figure("calls", 130)], recorded_as(100))
    assert text == "fails: engine: calls is 130, over its bound 105 (100 recorded)"


def test_much_less_is_told_and_does_not_fail() -> None:
    assert texts([Figure("calls", 91)], recorded_as(100)) == []
    [text] = texts([Figure("calls", 89)], recorded_as(100))
    assert text == "better: engine: calls is 89, well below the 100 recorded"


def test_a_figure_that_says_how_much_is_too_much_needs_no_record() -> None:
    assert texts([Figure("times", 1.3, most=1.3)], {}) == []
    assert texts([Figure("times", 1.4, most=1.3)], {}) == ["fails: engine: times is 1.4, over 1.3"]
    recorded: Recorded = {}
    record(recorded, "engine", [Figure("times", 1.3, most=1.3)], OURS)
    assert recorded == {OURS: {"engine": {}}}


def test_neither_a_figure_nor_a_bound_is_forgotten() -> None:
    assert texts([Figure("new", 1)], recorded_as(100)) == [
        "fails: engine: new is 1, and has no bound",
        "fails: engine: calls has a bound and is not counted any more",
    ]


def test_a_version_of_python_without_a_record_may_need_half_more_than_the_greatest() -> None:
    recorded = recorded_as(100) | recorded_as(90, THEIRS)
    assert texts([Figure("calls", 149)], recorded, UNKNOWN) == []
    assert texts([Figure("calls", 10)], recorded, UNKNOWN) == []
    assert len(texts([Figure("calls", 151)], recorded, UNKNOWN)) == 1
    assert len(texts([Figure("calls", 101, exact=True)], recorded, UNKNOWN)) == 1


def test_recording_says_what_changed_and_moves_other_versions_by_as_much() -> None:
    recorded: Recorded = recorded_as(100) | recorded_as(80, THEIRS)
    changed = record(recorded, "engine", [Figure("calls", 110), Figure("rows", 0)], OURS)
    assert changed == ["engine: calls: 100 -> 110 (+10.0 %)", "engine: rows: new, 0"]
    assert recorded == {OURS: {"engine": {"calls": 110, "rows": 0}}, THEIRS: {"engine": {"calls": 88}}}
    assert record(recorded, "engine", [Figure("rows", 2)], OURS) == [
        "engine: calls: gone, was 110",
        "engine: rows: 0 -> 2",
    ]
    assert recorded == {OURS: {"engine": {"rows": 2}}, THEIRS: {"engine": {}}}


def test_a_first_record_for_a_version_leaves_the_others_alone() -> None:
    recorded = recorded_as(100)
    record(recorded, "engine", [Figure("calls", 80)], THEIRS)
    assert recorded == recorded_as(100) | recorded_as(80, THEIRS)


def test_recording_keeps_what_was_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "bounds.json"
    assert read(path) == {}
    write({OURS: {"stores": {"rows": 1.0}}}, path)
    assert command.record({"engine": [Figure("calls", 3)]}, path) == ["engine: calls: new, 3"]
    assert command.record({"engine": [Figure("calls", 3)]}, path) == ["nothing changed"]
    [(version, groups)] = [(version, groups) for version, groups in read(path).items() if "engine" in groups]
    assert groups["engine"] == {"calls": 3}
    assert read(path)[OURS]["stores"] == {"rows": 1.0}
    assert version.count(".") == 1


def test_noise_is_not_recorded() -> None:
    recorded = recorded_as(100)
    assert record(recorded, "engine", [Figure("calls", 100.4)], OURS) == []
    assert recorded == recorded_as(100)
    assert record(recorded, "engine", [Figure("calls", 100.4, exact=True)], OURS) == [
        "engine: calls: 100 -> 100.4 (+0.4 %)"
    ]
