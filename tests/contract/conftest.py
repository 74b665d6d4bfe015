"""The stores that the suite runs over. To add one: a class with these four members, and its line in `HOMES`."""

import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from contract.look_alikes import SecondStore, filled

from nextlead.testing import MemoryDatabase, MemoryStore
from nextlead_adapters.journalled import tending
from nextlead_adapters.sqlite import SqliteDatabase, SqliteStore


def copy_files(path: Path, there: Path) -> None:
    """Copy a database that is open. By another process: closing a file in this one would drop the locks on it."""
    there.mkdir()
    subprocess.run(["cp", *path.parent.glob(f"{path.name}*"), there], check=True)


class MemoryHome:
    """`again` is the next life on what `store` left; `crash` what a kill at this moment leaves to it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.store = MemoryStore()

    def again(self) -> MemoryStore:
        return self.store

    async def crash(self) -> MemoryStore:
        self.store.crash()
        return self.store


class SqliteHome:
    """Nothing is folded before the store closes."""

    alone = True
    """Nobody else's rows are in the file."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.path = folder / "a.db"
        self.store = self.again()

    def again(self) -> Any:
        self.store = SqliteStore(self.path)
        return self.store

    async def crash(self) -> Any:
        """The files as they are now, in a new place: the old process may go on, nobody sees it."""
        there = self.path.parent / "crashed"
        copy_files(self.path, there)
        await self.store.close()
        self.path = there / "a.db"
        return self.again()


@cache
def both_in_a_file() -> bytes:
    """The file with two organisations, which is made once."""
    with TemporaryDirectory() as folder:
        filled(SqliteDatabase(Path(folder) / "a.db"))
        return (Path(folder) / "a.db").read_bytes()


class SqliteSecondHome(SqliteHome):
    """Beside another organisation, in one file; and every commit is folded at once, while the suite reads."""

    alone = False

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, patch)
        patch.setattr(tending, "FOLD_ROWS", 1)
        self.path.write_bytes(both_in_a_file())

    def again(self) -> Any:
        self.store = SecondStore(SqliteDatabase(self.path))
        return self.store


HOMES: dict[str, Callable[[Path, pytest.MonkeyPatch], Any]] = {
    "memory": MemoryHome,
    "sqlite": SqliteHome,
    "sqlite-second": SqliteSecondHome,
}


@pytest.fixture(params=[*HOMES, "postgres", "postgres-second"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    if request.param in HOMES:
        return HOMES[request.param](tmp_path, monkeypatch)
    admin = request.getfixturevalue("postgres")
    from contract.postgres_homes import PostgresHome, PostgresSecondHome  # noqa: PLC0415 - the others need no driver

    if request.param == "postgres":
        return PostgresHome(admin, request.getfixturevalue("postgres_url"))
    monkeypatch.setattr(tending, "FOLD_ROWS", 1)
    return PostgresSecondHome(admin, request.getfixturevalue("postgres_both"))


@pytest.fixture(scope="session")
def postgres_both(postgres: Any) -> Iterator[str]:
    """The URL of a schema with two organisations, whose first nobody changes."""
    from contract.postgres_homes import both  # noqa: PLC0415 - the others need no driver

    with both(postgres) as url:
        yield url


@pytest.fixture
async def made(postgres_url: str) -> AsyncIterator[Any]:
    """Makes databases over one schema, by their `Times`; they are closed in the end."""
    from contract.owners import databases_of  # noqa: PLC0415 - the others need no driver

    async with databases_of(postgres_url) as make:
        yield make


@pytest.fixture
async def owner(made: Any) -> Any:
    """A database that is claimed, and whose owner never says so again."""
    from contract.owners import NEVER  # noqa: PLC0415 - the others need no driver

    database = made(NEVER)
    await database.open()
    await database.claim()
    return database


@pytest.fixture
async def standby(owner: Any, made: Any) -> Any:
    """The same database, open, for another one to claim."""
    from contract.owners import NEVER  # noqa: PLC0415 - the others need no driver

    database = made(NEVER)
    await database.open()
    return database


@pytest.fixture
async def store(home: Any) -> AsyncIterator[Any]:
    store = home.store
    await store.open()
    await store.claim()
    yield store
    await store.close()


class MemoryDatabases:
    """Each call is the next life of the same database; `crash` what a kill at this moment leaves of it."""

    def __init__(self, folder: Path) -> None:
        self._database = MemoryDatabase()

    def __call__(self) -> Any:
        return self._database

    async def crash(self, old: Any) -> Any:
        old.crash()
        return old


class SqliteDatabases:
    """In one file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "a.db"

    def __call__(self) -> Any:
        return SqliteDatabase(self.path)

    async def crash(self, old: Any) -> Any:
        """See `SqliteHome.crash`; the stores of the old one are left as they are."""
        there = self.path.parent / "crashed"
        copy_files(self.path, there)
        self.path = there / "a.db"
        return self()


DATABASES: dict[str, Callable[[Path], Any]] = {"memory": MemoryDatabases, "sqlite": SqliteDatabases}


@pytest.fixture(params=[*DATABASES, "postgres"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param in DATABASES:
        return DATABASES[request.param](tmp_path)
    admin = request.getfixturevalue("postgres")
    from contract.postgres_homes import PostgresDatabases  # noqa: PLC0415 - the others need no driver

    return PostgresDatabases(admin, request.getfixturevalue("postgres_url"))


@pytest.fixture
async def database(databases: Any) -> AsyncIterator[Any]:
    database = databases()
    await database.open()
    await database.claim()
    yield database
    await database.close()
