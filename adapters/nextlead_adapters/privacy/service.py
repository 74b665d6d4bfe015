"""The privacy service: what HTTP and pages call to forget a person, and what erases by itself (SPEC R10.6, R10.7).

    privacy = Privacy(dialer, originals)
    report = await privacy.anonymise(number=14155550100, by="admin")

Nobody waits for the files of others: commands are short, and files are read and written by another process.
"""

import asyncio
from functools import partial
from typing import Any

from msgspec import Struct

from nextlead.core.engine import Engine
from nextlead.core.errors import Invalid, NextleadError, StorageFailed
from nextlead.core.settings_check import NUMBER_MOST
from nextlead.runtime.dialer import Dialer

from .closing import Closed, anonymise_person
from .erasing import FAILURES, Eraser, Gone, Originals
from .person import Person, person_of_lead, person_of_number
from .retention import Retention


class Report(Struct, frozen=True):
    """What was done to forget a person, or would be.

    Of `leads`, `closed` ones are erased, `marked` ones are leased and go when their lease ends. `numbers` are never
    loaded again; `entries` of do-not-call lists became hashes. `originals` are kept files that lost `rows`: both 0 in
    a dry run, as nobody reads the files for it. `later`: a file that is being loaded is rewritten when it is loaded.
    """

    leads: int
    closed: int
    marked: int
    numbers: int
    entries: int
    originals: int = 0
    rows: int = 0
    later: bool = False


class Privacy:
    """`start` after the intake, `close` before the dialer."""

    def __init__(self, dialer: Dialer, originals: Originals) -> None:
        self._dialer = dialer
        self._eraser = Eraser(dialer, originals)
        self._retention = Retention(dialer, self._eraser)
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Go on with what was not done when the daemon stopped, and look for what is due."""
        self._dialer.add_chore(self._eraser)
        self._dialer.add_chore(self._retention)

    async def close(self) -> None:
        """Break off what is under way; the next start goes on with it."""
        self._retention.close()
        self._eraser.close()
        while tasks := list(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def anonymise(
        self, *, lead: int | None = None, number: int | None = None, by: str, dry_run: bool = False
    ) -> Report:
        """Forget the person who has this lead, or this number (E.164 digits); exactly one is given.

        Returns when no byte of the person is left, but for leads that are out and files that are being loaded. It is
        carried to its end when the caller has gone. Asked again, it finds what is left, which may be nothing. Raises
        `Invalid`, `NotFound` for a lead that is not there, and `StorageFailed` when the store could not erase now: the
        leads are closed and the numbers refused by then, and the rest follows in the background.
        """
        if (lead is None) == (number is None):
            raise Invalid("lead", "name a lead or a number, and not both")
        if number is not None and not 0 < number < NUMBER_MOST:
            raise Invalid("number", "has at most 15 digits")
        if dry_run:
            return await self._foretell(await self._find(lead, number))
        task = asyncio.get_running_loop().create_task(self._forget(lead, number, by), name="nextlead-anonymise")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def _find(self, lead: int | None, number: int | None) -> Person:
        archive = self._dialer.archive
        if lead is not None:
            return await person_of_lead(archive, lead)
        assert number is not None
        return await person_of_number(archive, number)

    async def _foretell(self, person: Person) -> Report:
        marked = sum(lead.lease is not None for lead in person.leads)
        entries = await self._dialer.read(lambda engine: _entries(engine, person))
        return _report(Closed(person, len(person.leads) - marked, marked), entries, Gone())

    async def _forget(self, lead: int | None, number: int | None, by: str) -> Report:
        async with self._dialer.reopening:
            person = await self._find(lead, number)
            entries = await self._dialer.read(lambda engine: _entries(engine, person))
            done = await anonymise_person(self._dialer, partial(self._find, lead, number), by)
            claimed = self._eraser.claim({row.id for row in done.person.leads}, done.person.numbers)
        try:
            gone = await self._eraser.carry_out(claimed)
        except FAILURES as problem:
            raise StorageFailed("the person's leads are closed; erasing them goes on in the background") from problem
        return _report(done, entries, gone)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        problem = None if task.cancelled() else task.exception()
        if problem is not None and not isinstance(problem, NextleadError):
            context = {"message": "a fault while a person was forgotten", "exception": problem, "task": task}
            task.get_loop().call_exception_handler(context)


def _entries(engine: Engine, person: Person) -> int:
    """Entries of do-not-call lists, both of them."""
    return sum((number in engine.blocked) + (number in engine.blocked_globally) for number in person.numbers)


def _report(done: Closed, entries: int, gone: Gone) -> Report:
    return Report(
        leads=len(done.person.leads),
        closed=done.closed,
        marked=done.marked,
        numbers=len(done.person.numbers),
        entries=entries,
        originals=gone.originals,
        rows=gone.rows,
        later=gone.later,
    )
