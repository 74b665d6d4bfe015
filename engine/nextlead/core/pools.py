"""Lead pools: loading, switching, shuffling, deleting (SPEC 9)."""

from collections.abc import Iterator

from msgspec import UnsetType
from msgspec.structs import replace

from . import commands as c
from .blocking import close_or_mark
from .errors import Conflict, InUse, Invalid, NotFound
from .fresh import seq_of
from .lead_edits import find_owner, owner_of
from .model import ROOT_TEAM, FreshLead, Lead, Pool, Reject, Status
from .order import ID_MASK, key_of
from .pool_gates import put_pool, unwatch
from .queues import Family
from .replies import Loaded, PoolDeleted
from .settings_check import NUMBER_MOST, PRIORITY_LAST
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


def load_rows(state: State, command: c.LoadRows) -> Loaded:
    """Rows become leads, duplicates or rejects (SPEC R9.4 to R9.8). O(rows * log n)."""
    pool = need_pool(state, command.pool)
    if not takes_rows(pool):
        raise Conflict(f"pool {pool.id} is {pool.state}", state=pool.state)
    fresh: list[FreshLead] = []
    rejects = [Reject(pool.id, row.row, "invalid", row.reasons, row.cells) for row in command.rejects]
    seen: set[int] = set()
    duplicates = 0
    lead_id, ordinal = state.sequences.lead, pool.ordinals
    for row in command.rows:
        owner = pool.owner if row.owner is None else find_owner(state, row.owner)
        reason = _unfit(state, row, owner)
        if reason is not None or owner is None:
            rejects.append(Reject(pool.id, row.row, "invalid", (reason or "",), row.cells))
            continue
        if _is_duplicate(state, pool, row, seen):
            duplicates += 1
            if pool.duplicates.action == "skip":
                rejects.append(Reject(pool.id, row.row, "duplicate", ("number is there already",), row.cells))
                continue
        seen.update(row.numbers)
        ordinal += 1
        fresh.append(
            FreshLead(lead_id, pool.id, ordinal, row.numbers, owner, row.priority, 0, row.data, state.now_ms),
        )
        lead_id += 1
    invalid = sum(reject.kind == "invalid" for reject in rejects)
    _take_in(state, pool, fresh, rejects, duplicates)
    return Loaded(tuple(lead.id for lead in fresh), duplicates, invalid)


def _unfit(state: State, row: c.IntakeRow, owner: int | None) -> str | None:
    """Why a row can't be loaded as things are now, though its upload rules were passed; None if it can."""
    if not row.numbers or len(set(row.numbers)) != len(row.numbers):
        return "numbers must be there, each once"
    if not all(0 < number < NUMBER_MOST for number in row.numbers):
        return "numbers have at most 15 digits"
    if any(number in state.blocked for number in row.numbers):
        return "number is on the do-not-call list"
    if not 0 <= row.priority <= PRIORITY_LAST:
        return "priority must be from 1 (first) to 1000"
    return "owner is not there any more" if owner is None else None


def _is_duplicate(state: State, pool: Pool, row: c.IntakeRow, seen: set[int]) -> bool:
    if "phone" not in pool.duplicates.match:
        return False
    if row.known or any(number in seen for number in row.numbers):
        return True
    return any(in_scope(state, pool, lead) for number in row.numbers for lead in state.numbers.leads(number))


def in_scope(state: State, pool: Pool, lead_id: int) -> bool:
    """Whether an open lead counts in the pool's duplicate check (SPEC R9.6)."""
    fresh = state.leads.fresh(lead_id)
    lead_pool = fresh.pool if fresh is not None else state.need_lead(lead_id).pool
    match pool.duplicates.scope:
        case "organisation":
            return True
        case "project":
            projects = state.campaigns.by_no
            return projects[state.pools[lead_pool].campaign].project == projects[pool.campaign].project
        case "campaign":
            return state.pools[lead_pool].campaign == pool.campaign
        case _:
            return lead_pool == pool.id


def _take_in(state: State, pool: Pool, fresh: list[FreshLead], rejects: list[Reject], duplicates: int) -> None:
    invalid = sum(reject.kind == "invalid" for reject in rejects)
    valid = len(fresh) - (duplicates if pool.duplicates.action == "load" else 0)
    new = replace(
        pool,
        ordinals=pool.ordinals + len(fresh),
        valid=pool.valid + valid,
        invalid=pool.invalid + invalid,
        duplicate=pool.duplicate + duplicates,
    )
    state.put_pool(new)
    if fresh:
        state.sequences = replace(state.sequences, lead=fresh[-1].id + 1)
        state.record("sequences", 0, state.sequences)
        state.note_ids(pool.id, fresh[0].id, fresh[-1].id)
        state.add_fresh(new, fresh)
    state.changes.fresh += fresh
    state.changes.rejects += rejects


def open_leads(state: State, pool: int) -> Iterator[Lead]:
    """The pool's open leads by id. O(ids the pool was given)."""
    for first, last in state.pool_ids.get(pool, ()):
        for lead_id in range(first, last + 1):
            lead = state.leads.get(lead_id)
            if lead is not None and lead.pool == pool:
                yield lead


