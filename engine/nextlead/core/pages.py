"""Untouched leads as plain columns: an unprocessed lead that nobody has worked on need not be an object.

A page holds 65,536 ids. A lead's place in the columns is its id; `number` of 0 means that it is not here. A page whose
last lead was touched or closed is dropped. About 45 bytes a lead.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from .model import FreshLead

PAGE_BITS: Final = 16
PAGE_SIZE: Final = 1 << PAGE_BITS
PAGE_MASK: Final = PAGE_SIZE - 1


class Page:
    """Columns of one page; `held` counts the leads that are here."""

    __slots__ = ("created_ms", "held", "number", "ordinal", "owner", "pool", "priority", "zones")

    def __init__(self) -> None:
        self.held = 0
        self.number = array("q", (0,)) * PAGE_SIZE
        self.created_ms = array("q", (0,)) * PAGE_SIZE
        self.ordinal = array("i", (0,)) * PAGE_SIZE
        self.pool = array("i", (0,)) * PAGE_SIZE
        self.owner = array("i", (0,)) * PAGE_SIZE
        self.priority = array("h", (0,)) * PAGE_SIZE
        self.zones = array("h", (0,)) * PAGE_SIZE


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
            at = lead.id & PAGE_MASK
            page.number[at] = lead.numbers[0]
            page.created_ms[at] = lead.created_ms
            page.ordinal[at] = lead.ordinal
            page.pool[at] = lead.pool
            page.owner[at] = lead.owner
            page.priority[at] = lead.priority
            page.zones[at] = lead.zones
            page.held += 1
            if len(lead.numbers) > 1 or lead.master:
                self._more[lead.id] = (lead.numbers, lead.master)
        self.held += len(leads)

    def get(self, lead: int) -> FreshLead | None:
        """The lead as it came in, without its data; None if it is not untouched."""
        page = self._pages.get(lead >> PAGE_BITS)
        if page is None:
            return None
        at = lead & PAGE_MASK
        number = page.number[at]
        if not number:
            return None
        numbers, master = self._more.get(lead) or ((number,), 0)
        return FreshLead(
            id=lead,
            pool=page.pool[at],
            ordinal=page.ordinal[at],
            numbers=numbers,
            owner=page.owner[at],
            priority=page.priority[at],
            zones=page.zones[at],
            created_ms=page.created_ms[at],
            master=master,
        )

    def ordinal(self, lead: int) -> int:
        """The lead's ordinal; 0 if it is not untouched."""
        page = self._pages.get(lead >> PAGE_BITS)
        at = lead & PAGE_MASK
        return page.ordinal[at] if page is not None and page.number[at] else 0

    def discard(self, lead: int) -> None:
        """The lead is touched, or gone; nothing happens if it was not here."""
        page = self._pages.get(lead >> PAGE_BITS)
        if page is None or not page.number[lead & PAGE_MASK]:
            return
        page.number[lead & PAGE_MASK] = 0
        page.held -= 1
        self.held -= 1
        self._more.pop(lead, None)
        if not page.held:
            del self._pages[lead >> PAGE_BITS]

    def __iter__(self) -> Iterator[int]:
        """Ids, page by page, each page as it is when it is begun. A page is read up to its last lead."""
        for number, page in list(self._pages.items()):
            here = (number << PAGE_BITS | at for at, value in enumerate(page.number) if value)
            yield from list(islice(here, page.held))
