"""Tables of text as people's programs write them: separators, quotes, and what is wrong with them.

1. The separator is the one of comma, semicolon and tab under which the header names most known fields; then the one
   under which most rows are as wide as the header; then the one that gives most columns.
2. A row with a fault is given with its `problem`, and reading goes on behind it. A quote that is never closed costs
   its own line only.
3. Row numbers are those a spreadsheet shows: the header is row 1 when the file starts with it.
"""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from .encodings import Unreadable, encoding_of

SEPARATORS: Final = (",", ";", "\t")
ROW_CHARS_MAX: Final = 100_000
"""Longest row, in characters, its line ends included. The csv module's own limit per field is above it."""
ROW_LINES_MAX: Final = 200
"""Also bounds what a file made to be slow costs: each of its rows may be read that many times."""
_KEPT_CHARS: Final = 1_000
_OPEN_QUOTE: Final = "has a quote that is not closed"
_SAMPLE_CHARS: Final = 1 << 16
_SAMPLE_ROWS: Final = 50


class Record(NamedTuple):
    """A row of the file. `cells` have the header's width unless there is a `problem`."""

    row: int
    cells: list[str]
    problem: str


def separator_of(sample: str, known: Callable[[str], bool]) -> str:
    """Rule 1, from the first characters of a file."""
    lines = list(io.StringIO(sample, newline=""))
    if len(sample) >= _SAMPLE_CHARS and len(lines) > 1:
        lines.pop()
    return max(SEPARATORS, key=lambda separator: _score(lines, separator, known))


def _score(lines: list[str], separator: str, known: Callable[[str], bool]) -> tuple[int, float, int]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=separator):
            if row:
                rows.append(row)
            if len(rows) > _SAMPLE_ROWS:
                break
    except csv.Error:
        return (0, 0.0, 0)
    if not rows or len(rows[0]) == 1:
        return (sum(map(known, rows[0])) if rows else 0, 0.0, 1)
    header = rows[0]
    alike = sum(len(row) == len(header) for row in rows[1:]) / max(len(rows) - 1, 1)
    return (sum(map(known, header)), alike, len(header))


class _BrokenRow(Exception):
    """A quote that isn't closed, or a row beyond the limits."""


class _Lines:
    """Physical lines for csv.reader; remembers those of the row being read, so that a broken row can be taken apart."""

    def __init__(self, text: io.TextIOBase, *, whole: bool) -> None:
        self._text = text
        self._whole = whole
        self._again: list[str] = []
        self._chars = 0
        self.pending: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else self._text.readline(ROW_CHARS_MAX + 1)
        if not line:
            if self.pending:
                raise _BrokenRow(_OPEN_QUOTE)
            raise StopIteration
        pending = self.pending
        pending.append(line)
        self._chars += len(line)
        if self._chars > ROW_CHARS_MAX or len(pending) > ROW_LINES_MAX:
            self._overflow(line)
        return line

    def _overflow(self, line: str) -> None:
        if len(self.pending) > 1:
            raise _BrokenRow(_OPEN_QUOTE)
        while line and not line.endswith(("\n", "\r")):
            line = self._text.readline(ROW_CHARS_MAX)
            if self._whole:
                self.pending.append(line)
        raise _BrokenRow(f"is longer than {ROW_CHARS_MAX} characters")

    def row_done(self) -> None:
        """Forget the lines of the row."""
        self.pending, self._chars = [], 0

    def keep_first(self) -> list[str]:
        """Give the first line of the row, in pieces if it is very long; other lines are read again, as other rows."""
        pieces, others = self.pending[:1], self.pending[1:]
        while others and not pieces[-1].endswith(("\n", "\r")):
            pieces.append(others.pop(0))
        self._again += reversed(others)
        self.row_done()
        return pieces


class Table:
    """A file as rows of cells. Raises `Unreadable` when it is none. `known` says which column names mean something.

    With `whole`, all text of all rows is kept until the row is given, however long it is: for `lines`.
    """

    def __init__(self, path: Path, known: Callable[[str], bool], *, whole: bool = False) -> None:
        self._raw = path.open("rb")
        try:
            self.size_bytes = path.stat().st_size
            self.encoding, self.mark = encoding_of(self._raw)
            self.codec = self.encoding.removesuffix("-sig")
            self.separator = self._sniff(known)
            self._lines = _Lines(self._text(), whole=whole)
            self._row = 0
            self.notes: tuple[str, ...] = ()
            self.head: list[str] = []
            self.columns = self._header()
        except BaseException:
            self._raw.close()
            raise

    def _text(self) -> io.TextIOWrapper:
        self._raw.seek(len(self.mark))
        return io.TextIOWrapper(self._raw, self.codec, newline="")

    def _sniff(self, known: Callable[[str], bool]) -> str:
        text = self._text()
        separator = separator_of(text.read(_SAMPLE_CHARS), known)
        text.detach()
        return separator

    def _header(self) -> list[str]:
        for (_, cells, problem), text in self._records(width=0):
            self.head += text
            if problem:
                raise Unreadable(f"has no header that can be read: the first row {problem}")
            if not any(cell.strip() for cell in cells):
                continue
            if any("\0" in cell or not _printable(cell) for cell in cells):
                raise Unreadable("is not a text table: its first row has control characters")
            return cells
        raise Unreadable("has no rows")

    def rows(self) -> Iterator[Record]:
        """The rows behind the header, once. Blank lines are counted but not given."""
        return (record for record, _ in self._records(len(self.columns)) if record.cells)

    def lines(self) -> Iterator[tuple[Record, list[str]]]:
        """The rows behind the header, each with its text as it stands; blank lines too, they have no cells.

        Joined behind `head`, the texts are the file.
        """
        return self._records(len(self.columns))

    def done_bytes(self) -> int:
        """How far the file was read; a little ahead of the last row given."""
        return self._raw.tell()

    def close(self) -> None:
        """Let go of the file."""
        self._raw.close()

    def _records(self, width: int) -> Iterator[tuple[Record, list[str]]]:
        lines = self._lines
        while True:
            reader = csv.reader(lines, delimiter=self.separator)
            try:
                for cells in reader:
                    text = lines.pending
                    if len(text) > 1:
                        self._check_lines(cells, width)
                    lines.row_done()
                    self._row += 1
                    yield Record(self._row, cells, fault_of(cells, width) if cells else ""), text
                return
            except (_BrokenRow, csv.Error) as problem:
                self._row += 1
                reason = str(problem) if isinstance(problem, _BrokenRow) else _OPEN_QUOTE
                text = lines.keep_first()
                yield Record(self._row, [text[0].rstrip("\r\n")[:_KEPT_CHARS]], reason), text

    def _check_lines(self, cells: list[str], width: int) -> None:
        """A row of several lines is only believed when its quotes are right: else it has swallowed other rows."""
        if width and len(cells) != width:
            raise _BrokenRow(_OPEN_QUOTE)
        for _ in csv.reader(self._lines.pending, delimiter=self.separator, strict=True):
            pass


def fault_of(cells: list[str], width: int) -> str:
    """What is wrong with the cells of a row, if anything. Empty ones behind the header's width are taken away."""
    if width and len(cells) != width:
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if len(cells) != width:
            return f"has {len(cells)} cells where the header has {width}"
    if any("\0" in cell for cell in cells):
        cells[:] = [cell.replace("\0", "\ufffd") for cell in cells]
        return "has a NUL character"
    return ""


def _printable(cell: str) -> bool:
    return not any(ord(char) < ord(" ") and char not in "\t\r\n" for char in cell)
