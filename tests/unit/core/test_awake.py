"""Alarms of queues that sleep (`awake.py`)."""

from unit.core.centre import NOW_MS

from nextlead.core.awake import Awake, lane_of
from nextlead.core.order import key_of, limit
from nextlead.core.queues import FREE, OWN_DUE, Family, Part, Queue

DAY_MS = 86_400_000


def test_alarms_that_count_no_more_do_not_pile_up() -> None:
    awake = Awake()
    queue = Queue(1, -1, Family.COMMON, 0, awake)
    name = (1, 0, 5, OWN_DUE, False, FREE)
    part = queue.parts[name] = Part(queue, name, 5, 0, is_open=True)
    queue.add(part, key_of(NOW_MS + 100 * DAY_MS, 0, 1))
    lane = {lane_of(queue.campaign, queue.owner)}
    for now_ms in range(NOW_MS, NOW_MS + 1000):
        soon = key_of(now_ms, 0, 2)
        queue.add(part, soon)  # it is due, so the queue wakes; and sleeps when it is taken, until the hundred days end
        awake.ring(limit(now_ms))
        assert awake.due(lane, 0, set(), limit(now_ms)) == [queue]
        queue.remove(part, soon)
        assert awake.due(lane, 0, set(), limit(now_ms)) == []
        assert awake.first_alarm == queue.alarm == key_of(NOW_MS + 100 * DAY_MS, 0, 1)
    assert len(awake._alarms) < 200
    awake.ring(limit(NOW_MS + 100 * DAY_MS))
    assert awake.due(lane, 0, set(), limit(NOW_MS + 100 * DAY_MS)) == [queue]
