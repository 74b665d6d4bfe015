"""What this face needs of the intake and of the privacy service, which it is given."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from nextlead.core.model import Pool

from ..intake.entries import AndEntered, Entered
from ..intake.loading import AndThen
from ..intake.options import PoolOptions, Source
from ..intake.service import Progress


class Intake(Protocol):
    """Files and entries; see `intake/service.py`."""

    async def upload(
        self,
        path: Path,
        file_name: str,
        options: PoolOptions,
        by: str,
        *,
        remove: bool = False,
        then: AndThen | None = None,
    ) -> Pool:
        """Load a file into a new pool; with `remove` it deletes the file when done, also on errors.

        `then` is called with the pool when it is opened and when it is full.
        """
        ...

    async def enter(
        self,
        leads: Sequence[object],
        options: PoolOptions,
        by: str,
        *,
        caller: str = "",
        source: Source = "api",
        then: AndEntered | None = None,
    ) -> Entered:
        """Load leads given as JSON. `then` is called with what became of them when the last is in."""
        ...

    def progress(self, pool: int) -> Progress | None:
        """Of a file that is being loaded, else None."""
        ...

    async def cancel(self, pool: int, by: str) -> Pool:
        """Break off the loading of a file: the pool fails, its leads go; returns when they have.

        Raises `NotFound`, and `Conflict` when the pool is not loading.
        """
        ...

    async def resume(self, pool: int, by: str) -> Pool:
        """Go on with a file that stopped half-way, from its kept original; returns while it loads.

        Raises `NotFound`, and `Conflict` when there is nothing to go on with.
        """
        ...


class ForgetReport(Protocol):
    """What forgetting a person did, or in a dry run would do."""

    @property
    def leads(self) -> int:
        """Leads of the person, open and closed, clones included."""
        ...

    @property
    def closed(self) -> int:
        """Of these, those that were erased now."""
        ...

    @property
    def marked(self) -> int:
        """Of these, those that are leased: they go when their lease ends."""
        ...

    @property
    def numbers(self) -> int:
        """Numbers that are never loaded again."""
        ...

    @property
    def entries(self) -> int:
        """Entries of do-not-call lists that became hashes."""
        ...

    @property
    def originals(self) -> int:
        """Kept files that lost rows; 0 in a dry run, as nobody reads the files for it."""
        ...

    @property
    def rows(self) -> int:
        """The rows that they lost; 0 in a dry run."""
        ...

    @property
    def later(self) -> bool:
        """A file that is being loaded loses its rows when it is loaded."""
        ...


class Privacy(Protocol):
    """Forgets persons (SPEC R10.6)."""

    async def anonymise(
        self, *, lead: int | None = None, number: int | None = None, by: str, dry_run: bool = False
    ) -> ForgetReport:
        """Forget the person who has this lead, or this number; one of them is given.

        Returns when nothing of the person is in the store any more, but for leads that are out and files that are being
        loaded. A number that nobody has is forgotten all the same. Raises `NotFound` for a lead that is not there, and
        `StorageFailed` when the store could not erase now: it is done in the background then.
        """
        ...
