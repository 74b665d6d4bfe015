"""A kept original without the rows of some numbers (SPEC R10.6), in the process that reads files.

1. A row goes when one of its cells is one of the numbers, however it is written, or has one in it. Every other row
   stays as it is, byte for byte.
2. A file that can't be cut (a workbook, or a number in the header) is only looked through.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import phonenumbers

from .excel import every_row, is_workbook
from .files import Record, Table
from .mapping import Matcher
from .numbers import Numbers
from .wire import Cut, Job, Kept, Message

_PIECE_CHARS: Final = 1 << 17
_TAIL_DIGITS: Final = 7
_SURE_DIGITS: Final = 9
"""So many digits in a row are a number whatever stands around them."""
_NUMBER_CHARS_MAX: Final = 60
_NOT_DIGITS: Final = re.compile(r"\D+")

Send = Callable[[Message], None]


def give_without(job: Job, matcher: Matcher, send: Send) -> None:
    """Send the file of a job without the rows that hold one of its numbers, and then how many these were."""
    finder = Finder(job.erase, job.reading.region)
    path = Path(job.path)
    if is_workbook(path):
        held = sum(finder.holds(cells, range(len(cells))) for cells in every_row(path))
        send(Cut(held, whole=not held))
        return
    with closing(Table(path, matcher.knows, whole=True)) as table:
        phones = [column.index for column in matcher.plan(table.columns, mapped_must_exist=False).phones]
        if finder.holds(table.columns, range(len(table.columns))):
            send(Cut(1 + sum(finder.holds(record.cells, phones) for record in table.rows()), whole=False))
            return
        _give(table, lambda record, text: _is_held(finder, record, text, phones), send)


def _is_held(finder: "Finder", record: Record, text: list[str], phones: Sequence[int]) -> bool:
    return finder.holds(text, range(len(text))) if record.problem else finder.holds(record.cells, phones)


def _give(table: Table, held: Callable[[Record, list[str]], bool], send: Send) -> None:
    mark, codec = table.mark, table.codec
    rows, chars = 0, 0
    kept: list[str] = list(table.head)
    send(Kept(mark))
    for record, text in table.lines():
        if held(record, text):
            rows += 1
            continue
        kept += text
        chars += sum(map(len, text))
        if chars > _PIECE_CHARS:
            send(Kept("".join(kept).encode(codec)))
            kept, chars = [], 0
    send(Kept("".join(kept).encode(codec)))
    send(Cut(rows, whole=True))


class Finder:
    """Knows whether cells hold one of the numbers."""

    def __init__(self, numbers: Iterable[int], region: str) -> None:
        self._numbers = frozenset(numbers)
        self._reader = Numbers(region)
        national = [str(phonenumbers.parse(f"+{number}").national_number) for number in self._numbers]
        self._tails = [digits[-_TAIL_DIGITS:] for digits in national]
        self._sure = [digits for digits in national if len(digits) >= _SURE_DIGITS]

    def holds(self, cells: Sequence[str], phones: Iterable[int]) -> bool:
        """Cells at `phones` are read as numbers, all are searched for one. O(cells), 20 us for each of `phones`."""
        if any(self._is(cells[at]) for at in phones if at < len(cells)):
            return True
        return self._may_have("".join(cells)) and any(map(self._has, cells))

    def _is(self, cell: str) -> bool:
        return len(cell) <= _NUMBER_CHARS_MAX and self._reader.read(cell) in self._numbers

    def _may_have(self, text: str) -> bool:
        digits = _digits(text)
        return any(tail in digits for tail in self._tails)

    def _has(self, cell: str) -> bool:
        if not self._may_have(cell):
            return False
        digits = _digits(cell)
        return any(sure in digits for sure in self._sure) or not self._numbers.isdisjoint(self._reader.within(cell))


def _digits(text: str) -> str:
    digits = _NOT_DIGITS.sub("", text)
    return digits if digits.isascii() else phonenumbers.normalize_digits_only(digits)
