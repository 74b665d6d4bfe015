"""Excel files: cells as people see them, the right sheet, and what is refused (R9.1, R9.5)."""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nextlead.core.errors import Invalid
from nextlead_adapters.intake import excel
from nextlead_adapters.intake.encodings import Unreadable
from nextlead_adapters.intake.excel import Workbook, every_row, shown_cell
from nextlead_adapters.intake.files import ROW_CHARS_MAX, Record

from .conftest import Write

Fill = Callable[[xlsxwriter.Workbook], object]


def workbook(fill: Fill) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        fill(book)
    return out.getvalue()


def table(*rows: list[object], sheet: str = "Leads") -> bytes:
    def fill(book: xlsxwriter.Workbook) -> None:
        page = book.add_worksheet(sheet)
        for at, row in enumerate(rows):
            page.write_row(at, 0, row)

    return workbook(fill)


def read(path: Path, sheet: str = "") -> tuple[list[str], list[Record]]:
    book = Workbook(path, sheet)
    return book.columns, list(book.rows())


def test_a_sheet_is_a_table(write: Write) -> None:
    columns, rows = read(write(table(["phone", "name"], ["4155550100", "Bäckerei"], [14155550101, ""])))
    assert columns == ["phone", "name"]
    assert rows == [Record(2, ["4155550100", "Bäckerei"], ""), Record(3, ["14155550101", ""], "")]


def test_cells_are_given_as_they_are_shown(write: Write) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        page = book.add_worksheet()
        page.write_row(0, 0, ["day", "moment", "hour", "span", "yes", "no", "whole", "sum", "text", "error"])
        page.write_datetime(1, 0, date(2026, 3, 2), book.add_format({"num_format": "dd.mm.yyyy"}))
        page.write_datetime(1, 1, datetime(2026, 3, 2, 9, 30), book.add_format({"num_format": "d/m/yy hh:mm"}))  # noqa: DTZ001
        page.write_datetime(1, 2, time(9, 30), book.add_format({"num_format": "hh:mm"}))
        page.write(1, 3, 1.5, book.add_format({"num_format": "[h]:mm"}))
        page.write_row(1, 4, [True, False, 14155550100.0, 0.1 + 0.2, "007"])
        page.write_formula(1, 9, "=1/0", None, "#DIV/0!")

    _, [row] = read(write(workbook(fill)))
    assert row.cells == [
        "2026-03-02", "2026-03-02T09:30:00", "09:30:00", "36:00:00", "TRUE", "FALSE", "14155550100", "0.3", "007", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (1e20, "100000000000000000000"), (-3.0, "-3"), (1.5e-7, "1.5e-07"), (float("inf"), "inf"), (1e300, "1e+300"),
        (timedelta(hours=100, seconds=1), "100:00:01"), ("", ""), (12, "12"),
    ],
)  # fmt: skip
def test_shown_cells(cell: float | str | timedelta, text: str) -> None:
    assert shown_cell(cell) == text


def test_the_first_shown_sheet_or_the_one_that_is_named(write: Write) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        book.add_chartsheet("Chart")
        hidden = book.add_worksheet("Old")
        hidden.write_row(0, 0, ["hidden"])
        shown = book.add_worksheet("New leads")
        shown.write_row(0, 0, ["shown"])
        shown.activate()
        shown.set_first_sheet()
        hidden.hide()
        book.add_worksheet("Notes")

    path = write(workbook(fill))
    assert read(path)[0] == ["shown"]
    assert read(path, "new LEADS")[0] == ["shown"]
    assert read(path, "Old")[0] == ["hidden"]
    assert Workbook(path, "").notes == ("only the first of 2 sheets was read: New leads",)
    assert Workbook(path, "New leads").notes == ()
    with pytest.raises(Invalid, match=r"the file has no sheet 'Chart' \(it has: 'Old', 'New leads', 'Notes'\)"):
        Workbook(path, "Chart")


def test_a_table_may_begin_anywhere_and_have_blank_rows(write: Write) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        page = book.add_worksheet()
        page.write_row(2, 3, ["phone", "name"])
        page.write_row(5, 3, ["4155550100", "a"])
        page.write(7, 3, "4155550101")
        page.write(8, 6, "stray")

    columns, rows = read(write(workbook(fill)))
    assert columns == ["phone", "name"]
    assert rows == [
        Record(6, ["4155550100", "a"], ""),
        Record(8, ["4155550101", ""], ""),
        Record(9, ["", "", "", "stray"], "has 4 cells where the header has 2"),
    ]


