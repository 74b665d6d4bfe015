"""Lead pools: opened, closed, edited (SPEC 9). Rows come in by `intake.py`, the buttons are in `pool_buttons.py`."""

from typing import Final

from msgspec import UnsetType
from msgspec.structs import replace

from . import commands as c
from .dropping import being_deleted, drop_leads
from .duplicates import check_choices
from .entries import last_entry_pool, note_entry
from .errors import Conflict, Invalid, NotFound
from .kept_files import drop_file_of, need_free_file
from .lead_edits import owner_of
from .model import Pool
from .pool_gates import put_pool
from .replies import Begun
from .settings_check import PRIORITY_LAST
from .setup import follow_settings
from .setup_model import ROOT_TEAM
from .state import State

_GROWING = ("api", "manual")
"""Sources whose pools take more leads after they were first active (SPEC R9.1); a file is one upload."""
_GROWING_STATES = ("active", "inactive", "awaiting_confirmation")

ON_INVALID: Final = ("file", "close")


def takes_rows(pool: Pool) -> bool:
    """Whether `LoadRows` may add to it, as far as the row tells: one that is being deleted takes none either."""
    return not pool.expired_ms and (
        pool.state == "loading" or (pool.source in _GROWING and pool.state in _GROWING_STATES)
    )


def need_taking(state: State, pool: Pool) -> None:
    """Raises `Conflict` when it takes no rows."""
    if being_deleted(state, pool.id):
        raise Conflict(f"pool {pool.id} is being deleted", state=pool.state)
    if not takes_rows(pool):
        what = "has expired" if pool.expired_ms else f"is {pool.state}"
        raise Conflict(f"pool {pool.id} {what} and takes no rows", state=pool.state)


def shared_pool(state: State, entry_key: str, oldest_ms: int) -> Pool | None:
    """The pool that an entry of this key goes to (SPEC R9.1), None when it gets one of its own. O(1) amortised.

    It is the last one that was opened with the key, if its last entry came at or after `oldest_ms` and it takes rows.
    """
    pool = last_entry_pool(state, entry_key)
    if pool is None or pool.state == "loading" or pool.entered_ms < oldest_ms:
        return None
    return pool if takes_rows(pool) and not being_deleted(state, pool.id) else None


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
    check_choices(command.duplicates)
    if command.on_invalid not in ON_INVALID:
        raise Invalid("on_invalid", f"must be one of {', '.join(ON_INVALID)}")
    if command.file:
        need_free_file(state, command.file)
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
        columns=command.columns,
        on_invalid=command.on_invalid,
        options=command.options,
        file=command.file,
        file_bytes=command.file_bytes,
        entry_key=command.entry_key,
        entered_ms=state.now_ms if command.entry_key else 0,
    )
    state.sequences = replace(state.sequences, pool=pool.id + 1)
    state.record("sequences", 0, state.sequences)
    note_entry(state, pool)
    return put_pool(state, None, pool)


def _check_priority(priority: int) -> None:
    if not 0 <= priority <= PRIORITY_LAST:
        raise Invalid("priority", "must be from 1 (first) to 1000")


def _check_dates(from_ms: int | None, until_ms: int | None) -> None:
    if from_ms is not None and until_ms is not None and until_ms <= from_ms:
        raise Invalid("active_until", "must be after active_from")


def close_pool(state: State, command: c.ClosePool) -> Pool | Begun:
    """All rows are in: the pool is loaded, or held until someone confirms; or it failed, and leads and original go."""
    pool = need_pool(state, command.pool)
    if pool.state != "loading":
        raise Conflict(f"pool {pool.id} is {pool.state}", state=pool.state)
    if command.error:
        # Of rows that were not read nobody knows whose they are, so they could not be forgotten (SPEC R10.6).
        drop_file_of(state, pool)
        failed = replace(pool, state="failed", error=command.error, file=0, file_bytes=0, modified_ms=state.now_ms)
        return drop_leads(state, put_pool(state, pool, failed))
    loaded = replace(pool, unmatched=command.unmatched, modified_ms=state.now_ms)
    if command.unmatched:
        return put_pool(state, pool, replace(loaded, state="awaiting_confirmation"))
    return put_pool(state, pool, replace(loaded, state="active", loaded_ms=state.now_ms))


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
