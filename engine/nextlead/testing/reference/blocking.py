"""Removing and blocking (SPEC 10.1 to 10.5), and what the end of a lease makes of a mark (R1.5, R10.4)."""

from collections.abc import Iterable

from nextlead.core.commands import Block, Remove, Unblock
from nextlead.core.errors import NotFound
from nextlead.core.replies import Count

from . import changes
from .records import Lead
from .world import World

MARKS = ("anonymized", "global_do_not_call", "do_not_call", "expired", "removed")
"""R1.5: what can be waiting for the end of a lease, the strongest first."""

CLOSURE_OF = {"organisation": "do_not_call", "global": "global_do_not_call"}


def refusal(world: World, numbers: Iterable[int]) -> str | None:
    """R9.7: why these numbers may not be dialled; None if they all may. The strongest reason counts."""
    found = []
    for number in numbers:
        found += ["anonymized"] * (number in world.forgotten)
        found += ["global_do_not_call"] * (number in world.blocked_globally)
        found += ["do_not_call"] * (number in world.blocked)
    return min(found, key=MARKS.index, default=None)


def close_or_mark(world: World, lead: Lead, closure: str, *, by: str) -> None:
    """R1.5: a leased lead is only marked, and a mark gives way to a stronger one."""
    if lead.lease is None:
        changes.close(world, lead, closure, by=by)
    elif lead.mark is None or MARKS.index(closure) < MARKS.index(lead.mark):
        lead.mark = closure


def close_marked(world: World, lead: Lead, *, by: str, effective_ms: int | None = None) -> None:
    """The mark takes effect; the personal data of an anonymised lead goes (R10.6)."""
    assert lead.mark is not None
    closure = lead.mark
    changes.close(world, lead, closure, by=by, effective_ms=effective_ms)
    if closure == "anonymized":
        changes.erase(world, lead)


def drop_waiting(lead: Lead) -> None:
    """R10.3: at the end of a lease, before its outcome: numbers that waited for it go."""
    for number in lead.dropping:
        drop_number(lead, number)
    lead.dropping = []


# -- do not call ----------------------------------------------------------------------------------------------------


def block(world: World, command: Block) -> Count:
    """R10.2, R10.3: number by number; the count is of leads that closed, are marked, or lost the number."""
    return Count(
        sum(
            block_number(world, number, command.scope, by=command.by, drop=command.drop_number)
            for number in dict.fromkeys(command.numbers)
        )
    )


def block_number(world: World, number: int, scope: str, *, by: str, drop: bool = False, but: Lead | None = None) -> int:
    """R10.3: open leads that have the number close; leased ones at the end of their lease (R10.4). How many.

    A forgotten number is not written down again (R10.6).
    """
    if number not in world.forgotten:
        (world.blocked if scope == "organisation" else world.blocked_globally).add(number)
    having = [lead for lead in world.leads.values() if lead.open and lead is not but and number in lead.numbers]
    for lead in having:
        if lead.mark is not None and MARKS.index(lead.mark) <= MARKS.index(CLOSURE_OF[scope]):
            continue
        if drop and set(lead.numbers) - {number, *lead.dropping}:
            lose_number(lead, number)
        else:
            close_or_mark(world, lead, CLOSURE_OF[scope], by=by)
    return len(having)


def lose_number(lead: Lead, number: int) -> None:
    """R10.3: now, or at the end of the lease."""
    if lead.lease is None:
        drop_number(lead, number)
    elif number not in lead.dropping:
        lead.dropping.append(number)


def drop_number(lead: Lead, number: int) -> None:
    """The lead goes on with the others; if it was next, with the one after it."""
    at = lead.numbers.index(number)
    lead.numbers.remove(number)
    lead.dropped.append(number)
    if lead.number == number and lead.numbers:
        lead.number = lead.numbers[at % len(lead.numbers)]


def unblock(world: World, command: Unblock) -> None:
    """R10.5: reopens nothing."""
    listed = world.blocked if command.scope == "organisation" else world.blocked_globally
    if command.number not in listed:
        raise NotFound("number", command.number)
    listed.remove(command.number)


def remove(world: World, command: Remove) -> None:
    """R10.1; R1.5: a leased one at the end of the lease."""
    close_or_mark(world, world.lead(command.lead), "removed", by=command.by)
