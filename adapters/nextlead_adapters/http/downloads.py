"""Downloads of a pool: rejected rows, the log, the statistics, the original (SPEC R9.12).

Rules of this file:

1. A download is sent as it is read, a page at a time: its size costs no memory. The first page is read before the
   answer begins, so that what can't be read is a problem and not half a file.
2. What is generated here is CSV in UTF-8 with a byte order mark, as spreadsheets want it, and no cell of it runs as a
   formula (`cells.py`). The original comes back byte for byte.
3. File names come from people. They go into a header encoded, and never as they are.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import Final
from urllib.parse import quote

import anyio
import anyio.lowlevel
from starlette.types import Send

from nextlead.core.engine import Engine
from nextlead.core.errors import NotFound
from nextlead.core.model import Pool, Reject
from nextlead.ports import StoreError

from .cells import BOM, csv_lines, one_line
from .pool_shapes import PoolView, PublicCount
from .pool_views import need_pool, pool_view
from .table import Access, Call, Route, Stream, tagged

PAGE_ROWS: Final = 500
CSV: Final = "text/csv; charset=utf-8"
TEXT: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"
ENTRY_COLUMNS: Final = ("lead",)
"""Of leads that came as JSON: each is one cell."""

Chunks = AsyncIterator[bytes]


def disposition(name: str) -> str:
    """The header that names a download (RFC 6266): plain ASCII for old clients, the whole name encoded."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in " ._-()") else "_" for char in name)
    return f"attachment; filename=\"{plain.strip() or 'file'}\"; filename*=UTF-8''{quote(name, safe='')}"


