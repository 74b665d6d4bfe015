"""Rows of an upload to leads, duplicates and rejects (SPEC R9.4 to R9.8)."""

from msgspec.structs import replace

from . import commands as c
from .errors import Conflict
from .lead_edits import find_owner
from .model import FreshLead, Pool, Reject
from .pools import need_pool, takes_rows
from .replies import Loaded
from .settings_check import NUMBER_MOST, PRIORITY_LAST
from .state import State


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
    if row.original is not None or any(number in seen for number in row.numbers):
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
