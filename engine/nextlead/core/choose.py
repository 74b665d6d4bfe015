"""Which lead an agent gets: SPEC 2 over what `sight.py` opens. Nothing is changed here.

A choice looks at heads only: queues in which nothing is due sleep (`awake.py`), and what is blocked, leased or behind a
closed gate has no head (`tests/model` compares every choice with `min` over all leads).
"""

from collections.abc import Collection, Iterable
from typing import Final

from msgspec import Struct

from .order import DUE_SHIFT, NEVER, due_of, lead_of, limit
from .queues import OWN, Family, Queue
from .rules import reserved_until_ms, withheld_until_ms
from .setup_model import Agent, Campaign
from .sight import Lower, Sight
from .state import State

_LOWER = (Family.AUTOMATIC, Family.UNPROCESSED)
_RANK: Final = {
    Family.URGENT_OWN: 1,
    Family.URGENT: 1,
    Family.VIP_OWN: 2,
    Family.VIP: 2,
    Family.PRIVATE_OWN: 4,
    Family.PRIVATE: 4,
    Family.COMMON: 6,
    Family.AUTOMATIC: 8,
}
"""Of a class when its leads are overdue, if it is one of set redials (SPEC R2.1)."""
_SET_REDIALS: Final = range(2, 8)
_ONE_PASS = 1 << 32
_PASS_MOST = 1 << 60


class Choice(Struct, frozen=True, gc=False):
    """The best lead: its score, its class's rank, and what a lease of it does to the counters of SPEC R2.4 and R2.5."""

    score: int
    rank: int
    tallies: tuple[tuple[int, int, int], ...] = ()
    """(campaign, by how much `handed` rises, new `stride`), for classes 8 and 9 where they count."""

    @property
    def lead(self) -> int:
        """The lead's id."""
        return lead_of(self.score)


class Nothing(Struct, frozen=True, gc=False):
    """No lead now, and why."""

    reason: str


def choose(state: State, sight: Sight, agent: Agent, now_ms: int, refused: Collection[int] = ()) -> Choice | Nothing:
    """The best lead for the agent, but for those `refused` (`leases.py`).

    O(queues it sees that are awake, and those of class 9); O(all that it sees) with pauses, weights and the like.
    """
    below = now_ms + 1 << DUE_SHIFT  # `limit`, without a call
    but: Collection[int] = paused(state, agent, now_ms) if state.pauses else ()
    if refused:
        but = {*refused, *but}
    if state.leaving:  # leads of a blocked number that later slices close (`blocking.py`)
        but = state.leaving.union(but)
    if sight.reserves and reserved_until_ms(state, sight, agent, now_ms) is not None:
        return _own_only(sight, below, but) or Nothing("reserved")
    if but or not sight.plain:
        return _ahead(sight, below, but) or _choose_lower(state, sight, agent, below, but)
    awake = state.awake
    if awake.alarm < below:
        awake.ring(below)
    ready = awake.due(sight.lanes, agent.no, sight.own, below)
    if ready:
        return _first_class(ready, below)
    score = _best(sight.unprocessed, below, but)
    return Choice(score, 9) if score is not NEVER else Nothing("no_lead")


def _first_class(ready: list[Queue], below: int) -> Choice:
    """The best lead of queues of classes 1 to 8 that all have a due one."""
    rank = min([_RANK[queue.family] for queue in ready])
    queues = [queue for queue in ready if _RANK[queue.family] == rank]
    if rank in _SET_REDIALS:
        found = _redial(queues, below, (), rank)
        assert found is not None, "one of them is due"
        return found
    return Choice(min([queue.top for queue in queues]), rank)


def paused(state: State, agent: Agent, now_ms: int) -> Collection[int]:
    """Leads that the agent cancelled a short while ago (SPEC R5.6)."""
    pauses = state.pauses.get(agent.no)
    if not pauses:
        return ()
    return {lead for lead, until_ms in pauses.items() if until_ms > now_ms}


def first_due_ms(queue: Queue, after_ms: int) -> int | None:
    """When the next lead of the queue falls due after a time; None if none does. O(parts * log n)."""
    found = NEVER
    for part in queue.parts.values():
        key = next(part.keys.after(limit(after_ms) - part.base - 1), None) if part.open else None
        if key is not None:
            found = min(found, part.base + key)
    return None if found is NEVER else due_of(found)


def _own_only(sight: Sight, below: int, but: Collection[int]) -> Choice | None:
    """The best of the agent's own promised redials that are due, or urgent: those it is not kept free from."""
    score = _best((queue for queue in sight.urgent if queue.family in OWN), below, but)
    if score is not NEVER:
        return Choice(score, 1)
    for rank, queues in sight.redials:
        found = _redial([queue for queue in queues if queue.family in OWN], below, but, rank)
        if found is not None:
            return found
    return None


