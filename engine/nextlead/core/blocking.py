"""Closing from outside: do-not-call and removal (SPEC R10.1 to R10.5, R1.5)."""

from msgspec.structs import replace

from .commands import Block, Remove, Unblock
from .errors import Invalid, NotFound
from .model import Blocked, Lead
from .outcomes import close
from .replies import Count
from .settings_check import NUMBER_MOST
from .state import State


def block(state: State, command: Block) -> Count:
    """Put a number on the list; the reply counts the leads it closed or marked."""
    if not all(0 < number < NUMBER_MOST for number in command.numbers):
        raise Invalid("number", "has at most 15 digits")
    return Count(sum(block_number(state, number, command.reason, command.by) for number in command.numbers))


def block_number(state: State, number: int, reason: str, actor: str, but: int = 0) -> int:
    """O(leads with the number * log n). A number that is there already keeps its first entry.

    The lead whose result asked for it (`but`) is left to that result (SPEC R1.2).
    """
    if number not in state.blocked:
        entry = Blocked(number, reason, state.now_ms, actor)
        state.blocked[number] = entry
        state.record("blocked", number, entry)
    leads = [state.need_lead(lead) for lead in state.numbers.leads(number) if lead != but]
    for lead in leads:
        close_or_mark(state, lead, "do_not_call", "blocked", actor)
    return len(leads)


def unblock(state: State, command: Unblock) -> None:
    """Take a number off the list; nothing reopens (SPEC R10.5)."""
    if state.blocked.pop(command.number, None) is None:
        raise NotFound("do-not-call entry", command.number)
    state.record("blocked", command.number, None)


def remove(state: State, command: Remove) -> Lead:
    """Close an open lead as `removed`; a leased one at the end of its lease."""
    return close_or_mark(state, state.open_lead(command.lead), "removed", "removed", command.by)


def close_or_mark(state: State, lead: Lead, closure: str, trigger: str, actor: str) -> Lead:
    """SPEC R1.5: a leased lead is not torn away. A do-not-call mark is not replaced by a weaker one."""
    if lead.lease is None:
        return state.put(lead, close(lead, closure), trigger, actor)
    mark = lead.mark if lead.mark == "do_not_call" else closure
    return state.put(lead, replace(lead, mark=mark), trigger, actor, detail="takes effect at the end of the lease")
