"""Excel files (`.xlsx`, `.xlsm`) as rows of text, as people see their cells (SPEC R9.1).

1. A workbook is a ZIP archive. What its directory claims is checked before any of it is unpacked; that a directory
   lies is found out by the limits of the process that reads it.
2. Dates are given as ISO text, times as hh:mm:ss, numbers with at most 15 digits as Excel shows them, booleans as TRUE
   and FALSE. Other formats (a currency, a percentage) are not applied: the cell's number is given.
3. The header is the first row that has something in it. Its width ends with its last name; blank rows are left out.
4. Old workbooks (`.xls`), binary ones (`.xlsb`) and OpenDocument sheets are refused, with the way out.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from math import isfinite
from pathlib import Path
from typing import BinaryIO, Final, TypeVar
from zipfile import BadZipFile, LargeZipFile, ZipFile

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from nextlead.core.errors import Invalid

from .encodings import Unreadable
from .files import ROW_CHARS_MAX, Record, fault_of

ZIP_MAGIC: Final = b"PK\x03\x04"
UNPACKED_BYTES_MAX: Final = 1 << 30
"""A sheet of a million rows and ten columns has some 400 MB."""
ENTRIES_MAX: Final = 10_000
_BOOK: Final = "xl/workbook.xml"
_SHOWN_NAMES_MAX: Final = 20
_INTEGER_MOST: Final = 1e21
_ENCRYPTED: Final = 1
_PANIC: Final = "PanicException"
"""What the library raises where it gives up; a `BaseException` that can't be imported."""

T = TypeVar("T")

Cell = int | float | str | bool | time | date | datetime | timedelta


def is_workbook(path: Path) -> bool:
    """Whether it is a ZIP archive, as Excel's files are."""
    with path.open("rb") as stream:
        return stream.read(len(ZIP_MAGIC)) == ZIP_MAGIC


class Workbook:
    """One sheet of a workbook as a table; the same shape as `files.Table`. Raises `Unreadable` when it can't be read.

    `sheet` names it, without regard to case; empty is the first one that is shown. All of it is in memory.
    """

    def __init__(self, path: Path, sheet: str) -> None:
        self.encoding, self.separator = "xlsx", ""
        self.size_bytes = path.stat().st_size
        _check_archive(path)
        names, self._sheet = _open(path, sheet)
        self.notes: tuple[str, ...] = ()
        if not sheet and len(names) > 1:
            self.notes = (f"only the first of {len(names)} sheets was read: {names[0]}",)
        self._at = 0
        self._rows = self._all()
        self.columns = self._header()

    def _all(self) -> Iterator[tuple[int, list[str]]]:
        for at, cells in enumerate(self._sheet.iter_rows(), 1):
            self._at = at
            yield at, [shown_cell(cell) for cell in cells]

    def _header(self) -> list[str]:
        for _, cells in self._rows:
            while cells and not cells[-1].strip():
                cells.pop()
            if cells:
                return cells
        raise Unreadable("has no rows")

    def rows(self) -> Iterator[Record]:
        """The rows behind the header, once."""
        width = len(self.columns)
        for row, cells in self._rows:
            if not any(cells):
                continue
            if sum(map(len, cells)) > ROW_CHARS_MAX:
                kept = "".join(cells)[:1_000]
                yield Record(row, [kept], f"is longer than {ROW_CHARS_MAX} characters")
                continue
            cells.extend([""] * (width - len(cells)))
            yield Record(row, cells, fault_of(cells, width))

    def done_bytes(self) -> int:
        """How far it was read, as a share of its size."""
        return self.size_bytes * self._at // max(self._sheet.height, self._at, 1)

    def close(self) -> None:
        """Let go of the file."""


def every_row(path: Path) -> Iterator[list[str]]:
    """The rows of all sheets, hidden ones too. Raises `Unreadable`."""
    _check_archive(path)
    with path.open("rb") as stream:
        book = _book(stream)
        for name in _sheet_names(book):
            for cells in _sheet(book, name).iter_rows():
                yield [shown_cell(cell) for cell in cells]


def shown_cell(cell: Cell) -> str:
    """A cell as people see it; see rule 2 of this file."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int | float):
        if isfinite(cell) and abs(cell) < _INTEGER_MOST and cell == int(cell):
            return str(int(cell))
        return f"{cell:.15g}"
    if isinstance(cell, timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return cell.isoformat()


def _check_archive(path: Path) -> None:
    try:
        with ZipFile(path) as archive:
            entries = archive.infolist()
    except (BadZipFile, LargeZipFile, NotImplementedError, ValueError, UnicodeDecodeError, EOFError):
        raise Unreadable("is a broken ZIP or Excel file") from None
    if len(entries) > ENTRIES_MAX:
        raise Unreadable(f"is a ZIP file of {len(entries)} entries; a workbook has at most {ENTRIES_MAX}")
    names = {entry.filename for entry in entries}
    if _BOOK not in names:
        raise Unreadable(_what(names))
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise Unreadable("is an Excel file with a password; save it without one")
    unpacked_bytes = sum(entry.file_size for entry in entries)
    if unpacked_bytes > UNPACKED_BYTES_MAX:
        most = f"{UNPACKED_BYTES_MAX >> 20} MB"
        raise Unreadable(
            f"has {unpacked_bytes >> 20} MB when it is unpacked, and at most {most} are read; save it as CSV"
        )


def _what(names: set[str]) -> str:
    if "xl/workbook.bin" in names:
        return "is a binary Excel file (.xlsb); save it as .xlsx or CSV"
    if "content.xml" in names:
        return "is an OpenDocument file; save it as .xlsx or CSV"
    if "word/document.xml" in names:
        return "is a Word file, not a table; save the table as .xlsx or CSV"
    return "is a ZIP file, not an Excel file or a text table"


def _open(path: Path, sheet: str) -> tuple[list[str], CalamineSheet]:
    """The names of the sheets that are shown, and the wanted one, which is in memory then."""
    with path.open("rb") as stream:
        book = _book(stream)
        names = _sheet_names(book)
        hidden = {meta.name for meta in book.sheets_metadata if meta.visible != SheetVisibleEnum.Visible}
        shown = [name for name in names if name not in hidden] or names
        if not names:
            raise Unreadable("is an Excel file without a sheet of cells")
        return shown, _sheet(book, _wanted(sheet, names) if sheet else shown[0])


def _book(stream: BinaryIO) -> CalamineWorkbook:
    return _guarded(lambda: CalamineWorkbook.from_filelike(stream))


def _sheet(book: CalamineWorkbook, name: str) -> CalamineSheet:
    return _guarded(lambda: book.get_sheet_by_name(name))


def _sheet_names(book: CalamineWorkbook) -> list[str]:
    return [meta.name for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]


def _guarded(read: Callable[[], T]) -> T:
    try:
        return read()
    except (CalamineError, ValueError, OSError) as problem:
        raise Unreadable(f"is a broken Excel file: {problem}"[:200]) from None
    except BaseException as problem:
        if type(problem).__name__ != _PANIC:
            raise
        raise Unreadable("is a broken Excel file") from None


def _wanted(sheet: str, names: list[str]) -> str:
    same: Callable[[str], bool] = lambda name: name.strip().casefold() == sheet.casefold()  # noqa: E731
    found = next(filter(same, names), None)
    if found is None:
        more = ", ..." if len(names) > _SHOWN_NAMES_MAX else ""
        listed = ", ".join(f"'{name[:40]}'" for name in names[:_SHOWN_NAMES_MAX])
        raise Invalid("sheet", f"the file has no sheet '{sheet[:40]}' (it has: {listed}{more})")
    return found
