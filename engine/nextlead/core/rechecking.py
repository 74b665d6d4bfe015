"""Leads are looked at again when contact limits changed (SPEC 12).

Rules of this file:

1. The new limits hold for every row that is put from here on; only leads that nothing happens to have to be looked at.
   Whoever is about to be leased is asked the new limits in any case.
2. That are the leads that stand apart, and those that were called, at whatever number; leads that share a number with
   such ones; and leads with a number that a closed lead, or one that dropped it, was called at.
3. A restart places all leads by the limits of then, so there is no `Job` row.
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from .jobs import LOOKED_AT, begin, ids_of, next_job
from .replies import Begun
from .state import State

T = TypeVar("T")

_NUMBERS_AT_ONCE: Final = 100


def recheck_limits(state: State, reply: T, campaign: int | None = None) -> T | Begun:
    """The reply, once no lead stands where the limits of before put it; `Begun` when that takes slices.

    `campaign`: only that one's limits changed. O(slice * log n) now, O(leads) in slices.
    """
    if not state.contacts.active and not state.parked:
        return reply
    found: T | Begun = begin(state, Recheck(state, next_job(state), reply, campaign))
    return found


def are_limits_changing(state: State) -> bool:
    """Whether leads may still stand where the limits of before put them."""
    return any(isinstance(task, Recheck) for task in state.tasks)


class Recheck:
    """Places leads anew that other limits may keep back, or let go (see `Task`); the reply is for who changed them."""

    def __init__(self, state: State, job: int, reply: object, campaign: int | None) -> None:
        self.id = job
        self._reply = reply
        self._campaign = campaign
        self._suspects = self._all(state)

    def slice(self, state: State) -> object | None:
        """See `Task`."""
        left = most = state.slice_leads
        for looked_at, lead in enumerate(self._suspects, 1):
            if lead:
                state.reconsider(lead)
                left -= 1
            if left <= 0 or looked_at >= most * LOOKED_AT:
                return None
        state.changed_world()  # whoever waits looks once more: it may have been told `limits_changing`
        return self._reply

    def _all(self, state: State) -> Iterator[int]:
        """Leads to be placed anew, some of them more than once; 0 for each that was passed over."""
        for pool in [pool.id for pool in state.pools.values() if self._campaign in (None, pool.campaign)]:
            for lead in ids_of(state, pool):
                yield lead if _stands_apart(state, lead) or _was_called(state, lead) else 0
        if state.contacts.active:
            for number in list(state.numbers.shared):
                yield from self._with_number(state, number) if state.contacts.concerns(number) else (0,)
            for number in _numbers_left(state):
                yield from self._with_number(state, number)

    def _with_number(self, state: State, number: int) -> Iterable[int]:
        yield 0
        for lead in state.numbers.leads(number):
            found = state.leads.get(lead) if self._campaign else None
            yield 0 if found is not None and found.campaign != self._campaign else lead


def _stands_apart(state: State, lead: int) -> bool:
    return bool(state.parked.get(lead))


def _was_called(state: State, lead: int) -> bool:
    row = state.leads.touched_row(lead)
    return row is not None and bool(row.calls)


def _numbers_left(state: State) -> Iterator[int]:
    """Numbers that `Contacted` rows have calls to, in order, a few at a time: rows come and go between slices."""
    last = 0
    while numbers := state.contacts.rows.numbers(last, _NUMBERS_AT_ONCE):
        yield from numbers
        last = numbers[-1]
