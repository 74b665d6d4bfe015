"""A backup of everything, streamed to the operator (docs/operating.md).

Rules of this file:

1. The copy is made in the scratch folder first, and only then sent: how long it takes the client to read it is of no
   concern to the store. It loses its name when it is opened, so nothing is left of it whatever happens.
2. The answer says how long it is and what its digest is, so that who gets less, or something else, knows.
3. One at a time. A client that goes away ends it.
"""

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from tempfile import gettempdir
from typing import IO, Final

import anyio.to_thread
from starlette.types import Receive

from nextlead.core.errors import Conflict, StorageFailed
from nextlead.ports import StoreError, StoreRefused

from ..scratch import PREFIX
from .downloads import Chunks, send_download
from .reading import unless_gone
from .table import Access, Call, Reply, Route, Stream, tagged

MEDIA: Final = "application/vnd.sqlite3"
PIECE_BYTES: Final = 256 * 1024
BackUp = Callable[[Path], Awaitable[None]]
"""Makes a backup in a new file."""


class Backups:
    """Makes one backup at a time, in `folder` (None is the system's); without a `back_up` there is nothing to copy."""

    def __init__(self, back_up: BackUp | None, folder: Path | None) -> None:
        self._back_up = back_up
        self._folder = folder or Path(gettempdir())
        self._busy = False

    async def make(self, receive: Receive) -> tuple[IO[bytes], int, str]:
        """The backup, open and without a name, its length in bytes and its SHA-256 in Base64.

        Raises `Conflict`, `StorageFailed`, `ClientGone`.
        """
        if self._back_up is None:
            raise Conflict("this daemon's store keeps nothing that could be copied")
        if self._busy:
            raise Conflict("another backup is being made; ask again when it is done")
        self._busy = True
        try:
            return await unless_gone(receive, self._copied(self._back_up))
        finally:
            self._busy = False

    async def _copied(self, back_up: BackUp) -> tuple[IO[bytes], int, str]:
        path = self._folder / f"{PREFIX}backup-{secrets.token_hex(8)}"
        try:
            await back_up(path)
            source = path.open("rb")
        except (StoreError, StoreRefused) as problem:
            raise StorageFailed(str(problem)) from problem
        except OSError as problem:
            raise StorageFailed(f"no backup can be made in {self._folder}: {problem.strerror}") from problem
        finally:
            path.unlink(missing_ok=True)
        try:
            return source, *await anyio.to_thread.run_sync(_measured, source)
        except BaseException:
            source.close()
            raise


def _measured(source: IO[bytes]) -> tuple[int, str]:
    digest = hashlib.file_digest(source, "sha256").digest()  # type: ignore[arg-type]  # what `open` gives will do
    return source.tell(), base64.b64encode(digest).decode()


async def _pieces(source: IO[bytes]) -> AsyncIterator[bytes]:
    source.seek(0)
    while piece := await anyio.to_thread.run_sync(source.read, PIECE_BYTES):
        yield piece


async def backup(call: Call) -> Reply | Stream:
    """A copy of the whole store, all organisations, as a SQLite store file that is consistent as of one moment."""
    if call.scope["method"] == "HEAD":
        return Reply(200, raw=b"", headers=(("content-type", MEDIA),))
    source, length, digest = await call.face.backups.make(call.receive)
    more = (("content-length", str(length)), ("repr-digest", f"sha-256=:{digest}:"))

    async def chunks() -> Chunks:
        with source:
            async for piece in _pieces(source):
                yield piece

    return await send_download(call, "nextlead-backup.db", MEDIA, chunks(), more)


ROUTES: Final = tagged(
    "Watching",
    Route(
        "GET",
        "/v1/backup",
        access=Access.OPERATOR,
        summary="Download a backup of everything",
        handler=backup,
        answer=str,
        media=MEDIA,
    ),
)
