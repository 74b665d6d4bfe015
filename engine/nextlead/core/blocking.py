"""Closing from outside: do-not-call and removal (SPEC R10.1 to R10.5, R9.7, R1.5).

Rules of this file:

1. No open lead that is not leased has a number that may not be dialled, but for one that waits for validation of the
   result that blocked it, and for those that a running `CloseBlocked` has not come to.
2. A leased lead is not torn away: it is marked, or a number of it waits in `Lead.dropping`, until its lease ends.
"""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from .commands import Block, Remove, Scope, Unblock
from .errors import Invalid, NotFound, NumberBlocked
from .expiry import write_expired
from .jobs import end, next_job, put_off
from .model import Blocked, Job, Lead, Status
from .outcomes import close, without_number
from .replies import Count
from .settings_check import NUMBER_MOST
from .state import State

MARKS: Final = ("removed", "expired", "do_not_call", "global_do_not_call", "anonymized")
"""What a leased lead may be marked with, the weakest first."""
CLOSURES: Final[dict[Scope, str]] = {"organisation": "do_not_call", "global": "global_do_not_call"}
AT_THE_END: Final = "takes effect at the end of the lease"


def stronger(mark: str | None, other: str) -> str:
    """Which of two marks stays."""
    return other if mark is None or MARKS.index(other) > MARKS.index(mark) else mark


# -- the lists ------------------------------------------------------------------------------------------------------


def list_of(state: State, scope: Scope) -> tuple[str, dict[int, Blocked]]:
    """A do-not-call list with the name of its table."""
    return ("blocked", state.blocked) if scope == "organisation" else ("global_blocked", state.blocked_globally)


def refusal_of_number(state: State, number: int) -> str | None:
    """Why a number may not be dialled: `anonymized`, `global_do_not_call` or `do_not_call`; None if it may. O(1)."""
    if state.forgotten and state.digest(number) in state.forgotten:
        return "anonymized"
    if number in state.blocked_globally:
        return "global_do_not_call"
    return "do_not_call" if number in state.blocked else None


def refusal_of_numbers(state: State, numbers: Iterable[int]) -> str | None:
    """The strongest reason why one of the numbers may not be dialled (SPEC R9.7); None if they all may."""
    if not (state.blocked or state.blocked_globally or state.forgotten):
        return None
    found = [refusal for number in numbers if (refusal := refusal_of_number(state, number)) is not None]
    return max(found, key=MARKS.index, default=None)


def need_free_numbers(state: State, numbers: Iterable[int]) -> None:
    """Raises `NumberBlocked` when one of the numbers may not be dialled (SPEC R9.7)."""
    if refusal_of_numbers(state, numbers) is not None:
        raise NumberBlocked


def block(state: State, command: Block) -> Count:
    """Put numbers on a list; the reply counts the leads that close, are marked, or lose the number.

    A number that was forgotten stays so: it may not be dialled anyway, and is not written down again.
    """
    if not all(0 < number < NUMBER_MOST for number in command.numbers):
        raise Invalid("number", "has at most 15 digits")
    return Count(
        sum(
            block_number(
                state, number, command.reason, command.by, scope=command.scope, drop_number=command.drop_number
            )
            for number in dict.fromkeys(command.numbers)
        )
    )


def block_number(
    state: State,
    number: int,
    reason: str,
    actor: str,
    *,
    scope: Scope = "organisation",
    drop_number: bool = False,
    but: Lead | None = None,
) -> int:
    """The same for one number; one that is there already keeps its first entry.

    The lead whose result asked for it (`but`) is left to that result (SPEC R1.2). The first leads close at once, others
    in slices. O(leads with the number + slice * log n).
    """
    table, listed = list_of(state, scope)
    if number not in listed and refusal_of_number(state, number) != "anonymized":
        entry = listed[number] = Blocked(number, reason, state.now_ms, actor)
        state.record(table, number, entry)
    if but is not None and but.status is not Status.CLOSED:  # it waits for validation; a later slice would close it
        leads = [lead for lead in open_leads(state, number) if lead != but.id]
        for lead in leads:
            _shut_out(state, state.need_lead(lead), number, CLOSURES[scope], actor, drop_number=drop_number)
        return len(leads)
    leads, most = open_leads(state, number), state.slice_leads
    if len(state.numbers.leads(number)) > most:
        _shut_out_leased(state, number, CLOSURES[scope], actor, drop_number=drop_number)
    if close_some(state, number, CLOSURES[scope], actor, most, drop_number=drop_number) == most:
        job = Job(next_job(state), "block", 0, actor, state.now_ms, number, CLOSURES[scope], drop_number)
        put_off(state, CloseBlocked(state, job), job)
    return len(leads)


