"""Short lists that come as a file: one lead id or telephone number a line, or a column of a CSV.

Rules of this file:

1. A file is read a slice at a time, in a thread; a line that is longer than a list's can be stops it, so that no file
   takes more memory than a slice does. Nothing of it is run or interpreted.
2. UTF-16 if it is marked so, UTF-8 if its beginning can be, else Latin-1; comma, semicolon or tab, whichever the first
   line has most of.
3. The first line is a header when one of its cells is the name of a column that is wanted; else the first column is.
"""

import csv
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

import anyio

from nextlead.core.errors import Invalid

LINE_CHARS_MAX: Final = 20_000
_HEAD_BYTES: Final = 4096
_UTF_16: Final = (BOM_UTF16_LE, BOM_UTF16_BE)
_SEPARATORS: Final = ",;\t"

Row = tuple[int, list[str]]
"""The number of its line, as a spreadsheet shows it, and the cells of the wanted columns."""


class ListFile:
    """A file of rows; use it as `with ListFile(path, wanted) as rows`.

    `wanted` are the columns, each with the names that it may have; a column that is not there is read as empty.
    """

    def __init__(self, path: Path, wanted: Sequence[frozenset[str]]) -> None:
        self._path = path
        self._wanted = wanted
        self._file: TextIO
        self._rows: Iterator[Row]

    def __enter__(self) -> Self:
        """Raises `Invalid` for a file that is not text."""
        with self._path.open("rb") as raw:
            head = raw.read(_HEAD_BYTES)
        self._file = self._path.open(encoding=_encoding(head), errors="replace", newline="")
        self._rows = self._read()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    async def slices(self, rows: int) -> AsyncIterator[list[Row]]:
        """So many rows at a time; blank lines are left out. Raises `Invalid` for a line that can't be one."""
        while found := await anyio.to_thread.run_sync(lambda: list(islice(self._rows, rows))):
            yield found

    def _read(self) -> Iterator[Row]:
        lines = self._lines()
        first = next(lines, "")
        separator = max(_SEPARATORS, key=first.count)
        reader = csv.reader(_chain(first, lines), delimiter=separator)
        places: list[int | None] = []
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as problem:
                raise Invalid("file", f"line {reader.line_num}: {problem}") from None
            if cells is None:
                return
            if not places:
                places = self._places(cells)
                if any(_plain(cell) in names for names in self._wanted for cell in cells):
                    continue
            found = [cells[at].strip() if at is not None and at < len(cells) else "" for at in places]
            if any(found):
                yield reader.line_num, found

    def _places(self, first: list[str]) -> list[int | None]:
        """Where the wanted columns are; without a header they are the first ones, in order."""
        names = [_plain(cell) for cell in first]
        found = [next((at for at, name in enumerate(names) if name in wanted), None) for wanted in self._wanted]
        return list(range(len(found))) if all(at is None for at in found) else found

    def _lines(self) -> Iterator[str]:
        no = 0
        while line := self._file.readline(LINE_CHARS_MAX):
            no += 1
            if len(line) >= LINE_CHARS_MAX:
                raise Invalid("file", f"line {no} is longer than {LINE_CHARS_MAX} characters")
            yield line


def _encoding(head: bytes) -> str:
    if head.startswith(_UTF_16):
        return "utf-16"
    if b"\x00" in head:
        raise Invalid("file", "is not text; save a spreadsheet as CSV")
    try:
        getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _chain(first: str, lines: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
        yield from lines


def _plain(cell: str) -> str:
    return cell.strip().casefold()
