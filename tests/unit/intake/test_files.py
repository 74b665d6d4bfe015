"""Tables of text (R9.1, R9.5)."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from nextlead_adapters.intake.encodings import Unreadable
from nextlead_adapters.intake.files import ROW_CHARS_MAX, ROW_LINES_MAX, Record, Table

from .conftest import Write

KNOWN = frozenset({"phone", "name", "note"})


def known(column: str) -> bool:
    return column.strip().lower() in KNOWN


def read(path: Path) -> tuple[Table, list[Record]]:
    table = Table(path, known)
    try:
        return table, list(table.rows())
    finally:
        table.close()


def cells(records: list[Record]) -> list[list[str]]:
    assert [record.problem for record in records] == [""] * len(records)
    return [record.cells for record in records]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_every_encoding_with_every_separator(write: Write, encoding: str, separator: str, line_end: str) -> None:
    # R9.1
    name = "Crème “21”" if encoding == "cp1252" else "Crème"
    rows = [["phone", "name", "note"], ["1", name, 'a "b", c; d\te'], ["2", "Plain", f"two{line_end}lines"]]
    quoted = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in rows]
    text = line_end.join(separator.join(row) for row in quoted)
    mark = "\ufeff" if encoding.startswith("utf-16") else ""
    table, records = read(write((mark + text).encode(encoding)))
    assert table.separator == separator
    assert table.columns == rows[0]
    assert cells(records) == rows[1:]


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("phone\n1\n", ","),
        ("last, first;phone\na, b;1\n", ";"),
        ("name;note\n1,5;2,5\n3,5;4,5\n", ";"),
        ("a,b;c\nx,y;z\n", ","),
        ('"phone, home";"name"\n1;a\n', ";"),
        ("name\tphone\na, b, c\t1\n", "\t"),
        ("x;y,z\n1;2\n3;4\n", ";"),
    ],
)
def test_the_separator_is_the_headers(write: Write, text: str, separator: str) -> None:
    assert read(write(text))[0].separator == separator


def test_row_numbers_are_those_a_spreadsheet_shows(write: Write) -> None:
    _, records = read(write('\nphone,note\n1,"two\nlines"\n\n2,x\n'))
    assert [record.row for record in records] == [3, 5]


def test_rows_that_do_not_fit_the_header_are_given_with_the_reason(write: Write) -> None:
    # R9.5
    _, records = read(write("phone,name\n1\n2,b\n3,c,d\n4,d,\n5,e, ,\n"))
    assert [(record.cells, record.problem) for record in records] == [
        (["1"], "has 1 cells where the header has 2"),
        (["2", "b"], ""),
        (["3", "c", "d"], "has 3 cells where the header has 2"),
        (["4", "d"], ""),
        (["5", "e"], ""),
    ]


def test_an_open_quote_costs_its_own_line_only(write: Write) -> None:
    # R9.5
    good = [f"{no},n{no}" for no in range(3)]
    _, records = read(write("\n".join(["phone,name", good[0], '7,"open', *good[1:]]) + "\n"))
    assert [record.problem for record in records] == ["", "has a quote that is not closed", "", ""]
    assert records[1].cells == ['7,"open']
    assert [record.cells[0] for record in records] == ["0", '7,"open', "1", "2"]


def test_two_open_quotes_cost_two_lines_only(write: Write) -> None:
    _, records = read(write('phone,name\n1,"open\n2,b\n3,"open\n4,d\n'))
    assert [record.cells[0] for record in records if not record.problem] == ["2", "4"]
    assert len(records) == 4


def test_an_open_quote_early_in_a_long_file_does_not_swallow_it(write: Write) -> None:
    lines = [f"{no},n" for no in range(3 * ROW_LINES_MAX)]
    _, records = read(write("\n".join(["phone,name", '7,"open', *lines])))
    assert [record.row for record in records if record.problem] == [2]
    assert len(records) == 1 + len(lines)


def test_a_row_too_long_is_one_bad_row(write: Write) -> None:
    long = "x" * (3 * ROW_CHARS_MAX)
    _, records = read(write(f'phone,name\n1,{long}\n2,b\n3,"{long}"\n4,d\n'))
    assert [bool(record.problem) for record in records] == [True, False, True, False]
    assert f"longer than {ROW_CHARS_MAX}" in records[0].problem
    assert len(records[0].cells[0]) < ROW_CHARS_MAX


def test_a_row_with_a_nul_is_one_bad_row(write: Write) -> None:
    _, records = read(write("phone,name\n1,a\0b\n2,b\n" + "3,c\n" * 100))
    assert records[0].problem == "has a NUL character"
    assert "\0" not in "".join(records[0].cells)
    assert not any(record.problem for record in records[1:])


def test_a_header_alone_is_a_table_without_rows(write: Write) -> None:
    table, records = read(write("phone,name"))
    assert table.columns == ["phone", "name"]
    assert records == []


def _zip() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "is empty"),
        (b"\n\n  \n", "no rows"),
        (b"\xef\xbb\xbf", "no rows"),
        (_zip(), "ZIP"),
        (gzip.compress(b"phone\n1\n", mtime=0), "gzip"),
        (b"%PDF-1.7 phone", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (bytes(range(256)) * 20, "text"),
        (b"".join(number.to_bytes(2, "little") for number in range(32)) * 20, "not text"),
        (b"\xff\xfe\0\0p\0\0\0", "UTF-32"),
        (b"\xff\xfep\0h", "starts as UTF-16 but"),
        (b"\xff\xfe\0\xd8a\0", "starts as UTF-16 but"),
        (b"\xef\xbb\xbfphone\n\xff", "starts as UTF-8 but"),
        (b"ph\x01one,name\n" + b"1,a\n" * 100, "control characters"),
        (b'"phone,name\n1,a\n', "no header that can be read"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(write: Write, content: bytes, part: str) -> None:
    # R9.5
    with pytest.raises(Unreadable) as refusal:
        read(write(content))
    assert part in str(refusal.value)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_whatever_the_letters(write: Write, encoding: str) -> None:
    """Some have a NUL as their lower byte; few have one as their upper byte."""
    rows = [["电话", "名字"], ["1", "一一一一一一一一一一一一"], ["2", "ĀĀĀĀĀĀĀĀĀĀ"], ["3", "Имя и отчество"]]
    table, records = read(write("".join(",".join(row) + "\n" for row in rows).encode(encoding)))
    assert [table.columns, *cells(records)] == rows


def test_utf8_is_decided_by_the_whole_file(write: Write) -> None:
    plain = b"phone,name\n" + b"1,abc\n" * 500_000
    for encoding in ("utf-8", "latin-1"):
        table = Table(write(plain + "2,é\n".encode(encoding)), known)
        assert table.encoding == encoding
        table.close()


def test_progress_ends_at_the_files_size(write: Write) -> None:
    path = write("phone,name\n" + "1,a\n" * 1000)
    table = Table(path, known)
    assert len(list(table.rows())) == 1000
    assert table.done_bytes() == table.size_bytes == path.stat().st_size
    table.close()
