"""What happens by itself when its time comes (SPEC R5.7): leases end, redials are released, hours open."""

from typing import assert_never

from msgspec.structs import replace

from .blocking import go_at_once
from .expiry import expire_pool, write_expired
from .outcomes import close
from .pool_gates import follow_dates
from .redials import release
from .state import State
from .timers import Kind
from .work import end_as_unresolved, serve_waiting


def catch_up(state: State) -> None:
    """Let time act, then serve those who wait."""
    if state.timers.bound <= state.now_ms:
        fire_due(state)
    if state.waiting.by_agent:
        serve_waiting(state)


def fire_due(state: State) -> None:
    """Everything whose deadline has come, in due order, each with the time it was effective.

    A deadline that came while nothing ran (the daemon was down) was effective then, and clocks that follow count from
    it. One that lies before the engine's previous time became due by a change of settings, and is effective now.
    """
    while (found := state.timers.due(state.now_ms)) is not None:
        deadline_ms, (kind, _), what = found
        effective_ms = deadline_ms if deadline_ms > state.previous_ms else state.now_ms
        _fire(state, kind, what, effective_ms)


def _fire(state: State, kind: Kind, what: int, effective_ms: int) -> None:
    if kind is Kind.POOL:
        follow_dates(state, what, effective_ms)
        return
    if kind is Kind.HOURS:
        state.turn_gate(state.gate_of(what))
        return
    if kind is Kind.LIMIT:
        state.reconsider(what)
        return
    if kind is Kind.EXPIRE:
        expire_pool(state, what, effective_ms)
        return
    lead = state.need_lead(what)
    if state.is_over(lead):  # it has expired, and its row was not written yet
        write_expired(state, lead, state.pools[lead.pool].expired_ms)
        return
    if what in state.leaving and lead.lease is None and go_at_once(state, lead):
        return  # its number was blocked, and its row was not written yet
    match kind:
        case Kind.LEASE | Kind.LEASE_BEAT | Kind.LEASE_MAX:
            end_as_unresolved(state, lead, "lease_timeout", "system", effective_ms)
        case Kind.RELEASE_PRIVATE | Kind.RELEASE_VIP:
            release(state, lead, "timer", "system", effective_ms)
        case Kind.ABANDON:
            state.put(lead, close(lead, "abandoned"), "abandoned", "system", effective_ms=effective_ms)
        case Kind.URGENT:
            state.put(lead, replace(lead, urgent=None), "urgent_expired", "system", effective_ms=effective_ms)
        case _:
            assert_never(kind)