def unblock(state: State, command: Unblock) -> None:
    """Take the number off the list; nothing reopens (SPEC R10.5).

    What the list was still closing for it closes now: leads that come in from here on may be called.
    """
    table, listed = list_of(state, command.scope)
    if listed.pop(command.number, None) is None:
        whose = "global" if command.scope == "global" else "organisation's"
        raise NotFound("do-not-call entry", f"+{command.number} on the {whose} list")
    for task in closing(state, command.number):
        task.finish(state)
        end(state, task)
    state.record(table, command.number, None)


def remove(state: State, command: Remove) -> Lead:
    """Close an open lead as `removed`; a leased one at the end of its lease."""
    return close_or_mark(state, state.open_lead(command.lead), "removed", "removed", command.by)


# -- leads ----------------------------------------------------------------------------------------------------------


def close_or_mark(state: State, lead: Lead, closure: str, trigger: str, actor: str, number: int = 0) -> Lead:
    """SPEC R1.5: a leased lead is not torn away. A mark is not replaced by a weaker one."""
    if lead.lease is None:
        return state.put(lead, close(lead, closure), trigger, actor, number=number)
    marked = replace(lead, mark=stronger(lead.mark, closure))
    return state.put(lead, marked, trigger, actor, number=number, detail=AT_THE_END)


def close_some(state: State, number: int, closure: str, actor: str, most: int, *, drop_number: bool = False) -> int:
    """Close or mark so many of the open leads with the number, by id; how many, 0 when none is left.

    With `drop_number` a lead that has another number loses this one instead.
    """
    found: list[Lead] = []
    for lead_id in state.numbers.each(number):
        lead = state.need_lead(lead_id)
        if not _is_settled(state, lead, number, closure, drop_number=drop_number):
            found.append(lead)
            if len(found) == most:
                break
    for lead in found:
        _shut_out(state, lead, number, closure, actor, drop_number=drop_number)
    return len(found)


def open_leads(state: State, number: int) -> list[int]:
    """Leads with the number, by id, that count as open: none that has left, its row written or not."""
    leads = state.numbers.leads(number)
    if not (state.shut or state.leaving):
        return leads
    return [lead.id for lead in map(state.need_lead, leads) if not state.has_left(lead)]


def _shut_out_leased(state: State, number: int, closure: str, actor: str, *, drop_number: bool) -> None:
    """Those on a screen are marked before anybody can finish them. O(leases)."""
    for lead_id in [lead for held in state.leases.values() for _, lead in held]:
        lead = state.need_lead(lead_id)
        if number in lead.numbers and not _is_settled(state, lead, number, closure, drop_number=drop_number):
            _shut_out(state, lead, number, closure, actor, drop_number=drop_number)


def _is_settled(state: State, lead: Lead, number: int, closure: str, *, drop_number: bool) -> bool:
    """Whether a lead needs no more: it is leased, and what was to be done waits for the end of that; or it is going.

    One that a running task closes for its number keeps it until then: by that the task finds it.
    """
    if lead.lease is None:
        return (drop_number and lead.id in state.leaving) or (bool(state.shut) and state.is_going(lead))
    return stronger(lead.mark, closure) == lead.mark or (drop_number and number in lead.dropping)


