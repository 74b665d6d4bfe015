"""Queues against a plain sort: whatever is added, removed, switched or re-prioritised, the best due lead is the least one."""

import random

from hypothesis import given
from hypothesis import strategies as st

from nextlead.core.order import NEVER, PRIORITY_SHIFT, due_of, key_of, lead_of, limit
from nextlead.core.queues import Family, Part, Queue, Shadow

OVERDUE_MS = 5


class Plain:
    """The same queue as a dict of parts and a sort."""

    def __init__(self) -> None:
        self.parts: dict[tuple[int, int, int, int], tuple[int, bool, set[int]]] = {}

    def ready(self, below: int) -> list[tuple[int, int]]:
        return sorted(
            (priority, key)
            for priority, is_open, keys in self.parts.values()
            for key in keys
            if is_open and key < below
        )


def assert_same(queue: Queue, plain: Plain, now_ms: int) -> None:
    below = limit(now_ms)
    ready = plain.ready(below)
    best = queue.best(below)
    assert (best >> PRIORITY_SHIFT, lead_of(best)) == (ready[0][0], lead_of(ready[0][1])) if ready else best is NEVER
    but = {lead_of(ready[0][1])} if ready else set()
    second = queue.best_but(below, but)
    assert lead_of(second) == lead_of(ready[1][1]) if len(ready) > 1 else second is NEVER
    assert queue.ready(below) == len(ready)
    everything = plain.ready(NEVER)
    assert queue.earliest == min((key for _, key in everything), default=NEVER)
    assert set(queue.parts) == {key for key, (_, _, keys) in plain.parts.items() if keys}


def assert_kept(queue: Queue, below: int) -> None:
    """What is kept of the last look holds as long as it says."""
    best = queue.best(below)
    assert below > queue.top_until or queue.top == best
    queue.look(below)
    assert below <= queue.top_until
    assert queue.top == best


@given(st.integers(0, 2**32), st.integers(1, 120))
def test_a_queue_is_a_sort(seed: int, steps: int) -> None:  # R2.1, R2.2
    rng = random.Random(seed)
    queue, plain, now_ms = Queue(1, -1, Family.COMMON, OVERDUE_MS), Plain(), 0
    for lead in range(1, steps + 1):
        part_key = (rng.randrange(3), 0, rng.randrange(1, 4), 0, False, 0)
        priority, is_open, keys = plain.parts.get(part_key, (part_key[2], rng.random() < 0.8, set()))
        part = queue.parts.get(part_key)
        if part is None:
            keys = set()
            base = key_of(rng.randrange(20), 0, 0) if part_key[0] == 1 else 0
            part = queue.parts[part_key] = Part(queue, part_key, priority, base, is_open=is_open)
        match rng.randrange(5) if keys else 0:
            case 0 | 1:
                key = key_of(rng.randrange(30), lead, lead)
                queue.add(part, key)
                keys = keys | {part.base + key}
            case 2:
                key = rng.choice(sorted(keys))
                queue.remove(part, key - part.base)
                keys = keys - {key}
            case 3:
                is_open = not is_open
                queue.switch(part, is_open=is_open)
            case _:
                priority = rng.randrange(1, 6)
                queue.relevel(part, priority)
        plain.parts[part_key] = (priority, is_open, keys)
        assert_same(queue, plain, rng.randrange(30))
        now_ms = max(now_ms, rng.randrange(30))
        assert_kept(queue, limit(now_ms))


def test_many_at_once_and_another_order() -> None:  # R9.10
    queue = Queue(1, -1, Family.UNPROCESSED, OVERDUE_MS)
    part = queue.parts[1, 0, 5, 1, False, 0] = Part(queue, (1, 0, 5, 1, False, 0), 5, key_of(100, 0, 0), is_open=True)
    queue.extend(part, [key_of(0, seq, seq) for seq in range(1, 2001)])
    assert lead_of(queue.best(limit(100))) == 1
    assert queue.best(limit(99)) is NEVER
    part.shadow = Shadow(lambda key: key_of(0, 5000 - lead_of(key), lead_of(key)))
    assert part.shadow.copy(part, 3000) == 2000
    assert lead_of(queue.best(limit(100))) == 1
    queue.turn(part)
    assert lead_of(queue.best(limit(100))) == 2000
    queue.rebase(part, key_of(300, 0, 0))
    assert due_of(queue.earliest) == 300
    assert queue.best(limit(299)) is NEVER


def test_overdue_is_a_prefix() -> None:  # R2.2
    queue = Queue(1, 7, Family.VIP_OWN, OVERDUE_MS)
    part = queue.parts[0, 0, 5, 0, False, 0] = Part(queue, (0, 0, 5, 0, False, 0), 5, 0, is_open=True)
    queue.add(part, key_of(100, 1, 1))
    assert queue.best(limit(105) - queue.overdue) is NEVER
    assert lead_of(queue.best(limit(106) - queue.overdue)) == 1
