"""Lead pools: opened, closed, edited (SPEC 9). Rows come in by `intake.py`, the buttons are in `pool_buttons.py`."""

from msgspec import UnsetType
from msgspec.structs import replace

from . import commands as c
from .dropping import drop_leads
from .errors import Conflict, Invalid, NotFound
from .lead_edits import owner_of
from .model import ROOT_TEAM, Pool
from .pool_gates import put_pool
from .settings_check import PRIORITY_LAST
from .setup import follow_settings
from .state import State

_GROWING = ("api", "manual")
"""Sources whose pools take more leads after they were first active (SPEC R9.1); a file is one upload."""
_GROWING_STATES = ("active", "inactive", "awaiting_confirmation")


def takes_rows(pool: Pool) -> bool:
    """Whether `LoadRows` may add to it."""
    return pool.state == "loading" or (pool.source in _GROWING and pool.state in _GROWING_STATES)


def need_pool(state: State, pool: int) -> Pool:
    """Raises `NotFound`."""
    found = state.pools.get(pool)
    if found is None:
        raise NotFound("pool", pool)
    return found


def open_pool(state: State, command: c.OpenPool) -> Pool:
    """A new pool, loading; nothing of it is dialable before `ClosePool`."""
    campaign = state.campaigns.need(command.campaign)
    _check_priority(command.priority)
    _check_dates(command.active_from_ms, command.active_until_ms)
    pool = Pool(
        id=state.sequences.pool,
        campaign=campaign.no,
        name=command.name or command.file_name or f"{command.source} {state.sequences.pool}",
        state="loading",
        owner=-ROOT_TEAM if command.owner is None else owner_of(state, command.owner),
        priority=command.priority,
        description=command.description,
        source=command.source,
        created_ms=state.now_ms,
        modified_ms=state.now_ms,
        uploaded_by=command.by,
        active_from_ms=command.active_from_ms,
        active_until_ms=command.active_until_ms,
        duplicates=command.duplicates,
        file_name=command.file_name,
    )
    state.sequences = replace(state.sequences, pool=pool.id + 1)
    state.record("sequences", 0, state.sequences)
    return put_pool(state, None, pool)


def _check_priority(priority: int) -> None:
    if not 0 <= priority <= PRIORITY_LAST:
        raise Invalid("priority", "must be from 1 (first) to 1000")


def _check_dates(from_ms: int | None, until_ms: int | None) -> None:
    if from_ms is not None and until_ms is not None and until_ms <= from_ms:
        raise Invalid("active_until", "must be after active_from")


def close_pool(state: State, command: c.ClosePool) -> Pool:
    """All rows are in, or it failed."""
    pool = need_pool(state, command.pool)
    if pool.state != "loading":
        raise Conflict(f"pool {pool.id} is {pool.state}", state=pool.state)
    if command.error:
        drop_leads(state, pool)
        return put_pool(state, pool, replace(state.pools[pool.id], state="failed", error=command.error))
    held = "awaiting_confirmation" if command.unmatched else "active"
    return put_pool(state, pool, replace(pool, state=held, unmatched=command.unmatched, modified_ms=state.now_ms))


def edit_pool(state: State, command: c.EditPool) -> Pool:
    """Name, description, dates, priority; the priority counts in the very next `next` (SPEC R2.3)."""
    pool = need_pool(state, command.pool)
    new = pool
    for name in ("name", "description", "priority", "active_from_ms", "active_until_ms"):
        value = getattr(command, name)
        if not isinstance(value, UnsetType):
            new = replace(new, **{name: value})
    _check_priority(new.priority)
    _check_dates(new.active_from_ms, new.active_until_ms)
    new = put_pool(state, pool, replace(new, modified_ms=state.now_ms))
    if new.priority != pool.priority:
        follow_settings(state, state.campaigns.by_no[pool.campaign], pool.id)
    return new
