"""A store in a PostgreSQL database, and nothing else in it that matters."""

from nextlead.ports import Claim, StoreError, StoreRefused

from ..journalled.store import JournalledStore
from .database import PostgresDatabase
from .ownership import Times
from .tables import PostgresTables


class PostgresStore(JournalledStore):
    """Store and archive of one organisation, which opens, claims and closes its database itself.

    `read_only` reads everything as of one moment and never claims.
    """

    def __init__(self, url: str, org: int = 1, times: Times | None = None, *, read_only: bool = False) -> None:
        self._database = PostgresDatabase(url, times, read_only=read_only)
        super().__init__(PostgresTables(self._database, org))

    async def open(self) -> None:
        """See `Store.open`. The tables are made when there are none."""
        await self._database.open()
        await super().open()

    async def claim(self) -> Claim:
        """See `Store.claim`. A store that was refused is closed."""
        if not self._database.ownership.taken:
            try:
                await self._database.claim()
            except StoreError as error:
                await self.close()
                raise StoreRefused(str(error)) from error
            except BaseException:
                await self.close()
                raise
        return await super().claim()

    async def close(self) -> None:
        """See `Store.close`."""
        try:
            await super().close()
        finally:
            await self._database.close()