def _ahead(sight: Sight, below: int, but: Collection[int]) -> Choice | None:
    """The best of classes 1 to 7."""
    score = _best(sight.urgent, below, but)
    if score is not NEVER:
        return Choice(score, 1)
    for rank, queues in sight.redials:
        found = _redial(queues, below, but, rank)
        if found is not None:
            return found
    return None


def _best(queues: Iterable[Queue], below: int, but: Collection[int]) -> int:
    best = NEVER
    if but:
        return min((queue.best_but(below, but) for queue in queues), default=NEVER)
    for queue in queues:
        if below > queue.top_until:
            queue.look(below)
        if queue.top < best:
            best = queue.top
    return best


def _redial(queues: list[Queue], below: int, but: Collection[int], rank: int) -> Choice | None:
    """Overdue first (SPEC R2.2), then on schedule."""
    best = NEVER
    for queue in queues:
        overdue = below - queue.overdue
        best = min(best, queue.best_but(overdue, but) if but else queue.best(overdue))
    if best is not NEVER:
        return Choice(best, rank)
    best = _best(queues, below, but)
    return None if best is NEVER else Choice(best, rank + 1)


# -- classes 8 and 9 when campaigns share them by rule ----------------------------------------------------------


class _Candidate(Struct, frozen=True):
    campaign: Campaign
    score: int
    rank: int
    both: bool


def _choose_lower(state: State, sight: Sight, agent: Agent, below: int, but: Collection[int]) -> Choice | Nothing:
    first: list[_Candidate] = []
    second: list[_Candidate] = []
    withheld = False
    for lower in sight.lower.values():
        if withheld_until_ms(state, agent, lower.campaign, state.now_ms):
            withheld = True
            continue
        automatic, unprocessed = _best(lower.automatic, below, but), _best(lower.unprocessed, below, but)
        both = automatic is not NEVER and unprocessed is not NEVER
        swap = both and _is_turn_of_new(state, lower.campaign)
        if automatic is not NEVER:
            (second if swap else first).append(_Candidate(lower.campaign, automatic, 8, both))
        if unprocessed is not NEVER:
            (first if swap else second).append(_Candidate(lower.campaign, unprocessed, 9, both))
    candidates = first or second
    if not candidates:
        return Nothing("max_unresolved" if withheld else "no_lead")
    if not sight.weighted:
        best = min(candidates, key=lambda candidate: candidate.score)
        return Choice(best.score, best.rank, _handed(state, best))
    best = min(candidates, key=lambda candidate: (_stride(state, candidate.campaign), candidate.score))
    return Choice(best.score, best.rank, _strides(state, sight, first + second, best, below))


def _is_turn_of_new(state: State, campaign: Campaign) -> bool:
    """SPEC R2.4: the next of classes 8 and 9 is the nth."""
    every = campaign.dialer.new_every
    return every is not None and (state.tallies[campaign.no].handed + 1) % every == 0


def _handed(state: State, best: _Candidate) -> tuple[tuple[int, int, int], ...]:
    if best.campaign.dialer.new_every is None or not best.both:
        return ()
    return ((best.campaign.no, 1, state.tallies[best.campaign.no].stride),)


def _stride(state: State, campaign: Campaign) -> int:
    return state.tallies[campaign.no].stride


def _strides(
    state: State, sight: Sight, candidates: list[_Candidate], best: _Candidate, below: int
) -> tuple[tuple[int, int, int], ...]:
    """SPEC R2.5: the chosen campaign's pass rises by 1/weight; campaigns that are empty keep up with the least."""
    passes = {candidate.campaign.no: _stride(state, candidate.campaign) for candidate in candidates}
    passes[best.campaign.no] += round(_ONE_PASS / (best.campaign.dialer.weight or 1))
    least = min(passes.values())
    handed = 1 if best.campaign.dialer.new_every is not None and best.both else 0
    changes = {best.campaign.no: (handed, passes[best.campaign.no])}
    for lower in sight.lower.values():
        campaign = lower.campaign
        if campaign.no not in passes and _stride(state, campaign) < least and _is_empty(state, lower, below):
            changes[campaign.no] = (0, least)
    if passes[best.campaign.no] >= _PASS_MOST:
        changes |= _rebased(state, changes, passes[best.campaign.no] - _PASS_MOST // 2)
    return tuple((campaign, handed, stride) for campaign, (handed, stride) in changes.items())


def _rebased(state: State, changes: dict[int, tuple[int, int]], by: int) -> dict[int, tuple[int, int]]:
    """All passes, less the same amount: only their differences count, and they must not grow for ever."""
    present = {no: (0, tally.stride) for no, tally in state.tallies.items()} | changes
    return {no: (handed, max(0, stride - by)) for no, (handed, stride) in present.items()}


def _is_empty(state: State, lower: Lower, below: int) -> bool:
    """No lead of classes 8 and 9 is due in the campaign, whoever may get it."""
    return not any(
        queue.campaign == lower.campaign.no and queue.family in _LOWER and queue.earliest < below
        for queue in state.queues.values()
    )
