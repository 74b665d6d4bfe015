"""Work on many leads that goes on in slices, so that `next` is served between them (SPEC R2.7, R8.3).

Rules of this file:

1. What a task does to the order it does at once, when it begins (bars on a pool) or when it ends (a shuffle); between
   slices the order is never half one thing and half another.
2. A task that changes rows on its way has a `Job` row as long as it is not done, and a restart begins it again: doing
   to a lead what was done to it already is doing nothing.
3. One task works at a time, in the order they came. A small one, when none is at work, is done at once.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from .model import Job, Lead
from .replies import Begun, Done
from .state import State, Task

LOOKED_AT: Final = 10
"""How many ids a slice may look at for each lead that it may change."""


class Walk:
    """The open leads of a pool one after the other, the newest first: clones come after their masters.

    `do` says how many leads it changed. Leads that the pool gets later are not among them.
    """

    def __init__(self, state: State, pool: int, do: Callable[[Lead], int]) -> None:
        self._state = state
        self._pool = pool
        self._do = do
        self._ids = ids_of(state, pool)

    def go_on(self, most: int) -> bool:
        """Until so many are changed; whether all are done."""
        left = most
        for looked_at, lead_id in enumerate(self._ids, 1):
            lead = self._state.leads.get(lead_id)
            if lead is not None and lead.pool == self._pool:
                left -= self._do(lead)
            if left <= 0 or looked_at >= most * LOOKED_AT:
                return False
        return True


def ids_of(state: State, pool: int) -> Iterator[int]:
    """Every id the pool was given, the last first."""
    for first, last in reversed(list(state.pool_ids.get(pool, ()))):
        yield from range(last, first - 1, -1)


def next_job(state: State) -> int:
    """A number for a task."""
    return state.next_record()


def begin(state: State, task: Task, job: Job | None = None) -> Any:
    """Do a first slice if nothing else is at work; the task's reply if that was all, else `Begun`."""
    if not state.tasks:
        reply = task.slice(state)
        if reply is not None:
            return reply
    if job is not None:
        keep(state, job)
    state.tasks.append(task)
    return Begun(task.id)


def put_off(state: State, task: Task, job: Job) -> None:
    """Leave all of it to later slices."""
    keep(state, job)
    state.tasks.append(task)


def keep(state: State, job: Job) -> None:
    """A restart goes on with it."""
    state.jobs[job.id] = job
    state.record("job", job.id, job)


def work(state: State, _command: object) -> None:
    """One slice of the task that is at work."""
    if not state.tasks:
        return
    task = state.tasks[0]
    reply = task.slice(state)
    if reply is None:
        return
    end(state, task)
    state.done.append(Done(task.id, reply))


def end(state: State, task: Task) -> None:
    """There is nothing left to do for it."""
    state.tasks.remove(task)
    if state.jobs.pop(task.id, None) is not None:
        state.record("job", task.id, None)


def same_task(state: State, kind: type[Task], pool: int) -> Begun | None:
    """A task of this kind that is at work on the pool already, for who asks for it once more."""
    found = next((task for task in state.tasks if type(task) is kind and getattr(task, "pool", 0) == pool), None)
    return None if found is None else Begun(found.id)
