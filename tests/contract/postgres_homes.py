"""The homes of stores and databases on PostgreSQL, as `conftest.py` wants them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from contract.look_alikes import SecondStore, filled
from postgres import ROWS, Admin, schema_of

from nextlead_adapters.postgres import PostgresDatabase, PostgresStore


class PostgresHome:
    """Nothing is folded before the store closes. A schema is what a file is elsewhere."""

    def __init__(self, admin: Admin, url: str) -> None:
        self.url = url
        self._admin = admin
        self.again()

    def again(self) -> Any:
        self.store: Any = PostgresStore(self.url)
        return self.store

    async def crash(self) -> Any:
        """The right to write is gone from this moment on, and nobody has it: the old process may do what it wants."""
        self._admin.disown(self.url)
        await self.store.close()
        return self.again()


SECOND_IS_NEW = f"""
{" ".join(f"DELETE FROM {table} WHERE org > 1;" for table in sorted(ROWS))}
UPDATE folding SET folded_to = 0 WHERE org > 1; UPDATE owner SET renewed_at = NULL;
"""


class PostgresSecondHome(PostgresHome):
    """Beside another organisation, in one schema; and every commit is folded at once, while the suite reads."""

    def __init__(self, admin: Admin, url: str) -> None:
        admin.execute(f"SET search_path = {schema_of(url)}; {SECOND_IS_NEW}")
        super().__init__(admin, url)

    def again(self) -> Any:
        self.store = SecondStore(PostgresDatabase(self.url))
        return self.store


@contextmanager
def both(admin: Admin) -> Iterator[str]:
    """The URL of a schema with two organisations."""
    with admin.schema() as url:
        filled(PostgresDatabase(url))
        yield url


class PostgresDatabases:
    """In one schema."""

    def __init__(self, admin: Admin, url: str) -> None:
        self.url = url
        self._admin = admin

    def __call__(self) -> Any:
        return PostgresDatabase(self.url)

    async def crash(self, old: Any) -> Any:
        """See `PostgresHome.crash`; the stores of the old one are left as they are."""
        self._admin.disown(self.url)
        return self()
