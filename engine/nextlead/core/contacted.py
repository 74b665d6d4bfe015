"""Calls to numbers that no open lead answers for: rows by lead, found by number (SPEC 12).

Rules of this file:

1. A row is kept as the MessagePack of it: there may be a month's closed leads.
2. Rows expire in the order of their newest call or conversation; those that expire first stand in front of a heap. An
   entry of the heap that is not its row's any more (the row was replaced or is gone) says nothing.
"""

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush

from msgspec.msgpack import Decoder, Encoder
from sortedcontainers import SortedList

from .model import Call, Contacted
from .numbers import number_entry
from .order import ID_BITS, ID_MASK


def newest_ms(calls: tuple[Call, ...]) -> int:
    """When the last of the calls started, or the last conversation ended, whichever is later; there is one at least."""
    newest = 0
    for call in calls:
        newest = max(newest, call.at_ms, call.talked_ms)
    return newest


class ContactedRows(Mapping[int, Contacted]):
    """Rows by lead. Reading one costs O(calls in it)."""

    def __init__(self) -> None:
        self._rows: dict[int, bytes] = {}
        self._entries: SortedList[int] = SortedList()
        self._expiring: list[int] = []
        self.changes = 0
        """Rises whenever a row is put or goes."""
        self._pack = Encoder().encode
        self._unpack = Decoder(Contacted).decode

    def __getitem__(self, lead: int) -> Contacted:
        return self._unpack(self._rows[lead])

    def __contains__(self, lead: object) -> bool:
        return lead in self._rows

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, row: Contacted) -> None:
        """Keep a lead's row in the place of the one it had. O(numbers in it * log n)."""
        if row.lead in self._rows:
            self.remove(row.lead)
        self.changes += 1
        self._rows[row.lead] = self._pack(row)
        for entry in _entries_of(row):
            self._entries.add(entry)
        heappush(self._expiring, newest_ms(row.calls) << ID_BITS | row.lead)

    def remove(self, lead: int) -> bool:
        """The lead's row goes; whether it had one."""
        packed = self._rows.pop(lead, None)
        if packed is None:
            return False
        self.changes += 1
        for entry in _entries_of(self._unpack(packed)):
            self._entries.remove(entry)
        return True

    def leads(self, number: int) -> Iterator[int]:
        """Leads whose rows have calls to the number, by id. O(log n + found)."""
        low = number << ID_BITS
        entries, at = self._entries, self._entries.bisect_left(low)
        while at < len(entries) and entries[at] <= low | ID_MASK:  # mostly there is none: cheaper than `irange`
            yield entries[at] & ID_MASK
            at += 1

    def called(self) -> set[int]:
        """All numbers that rows have calls to. O(n)."""
        return {entry >> ID_BITS for entry in self._entries}

    def numbers(self, after: int, most: int) -> list[int]:
        """The next numbers after one, in order, that rows have calls to. O(most * log n)."""
        found: list[int] = []
        while len(found) < most:
            entry = next(self._entries.irange(after + 1 << ID_BITS), None)
            if entry is None:
                break
            after = entry >> ID_BITS
            found.append(after)
        return found

    def expire(self, before_ms: int, most: int) -> list[int]:
        """Remove rows that have nothing that new, looking at so many at most; their leads. O(most * log n)."""
        gone = []
        for _ in range(most):
            if not self._expiring or self._expiring[0] >> ID_BITS >= before_ms:
                break
            entry = heappop(self._expiring)
            lead = entry & ID_MASK
            if lead in self._rows and newest_ms(self[lead].calls) == entry >> ID_BITS:
                self.remove(lead)
                gone.append(lead)
        return gone


def _entries_of(row: Contacted) -> set[int]:
    return {number_entry(call.number, row.lead) for call in row.calls}