def _shut_out(state: State, lead: Lead, number: int, closure: str, actor: str, *, drop_number: bool) -> None:
    if state.is_over(lead):
        write_expired(state, lead, state.pools[lead.pool].expired_ms)
    elif not drop_number or {*lead.numbers} <= {number, *lead.dropping}:
        close_or_mark(state, lead, closure, "blocked", actor, number)
    elif lead.lease is None:
        state.put(lead, without_number(lead, number), "blocked", actor, number=number, detail="number dropped")
    else:
        waiting = replace(lead, dropping=(*lead.dropping, number))
        state.put(lead, waiting, "blocked", actor, number=number, detail=f"number dropped; {AT_THE_END}")


class CloseBlocked:
    """The open leads of a number that very many share close in slices (see `Task`); for people they are closed.

    Those that only lose the number lose it at the latest when they are about to be leased.
    """

    def __init__(self, state: State, job: Job) -> None:
        self.id = job.id
        self.number = job.number
        self._job = job
        self.leads = frozenset[int]() if job.drop_number else frozenset(state.numbers.leads(job.number))
        state.leaving |= self.leads

    def slice(self, state: State) -> bool | None:
        """See `Task`."""
        if self._close(state, state.slice_leads) == state.slice_leads:
            return None
        self._leave_nothing(state)
        return True

    def finish(self, state: State) -> None:
        """Close all that are left at once."""
        self._close(state, len(state.numbers.leads(self.number)))
        self._leave_nothing(state)

    def shut_out(self, state: State, lead: Lead) -> None:
        """Do now what a later slice would do to the lead."""
        job = self._job
        _shut_out(state, lead, job.number, job.closure, job.by, drop_number=job.drop_number)

    def _leave_nothing(self, state: State) -> None:
        others = [task.leads for task in state.tasks if isinstance(task, CloseBlocked) and task is not self]
        state.leaving = set().union(*others)

    def _close(self, state: State, most: int) -> int:
        job = self._job
        return close_some(state, job.number, job.closure, job.by, most, drop_number=job.drop_number)


def closing(state: State, number: int) -> list[CloseBlocked]:
    """Tasks that are closing the leads of a number."""
    return [task for task in state.tasks if isinstance(task, CloseBlocked) and task.number == number]


def go_at_once(state: State, lead: Lead) -> bool:
    """Do to the lead what a later slice would do, if one would; one that closes it comes before one that does not."""
    tasks = [task for number in lead.numbers for task in closing(state, number)]
    task = next((task for task in tasks if lead.id in task.leads), tasks[0] if tasks else None)
    if task is not None:
        task.shut_out(state, lead)
    return task is not None


def drop_at_once(state: State, lead: Lead) -> Lead:
    """The open lead as a `next` would find it: without the numbers that later slices would take from it (SPEC R10.3).

    What closes, or waits for the end of a lease, is left to that.
    """
    for task in _dropping(state, lead):
        task.shut_out(state, lead)
        lead = state.need_lead(lead.id)
    return lead


def as_dropped(state: State, lead: Lead) -> Lead:
    """The row that `drop_at_once` would make of it; nothing is done."""
    tasks = _dropping(state, lead)
    for task in tasks:
        lead = without_number(lead, task.number)
    return state.zones.follow(lead) if tasks else lead


def _dropping(state: State, lead: Lead) -> list[CloseBlocked]:
    """Tasks that take a number from the lead and leave it another."""
    if not state.tasks or lead.lease is not None or state.has_left(lead):
        return []
    tasks = {task.number: task for number in lead.numbers for task in closing(state, number) if not task.leads}
    return list(tasks.values())[: len(lead.numbers) - 1]


def last_look(state: State, lead: Lead) -> bool:
    """Whether the lead may be leased (SPEC R9.7). One that may not closes, and is a fault unless it was about to."""
    refusal = refusal_of_numbers(state, lead.numbers)
    if refusal is None:
        return True
    if go_at_once(state, lead):
        return False
    state.faults += 1
    close_or_mark(state, lead, refusal, "blocked", "system")
    return False
