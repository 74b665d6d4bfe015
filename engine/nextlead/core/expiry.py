"""Leads whose time is over (SPEC 8).

They are out of the order the moment their pool expires, by bars on its parts; their rows follow in slices. When the
campaign's settings no longer say so, its pools have not expired any more: leads that closed stay closed, and may be
reopened.
"""

from msgspec.structs import replace

from .jobs import Walk, begin, next_job
from .lifetimes import expiry_ms
from .model import Job, Lead, Pool
from .outcomes import close
from .places import Bar
from .pool_gates import bars_of, put_pool
from .setup_model import Campaign
from .state import State


class Expire:
    """The open leads of a pool that has expired are closed."""

    def __init__(self, state: State, job: int, pool: int, effective_ms: int) -> None:
        self.id = job
        self.pool = pool
        self._state = state
        self._effective_ms = effective_ms
        self._walk = Walk(state, pool, self._look)

    def slice(self, state: State) -> bool | None:
        """See `Task`; the pool may have been deleted since."""
        if not self._walk.go_on(state.slice_leads):
            return None
        if self.pool in state.pools:
            _follow(state, state.pools[self.pool], but=self)
        return True

    def _look(self, lead: Lead) -> int:
        if not self._state.is_over(lead):
            return 0
        write_expired(self._state, lead, self._effective_ms)
        return 1


def write_expired(state: State, lead: Lead, effective_ms: int | None = None) -> Lead:
    """Close a lead that has expired with its pool."""
    return state.put(lead, close(lead, "expired"), "expired", "system", effective_ms=effective_ms)


def expire_pool(state: State, pool_id: int, effective_ms: int) -> None:
    """The pool's date has come, or its age."""
    pool = state.pools[pool_id]
    promised = state.campaigns.by_no[pool.campaign].dialer.expire_promised
    put_pool(state, pool, replace(pool, expired_ms=effective_ms, expired_promised=promised), effective_ms)
    _close_leads(state, pool_id, effective_ms)


def _close_leads(state: State, pool_id: int, effective_ms: int) -> None:
    state.bar(pool_id, bars_of(state.pools[pool_id]) | state.shut.get(pool_id, 0))
    task = Expire(state, next_job(state), pool_id, effective_ms)
    begin(state, task, Job(task.id, "expire", pool_id, "", effective_ms))


def follow_expiry(state: State, campaign: Campaign) -> None:
    """The campaign's settings have changed: what has expired may have not, or its promised redials may have, too."""
    for pool in list(state.pools.values()):
        if pool.campaign == campaign.no and pool.expired_ms:
            _follow(state, pool)


def _follow(state: State, pool: Pool, but: Expire | None = None) -> None:
    """Make a pool that has expired what the settings say; while its leads are being closed, that waits for the end."""
    if any(isinstance(task, Expire) and task.pool == pool.id and task is not but for task in state.tasks):
        return
    dialer = state.campaigns.by_no[pool.campaign].dialer
    due_ms = expiry_ms(dialer, pool.loaded_ms)
    if due_ms is None or due_ms > state.now_ms:
        new = replace(pool, expired_ms=0, expired_promised=False)
    elif dialer.expire_promised is not pool.expired_promised:
        new = replace(pool, expired_promised=dialer.expire_promised)
    else:
        return
    state.bar(pool.id, state.shut.get(pool.id, 0) & Bar.UNSHOWN | bars_of(new))
    put_pool(state, pool, new)
    if new.expired_promised:
        _close_leads(state, pool.id, state.now_ms)
