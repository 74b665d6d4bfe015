"""Leads that go as if they had never come: of pools that failed, were rejected or deleted."""

from msgspec.structs import replace

from .blocking import close_or_mark
from .clones import forget_clone
from .errors import InUse
from .jobs import Walk, begin, next_job, same_task
from .kept_files import drop_file_of
from .model import Job, Lead, Pool, Status
from .places import Bar
from .pool_gates import put_pool, unwatch
from .replies import Begun, PoolDeleted
from .state import State

# -- deleting (SPEC R9.11) ------------------------------------------------------------------------------------------


class Delete:
    """Unprocessed leads that nobody was shown go, the others stay."""

    def __init__(self, state: State, job: int, pool: int) -> None:
        self.id = job
        self.pool = pool
        self._state = state
        self._walk = Walk(state, pool, self._look)
        self._deleted = 0
        self._kept: dict[str, int] = {}

    def slice(self, state: State) -> PoolDeleted | None:
        """See `Task`."""
        before = self._deleted
        finished = self._walk.go_on(state.slice_leads)
        pool = state.pools[self.pool]
        if self._deleted != before:
            pool = replace(pool, deleted=pool.deleted + self._deleted - before)
            state.put_pool(pool)
        return self._finish(pool) if finished else None

    def go_now(self, lead: Lead) -> None:
        """A lead that goes does so before its turn."""
        self._look(lead)
        pool = self._state.pools[self.pool]
        self._state.put_pool(replace(pool, deleted=pool.deleted + 1))

    def _look(self, lead: Lead) -> int:
        reason = kept_because(self._state, lead)
        if reason is None:
            drop_lead(self._state, lead)
            self._deleted += 1
            return 1
        self._kept[reason] = self._kept.get(reason, 0) + 1
        return 0

    def _finish(self, pool: Pool) -> PoolDeleted:
        state = self._state
        state.bar(pool.id, state.shut.get(pool.id, 0) & ~Bar.UNSHOWN)
        closed = state.counts.closed_of(pool.id)
        if closed:
            self._kept["closed"] = closed
        if self._kept or state.counts.open_of(pool.id):
            put_pool(state, pool, replace(pool, modified_ms=state.now_ms))
        else:
            _forget_pool(state, pool)
        return PoolDeleted(self._deleted, self._kept)


def kept_because(state: State, lead: Lead) -> str | None:
    """Why deleting its pool leaves an open lead where it is; None if it does not."""
    if lead.status is not Status.UNPROCESSED:
        return lead.status.code
    if lead.shown:
        return "shown_to_an_agent"
    return "has_clones" if state.has_clones(lead.id) else None


def delete_pool(state: State, pool: Pool) -> PoolDeleted | Begun:
    """Leads to be deleted are out of the order at once, and go in slices."""
    if pool.state == "loading":
        raise InUse(f"pool {pool.id} is loading")
    running = same_task(state, Delete, pool.id)
    if running is not None:
        return running
    state.bar(pool.id, state.shut.get(pool.id, 0) | Bar.UNSHOWN)
    task = Delete(state, next_job(state), pool.id)
    found: PoolDeleted | Begun = begin(state, task, Job(task.id, "delete", pool.id, "", state.now_ms))
    return found


def goes_now(state: State, lead: Lead) -> bool:
    """Whether the lead goes with its pool, which is being deleted; then it is gone when this returns.

    Bars keep such leads out of the order, but for those that have a due time of their own, or are urgent.
    """
    if not state.shut or not state.is_going(lead):
        return False
    for task in state.tasks:
        if isinstance(task, Delete) and task.pool == lead.pool:
            task.go_now(lead)
            break
    return True


def being_deleted(state: State, pool: int) -> bool:
    """Whether leads of it are going; it takes no new ones meanwhile."""
    return bool(state.shut.get(pool, 0) & Bar.UNSHOWN)


def _forget_pool(state: State, pool: Pool) -> None:
    unwatch(state, pool)
    del state.pools[pool.id]
    for mapping in (state.gated, state.pool_ids, state.pool_leased, state.shut):
        mapping.pop(pool.id, None)
    state.open_pools.discard(pool.id)
    state.record("pool", pool.id, None)
    drop_file_of(state, pool)
    if state.counts.drop_pool(pool.id):
        state.record("closures", pool.id, None)


# -- pools that failed or were rejected -----------------------------------------------------------------------------


class Drop:
    """All leads of a pool go. One that is leased all the same is not torn away (SPEC R1.5)."""

    def __init__(self, state: State, job: int, pool: int) -> None:
        self.id = job
        self.pool = pool
        self._state = state
        self._walk = Walk(state, pool, self._look)

    def slice(self, state: State) -> Pool | None:
        """See `Task`."""
        return state.pools[self.pool] if self._walk.go_on(state.slice_leads) else None

    def _look(self, lead: Lead) -> int:
        state = self._state
        if lead.lease is not None:
            close_or_mark(state, lead, "removed", "removed", "system")
        else:
            drop_lead(state, lead)
        return 1


def drop_leads(state: State, pool: Pool) -> Pool | Begun:
    """Drop all leads of a pool that is out of the order already."""
    task = Drop(state, next_job(state), pool.id)
    found: Pool | Begun = begin(state, task, Job(task.id, "drop", pool.id, "", state.now_ms))
    return found


def drop_lead(state: State, lead: Lead) -> None:
    """The lead is gone, as if it had never come."""
    state.lift(lead)
    state.count(lead, -1)
    state.numbers.remove(lead.numbers, lead.id)
    state.leads.drop(lead.id)
    state.changes.leads.pop(lead.id, None)
    state.changes.gone.append(lead.id)
    forget_clone(state, lead)
