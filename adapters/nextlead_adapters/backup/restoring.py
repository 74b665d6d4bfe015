"""Makes a store from a backup: in a new SQLite file, or in an empty PostgreSQL database.

A copy is made first, brought up to date, and verified as a whole; only then it gets its name, or is carried into the
database. So what is there is sound, and what was there before stays.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from nextlead.core.schemes import Scheme
from nextlead.ports import StoreRefused

from ..soundness.look import Said
from ..sqlite import files
from ..store_url import BadUrl, needing_asyncpg, postgres_url, sqlite_path
from ..verify import quiet, verify_store
from .contents import Contents, contents_of
from .copying import copy_store
from .landing import check_free, place
from .migrating import migrate, versions

__all__ = ["NotSound", "restore_store"]


class NotSound(Exception):
    """The backup can't be trusted; `findings` say why."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__(f"{len(findings)} findings: the backup is not sound, nothing was restored")
        self.findings = findings


async def restore_store(
    file: Path, url: str, schemes: Mapping[str, Scheme] | None = None, said: Said = quiet
) -> Contents:
    """Make the store that `url` names from a backup, and say what is in it.

    Raises `NotSound`, `BadUrl`, and `StoreRefused` for what is no backup, and when there is something at `url` already.
    """
    _check_file(file)
    if server := postgres_url(url):
        return await _into_database(file, server, schemes, said)
    path = sqlite_path(url)
    if path is None:
        raise BadUrl("memory: keeps nothing; restore into a sqlite:///FILE or a postgresql://... database")
    with _place_for(path), TemporaryDirectory(prefix=".nextlead-", dir=path.parent) as folder:
        staged = Path(folder) / "store.db"
        await stage(file, staged, schemes, said)
        found = contents_of(staged)
        place(staged, path)
    return found


async def _into_database(file: Path, url: str, schemes: Mapping[str, Scheme] | None, said: Said) -> Contents:
    with needing_asyncpg():
        from .postgres import fill_database  # noqa: PLC0415 - its driver is an extra
    with TemporaryDirectory(prefix="nextlead-restore-") as folder:
        staged = Path(folder) / "store.db"
        await stage(file, staged, schemes, said)
        await fill_database(staged, url, said)
        return contents_of(staged)


def _check_file(file: Path) -> None:
    if not file.is_file():
        raise StoreRefused(f"there is no file {file}")


@contextmanager
def _place_for(path: Path) -> Iterator[None]:
    """Nobody makes a store there while the block lasts, and what the lock says of another store goes with it."""
    files.check_place(path)
    check_free(path)
    for left in (Path(f"{path}{end}") for end in ("-wal", "-journal")):
        if left.exists():
            raise StoreRefused(f"{left} is there already, and belongs to another store: put it away first")
    lock, file = files.Lock(path), Path(f"{path}.lock")
    was_there = file.exists()
    lock.take()
    try:
        yield
        file.unlink()
    finally:
        if not was_there:
            file.unlink(missing_ok=True)
        lock.give_back()


async def stage(file: Path, staged: Path, schemes: Mapping[str, Scheme] | None, said: Said) -> None:
    """A copy of a backup that is up to date and sound. Raises `NotSound`, `StoreRefused`, `StoreError`."""
    await versions(f"sqlite:///{file}")
    said("copying")
    await copy_store(file, staged)
    own = f"sqlite:///{staged}"
    await migrate(own, said)
    said("verifying")
    report = await verify_store(own, schemes, said)
    if report.findings:
        raise NotSound(report.findings)