async def send_download(
    call: Call, name: str, media: str, chunks: Chunks, more: tuple[tuple[str, str], ...] = ()
) -> Stream:
    """A file of this name: its head as soon as the first of it was read, and the rest until the client has gone."""
    first = await anext(chunks, None)
    headers = (
        ("content-type", media),
        ("content-disposition", disposition(name)),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        *more,
    )
    head = [(key.encode(), value.encode("latin-1")) for key, value in headers]

    async def run(send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": head})
        if first is not None and call.scope["method"] != "HEAD":
            await _send_body(call, send, first, chunks)
        await send({"type": "http.response.body", "body": b""})

    return Stream(run)


async def _send_body(call: Call, send: Send, first: bytes, chunks: Chunks) -> None:
    async with anyio.create_task_group() as group:

        async def until_gone() -> None:
            while (await call.receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        group.start_soon(until_gone)
        await send({"type": "http.response.body", "body": first, "more_body": True})
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await anyio.lowlevel.checkpoint()  # neither has to wait for anything, and others want to be served
        group.cancel_scope.cancel()


async def _pool(call: Call) -> Pool:
    pool = call.id("pool")
    return await call.services.dialer.read(lambda engine: need_pool(engine, pool))


async def _pages(call: Call, pool: int, kind: str) -> AsyncIterator[list[Reject]]:
    after: int | None = 0
    while after is not None:
        rows, after = await call.services.dialer.archive.rejects_after(pool, kind, after, PAGE_ROWS)
        if rows:
            yield rows


# -- rejected rows --------------------------------------------------------------------------------------------------


def _invalid_row(reject: Reject) -> Iterable[object]:
    return (reject.row, "; ".join(reject.reasons), *reject.cells)


def _duplicate_row(reject: Reject) -> Iterable[object]:
    return (reject.row, reject.lead or "", reject.action, *reject.cells)


async def _table(
    call: Call, pool: Pool, kind: str, own: tuple[str, ...], row: Callable[[Reject], Iterable[object]]
) -> Chunks:
    head = BOM + csv_lines([(*own, *(pool.columns or ENTRY_COLUMNS))])
    async for rejects in _pages(call, pool.id, kind):
        yield head + csv_lines(row(reject) for reject in rejects)
        head = b""
    if head:
        yield head


async def invalid(call: Call) -> Stream:
    """Rows that were not loaded, with every reason, then the cells as they were in the file."""
    pool = await _pool(call)
    rows = _table(call, pool, "invalid", ("row", "reasons"), _invalid_row)
    return await send_download(call, f"pool-{pool.id}-invalid.csv", CSV, rows)


async def duplicates(call: Call) -> Stream:
    """Rows that were duplicates, whatever was done with them: the id of the original lead, and what was done."""
    pool = await _pool(call)
    rows = _table(call, pool, "duplicate", ("row", "original", "action"), _duplicate_row)
    return await send_download(call, f"pool-{pool.id}-duplicates.csv", CSV, rows)


# -- log, statistics, original --------------------------------------------------------------------------------------


async def _log_lines(call: Call, pool: Pool) -> Chunks:
    if pool.error:
        yield f"the pool failed: {one_line(pool.error)}\n".encode()
    async for rejects in _pages(call, pool.id, "log"):
        lines = (f"{f'row {each.row}: ' if each.row else ''}{one_line('; '.join(each.reasons))}\n" for each in rejects)
        yield "".join(lines).encode()


async def log(call: Call) -> Stream:
    """What did not go well though its row may have been loaded, such as a number that was dropped; else empty."""
    pool = await _pool(call)
    return await send_download(call, f"pool-{pool.id}-log.txt", TEXT, _log_lines(call, pool))


async def statistics(call: Call) -> Stream:
    """The pool's details and counts, as they are now, a line for each."""
    pool = call.id("pool")

    def read(engine: Engine) -> PoolView:
        return pool_view(call, engine, need_pool(engine, pool))

    view = await call.services.dialer.read(read)

    async def chunks() -> Chunks:
        yield BOM + csv_lines([("statistic", "value"), *_statistics(view)])

    return await send_download(call, f"pool-{pool}-statistics.csv", CSV, chunks())


def _statistics(view: PoolView) -> Iterable[tuple[str, object]]:
    counts = view.counts
    yield from (("pool", view.id), ("name", view.name), ("campaign", view.campaign), ("project", view.project))
    yield from (("state", view.state), ("source", view.source), ("file_name", view.file_name))
    yield from (("rows", counts.valid + counts.invalid + counts.duplicates), ("valid", counts.valid))
    yield from (("invalid", counts.invalid), ("duplicates", counts.duplicates), ("deleted", view.deleted))
    yield from (("ready", counts.ready), ("open", counts.open), ("leased", counts.leased))
    yield ("closed", sum(counts.closed.values()))
    yield from ((f"closed.{closure}", count) for closure, count in sorted(counts.closed.items()))
    yield from ((f"public.{_name(each)}", each.count) for each in counts.public)
    yield from (("percent_closed", view.percent_closed), ("percent_used", view.percent_used))


def _name(each: PublicCount) -> str:
    return each.status if each.reason is None else f"{each.status}: {each.reason}"


async def _parts(call: Call, file: int) -> Chunks:
    no = 0
    while (part := await call.services.dialer.archive.file_part(file, no)) is not None:
        yield part
        no += 1


async def _whole(chunks: Chunks, size: int) -> Chunks:
    """The same; raises when there is less than was said, as when the file was taken away meanwhile."""
    async for chunk in chunks:
        size -= len(chunk)
        yield chunk
    if size:
        raise StoreError("a kept file changed while it was read")


async def original(call: Call) -> Stream:
    """The file that was uploaded, byte for byte; without the rows of persons who were forgotten since.

    `Nextlead-Erased-Rows` says how many those are.
    """
    pool = await _pool(call)
    if not pool.file:
        raise NotFound("original file of pool", pool.id)
    more = (("content-length", str(pool.file_bytes)), ("nextlead-erased-rows", str(pool.file_erased)))
    chunks = _whole(_parts(call, pool.file), pool.file_bytes)
    return await send_download(call, pool.file_name or f"pool-{pool.id}", BYTES, chunks, more)


_POOL: Final = "/v1/pools/{id}"
_download = partial(Route, "GET", access=Access.SUPERVISOR, answer=str)
ROUTES: Final = tagged(
    "Pools",
    _download(f"{_POOL}/invalid.csv", summary="Download invalid rows with their reasons", handler=invalid, media=CSV),
    _download(f"{_POOL}/duplicates.csv", summary="Download duplicates", handler=duplicates, media=CSV),
    _download(f"{_POOL}/log", summary="Download the log of an upload", handler=log, media=TEXT),
    _download(f"{_POOL}/statistics.csv", summary="Download a pool's statistics", handler=statistics, media=CSV),
    _download(f"{_POOL}/original", summary="Download the original file", handler=original, media=BYTES),
)
