"""Original files in the store, in parts (SPEC R9.12)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from nextlead.core.commands import AddFile, AddFilePart, DropFile
from nextlead.core.errors import NotFound, NotReady
from nextlead.core.model import File
from nextlead.ports import Archive
from nextlead.runtime.dialer import Dialer

PART_BYTES: Final = 256 << 10


class KeptFile(NamedTuple):
    """A file that is in the store: its number there, and its size."""

    file: int
    size_bytes: int


async def keep(dialer: Dialer, path: Path, by: str) -> KeptFile:
    """Put a file into the store; it goes again at the next start unless a pool names it by then."""
    added = await dialer.submit(AddFile(by=by))
    assert isinstance(added, File)
    size_bytes = 0
    try:
        with await asyncio.to_thread(path.open, "rb") as stream:
            while body := await asyncio.to_thread(stream.read, PART_BYTES):
                await dialer.submit(AddFilePart(file=added.id, body=body, by=by))
                size_bytes += len(body)
    except BaseException:
        await drop(dialer, added.id, by)
        raise
    return KeptFile(added.id, size_bytes)


async def drop(dialer: Dialer, file: int, by: str) -> None:
    """Let a file go that no pool names. What can't be done now is done at the next start."""
    with suppress(NotReady, NotFound):
        await dialer.submit(DropFile(file=file, by=by))


async def parts(archive: Archive, file: int) -> AsyncIterator[bytes]:
    """The pieces of a file, in order."""
    no = 0
    while (body := await archive.file_part(file, no)) is not None:
        yield body
        no += 1


async def fetch(archive: Archive, file: int, path: Path) -> int:
    """Write a file of the store to a path; how many bytes it has."""
    size_bytes = 0
    with await asyncio.to_thread(path.open, "wb") as stream:
        async for body in parts(archive, file):
            size_bytes += await asyncio.to_thread(stream.write, body)
    return size_bytes