def close_pool(state: State, command: c.ClosePool) -> Pool:
    """All rows are in, or it failed."""
    pool = need_pool(state, command.pool)
    if pool.state != "loading":
        raise Conflict(f"pool {pool.id} is {pool.state}", state=pool.state)
    if command.error:
        _drop_leads(state, pool)
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


_BUTTONS = {  # action: (states it is for, state it makes)
    "activate": (("inactive", "active"), "active"),
    "deactivate": (("active", "inactive"), "inactive"),
    "confirm": (("awaiting_confirmation",), "active"),
    "reject": (("awaiting_confirmation",), "rejected"),
}


def act_on_pool(state: State, command: c.ActOnPool) -> Pool | PoolDeleted:
    """The buttons of a pool."""
    pool = need_pool(state, command.pool)
    if command.action == "shuffle":
        if not 0 <= command.seed < 1 << 63:
            raise Invalid("seed", "must be from 0 to 2**63 - 1")
        return _shuffle(state, pool, command.seed)
    if command.action == "delete":
        return _delete(state, pool)
    allowed, becomes = _BUTTONS[command.action]
    if pool.state not in allowed:
        raise Conflict(f"pool {pool.id} is {pool.state}, which can't be {command.action}ed", state=pool.state)
    if command.action == "reject":
        _drop_leads(state, pool)
    return put_pool(state, pool, replace(state.pools[pool.id], state=becomes, modified_ms=state.now_ms))


def _shuffle(state: State, pool: Pool, seed: int) -> Pool:
    """SPEC R9.10: unprocessed leads that were never leased get a random order from the seed. O(m log m)."""
    new = replace(pool, shuffle_seed=seed, shuffled_to=pool.ordinals, modified_ms=state.now_ms)
    touched = [lead for lead in open_leads(state, pool.id) if state.leads.fresh(lead.id) is None]
    movable = {lead.id for lead in touched if lead.status is Status.UNPROCESSED and not lead.shown}
    state.put_pool(new)
    for part in list(state.gated.get(pool.id, ())):
        if part.queue.family is Family.UNPROCESSED and part.key[3] == 1:
            part.queue.replace(part, [_shuffled(state, new, key) for key in part.keys])
            if part.queue.watchers:
                state.waiting.stir(part.queue)
    for lead in touched:
        if lead.id in movable:
            state.put(lead, replace(lead, seq=seq_of(new, new.shuffled_to, lead.id)), "shuffled", "system")
    return new


def _shuffled(state: State, pool: Pool, key: int) -> int:
    lead = key & ID_MASK
    fresh = state.leads.fresh(lead)
    return key if fresh is None else key_of(0, seq_of(pool, fresh.ordinal, lead), lead)


def _delete(state: State, pool: Pool) -> PoolDeleted:
    """SPEC R9.11: unprocessed leads that were never shown go, the others stay."""
    if pool.state == "loading":
        raise InUse(f"pool {pool.id} is loading")
    kept: dict[str, int] = {}
    doomed = []
    for lead in open_leads(state, pool.id):
        if lead.status is not Status.UNPROCESSED:
            kept[lead.status.code] = kept.get(lead.status.code, 0) + 1
        elif lead.shown:
            kept["shown_to_an_agent"] = kept.get("shown_to_an_agent", 0) + 1
        else:
            doomed.append(lead)
    for lead in doomed:
        _drop_lead(state, lead)
    closed = sum(state.closures[pool.id].counts.values()) if pool.id in state.closures else 0
    if closed:
        kept["closed"] = closed
    if kept:
        put_pool(
            state, pool, replace(state.pools[pool.id], deleted=pool.deleted + len(doomed), modified_ms=state.now_ms)
        )
    else:
        _forget_pool(state, pool)
    return PoolDeleted(len(doomed), kept)


def _forget_pool(state: State, pool: Pool) -> None:
    unwatch(state, pool)
    del state.pools[pool.id]
    state.gated.pop(pool.id, None)
    state.pool_ids.pop(pool.id, None)
    state.open_pools.discard(pool.id)
    state.record("pool", pool.id, None)
    if state.closures.pop(pool.id, None) is not None:
        state.record("closures", pool.id, None)


def _drop_leads(state: State, pool: Pool) -> None:
    """A leased lead is never torn away (SPEC R1.5): it closes when its lease ends."""
    for lead in list(open_leads(state, pool.id)):
        if lead.lease is None:
            _drop_lead(state, lead)
        else:
            close_or_mark(state, lead, "removed", "removed", "system")


def _drop_lead(state: State, lead: Lead) -> None:
    """The lead is gone, as if it had never come."""
    state.lift(lead)
    state.count(lead, -1)
    state.numbers.remove(lead.numbers, lead.id)
    state.leads.drop(lead.id)
    state.changes.leads.pop(lead.id, None)
    state.changes.gone.append(lead.id)
