"""`verify` finds damage of what the short ways keep of themselves: each kind is done, and found."""

from collections.abc import Callable

import pytest
from unit.core.centre import MINUTE_MS, NOW_MS, Centre

from nextlead.core.commands import MakeUrgent, Next, PutSession, Tick
from nextlead.core.engine import Engine
from nextlead.core.keys import MOST, Keys
from nextlead.core.order import NEVER, limit
from nextlead.core.queues import Queue
from nextlead.core.timers import Kind

NUMBER = 14155550100


def busy_engine() -> Engine:
    """A lead is leased, one is urgent, redials sleep, and an agent waits who knows when to be tried again."""
    centre = Centre()
    centre.load(NUMBER, NUMBER + 1, NUMBER + 2)
    centre.finish(centre.next("a"), "redial", kind="common", at_ms=NOW_MS + 5 * MINUTE_MS)
    centre.promise("a")
    centre.next("b")
    (hot,) = centre.load(NUMBER + 3, owner="agent:b")
    centre(MakeUrgent(lead=hot, reason="hot_lead", expires_ms=NOW_MS + 60 * MINUTE_MS))
    centre(Next(agent="a", token=bytes(16), wait=True, waiter=1))
    centre(PutSession(agent="b", campaigns=("c1",)))
    centre(Tick())
    centre.ask("b")
    return centre.engine


def asleep(engine: Engine) -> Queue:
    return next(queue for queue in engine.state.queues.values() if queue.asleep and queue.parts)


def awake(engine: Engine) -> Queue:
    return next(queue for queues in engine.state.awake.shared.values() for queue in queues)


def _oversleep(engine: Engine) -> None:
    asleep(engine).alarm = NEVER


def _lose_an_alarm(engine: Engine) -> None:
    engine.state.awake._alarms.clear()
    engine.state.awake.alarm = NEVER


def _ring_late(engine: Engine) -> None:
    engine.state.awake.alarm = NEVER


def _forget_who_is_awake(engine: Engine) -> None:
    engine.state.awake.shared.clear()


def _think_it_sleeps(engine: Engine) -> None:
    awake(engine).asleep = True


def _keep_another_best(engine: Engine) -> None:
    queue = asleep(engine)
    queue.look(limit(engine.state.now_ms))
    queue.top = 1


def _keep_the_best_too_long(engine: Engine) -> None:
    queue = asleep(engine)
    queue.look(limit(engine.state.now_ms))
    queue.top_until = NEVER


def _look_at_a_slot_late(engine: Engine) -> None:
    bounds = engine.state.timers._bounds
    bounds[next(slot for slot in bounds if slot[0] is Kind.LEASE)] = NEVER


def _look_at_timers_late(engine: Engine) -> None:
    engine.state.timers.bound = NEVER


def _lose_a_viewer(engine: Engine) -> None:
    engine.state.viewers.popitem()


def _keep_a_viewer(engine: Engine) -> None:
    for viewers in engine.state.viewers.values():
        viewers.append(type(viewers[0])(99, frozenset()))


def _see_too_little(engine: Engine) -> None:
    for sight in engine.state.sights.values():
        sight.ahead.pop()


def _see_no_lane(engine: Engine) -> None:
    for sight in engine.state.sights.values():
        sight.lanes.clear()


def _watch_nothing(engine: Engine) -> None:
    for queue in engine.state.queues.values():
        queue.watchers.clear()


def _watch_for_nobody(engine: Engine) -> None:
    asleep(engine).watchers.add(99)


def _try_late(engine: Engine) -> None:
    engine.state.waiting._wakes.clear()


def _wait_for_ever(engine: Engine) -> None:
    for waiter in engine.state.waiting.by_agent.values():
        engine.state.waiting._wakes.clear()
        waiter.wake_ms = None


def _lose_a_number(engine: Engine) -> None:
    engine.state.numbers.keys.pop_last()


@pytest.mark.parametrize(
    "damage",
    [
        _oversleep,
        _lose_an_alarm,
        _ring_late,
        _forget_who_is_awake,
        _think_it_sleeps,
        _keep_another_best,
        _keep_the_best_too_long,
        _look_at_a_slot_late,
        _look_at_timers_late,
        _lose_a_viewer,
        _keep_a_viewer,
        _see_too_little,
        _see_no_lane,
        _watch_nothing,
        _watch_for_nobody,
        _try_late,
        _wait_for_ever,
        _lose_a_number,
    ],
)
def test_damage_is_found(damage: Callable[[Engine], None]) -> None:
    engine = busy_engine()
    assert engine.verify() == []
    damage(engine)
    assert engine.verify() != []


def test_keys_know_when_they_are_in_disorder() -> None:
    def keys() -> Keys:
        return Keys(range(3 * MOST))

    assert not keys().disordered()
    assert not Keys().disordered()
    swapped, lost, emptied, apart = keys(), keys(), keys(), keys()
    swapped._chunks[1][3:5] = swapped._chunks[1][4:2:-1]
    lost._lasts.pop()
    emptied._chunks[2].clear()
    apart._lasts[1] += 1
    assert all(damaged.disordered() for damaged in (swapped, lost, emptied, apart))
