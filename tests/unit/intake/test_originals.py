"""Kept originals: in parts, byte for byte, and without some people's rows (R9.12, R10.6)."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nextlead.core.commands import OpenPool
from nextlead.core.errors import Conflict, Invalid
from nextlead.core.model import Pool
from nextlead.runtime.dialer import Dialer
from nextlead_adapters.intake import kept, originals
from nextlead_adapters.intake.erasing import Finder
from nextlead_adapters.intake.originals import Originals, without
from nextlead_adapters.intake.service import Intake
from nextlead_adapters.intake.wire import Cut, Job, Kept, Reading
from nextlead_adapters.intake.worker import IntakeFailed, Limits, Worker
from nextlead_adapters.intake.worker_main import read_file

from .conftest import FIELDS, OPTIONS, Write
from .test_properties import unframed

ADMIN = "admin"
READING = Reading(region="US", fields=FIELDS)
NUMBER = 14155550100


async def original(dialer: Dialer, pool: Pool) -> bytes:
    return b"".join([body async for body in kept.parts(dialer.archive, dialer.engine.pools[pool.id].file)])


def excel(*rows: Sequence[object], other: str = "") -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet()
        for at, row in enumerate(rows):
            page.write_row(at, 0, row)
        book.add_worksheet("other").write(0, 0, other)
    return out.getvalue()


# -- kept -------------------------------------------------------------------------------------------------------------


async def test_a_small_files_original_is_kept_byte_for_byte(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.12
    content = "phone;name\r\n4155550100;é\r\n\r\nbad\r\n".encode("utf-16")
    pool = await intake.upload(write(content), "list.csv", OPTIONS, ADMIN, remove=True)
    assert await original(dialer, pool) == content
    assert pool.file_bytes == len(content)
    assert pool.columns == ("phone", "name")


async def test_a_large_files_original_is_kept_in_parts(
    dialer: Dialer, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PART_BYTES", 1_000)
    content = b"phone,name\n" + b"".join(b"+1212555%04d,a\n" % no for no in range(500))
    large = Intake(dialer, small_bytes=0)
    pool = await large.upload(write(content), "list.csv", OPTIONS, ADMIN)
    assert await original(dialer, pool) == content
    await large.idle()
    assert dialer.engine.pools[pool.id].state == "active"
    assert await original(dialer, pool) == content


async def test_a_workbook_is_loaded_and_kept(dialer: Dialer, intake: Intake, write: Write) -> None:
    content = excel(["phone", "name"], [4155550100, "a"], ["", "b"])
    pool = await intake.upload(write(content), "list.xlsx", OPTIONS, ADMIN)
    assert (pool.valid, pool.invalid) == (1, 1)
    assert await original(dialer, pool) == content
    [log] = await dialer.archive.rejects(pool.id, "log")
    assert log.reasons == ("only the first of 2 sheets was read: Sheet1",)


async def test_no_file_is_left_of_an_upload_that_is_refused(dialer: Dialer, intake: Intake, write: Write) -> None:
    with pytest.raises(Invalid):
        await intake.upload(write("a,b\n"), "list.csv", OPTIONS, ADMIN)
    assert not dialer.engine.state.files


async def test_no_file_is_left_when_its_pool_is_refused(
    dialer: Dialer, intake: Intake, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> Pool:
        raise Conflict("the campaign has gone")

    monkeypatch.setattr(intake._loader, "open", refuse)
    with pytest.raises(Conflict):
        await intake.upload(write("phone,name\n4155550100,a\n"), "list.csv", OPTIONS, ADMIN)
    assert not dialer.engine.state.files


# -- without some rows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252"])
async def test_every_other_row_stays_byte_for_byte(write: Write, encoding: str) -> None:
    # R10.6
    name = "“é”" if encoding == "cp1252" else "é"
    lines = [
        "\r\n", 'phone;"name"\r\n', f"4155550101;{name}\r\n", "(415) 555-0100;gone\r\n", "\r\n",
        '"4155550102";"two\r\nlines"\r\n', '4155550103;"open\r\n', ";no number at all", "\n", "4155550104;last",
    ]  # fmt: skip
    path = write("".join(lines).encode(encoding))
    result = await without(path, READING, [NUMBER])
    assert result.erased == 1
    assert result.path is not None
    assert result.path.read_bytes() == "".join(line for line in lines if "gone" not in line).encode(encoding)


@pytest.mark.parametrize(
    "cell",
    [
        "4155550100", "+1 415 555 0100", "(415) 555-0100 x12", "tel:+1-415-555-0100", "14155550100.0", "415.555.0100",
        "call 415-555-0100 or so", "４１５５５５０１００", "a4155550100b", "x,415 555 0101, 415 555 0100",
    ],
)  # fmt: skip
def test_a_cell_holds_a_number_however_it_is_written(cell: str) -> None:
    finder = Finder([NUMBER, 442079460018], "US")
    assert finder.holds(["x", cell], [])
    assert finder.holds(["x", cell], [1])


@pytest.mark.parametrize("cell", ["4155550101", "415555", "0100", "2026-03-02", "", "555-0100", "+44 20 7946 0019"])
def test_a_cell_that_holds_none_of_them(cell: str) -> None:
    finder = Finder([NUMBER, 442079460018], "US")
    assert not finder.holds([cell, "415", "5550100"], [0])


def test_letters_of_a_phone_column_are_read_too() -> None:
    assert Finder([18003569377], "US").holds(["1-800-FLOWERS"], [0])


async def test_a_row_goes_for_any_cell_and_when_it_is_broken(write: Write) -> None:
    text = 'phone,name\n4155550101,"ask for 415 555 0100"\n4155550102,b,415-555-0100\n4155550100,"open\n4155550103,d\n'
    result = await without(write(text), READING, [NUMBER])
    assert result.erased == 3
    assert result.path is not None
    assert result.path.read_text() == "phone,name\n4155550103,d\n"


async def test_a_very_long_row_stays_whole_or_goes_whole(write: Write) -> None:
    long = "4155550101," + "x" * 250_000
    text = f"phone,name\n{long}\n{long} 415-555-0100\n4155550102,b\n"
    result = await without(write(text), READING, [NUMBER])
    assert result.erased == 1
    assert result.path is not None
    assert result.path.read_text() == f"phone,name\n{long}\n4155550102,b\n"


async def test_a_file_without_them_stays_as_it_is(write: Write) -> None:
    path = write("phone,name\n4155550101,a\n")
    assert await without(path, READING, [NUMBER]) == (path, 0)


@pytest.mark.parametrize(
    ("content", "erased"),
    [
        (excel(["phone"], ["4155550101"], [4155550100]), 1),
        (excel(["phone"], ["4155550101"], other="415 555 0100"), 1),
        (b"415-555-0100,phone\na,4155550100\n", 2),
        (b"PK\x03\x04", 0),
    ],
)
async def test_a_file_that_cannot_be_cut_goes(write: Write, content: bytes, erased: int) -> None:
    assert await without(write(content), READING, [NUMBER]) == (None, erased)


async def test_a_workbook_without_them_stays(write: Write) -> None:
    path = write(excel(["phone"], ["4155550101"]))
    assert await without(path, READING, [NUMBER]) == (path, 0)


async def test_a_process_that_dies_once_is_tried_again(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[Job] = []

    class Frail(Worker):
        async def pieces(self) -> AsyncIterator[Kept | Cut]:
            tries.append(self._job)
            if len(tries) == 1:
                raise IntakeFailed("the process that read the file was ended by SIGKILL")
            async for piece in super().pieces():
                yield piece

    monkeypatch.setattr(originals, "Worker", Frail)
    path = write("phone,name\n4155550100,a\n4155550101,b\n")
    result = await without(path, READING, [NUMBER])
    assert (len(tries), result.erased) == (2, 1)
    assert result.path is not None
    assert result.path.read_text() == "phone,name\n4155550101,b\n"


async def test_a_process_that_can_not_read_it_lets_it_go(write: Write) -> None:
    path = write("phone,name\n4155550101,a\n")
    assert (await without(path, READING, [NUMBER], Limits(memory_bytes=1 << 20))).path is None


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n\r"), max_size=10)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.tuples(st.sampled_from(["4155550100", "(415) 555-0101", "", "5"]), CELL), max_size=12),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_the_table_exactly_those_rows_go(rows: list[tuple[str, str]], encoding: str, line_end: str) -> None:
    def text(some: Sequence[tuple[str, str]]) -> bytes:
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows([("phone", "name"), *some])
        return out.getvalue().encode(encoding)

    held = [row for row in rows if row[0] == "4155550100"]
    out = io.BytesIO()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "leads.csv"
        path.write_bytes(text(rows))
        read_file(Job(path=str(path), reading=READING, erase=(NUMBER,), chunk_rows=1, memory_bytes=0, cpu_s=0), out)
    *pieces, cut, _ = unframed(out.getvalue())
    assert cut == Cut(len(held), whole=True)
    assert b"".join(piece.body for piece in pieces if isinstance(piece, Kept)) == text(
        [row for row in rows if row not in held]
    )


# -- in the store -----------------------------------------------------------------------------------------------------


async def test_a_pools_original_is_swapped(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R10.6
    text = "phone,name\n4155550100,a\n4155550101,b\n4155550100,c\n"
    pool = await intake.upload(write(text), "list.csv", OPTIONS, ADMIN)
    assert await Originals(dialer).rewrite(pool.id, [NUMBER]) == 2
    assert await original(dialer, pool) == b"phone,name\n4155550101,b\n"
    now = dialer.engine.pools[pool.id]
    assert (now.file_bytes, now.file_erased) == (len("phone,name\n4155550101,b\n"), 2)
    assert await Originals(dialer).rewrite(pool.id, [NUMBER]) == 0
    assert list(dialer.engine.state.files) == [now.file]


async def test_the_mapping_of_the_upload_is_known_afterwards(dialer: Dialer, intake: Intake, write: Write) -> None:
    options = replace(OPTIONS, mapping={"tel": "phone"})
    pool = await intake.upload(write("tel,name\n1-800-356-9377,a\n1-800-FLOWERS,b\n"), "list.csv", options, ADMIN)
    assert await Originals(dialer).rewrite(pool.id, [18003569377]) == 2


async def test_a_workbook_with_them_is_let_go(dialer: Dialer, intake: Intake, write: Write) -> None:
    pool = await intake.upload(write(excel(["phone"], ["4155550100"])), "list.xlsx", OPTIONS, ADMIN)
    assert await Originals(dialer).rewrite(pool.id, [NUMBER]) == 1
    assert (dialer.engine.pools[pool.id].file, dialer.engine.pools[pool.id].file_erased) == (0, 1)
    assert not dialer.engine.state.files


async def test_a_pool_that_has_no_original_or_is_loading(dialer: Dialer, intake: Intake, write: Write) -> None:
    pool = await intake.add_leads([{"phone": "4155550100"}], OPTIONS, ADMIN)
    assert await Originals(dialer).rewrite(pool.id, [NUMBER]) == 0
    assert await Originals(dialer).rewrite(99, [NUMBER]) == 0
    large = Intake(dialer, small_bytes=0)
    loading = await large.upload(write("phone,name\n4155550100,a\n"), "list.csv", OPTIONS, ADMIN)
    with pytest.raises(Conflict, match="loading"):
        await Originals(dialer).rewrite(loading.id, [NUMBER])
    await large.idle()


async def test_a_file_that_no_pool_names_by_the_next_start_goes(dialer: Dialer, write: Write) -> None:
    found = await kept.keep(dialer, write("phone\n"), ADMIN)
    assert list(dialer.engine.state.files) == [found.file]
    await dialer.submit(OpenPool(campaign="c1", file=found.file, file_bytes=found.size_bytes))
    await kept.drop(dialer, 99, ADMIN)
    assert list(dialer.engine.state.files) == [found.file]
