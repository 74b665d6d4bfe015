"""Where backups come from: what a store's URL names."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from ..store_url import BadUrl, needing_asyncpg, postgres_url, sqlite_path
from .copying import ROOM_LEFT_BYTES, copy_store


def backup_of(url: str) -> Callable[[Path], Awaitable[None]] | None:
    """What a daemon copies its store with into a new file, beside its work; None for a store that keeps nothing."""
    if url == "memory:":
        return None
    return partial(back_up, url, spare_bytes=ROOM_LEFT_BYTES)


async def back_up(url: str, file: Path, *, spare_bytes: int = 0) -> None:
    """Copy the store into a new SQLite file, all organisations, as of one moment; others may work on it meanwhile.

    Raises `BadUrl` for a store that keeps nothing, `copying.NoRoom` when less than `spare_bytes` would be left on the
    file's disk, `StoreRefused`, `StoreError`. Nothing is left behind then, nor when it is cancelled.
    """
    if server := postgres_url(url):
        with needing_asyncpg():
            from .postgres import copy_database  # noqa: PLC0415 - its driver is an extra
        await copy_database(server, file, spare_bytes=spare_bytes)
        return
    path = sqlite_path(url)
    if path is None:
        raise BadUrl("memory: keeps nothing that could be copied")
    await copy_store(path, file, spare_bytes=spare_bytes)
