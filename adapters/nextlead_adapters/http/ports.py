"""What this face needs of the intake, which it is given."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from nextlead.core.model import Pool

from ..intake.loading import AndThen
from ..intake.options import PoolOptions
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

    async def add_leads(
        self,
        leads: Sequence[object],
        options: PoolOptions,
        by: str,
        *,
        caller: str = "",
        then: AndThen | None = None,
    ) -> Pool:
        """Load leads given as JSON. `then` is called with the pool when the last of them is in."""
        ...

    def progress(self, pool: int) -> Progress | None:
        """Of a file that is being loaded, else None."""
        ...
