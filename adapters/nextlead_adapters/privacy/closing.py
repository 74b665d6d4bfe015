"""The decision to forget: commands that carry rows of closed leads, in slices.

All of it is called with `Dialer.reopening` held, from the look into the archive to the reply: a closed lead's row is
what the command says it is.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec import Struct

from nextlead.core.commands import Anonymise, Forget
from nextlead.core.errors import Conflict
from nextlead.core.model import Lead, Status
from nextlead.core.replies import Anonymised
from nextlead.runtime.dialer import Dialer

from .person import Person

SLICE: Final = 200
"""Leads in one command: others are served after some milliseconds."""


class Closed(Struct, frozen=True):
    """What was decided: the person as it was found, and how many of its leads are erased, and marked."""

    person: Person
    closed: int
    marked: int


async def anonymise_person(dialer: Dialer, find: Callable[[], Awaitable[Person]], by: str) -> Closed:
    """Close or mark the person's leads, then forget the numbers.

    The numbers are in the last command, with the leads that they are found by: broken off before, nothing is forgotten
    that is still needed to find the rest.
    """
    leads: dict[int, Lead] = {}
    numbers: dict[int, None] = {}
    closed = marked = 0
    while True:
        person = await find()
        leads |= {lead.id: lead for lead in person.leads}
        numbers |= dict.fromkeys(person.numbers)
        try:
            for at in range(0, max(1, len(person.leads)), SLICE):
                is_last = at + SLICE >= len(person.leads)
                reply = await _anonymise(dialer, person.leads[at : at + SLICE], tuple(numbers) if is_last else (), by)
                closed, marked = closed + reply.closed, marked + reply.marked
        except Conflict:  # an agent has just closed one of them: its row is another now
            continue
        return Closed(Person(tuple(leads.values()), tuple(numbers)), closed, marked)


async def _anonymise(dialer: Dialer, leads: Sequence[Lead], numbers: tuple[int, ...], by: str) -> Anonymised:
    if not (leads or numbers):
        return Anonymised(0, 0)
    rows = tuple(lead for lead in leads if lead.status is Status.CLOSED)
    command = Anonymise(by=by, leads=tuple(lead.id for lead in leads), numbers=numbers, rows=rows)
    reply: Anonymised = await dialer.submit(command)
    return reply


async def forget_due(dialer: Dialer, campaign: int, closure: str, before_ms: int) -> int:
    """Erase a slice of the leads that closed so before a time; how many there were (SPEC R10.7).

    Raises `Conflict` when one was opened by somebody who did not hold `reopening`: look again.
    """
    rows = await dialer.archive.closed_before(campaign, closure, before_ms, SLICE)
    if not rows:
        return 0
    reply: Anonymised = await dialer.submit(Forget(rows=tuple(rows)))
    if reply.closed < len(rows):
        raise Conflict("a lead was opened meanwhile")
    return reply.closed
