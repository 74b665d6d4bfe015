"""The stores that the suite runs over. To add one: a class with these four members, and its line in `HOMES`."""

import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from nextlead.testing import MemoryStore
from nextlead_adapters.journalled import tending
from nextlead_adapters.sqlite import SqliteStore


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

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.path = folder / "a.db"
        self.store = SqliteStore(self.path)

    def again(self) -> SqliteStore:
        self.store = SqliteStore(self.path)
        return self.store

    async def crash(self) -> SqliteStore:
        """The files as they are now, in a new place: the old process may go on, nobody sees it."""
        there = self.path.parent / "crashed"
        copy_files(self.path, there)
        await self.store.close()
        self.path = there / "a.db"
        return self.again()


class SqliteFoldingHome(SqliteHome):
    """Every commit is folded at once, while the suite reads."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, patch)
        patch.setattr(tending, "FOLD_ROWS", 1)


HOMES: dict[str, Callable[[Path, pytest.MonkeyPatch], Any]] = {
    "memory": MemoryHome,
    "sqlite": SqliteHome,
    "sqlite-folding": SqliteFoldingHome,
}


@pytest.fixture(params=HOMES)
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    return HOMES[request.param](tmp_path, monkeypatch)


@pytest.fixture
async def store(home: Any) -> AsyncIterator[Any]:
    store = home.store
    await store.open()
    await store.claim()
    yield store
    await store.close()
