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
    """Knows whether cells hold one of the numbers.

    A cell that holds one has its last digits, so that is looked for first; only vanity numbers are written otherwise.
    """

    def __init__(self, numbers: Iterable[int], region: str) -> None:
        self._numbers = frozenset(numbers)
        self._reader = Numbers(region)
        self._tails: dict[int, dict[str, list[str]]] = {}
        """By length: last digits, each with the whole national numbers that are sure wherever they stand."""
        for number in self._numbers:
            digits = _national(number)
            tail = digits[-_TAIL_DIGITS:]
            sure = self._tails.setdefault(len(tail), {}).setdefault(tail, [])
            if len(digits) >= _SURE_DIGITS:
                sure.append(digits)

    def holds(self, cells: Sequence[str], phones: Iterable[int]) -> bool:
        """Cells at `phones` are read as numbers, all are searched for one. O(characters), whatever the numbers are."""
        if any(self._is(cells[at]) for at in phones if at < len(cells)):
            return True
        return bool(self._found(_digits("".join(cells)))) and any(map(self._has, cells))

    def _is(self, cell: str) -> bool:
        if len(cell) > _NUMBER_CHARS_MAX or not (self._found(_digits(cell)) or any(map(str.isalpha, cell))):
            return False
        return self._reader.read(cell) in self._numbers

    def _has(self, cell: str) -> bool:
        digits = _digits(cell)
        found = self._found(digits)
        if not found:
            return False
        sure = (whole for wholes in found for whole in wholes)
        return any(whole in digits for whole in sure) or not self._numbers.isdisjoint(self._reader.within(cell))

    def _found(self, digits: str) -> list[list[str]]:
        """What stands for the last digits that are in `digits`."""
        return [
            tails[tail]
            for length, tails in self._tails.items()
            for at in range(len(digits) - length + 1)
            if (tail := digits[at : at + length]) in tails
        ]


def _national(number: int) -> str:
    try:
        return str(phonenumbers.parse(f"+{number}").national_number)
    except phonenumbers.NumberParseException:  # of no country: whatever is forgotten, the file is kept
        return str(number)


def _digits(text: str) -> str:
    digits = _NOT_DIGITS.sub("", text)
    return digits if digits.isascii() else phonenumbers.normalize_digits_only(digits)
