"""The open leads: columns for the untouched, rows for the rest.

A touched lead that is not leased is kept packed, as the MessagePack of its row: a fifth of the memory, nothing for the
garbage collector to look at, and unpacking costs less than a cache miss or two. Leased leads, which are worked on,
stay as rows.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec.msgpack import Decoder, Encoder

from .fresh import follow_shuffle, fresh_to_lead
from .model import FreshLead, Lead, Pool, Status
from .pages import Pages


class LeadTable:
    """Open leads by id. `get` is O(1); what it gives is a value (rule 1 of `model.py`)."""

    def __init__(self, pools: Mapping[int, Pool]) -> None:
        self._pools = pools
        self._pages = Pages()
        self._touched: dict[int, bytes | Lead] = {}
        self.changes = 0
        """Rises whenever leads come in or go, or a row is put."""
        self._pack = Encoder().encode
        self._unpack = Decoder(Lead).decode

    def __len__(self) -> int:
        return len(self._touched) + self._pages.held

    def get(self, lead: int) -> Lead | None:
        """The open lead, None if there is none of that id."""
        found = self._touched.get(lead)
        if type(found) is bytes:
            row = self._unpack(found)
            return row if row.shown else follow_shuffle(row, self._pools[row.pool])
        if isinstance(found, Lead):
            return found
        fresh = self._pages.get(lead)
        return None if fresh is None else fresh_to_lead(fresh, self._pools[fresh.pool])

    def touched_row(self, lead: int) -> Lead | None:
        """The row as it was put, if the lead is open and touched: all but the place of one that was never shown."""
        found = self._touched.get(lead)
        return self._unpack(found) if isinstance(found, bytes) else found

    def ordinal(self, lead: int) -> int:
        """The place in its pool's file of an unprocessed lead that nobody was shown; 0 for any other. O(1)."""
        fresh = self._pages.ordinal(lead)
        if fresh:
            return fresh
        found = self._touched.get(lead)
        if type(found) is not bytes:
            return 0
        row = self._unpack(found)
        return 0 if row.shown or row.status is not Status.UNPROCESSED else row.ordinal

    def fresh(self, lead: int) -> FreshLead | None:
        """The lead if it is untouched."""
        return self._pages.get(lead)

    def add_fresh(self, leads: Sequence[FreshLead]) -> None:
        """Take untouched leads in."""
        self.changes += 1
        self._pages.add(leads)

    def put(self, lead: Lead) -> None:
        """Keep the lead's new row."""
        if lead.id not in self._touched:
            self._pages.discard(lead.id)
        self.changes += 1
        self._touched[lead.id] = lead if lead.lease is not None else self._pack(lead)

    def drop(self, lead: int) -> None:
        """The lead is closed or deleted."""
        self.changes += 1
        if self._touched.pop(lead, None) is None:
            self._pages.discard(lead)

    def touched(self) -> Iterator[Lead]:
        """Every touched open lead, in no order. O(n); for checks and for what is rare."""
        for lead in list(self._touched):
            found = self.get(lead)
            if found is not None:
                yield found

    def untouched(self) -> Iterator[int]:
        """The ids of the untouched leads."""
        return iter(self._pages)
