"""The data fields of leads, for answers: read for many at once, and for leases while their commit is being written.

Rules of this file:

1. Whoever asks gets what was durable when it asked, or newer.
2. Data fields of leads that go to agents are read beside the commit that leases them, so that nobody waits for it
   afterwards, and are kept for the end of the lease, which shows them again.
3. What a commit changes, deletes or erases is not kept, before anybody is answered; nor is what was read beside one
   that did. A lead that was not found beside its commit may have come with that commit: it is read once more.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from nextlead.ports import Archive, Commit

KEPT_MOST: Final = 4_096
"""Leases whose leads' data fields are kept; those of the oldest are read once more."""

Found = Mapping[int, bytes]
_Future = asyncio.Future[Found]


class DataReader:
    """One read for all who ask in a turn of the loop, or while a read is under way. See the rules of this file."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._leads: set[int] = set()
        self._waiting: list[_Future] = []
        self._ahead: set[int] = set()
        self._coming: set[int] = set()
        self._joined: list[tuple[int, _Future]] = []
        self._kept: dict[int, bytes] = {}
        self._changes = 0
        self._reading: asyncio.Task[None] | None = None

    def get(self, leads: Iterable[int]) -> asyncio.Future[Found]:
        """Data fields by lead, as JSON; a lead that is not stored (any more) is left out, others may be there too.

        What was durable when this was called can be read. Awaiting it raises what the archive raises.
        """
        future: _Future = asyncio.get_running_loop().create_future()
        self._ask(leads, future)
        return future

    async def get_for_lease(self, lead: int) -> Found:
        """The same of a lead that goes to an agent."""
        kept = self._kept.get(lead)
        if kept is not None:
            return {lead: kept}
        if lead not in self._coming:
            return await self.get((lead,))
        future: _Future = asyncio.get_running_loop().create_future()
        self._joined.append((lead, future))
        return await future

    async def get_at_end(self, lead: int, following: int | None = None) -> Found:
        """The same of a lead whose lease has ended, and of the one that its agent has now."""
        kept = self._kept.pop(lead, None)
        found = await self.get((lead,)) if kept is None else {lead: kept}
        return found if following is None else {**found, **await self.get_for_lease(following)}

    # -- commits: see `Listener` ------------------------------------------------------------------------------------

    def writing(self, leads: Sequence[int]) -> None:
        """Read them meanwhile."""
        self._ahead.update(leads)
        self._begin()

    def committed(self, commit: Commit) -> None:
        """Keep nothing that it makes untrue."""
        for table, key in commit.changes.rows:
            if table == "lead_data":
                self._changes += 1
                self._kept.pop(int(key), None)
            elif table == "erasure":
                self._changes += 1
                self._kept.clear()
        for lead in commit.changes.gone:
            self._changes += 1
            self._kept.pop(lead, None)

    # -- reading ----------------------------------------------------------------------------------------------------

    def _ask(self, leads: Iterable[int], future: _Future) -> None:
        self._leads.update(leads)
        self._waiting.append(future)
        self._begin()

    def _begin(self) -> None:
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read(), name="nextlead-data")

    async def _read(self) -> None:
        """Until nobody waits. It begins after all who were woken by one commit have asked."""
        while self._waiting or self._ahead:
            waiting, self._waiting = self._waiting, []
            self._coming, self._ahead = self._ahead, set()
            leads, self._leads = self._leads | self._coming, set()
            changes = self._changes
            found: Found = {}
            try:
                found = await self._archive.data(sorted(leads))
            except Exception as error:  # noqa: BLE001 - each of those who wait raises it
                for future in waiting:
                    if not future.done():
                        future.set_exception(error)
            waiting += self._keep(found if changes == self._changes else {})
            for future in waiting:
                if not future.done():
                    future.set_result(found)
            self._coming, self._joined = set(), []
        self._reading = None

    def _keep(self, found: Found) -> list[_Future]:
        """Take in what was read ahead; of those who wait for it, who has it now. The others' is read once more."""
        for lead in self._coming & found.keys():
            self._kept[lead] = found[lead]
        while len(self._kept) > KEPT_MOST:
            del self._kept[next(iter(self._kept))]
        there: list[_Future] = []
        for lead, future in self._joined:
            if lead in found:
                there.append(future)
            else:
                self._ask((lead,), future)
        return there
