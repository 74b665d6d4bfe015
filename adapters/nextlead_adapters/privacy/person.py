"""Which leads are one person (SPEC R10.6).

Rules of this file:

1. Clones and their master are the same person: that is what cloning means.
2. A person is named by a lead, or by a number, which means all leads that have it. All numbers of these leads and of
   their clones and masters are the person's, lost ones too.
3. Every other lead that has one of these numbers, open or closed, is the person, and its clones and master with it.
   What further numbers those have goes from them, but is not forgotten: it may be somebody else's.
"""

from collections.abc import Container, Iterable, Mapping

from msgspec import Struct

from nextlead.core.errors import NotFound
from nextlead.core.model import Lead
from nextlead.core.privacy import awaits_erasure
from nextlead.ports import Archive


class Person(Struct, frozen=True):
    """`leads` that still have something to be erased, as the archive has them, and the `numbers` to be forgotten.

    They stand in the order in which they are to be anonymised: those that the person is found by come last, so that
    the same question finds what is left, should it be broken off.
    """

    leads: tuple[Lead, ...]
    numbers: tuple[int, ...]


async def person_of_lead(archive: Archive, lead: int) -> Person:
    """The person that a lead is. Raises `NotFound` when there is no such lead (any more)."""
    named = await _family(archive, (lead,))
    if lead not in named:
        raise NotFound("lead", lead)
    return await _person_of(archive, named, ())


async def person_of_number(archive: Archive, number: int) -> Person:
    """The person that has a number; it may have no leads."""
    return await _person_of(archive, await _family(archive, await _users(archive, (number,))), (number,))


async def leads_with(archive: Archive, numbers: Iterable[int]) -> Person:
    """All leads that have one of the numbers, clones and masters included, and no number to be forgotten."""
    users = await _users(archive, numbers)
    return _person(await _family(archive, users), users, ())


def all_numbers(lead: Lead) -> tuple[int, ...]:
    """The numbers it has, and those that were found invalid."""
    return (*lead.numbers, *lead.dropped)


def is_settled(lead: Lead) -> bool:
    """It is erased, or will be when its lease ends."""
    return lead.erased or awaits_erasure(lead)


async def _person_of(archive: Archive, named: Mapping[int, Lead], numbers: Iterable[int]) -> Person:
    """Rules 2 and 3."""
    known = sorted({*numbers, *(number for row in named.values() for number in all_numbers(row))})
    others = await _family(archive, await _users(archive, known))
    return _person({**others, **named}, named, known)


def _person(found: Mapping[int, Lead], last: Container[int], numbers: Iterable[int]) -> Person:
    rows = [row for row in found.values() if not is_settled(row)]
    return Person(tuple(sorted(rows, key=lambda row: (row.id in last, row.id))), tuple(numbers))


async def _users(archive: Archive, numbers: Iterable[int]) -> dict[int, None]:
    return {use.lead: None for use in await archive.numbers(tuple(numbers))}


async def _family(archive: Archive, leads: Iterable[int]) -> dict[int, Lead]:
    """The leads with all their masters and clones; leads that are not stored are left out."""
    found: dict[int, Lead] = {}
    open_ends = list(leads)
    while open_ends:
        lead = open_ends.pop()
        if lead in found or (stored := await archive.lead(lead)) is None:
            continue
        found[lead] = stored.lead
        open_ends += await archive.clones(lead)
        if stored.lead.master:
            open_ends.append(stored.lead.master)
    return found
