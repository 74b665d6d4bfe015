"""Untouched leads as packed records: an unprocessed lead that nobody has worked on need not be an object.

A page holds 4,096 ids. A lead's place in it is its id; a number of 0 means that it is not here. A page whose last lead
was touched or closed is dropped: pages are small, so that a few that are left don't keep the room of many that expired.
32 bytes a lead, next to each other: one cache miss, where columns cost seven.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from struct import Struct
from typing import Final

from .model import FreshLead

PAGE_BITS: Final = 12
PAGE_SIZE: Final = 1 << PAGE_BITS
PAGE_MASK: Final = PAGE_SIZE - 1

_RECORD: Final = Struct("<qqiiihh")
"""Number, created_ms, ordinal, pool, owner, priority, zones."""
_NUMBER: Final = Struct("<q")
_NONE: Final = (0,)
_NUMBER_TO_ORDINAL: Final = Struct("<qqi")


class Page:
    """Records of one page; `held` counts the leads that are here."""

    __slots__ = ("held", "records")

    def __init__(self) -> None:
        self.held = 0
        self.records = bytearray(PAGE_SIZE * _RECORD.size)


class Pages:
    """All untouched leads by id."""

    def __init__(self) -> None:
        self._pages: dict[int, Page] = {}
        self._more: dict[int, tuple[tuple[int, ...], int]] = {}  # numbers and master of those with several, or with one
        self.held = 0

    def add(self, leads: Sequence[FreshLead]) -> None:
        """Take new leads in; O(1) each."""
        for lead in leads:
            page = self._pages.get(lead.id >> PAGE_BITS)
            if page is None:
                page = self._pages[lead.id >> PAGE_BITS] = Page()
            numbers = lead.numbers
            _RECORD.pack_into(
                page.records,
                (lead.id & PAGE_MASK) * _RECORD.size,
                numbers[0],
                lead.created_ms,
                lead.ordinal,
                lead.pool,
                lead.owner,
                lead.priority,
                lead.zones,
            )
            page.held += 1
            if len(numbers) > 1 or lead.master:
                self._more[lead.id] = (numbers, lead.master)
        self.held += len(leads)

    def get(self, lead: int) -> FreshLead | None:
        """The lead as it came in, without its data; None if it is not untouched."""
        page = self._pages.get(lead >> PAGE_BITS)
        if page is None:
            return None
        number, created_ms, ordinal, pool, owner, priority, zones = _RECORD.unpack_from(
            page.records, (lead & PAGE_MASK) * _RECORD.size
        )
        if not number:
            return None
        numbers, master = self._more.get(lead) or ((number,), 0)
        return FreshLead(lead, pool, ordinal, numbers, owner, priority, zones, b"{}", created_ms, master)

    def ordinal(self, lead: int) -> int:
        """The lead's ordinal; 0 if it is not untouched."""
        page = self._pages.get(lead >> PAGE_BITS)
        if page is None:
            return 0
        number, _, ordinal = _NUMBER_TO_ORDINAL.unpack_from(page.records, (lead & PAGE_MASK) * _RECORD.size)
        return int(ordinal) if number else 0

    def discard(self, lead: int) -> None:
        """The lead is touched, or gone; nothing happens if it was not here."""
        page, at = self._pages.get(lead >> PAGE_BITS), (lead & PAGE_MASK) * _RECORD.size
        if page is None or _NUMBER.unpack_from(page.records, at) == _NONE:
            return
        _NUMBER.pack_into(page.records, at, 0)
        page.held -= 1
        self.held -= 1
        self._more.pop(lead, None)
        if not page.held:
            del self._pages[lead >> PAGE_BITS]

    def __iter__(self) -> Iterator[int]:
        """Ids, page by page, each page as it is when it is begun. A page is read up to its last lead."""
        for number, page in list(self._pages.items()):
            records = enumerate(_RECORD.iter_unpack(page.records))
            here = (number << PAGE_BITS | at for at, record in records if record[0])
            yield from list(islice(here, page.held))
