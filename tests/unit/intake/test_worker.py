"""The process that reads files: what comes over the pipe, and what happens when it goes wrong."""

import asyncio
import io
import os
import signal
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from msgspec.structs import replace

from nextlead.core.commands import IntakeReject, IntakeRow
from nextlead.core.errors import Invalid
from nextlead_adapters.intake.wire import Header, Job, Reading
from nextlead_adapters.intake.worker import IntakeFailed, Limits, UnreadableFile, Worker, job_of

from .conftest import FIELDS, Write

LIMITS = Limits()
READING = Reading(region="US", fields=FIELDS)
ROWS_OVER_A_PIPE = 20_000


def job(path: Path, limits: Limits = LIMITS) -> Job:
    return job_of(path, READING, ("agent:ann",), limits)


async def read(path: Path, limits: Limits = LIMITS) -> tuple[Header, list[IntakeRow], list[IntakeReject]]:
    rows: list[IntakeRow] = []
    rejects: list[IntakeReject] = []
    async with Worker(job(path, limits), limits) as worker:
        header = await worker.header()
        async for chunk in worker.chunks():
            rows += chunk.rows
            rejects += chunk.rejects
    return header, rows, rejects


def long_file(write: Write, rows: int = ROWS_OVER_A_PIPE) -> Path:
    return write("phone,name\n" + "".join(f"+1212{2_000_000 + no},Bakery {no}\n" for no in range(rows)))


async def test_rows_come_over_the_pipe(write: Write) -> None:
    header, rows, rejects = await read(write("phone;name;fax;owner\n4155550100;é;1;agent:ann\n1;b;2;\n"))
    assert (header.unmatched, header.separator, header.encoding) == (("fax",), ";", "utf-8")
    assert rows == [
        IntakeRow(2, (14155550100,), '{"name":"é"}'.encode(), 0, "agent:ann", ("4155550100", "é", "1", "agent:ann"))
    ]
    assert rejects == [
        IntakeReject(
            3,
            ("phone: '1' is not a phone number",),
            ("1", "b", "2", ""),
            data=b'{"name":"b"}',
            closure="invalid_phone_number",
            rule="phone",
        )
    ]


async def test_rows_come_in_chunks_in_the_order_of_the_file(write: Write) -> None:
    path = write("phone,name\n" + "4155550100,a\n" * 5)
    async with Worker(job(path, replace(LIMITS, chunk_rows=2)), LIMITS) as worker:
        await worker.header()
        chunks = [[row.row for row in chunk.rows] async for chunk in worker.chunks()]
    assert chunks == [[2, 3], [4, 5], [6]]


async def test_a_file_that_is_no_table_is_refused(write: Write) -> None:
    # R9.5
    with pytest.raises(UnreadableFile, match="file: is empty"):
        await read(write(b""))
    with pytest.raises(UnreadableFile, match="no column holds the phone number"):
        await read(write("a,b\n1,2\n"))


async def test_a_mapping_that_does_not_fit_the_file_is_refused(write: Write) -> None:
    wrong = job(write("phone,name\n"))
    wrong.reading = replace(READING, mapping={"tel": "phone"})
    async with Worker(wrong, LIMITS) as worker:
        with pytest.raises(Invalid, match="no such column"):
            await worker.header()


async def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="can't be opened: No such file"):
        await read(tmp_path / "nothing.csv")


async def test_a_process_that_was_killed_is_an_error_that_says_so(write: Write) -> None:
    async with Worker(job(long_file(write)), LIMITS) as worker:
        await worker.header()
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(IntakeFailed, match="ended by SIGKILL"):
            async for _ in worker.chunks():
                pass


async def test_too_little_memory_is_an_error_that_says_so(write: Write) -> None:
    limits = replace(LIMITS, memory_bytes=1 << 20)
    with pytest.raises((IntakeFailed, UnreadableFile), match="more memory"):
        await read(long_file(write), limits)


async def test_too_little_processor_time_is_an_error_that_says_so(write: Write) -> None:
    with pytest.raises(IntakeFailed, match="more than 1 s of processor time"):
        await read(long_file(write, 5 * ROWS_OVER_A_PIPE), replace(LIMITS, cpu_s=1))


