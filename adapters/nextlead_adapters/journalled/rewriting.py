"""Commits' rows without what is personal: what `Writing.rewrite` and its like put in the place of the old ones."""

from collections.abc import Collection, Iterator
from itertools import product

from nextlead.core.model import Erasure, Lead
from nextlead.redaction import (
    BLOCKED_TABLES,
    LEAD_TABLES,
    Forgetting,
    numbers_of,
    redacted_event,
    redacted_lead,
)

from .bodies import Whole
from .codec import RowKey


def further(no: int, whole: Whole, leads: Collection[int]) -> set[tuple[int, int]]:
    """(commit, lead) with which the stories of some leads go on behind commit `no`; an event of the same is not."""
    told = (event for event in whole.events if event.lead in leads)
    return {(before, event.lead) for event in told for before in (event.previous, *event.silent) if 0 < before < no}


def uses(whole: Whole, leads: Collection[int]) -> set[tuple[int, int]]:
    """(number, lead) of all numbers that the commit says some leads have or had."""
    found = {(number, row.id) for row in whole.leads if row.id in leads for number in numbers_of(row)}
    return found | {(event.number, event.lead) for event in whole.events if event.lead in leads and event.number}


def without(whole: Whole, leads: Collection[int]) -> Whole:
    """The same without what is personal of some leads."""
    taken = set(product(LEAD_TABLES, leads))
    return Whole(
        [redacted_lead(row) if row.id in leads else row for row in whole.leads],
        {key: row for key, row in whole.rows.items() if key not in taken},
        [redacted_event(event) if event.lead in leads else event for event in whole.events],
        whole.gone,
    )


def blocked_in(whole: Whole) -> list[RowKey]:
    """Rows that `without_numbers` keeps if they still stand in the table `row`."""
    return [key for key in whole.rows if key[0] in BLOCKED_TABLES]


def without_numbers(
    whole: Whole, erasures: Collection[int], forget: Collection[int], standing: Collection[RowKey]
) -> tuple[Whole, set[int]]:
    """The same without forgotten numbers in rows that are not leads', and the numbers that it names no more."""
    forgetting = Forgetting(erasures, forget, standing)
    rows = {key: forgetting.redacted(row) for key, row in whole.rows.items() if not forgetting.drops(key)}
    left = Whole(whole.leads, rows, whole.events, whole.gone)
    return left, whole.mentions() - left.mentions()


def bare(erasure: Erasure) -> Erasure:
    """An `Erasure` row without its numbers, when all of it was done."""
    found = Forgetting({erasure.id}, ()).redacted(erasure)
    assert isinstance(found, Erasure)
    return found


def said_by(lead: Lead) -> Iterator[int]:
    """The numbers that a lead still says."""
    yield from (*lead.numbers, *lead.dropped)