def test_a_row_that_is_too_long(write: Write) -> None:
    long = ["x" * 32_000] * (ROW_CHARS_MAX // 32_000 + 1)
    _, rows = read(write(table(["phone"] + ["n"] * 3, long, ["4155550100"])))
    assert [row.problem for row in rows] == [f"is longer than {ROW_CHARS_MAX} characters", ""]
    assert len(rows[0].cells[0]) == 1_000


def test_progress_is_a_share_of_the_size(write: Write) -> None:
    path = write(table(["phone"], ["1"], ["2"], ["3"]))
    book = Workbook(path, "")
    seen = [book.done_bytes() for _ in book.rows()]
    assert seen == sorted(seen)
    assert seen[-1] == path.stat().st_size


def test_every_row_of_every_sheet_is_looked_at(write: Write) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        book.add_worksheet("a").write_row(0, 0, ["phone", 1])
        hidden = book.add_worksheet("b")
        hidden.write_row(0, 0, ["415"])
        hidden.hide()

    assert [row for row in every_row(write(workbook(fill))) if any(row)] == [["phone", "1"], ["415"]]


# -- what is refused --------------------------------------------------------------------------------------------------


def _zip(*names: str, body: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, body)
    return out.getvalue()


def _encrypted() -> bytes:
    """The bit that says so, in the archive's directory."""
    content = bytearray(table(["phone"]))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"PK\x03\x04", "broken ZIP or Excel file"),
        (b"PK\x03\x04" + b"\0" * 500, "broken ZIP or Excel file"),
        (table(["phone"])[:500], "broken ZIP or Excel file"),
        (table(["phone"])[:-30], "broken ZIP or Excel file"),
        (_zip("a.txt"), "is a ZIP file, not"),
        (_zip("xl/workbook.bin"), "binary Excel file .*save it as .xlsx or CSV"),
        (_zip("mimetype", "content.xml"), "OpenDocument .*save it as .xlsx or CSV"),
        (_zip("word/document.xml"), "Word file"),
        (_zip("xl/workbook.xml"), "is a broken Excel file|without a sheet"),
        (_zip("xl/workbook.xml", body=b"<a"), "is a broken Excel file|without a sheet"),
        (_encrypted(), "with a password"),
        (workbook(lambda book: book.add_worksheet()), "has no rows"),
        (workbook(lambda book: book.add_worksheet().write_row(0, 0, ["", " "])), "has no rows"),
        (_zip("xl/workbook.xml", *map(str, range(excel.ENTRIES_MAX))), "10001 entries"),
    ],
)
def test_what_is_no_workbook_is_refused_with_the_reason(write: Write, content: bytes, part: str) -> None:
    # R9.5
    with pytest.raises(Unreadable, match=part):
        Workbook(write(content), "")


def test_what_a_zip_bomb_claims_is_believed(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    # R9.5: before any of it is unpacked.
    content = _zip("xl/workbook.xml", "xl/worksheets/sheet1.xml", body=b" " * (3 << 20))
    monkeypatch.setattr(excel, "UNPACKED_BYTES_MAX", 4 << 20)
    with pytest.raises(Unreadable, match="has 6 MB when it is unpacked, and at most 4 MB are read; save it as CSV"):
        Workbook(write(content), "")


def outcome(path: Path) -> str:
    """Why it was refused, else that it was read."""
    try:
        read(path)
    except Unreadable as refusal:
        return str(refusal)
    return "read"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("books")


GOOD = table(["phone", "name"], ["4155550100", "a"], ["4155550101", "b"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    cut=st.integers(0, len(GOOD)),
    changes=st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=20),
)
def test_a_damaged_workbook_is_read_or_refused(folder: Path, cut: int, changes: list[tuple[int, int]]) -> None:
    content = bytearray(GOOD)
    for at, byte in changes:
        content[at] = byte
    path = folder / "damaged.xlsx"
    path.write_bytes(content if cut % 3 else content[:cut])
    assert outcome(path)


PARTS = ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/_rels/workbook.xml.rels"]
MARKUP = st.lists(st.sampled_from(["<", ">", "/", '"', "=", "&", ";", " ", "</c>", "<v>", "<row>", "&#0;"])).map(
    "".join
)
"""Nothing that makes a cell's address longer: a workbook may ask for any memory, and only the worker has a limit."""


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(part=st.sampled_from(PARTS), at=st.integers(0, 3_000), text=MARKUP, gone=st.integers(0, 60))
def test_damaged_xml_is_read_or_refused(folder: Path, part: str, at: int, text: str, gone: int) -> None:
    path = folder / "xml.xlsx"
    with zipfile.ZipFile(io.BytesIO(GOOD)) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            if name == part:
                place = at % len(body)
                body = body[:place] + text.encode() + body[place + gone :]
            new.writestr(name, body)
    assert outcome(path)
