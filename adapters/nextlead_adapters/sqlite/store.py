"""A store in a file, and nothing else in it that matters."""

from pathlib import Path

from nextlead.ports import Claim

from ..journalled.store import JournalledStore
from .database_file import DatabaseFile
from .tables import SqliteTables


class SqliteStore(JournalledStore):
    """Store and archive of one organisation, which opens, claims and closes its file itself.

    `read_only` opens a snapshot of it that never claims.
    """

    def __init__(self, path: str | Path, org: int = 1, *, read_only: bool = False) -> None:
        self._file = DatabaseFile(path, read_only=read_only)
        super().__init__(SqliteTables(self._file, org))

    async def open(self) -> None:
        """See `Store.open`. A new or older file is made or brought up under the lock."""
        try:
            await self._file.open()
            await self._file.bring_up()
        except BaseException:
            await self.close()
            raise
        await super().open()

    async def claim(self) -> Claim:
        """See `Store.claim`. The lock lives as long as the process; the epoch is written into every commit.

        A store that was refused is closed.
        """
        if not self._file.claimed:
            try:
                await self._file.claim()
            except BaseException:
                await self.close()
                raise
        return await super().claim()

    async def close(self) -> None:
        """See `Store.close`. Leaves no log behind, if the disk lets it."""
        try:
            await super().close()
        finally:
            await self._file.close()