async def test_silence_is_not_waited_out(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(IntakeFailed, match="no progress"):
        await read(fifo, replace(LIMITS, silence_s=0.01))


async def test_leaving_early_ends_the_process(write: Write) -> None:
    async with Worker(job(long_file(write)), LIMITS) as worker:
        await worker.header()
        pid = worker.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("turns", range(6))
async def test_who_is_cancelled_while_the_process_ends_leaves_nothing_of_it(write: Write, turns: int) -> None:
    path, started, pids = long_file(write), asyncio.Event(), set[int]()

    async def leave_early() -> None:
        async with Worker(job(path), LIMITS) as worker:
            await worker.header()
            pids.add(worker.pid)
            started.set()

    task = asyncio.create_task(leave_early())
    await started.wait()
    await cancel_twice(task, turns)
    assert not pids & children()


@pytest.mark.parametrize("turns", range(9))
async def test_who_is_cancelled_while_the_process_starts_leaves_nothing_of_it(write: Write, turns: int) -> None:
    path, before = write("phone\n4155550100\n"), children()

    async def wait_inside() -> None:
        async with Worker(job(path), LIMITS):
            await asyncio.Event().wait()

    await cancel_twice(asyncio.create_task(wait_inside()), turns)
    assert children() <= before


async def cancel_twice(task: "asyncio.Task[None]", turns: int) -> None:
    """At once or some turns of the loop later, and again while it goes."""
    for _ in range(turns):
        await asyncio.sleep(0)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task


def children() -> set[int]:
    """Processes that this one has started, and whose end it has not taken note of."""
    found = Path("/proc/self/task").glob("*/children")
    return {int(pid) for path in found for pid in path.read_text("ascii").split()}


async def test_the_process_gets_no_secrets(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTLEAD_ADMIN_TOKEN", "f00dcafe")
    async with Worker(job(long_file(write)), LIMITS) as worker:
        await worker.header()
        given = await asyncio.to_thread(Path(f"/proc/{worker.pid}/environ").read_bytes)
    assert given
    assert b"f00dcafe" not in given


# -- hostile workbooks ------------------------------------------------------------------------------------------------

SHEET = "xl/worksheets/sheet1.xml"
HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
CELL = b'<row><c r="%s" t="inlineStr"><is><t>%s</t></is></c></row>'
END = b"</sheetData></worksheet>"


def workbook(sheet: bytes, claims: int | None = None) -> bytes:
    """A workbook with this sheet; its directory claims another size of it."""
    plain, out = io.BytesIO(), io.BytesIO()
    with xlsxwriter.Workbook(plain) as book:
        book.add_worksheet().write(0, 0, "phone")
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, sheet if name == SHEET else old.read(name))
        if claims is not None:
            new.getinfo(SHEET).file_size = claims
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (workbook(HEAD + CELL % (b"A1", b"phone") + CELL % (b"XFD1048576", b"1") + END), "more memory"),
        (workbook(HEAD + CELL % (b"A1", b"phone") + CELL % (b"A4294967295", b"1") + END), "more memory"),
        (workbook(HEAD + CELL % (b"A1", b"phone") + CELL % (b"ZZZZZZZZ9999999999999", b"1") + END), "broken Excel"),
        (workbook(HEAD + CELL % (b"A1", b"phone") + b" " * (4 << 20) + END, claims=1_000), "broken Excel"),
        (workbook(HEAD + CELL % (b"A1", b"phone") + END, claims=2 << 30), "2048 MB when it is unpacked"),
        (workbook(HEAD + b"".join(CELL % (b"A%d" % row, b"x") for row in range(1, 9)) + END), "no column holds"),
        (workbook(HEAD + CELL % (b"A1", b"phone") + CELL % (b"AMK1", b"x") + END), "1025 columns"),
        (workbook(b"<x>" * 100_000), "has no rows|broken Excel"),
        (workbook(bytes(range(256)) * 1_000), "has no rows|broken Excel"),
    ],
)
async def test_a_workbook_made_to_do_harm_is_refused_with_the_reason(write: Write, content: bytes, part: str) -> None:
    # R9.5
    with pytest.raises(UnreadableFile, match=part):
        await read(write(content), replace(LIMITS, memory_bytes=400 << 20))
