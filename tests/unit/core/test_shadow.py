"""Another order that is built beside the one in use is whole when they change places, whatever came and went."""

import random

import pytest

from nextlead.core.order import NEVER, key_of, lead_of
from nextlead.core.queues import UNSHOWN, Family, Part, Queue, Shadow


@pytest.mark.parametrize("seed", range(20))
def test_what_comes_and_goes_meanwhile_is_in_both(seed: int) -> None:  # R2.7, R9.10
    rng = random.Random(seed)
    queue = Queue(1, -1, Family.UNPROCESSED, 0)
    part = queue.parts[1, 0, 5, UNSHOWN, False, 0] = Part(queue, (1, 0, 5, UNSHOWN, False, 0), 5, 0, is_open=True)
    new_seq = {lead: rng.randrange(1 << 30) for lead in range(1, 400)}
    part.shadow = Shadow(lambda key: key_of(0, new_seq[lead_of(key)], lead_of(key)))
    inside = set(rng.sample(range(1, 400), 200))
    for lead in inside:
        queue.add(part, key_of(0, lead, lead))
    while part.shadow.cursor != NEVER:
        part.shadow.copy(part, rng.randrange(1, 20))
        for lead in rng.sample(range(1, 400), 5):
            if lead in inside and len(inside) > 1:
                queue.remove(part, key_of(0, lead, lead))
                inside.discard(lead)
            elif lead not in inside:
                queue.add(part, key_of(0, lead, lead))
                inside.add(lead)
        assert list(part.keys) == [key_of(0, lead, lead) for lead in sorted(inside)]
    queue.turn(part)
    assert list(part.keys) == sorted(key_of(0, new_seq[lead], lead) for lead in inside)
    assert part.head == part.keys[0]
