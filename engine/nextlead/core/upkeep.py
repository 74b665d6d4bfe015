"""What the short ways keep of themselves, checked for `verify`: sorted keys, bounds of timers, who sleeps, sees, waits.

None of this is a row or follows from rows alone: it says where there is nothing to look at, so damage shows as a lead
that comes late, or never. Looking changes nothing but what a `next` would
find out, too.
"""

from collections.abc import Iterator

from .awake import lane_of
from .keys import Keys
from .leases import wake_ms
from .order import NEVER, limit
from .queues import OWN, Family, Queue
from .sight import Sight, build_sight
from .state import State


def upkeep_problems(state: State) -> Iterator[str]:
    """Every difference found, in words. O(n), and O(queues) for each agent who was there lately."""
    for queue in state.queues.values():
        yield from _kept_of_queue(state, queue)
    yield from _awake_problems(state)
    yield from (f"{name}: keys are not in order" for name, keys in _all_keys(state) if keys.disordered())
    yield from (f"timers of {slot}: looked at too late" for slot in state.timers.late())
    for agent, sight in state.sights.items():
        yield from _sight_problems(state, agent, sight)
    sights = {id(sight) for sight in state.sights.values()}
    for place, viewers in state.viewers.items():
        if not sights.issuperset(map(id, viewers)):
            yield f"leads of campaign and owner {place}: seen by who sees other things now"
    yield from _waiting_problems(state)


def _all_keys(state: State) -> Iterator[tuple[str, Keys]]:
    yield "numbers", state.numbers.keys
    yield from ((f"timers of {slot}", keys) for slot, keys in state.timers.sorted_keys())
    yield from ((f"own redials of agent {agent}", keys) for agent, keys in state.promised.items())
    for queue in state.queues.values():
        for part in queue.parts.values():
            found = (part.keys, part.ends, part.shadow.keys if part.shadow is not None else None)
            yield from ((f"part {part.key} of {_name(queue)}", keys) for keys in found if keys is not None)


def _name(queue: Queue) -> str:
    return f"queue {queue.campaign}/{queue.owner}/{queue.family.name}"


def _kept_of_queue(state: State, queue: Queue) -> Iterator[str]:
    """The best lead that was found last, until when that holds, and the alarm of a queue that sleeps."""
    below, until = limit(state.now_ms), NEVER
    for priority in queue.priorities:
        head = queue.levels[priority][0]
        if head < below:
            break
        until = min(until, head)
    if below <= queue.top_until:
        if queue.top != queue.best(below):
            yield f"{_name(queue)}: its best lead is kept as {queue.top}, should be {queue.best(below)}"
        if queue.top_until > until:
            yield f"{_name(queue)}: its best lead is kept until {queue.top_until}, should be until {until}"
    if queue.asleep and queue.alarm > queue.earliest:
        yield f"{_name(queue)}: it sleeps until {queue.alarm}, and has a lead before that"
    if queue.asleep and queue.alarm is not NEVER and not state.awake.will_ring(queue):
        yield f"{_name(queue)}: nobody wakes it"


def _awake_problems(state: State) -> Iterator[str]:
    awake = state.awake
    if awake.alarm > awake.first_alarm:
        yield f"alarms: the next is kept as {awake.alarm}, should be {awake.first_alarm}"
    for queue in state.queues.values():
        own = queue.family in OWN
        there = awake.own.get(queue.owner, ()) if own else awake.shared.get(lane_of(queue.campaign, queue.owner), ())
        if queue.family is not Family.UNPROCESSED and queue.asleep is (queue in there):
            yield f"{_name(queue)}: {'asleep' if queue.asleep else 'awake'}, and kept as the opposite"


def _sight_problems(state: State, agent: int, sight: Sight) -> Iterator[str]:
    row = state.agents.by_no.get(agent)
    if row is None:
        return
    new = build_sight(state, row)
    if set(map(id, sight.queues())) != set(map(id, new.queues())) or len(sight.queues()) != len(new.queues()):
        yield f"agent {row.code}: sees {sorted(map(_name, sight.queues()))}, should {sorted(map(_name, new.queues()))}"
    for name in ("owners", "lanes", "own", "reserves", "plain", "weighted"):
        if getattr(sight, name) != getattr(new, name):
            yield f"agent {row.code}: has {name} {getattr(sight, name)}, should have {getattr(new, name)}"
    for place in ((campaign, owner) for campaign in sight.lower for owner in sight.owners):
        if sum(viewer is sight for viewer in state.viewers.get(place, ())) != 1:
            yield f"agent {row.code}: does not get to see new queues of campaign and owner {place}"


def _waiting_problems(state: State) -> Iterator[str]:
    """Those who wait, where all of them were tried since something happened."""
    waiting = state.waiting
    for queue in state.queues.values():
        if not queue.watchers <= waiting.by_agent.keys():
            yield f"{_name(queue)}: somebody watches it who does not wait"
    if not waiting.is_quiet(state.now_ms, state.world):
        return
    for no, waiter in waiting.by_agent.items():
        agent, sight = state.agents.by_no[no], state.sights.get(no)
        if sight is None:
            yield f"agent {agent.code}: waits, and sees nothing"
            continue
        if not all(no in queue.watchers for queue in sight.queues()):
            yield f"agent {agent.code}: waits, and does not watch all that it sees"
        at_ms, kept_ms = wake_ms(state, sight, agent), waiter.wake_ms
        if at_ms is not None and (kept_ms is None or kept_ms > at_ms):
            yield f"agent {agent.code}: is tried again at {kept_ms}, should be at {at_ms}"
        if not waiting.will_wake(waiter):
            yield f"agent {agent.code}: is not tried again at {kept_ms}, as is kept"
