"""A start builds the order in pieces, and it does not matter in how many."""

from collections import Counter

import pytest
from unit.core.centre import NOW_MS, Centre, restore

from nextlead.core import recovery, runs
from nextlead.core.engine import Engine
from nextlead.core.order import ID_BITS
from nextlead.core.setup_model import ContactLimit
from nextlead.core.state import State
from nextlead.core.verify import differences

CALLED, LEASED, UNTOUCHED = 12, 2, 30


@pytest.fixture
def centre() -> Centre:
    """Some were called, some wait on a screen, and one number in three is also another lead's."""
    centre = Centre(contact_limits=(ContactLimit("max", 1_000_000, 1),))
    numbers = [12125550100 + at for at in range(CALLED + LEASED + UNTOUCHED)]
    centre.load(*numbers[:5], state="held")
    centre.load(*numbers)
    centre.load(*numbers[::3])
    for _ in range(CALLED):
        centre.finish(centre.next(), "unreached", cause="no_answer")
    for agent in ("a", "b"):
        centre.next(agent)
    return centre


def restored(old: State) -> Engine:
    """An engine that has been given all rows, and nothing more."""
    engine = Engine()
    restore(old, engine)
    return engine


def test_whoever_builds_in_pieces_builds_the_same(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:  # R5.7
    at_once = restored(centre.engine.state)
    at_once.start(NOW_MS, NOW_MS)
    for module, name in ((recovery, "LAID"), (recovery, "RUN"), (recovery, "PART")):
        monkeypatch.setattr(module, name, 1)
    monkeypatch.setattr(runs.sorted_in_pieces, "__defaults__", (3,))
    in_pieces = restored(centre.engine.state)
    assert len(list(in_pieces.build(NOW_MS))) > CALLED + UNTOUCHED
    in_pieces.start(NOW_MS, NOW_MS)
    assert differences(at_once.state, in_pieces.state) == []
    assert at_once.state.lease_floor_ms == in_pieces.state.lease_floor_ms > NOW_MS
    assert in_pieces.verify() == []


def test_start_goes_on_where_somebody_stopped(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "LAID", 1)
    engine = restored(centre.engine.state)
    pieces = engine.build(NOW_MS)
    for _ in range(CALLED // 2):
        next(pieces)
    engine.start(NOW_MS, NOW_MS)
    assert engine.verify() == []
    assert differences(centre.engine.state, engine.state) == []


def test_no_piece_is_a_big_one(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "LAID", 3)
    monkeypatch.setattr(recovery, "RUN", 5)
    done = Counter[str]()

    def counted(name: str) -> None:
        method = getattr(State, name)
        monkeypatch.setattr(State, name, lambda *given: (done.update([name]), method(*given))[1])

    for name in ("lay", "make_part", "reconsider"):
        counted(name)
    engine = restored(centre.engine.state)
    most = Counter[str]()
    for _ in engine.build(NOW_MS):
        most |= done
        done.clear()
    assert most["lay"] == 3
    assert 0 < most["reconsider"] <= 3
    assert most["make_part"] <= 1 + 3  # one of each of the leads laid, too


def test_ranges_of_ids_come_back(centre: Centre) -> None:
    engine = restored(centre.engine.state)
    engine.start(NOW_MS, NOW_MS)
    assert engine.state.pool_ids == {pool: sorted(found) for pool, found in centre.engine.state.pool_ids.items()}
    assert all(last < 1 << ID_BITS for found in engine.state.pool_ids.values() for _, last in found)
