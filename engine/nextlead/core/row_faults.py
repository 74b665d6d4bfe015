"""Why a row can't be loaded as things are now, though it passed its upload rules (SPEC R9.4, R9.7)."""

from collections.abc import Iterable
from typing import Final

from .almanac import zone_named
from .blocking import refusal_of_numbers
from .commands import IntakeReject, IntakeRow
from .settings_check import NUMBER_MOST, PRIORITY_LAST
from .state import State

REFUSED: Final = {
    "anonymized": "a number of it was forgotten",
    "global_do_not_call": "number is on the global do-not-call list",
    "do_not_call": "number is on the do-not-call list",
}
"""Why a number may not be dialled, by the closure that a lead with it gets."""


def fits(state: State, row: IntakeRow) -> bool:
    """Whether nothing but its owner may stand against the row. O(numbers)."""
    numbers = row.numbers
    for number in numbers:
        if not 0 < number < NUMBER_MOST:
            return False
    if not 0 <= row.priority <= PRIORITY_LAST or not numbers or (len(numbers) > 1 and len({*numbers}) < len(numbers)):
        return False
    if row.zone and zone_named(row.zone) is None:
        return False
    return refusal_of_numbers(state, numbers) is None


def reject_of(row: IntakeRow, *, has_owner: bool) -> IntakeReject:
    """A row that doesn't fit, with every reason but those of its numbers that may not be dialled."""
    reasons = []
    closure, rule, zone = "not_accepted", "", row.zone
    if not 0 <= row.priority <= PRIORITY_LAST:
        reasons.append("priority must be from 1 (first) to 1000")
        rule = "priority"
    if not has_owner:
        reasons.append("owner is not there any more")
        rule = rule or "owner"
    if row.zone and zone_named(row.zone) is None:
        reasons.append("timezone must be an IANA name such as America/New_York")
        rule, zone = rule or "timezone", ""
    if not row.numbers or usable(row.numbers) != row.numbers:
        reasons.append("numbers must be there, each once, with at most 15 digits")
        closure, rule = "invalid_phone_number", ""
    return IntakeReject(row.row, (*row.dropped, *reasons), row.cells, row.numbers, row.data, closure, rule, zone)


def usable(numbers: Iterable[int]) -> tuple[int, ...]:
    """Those that can be numbers, each once."""
    return tuple(number for number in dict.fromkeys(numbers) if 0 < number < NUMBER_MOST)
