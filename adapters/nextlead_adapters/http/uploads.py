"""Uploaded files: streamed to a temporary file, never held in memory.

A multipart body has a part `file` and a part `options` (JSON). The file's bytes go to disk in a thread as they come;
the whole body has a limit, the options have that of JSON bodies. Who gets the file removes it.
"""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

import anyio
from msgspec import Struct
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from nextlead.core.errors import StorageFailed

from .problems import ProblemError, malformed, too_large, wrong_type
from .reading import body_stream
from .table import Call, Headers

WRITE_BYTES: Final = 1024 * 1024


class Upload(Struct):
    """What came: the file on disk, the name it had, the options as JSON, and a digest of both.

    Once `given_away`, whoever has it removes the file.
    """

    path: Path
    file_name: str
    options: bytes
    sha256: str
    given_away: bool = False


class _Parts:
    """Takes the parser's events. Only `file` and `options` are known; the first unknown part is a 400."""

    def __init__(self, sink: IO[bytes], options_max: int) -> None:
        self._sink = sink
        self._options_max = options_max
        self._header: list[bytes] = [b"", b""]
        self._disposition = b""
        self._name = ""
        self.options = bytearray()
        self.file_name = ""
        self.digest = sha256()
        self.seen: set[str] = set()
        self.ended = False

    def on_part_begin(self) -> None:
        self._disposition, self._header = b"", [b"", b""]

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0] += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1] += data[start:end]

    def on_header_end(self) -> None:
        if self._header[0].lower() == b"content-disposition":
            self._disposition = self._header[1]
        self._header = [b"", b""]

    def on_headers_finished(self) -> None:
        _, params = parse_options_header(self._disposition)
        self._name = params.get(b"name", b"").decode("utf-8", "replace")
        if self._name not in ("file", "options"):
            raise malformed(self._name[:100], "is not known; the parts are file and options")
        if self._name in self.seen:
            raise malformed(self._name, "is there twice")
        self.seen.add(self._name)
        if self._name == "file":
            self.file_name = params.get(b"filename", b"").decode("utf-8", "replace")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if self._name == "file":
            self._sink.write(piece)
            self.digest.update(piece)
            return
        self.options += piece
        if len(self.options) > self._options_max:
            raise too_large(self._options_max)

    def on_part_end(self) -> None:
        self._name = ""

    def on_end(self) -> None:
        self.ended = True


@asynccontextmanager
async def receive_upload(call: Call) -> AsyncIterator[Upload]:
    """The upload of this call; its file is gone when the block ends, unless it was given away.

    Raises a 400, 413 or 415, or a 503 when the disk does not take it; a client that disconnects leaves nothing behind.
    """
    boundary = _boundary(call)
    try:
        upload = await _receive(call, boundary)
    except OSError as problem:
        raise StorageFailed(f"the file can't be written now: {problem.strerror}") from problem
    try:
        yield upload
    finally:
        if not upload.given_away:
            _remove(upload.path)


async def _receive(call: Call, boundary: bytes) -> Upload:
    limits = call.services.limits
    with tempfile.NamedTemporaryFile(prefix="nextlead-", dir=limits.upload_dir, delete=False) as sink:
        path = Path(sink.name)
        try:
            parts = _Parts(sink, limits.body_max_bytes)
            await _parse(call, boundary, parts)
            await anyio.to_thread.run_sync(sink.flush)
        except BaseException:
            _remove(path)
            raise
        return Upload(path, parts.file_name, bytes(parts.options), _digest(parts))


def _remove(path: Path) -> None:
    """At once, not in a thread: a call that was cancelled must not await any more."""
    path.unlink(missing_ok=True)


def is_form(headers: Headers) -> bool:
    """Whether the body is said to be multipart."""
    return parse_options_header(headers.get("content-type", ""))[0] == b"multipart/form-data"


def _boundary(call: Call) -> bytes:
    kind, params = parse_options_header(call.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not params.get(b"boundary"):
        raise wrong_type("multipart/form-data with the parts file and options")
    return params[b"boundary"]


async def _parse(call: Call, boundary: bytes, parts: _Parts) -> None:
    names = [name for name in dir(parts) if name.startswith("on_")]
    try:
        parser = MultipartParser(boundary, {name: getattr(parts, name) for name in names})  # type: ignore[arg-type]
        waiting = bytearray()
        async for chunk in body_stream(call.headers, call.receive, call.services.limits.upload_max_bytes):
            waiting += chunk
            if len(waiting) >= WRITE_BYTES:
                await anyio.to_thread.run_sync(parser.write, bytes(waiting))
                waiting.clear()
        await anyio.to_thread.run_sync(parser.write, bytes(waiting))
    except FormParserError as error:
        raise _not_multipart(str(error)) from None
    if not parts.ended:
        raise _not_multipart("it ends before its last boundary")
    for name in ("file", "options"):
        if name not in parts.seen:
            raise malformed(name, "is required")


def _not_multipart(why: str) -> ProblemError:
    return malformed("", f"the body is not a multipart form: {why}")


def _digest(parts: _Parts) -> str:
    return sha256(parts.digest.digest() + parts.file_name.encode() + bytes(parts.options)).hexdigest()
