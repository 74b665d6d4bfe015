"""The process that reads files: what comes over the pipe, and what happens when it goes wrong."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
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


async def test_the_process_gets_no_secrets(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTLEAD_ADMIN_TOKEN", "f00dcafe")
    async with Worker(job(long_file(write)), LIMITS) as worker:
        await worker.header()
        given = await asyncio.to_thread(Path(f"/proc/{worker.pid}/environ").read_bytes)
    assert given
    assert b"f00dcafe" not in given
