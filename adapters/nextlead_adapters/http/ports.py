"""What this face needs of the intake, which it is given."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from nextlead.core.model import Pool

from ..intake.options import PoolOptions
from ..intake.service import Progress


class Intake(Protocol):
    """Files and entries; see `intake/service.py`."""

    async def upload(self, path: Path, file_name: str, options: PoolOptions, by: str, *, remove: bool = False) -> Pool:
        """Load a file into a new pool; with `remove` it deletes the file when done, also on errors."""
        ...

    async def add_leads(self, leads: Sequence[object], options: PoolOptions, by: str, *, caller: str = "") -> Pool:
        """Load leads given as JSON."""
        ...

    def progress(self, pool: int) -> Progress | None:
        """Of a file that is being loaded, else None."""
        ...
