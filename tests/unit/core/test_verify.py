"""`verify` finds what it is for: a broken footprint does not pass."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from nextlead.core.activity_model import Activity
from nextlead.core.commands import (
    ClosePool,
    EditLead,
    Finish,
    IntakeRow,
    LoadRows,
    LogActivity,
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
    next(iter(queue.parts.values())).keys.pop_last()


def _lose_a_head(engine: Engine) -> None:
    queue = next(queue for queue in engine.state.queues.values() if queue.levels)
    queue.levels[queue.priorities[0]][0] -= 1


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


# -- counts by condition (SPEC 13) ----------------------------------------------------------------------------------


def counted_engine() -> Engine:
    """The worked engine, with leads that closed and one that was texted."""
    engine = worked_engine()
    engine.apply(LogActivity(lead=5, interaction="sms"), NOW_MS)
    engine.apply(Remove(lead=6), NOW_MS)
    engine.apply(LogActivity(lead=7, interaction="in_store", outcome="sold"), NOW_MS)
    assert engine.verify() == []
    return engine


def _miscount_a_pool(engine: Engine) -> None:
    counts = next(iter(engine.state.counts.pools.values()))
    counts[next(iter(counts))] -= 1


def _miscount_closed_leads(engine: Engine) -> None:
    counts = next(iter(engine.state.counts.closed.values()))
    counts[next(iter(counts))] += 1


def _miscount_a_pools_closed_leads(engine: Engine) -> None:
    counts = engine.state.counts
    pool, row = next(iter(counts.closures.items()))
    counts.closures[pool] = replace(row, counts=row.counts | {"removed": 7})


def _forget_an_activity(engine: Engine) -> None:
    lead = engine.lead(5)
    assert lead is not None
    engine.state.leads.put(replace(lead, latest=None))


def _take_one_activity_for_another(engine: Engine) -> None:
    lead = engine.lead(5)
    assert lead is not None
    assert lead.latest is not None
    engine.state.leads.put(replace(lead, latest=replace(lead.latest, kind=Activity.SMS_IN)))


def _count_one_as_shown(engine: Engine) -> None:
    counts = engine.state.counts.unshown
    counts[next(iter(counts))] -= 1


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_miscount, "condition"),
        (_miscount_a_pool, "pool"),
        (_miscount_closed_leads, "condition"),
        (_miscount_a_pools_closed_leads, "condition"),
        (_forget_an_activity, "condition"),
        (_take_one_activity_for_another, "condition"),
        (_count_one_as_shown, "shown"),
    ],
)
def test_a_wrong_count_is_found(damage: Callable[[Engine], None], told: str) -> None:
    engine = counted_engine()
    damage(engine)
    assert [problem for problem in engine.verify() if told in problem]


def test_a_count_of_nothing_is_no_difference() -> None:
    engine = counted_engine()
    for counts in engine.state.counts.open.values():
        counts.setdefault(127, 0)
    assert engine.verify() == []
