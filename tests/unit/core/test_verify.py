"""`verify` finds what it is for: a broken footprint does not pass."""

from collections.abc import Callable

import pytest

from nextlead.core.commands import (
    ClosePool,
    EditLead,
    Finish,
    IntakeRow,
    LoadRows,
    Next,
    OpenPool,
    PutAgent,
    PutCampaign,
    PutSession,
    Remove,
    Tick,
)
from nextlead.core.engine import Engine
from nextlead.core.timers import Kind
from nextlead.core.tokens import token_text

NOW_MS = 1_772_442_000_000


def worked_engine() -> Engine:
    """Some leads in every kind of place."""
    engine = Engine()
    engine.start(NOW_MS)
    engine.apply(PutCampaign(code="c1"), NOW_MS)
    pool = engine.apply(OpenPool(campaign="c1"), NOW_MS).reply
    rows = tuple(IntakeRow(n, (14155550100 + n % 7,)) for n in range(10))
    for code in ("A", "B"):
        engine.apply(PutAgent(code=code, campaigns=("c1",)), NOW_MS)
        engine.apply(PutSession(agent=code, campaigns=("c1",)), NOW_MS)
    engine.apply(LoadRows(pool=pool.id, rows=rows), NOW_MS)
    engine.apply(ClosePool(pool=pool.id), NOW_MS)
    for at, outcome in enumerate(("private", "unresolved", "unreached")):
        offer = engine.apply(Next(agent="A", token=bytes([at]) * 16), NOW_MS).reply
        token = token_text(offer.lead.id, bytes([at]) * 16)
        command = {
            "private": Finish(token=token, outcome="redial", kind="private", at_ms=NOW_MS + 1000),
            "unresolved": Finish(token=token, outcome="unresolved"),
            "unreached": Finish(token=token, outcome="unreached", cause="busy"),
        }[outcome]
        engine.apply(command, NOW_MS)
    engine.apply(Next(agent="B", token=bytes(16)), NOW_MS)
    return engine


def test_a_worked_engine_is_sound() -> None:
    assert worked_engine().verify() == []


def _lose_a_key(engine: Engine) -> None:
    queue = next(queue for queue in engine.state.queues.values() if queue.parts)
    next(iter(queue.parts.values())).keys.pop()


def _lose_a_head(engine: Engine) -> None:
    queue = next(queue for queue in engine.state.queues.values() if queue.levels)
    queue.levels[0].heads[0] -= 1


def _miscount(engine: Engine) -> None:
    counts = next(iter(engine.state.counts.open.values()))
    counts[next(iter(counts))] += 1


def _lose_a_timer(engine: Engine) -> None:
    slot, base_ms, what = next(iter(engine.state.timers.entries()))
    engine.state.timers.remove(slot, base_ms, what)


def _put_a_timer_out_of_order(engine: Engine) -> None:
    slot = (Kind.LEASE, engine.campaigns.need("c1").no)
    engine.state.timers.add(slot, NOW_MS - 1, 9)
    assert engine.state.timers.disorder() == [slot]


def _hold_a_number(engine: Engine) -> None:
    engine.state.held[1] = 1


def _fault(engine: Engine) -> None:
    engine.state.faults += 1


@pytest.mark.parametrize(
    "damage", [_lose_a_key, _lose_a_head, _miscount, _lose_a_timer, _put_a_timer_out_of_order, _hold_a_number, _fault]
)
def test_damage_is_found(damage: Callable[[Engine], None]) -> None:
    engine = worked_engine()
    damage(engine)
    assert engine.verify() != []


def test_an_edit_of_a_leased_lead_leaves_its_timer_where_it_is() -> None:  # R5.2
    engine = worked_engine()
    (held,) = engine.leases_of("B")
    engine.apply(PutSession(agent="A", campaigns=("c1",)), NOW_MS + 1000)
    engine.apply(Next(agent="A", token=b"\1" * 16), NOW_MS + 1000)
    engine.apply(EditLead(lead=held.lead.id, priority=1), NOW_MS + 2000)
    engine.apply(Remove(lead=held.lead.id), NOW_MS + 2000)
    assert engine.verify() == []
    engine.apply(Tick(), NOW_MS + 3_600_000)
    assert engine.leases_of("B") == []
    assert len(engine.leases_of("A")) == 1
