"""Which open leads have a number (SPEC R3.7, R9.6, R10.3).

One sorted list of ints, number and lead id packed: 48 bytes a number. Numbers that several open leads share are few,
and the hot path asks for these only, so they have a dict of their own.
"""

from collections.abc import Iterable, Iterator

from .keys import Keys
from .order import ID_BITS, ID_MASK
from .runs import RUN, sorted_in_pieces


def number_entry(number: int, lead: int) -> int:
    """A number and a lead that has it, as the index keeps them."""
    return number << ID_BITS | lead


class NumberIndex:
    """Numbers of open leads. `shared` maps a number to its leads where there are at least two."""

    def __init__(self) -> None:
        self.keys = Keys()
        self.shared: dict[int, set[int]] = {}

    def add(self, numbers: Iterable[int], lead: int) -> None:
        """O(log n) a number."""
        for number in numbers:
            self.keys.add(number_entry(number, lead))
            leads = self.leads(number)
            if len(leads) > 1:
                self.shared[number] = set(leads)

    def build(self, entries: list[int]) -> Iterator[None]:
        """All of it from what `number_entry` gives, in pieces; for recovery. O(n log n); empties the list."""
        self.keys = yield from sorted_in_pieces(entries)
        previous = -1
        for at, entry in enumerate(self.keys, 1):
            number = entry >> ID_BITS
            if number == previous and number not in self.shared:
                self.shared[number] = set(self.leads(number))
            previous = number
            if at % RUN == 0:
                yield

    def entries(self) -> Iterator[int]:
        """All that `number_entry` gave, in order; the index must not change meanwhile."""
        return iter(self.keys)

    def remove(self, numbers: Iterable[int], lead: int) -> None:
        """O(log n) a number."""
        for number in numbers:
            self.keys.remove(number_entry(number, lead))
            leads = self.shared.get(number)
            if leads is not None:
                leads.discard(lead)
                if len(leads) < 2:
                    del self.shared[number]

    def leads(self, number: int) -> list[int]:
        """Open leads with the number, by id. O(log n + found)."""
        return list(self.each(number))

    def each(self, number: int) -> Iterator[int]:
        """The same, one after the other; the index must not change meanwhile."""
        low = number << ID_BITS
        return (entry & ID_MASK for entry in self.keys.irange(low, low | ID_MASK))

    def all(self) -> Iterator[int]:
        """Every number, as often as an open lead has it; the index must not change meanwhile."""
        return (entry >> ID_BITS for entry in self.keys)

    def __len__(self) -> int:
        return len(self.keys)
