"""Which leads are one person (SPEC R10.6).

Rules of this file:

1. Clones and their master are the same person: that is what cloning means.
2. A person named by a lead has all numbers of it and of its clones and master, lost and dropped ones too. One named by
   a number has that number.
3. Every lead that has one of these numbers, open or closed, is the person, and its clones and master with it. The
   other numbers of those leads go from them, but are not forgotten: they may be somebody else's.
"""

from collections.abc import Container, Iterable, Mapping
from typing import Final

from msgspec import Struct

from nextlead.core.errors import NotFound
from nextlead.core.model import Lead
from nextlead.ports import Archive

ANONYMIZED: Final = "anonymized"


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
    numbers = sorted({number for row in named.values() for number in all_numbers(row)})
    others = await _family(archive, await _users(archive, numbers))
    return _person(others | named, named, numbers)


async def person_of_numbers(archive: Archive, numbers: Iterable[int]) -> Person:
    """The person that has these numbers; it may have no leads."""
    wanted = sorted(numbers)
    users = await _users(archive, wanted)
    found = await _family(archive, users)
    return _person(found, users, wanted)


def all_numbers(lead: Lead) -> tuple[int, ...]:
    """The numbers it has, and those that were found invalid."""
    return (*lead.numbers, *lead.dropped)


def is_settled(lead: Lead) -> bool:
    """It is erased, or will be when its lease ends."""
    return lead.erased or lead.mark == ANONYMIZED


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
