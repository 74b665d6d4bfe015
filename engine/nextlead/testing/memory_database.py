"""Stores of several organisations that live as long as the object: for tests, demos and `memory:`."""

import os
from collections.abc import Callable

from nextlead.ports import DEFAULT, NeverLost, Organisation, StoreError, StoreRefused

from .memory_store import MemoryStore


class MemoryDatabase(NeverLost):
    """See `Database`. Nothing survives the process; claim the same object again and it is a restart."""

    def __init__(self) -> None:
        self._claimed = False
        self._organisations = {DEFAULT.no: DEFAULT}
        self._stores: dict[int, MemoryStore] = {}

    async def open(self) -> None:
        """Nothing to check."""

    async def claim(self, waiting: Callable[[str], None] | None = None) -> None:
        """See `Database.claim`; the holder can only be this process, so it never waits."""
        del waiting
        if self._claimed:
            raise StoreRefused(f"the database is in use by process {os.getpid()}")
        self._claimed = True

    def holds(self) -> bool:
        """See `Database.holds`."""
        return self._claimed

    async def organisations(self) -> list[Organisation]:
        """See `Database.organisations`."""
        return [self._organisations[no] for no in sorted(self._organisations)]

    async def put(self, organisation: Organisation) -> None:
        """See `Database.put`. The code stays as it was made."""
        if not self._claimed:
            raise StoreRefused("the database is not claimed")
        no, code = organisation.no, organisation.code
        if any(other.code == code and other.no != no for other in self._organisations.values()):
            raise StoreError(f"organisation {code} can't be written: another one has this code")
        old = self._organisations.get(no, organisation)
        self._organisations[no] = Organisation(no, old.code, organisation.name, old.created_ms)

    def store(self, no: int) -> MemoryStore:
        """See `Database.store`; the same object each time, for it is all there is."""
        return self._stores.setdefault(no, MemoryStore())

    async def close(self) -> None:
        """See `Database.close`."""
        self._claimed = False

    def crash(self) -> None:
        """The process that held it is gone: what was committed stays, no claim does."""
        self._claimed = False
        for store in self._stores.values():
            store.crash()
