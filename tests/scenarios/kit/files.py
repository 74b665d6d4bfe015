"""The files that scenarios upload."""

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from functools import cache
from itertools import islice, product
from typing import Final

import phonenumbers
import xlsxwriter

from .language import BadStep

_SEPARATORS: Final = {"comma": ",", "semicolon": ";", "tab": "\t"}
_FILLER: Final = "x" * 90


class Sheet:
    """A table as its lines stand in the scenario, in the encoding and form that is asked for.

    A named `sheet` of an Excel file is its second one.
    """

    def __init__(self, rows: Sequence[str]) -> None:
        self._rows = rows
        self._encoding = "utf-8"
        self._separator = ""
        self._form = "csv"
        self.sheet = ""

    def set(self, option: str) -> None:
        if m := re.fullmatch(r"encoded ([\w-]+)", option):
            self._encoding = m[1]
        elif m := re.fullmatch(r"separated by (comma|semicolon|tab)", option):
            self._separator = _SEPARATORS[m[1]]
        elif m := re.fullmatch(r"as (xlsx|zip)", option):
            self._form = m[1]
        else:
            raise BadStep(option)

    @property
    def name(self) -> str:
        return f"leads.{self._form}"

    def content(self) -> bytes:
        if self._form == "xlsx":
            return self._excel()
        text = "".join(f"{row}\n" for row in self._rows)
        if self._separator == "\t":
            text = text.replace(";", "\t")
        raw = text.encode(self._encoding)
        return _zipped(raw) if self._form == "zip" else raw

    def _excel(self) -> bytes:
        to = io.BytesIO()
        book = xlsxwriter.Workbook(to)
        if self.sheet:
            book.add_worksheet("Other").write_string(0, 0, "what this file is about")
        sheet = book.add_worksheet(self.sheet or None)
        for no, row in enumerate(csv.reader(self._rows, delimiter=";")):
            for column, cell in enumerate(row):
                sheet.write_string(no, column, cell)
        book.close()
        return to.getvalue()


def _zipped(raw: bytes) -> bytes:
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr("leads.csv", raw)
    return to.getvalue()


def large_list(rows: int) -> bytes:
    """So many different fictional numbers, with a column that makes the file large."""
    lines = [f"+1{area}55501{no:02},{_FILLER}\n" for area, no in islice(product(_areas(), range(100)), rows)]
    assert len(lines) == rows, "there are not that many fictional numbers"
    return f"phone,filler\n{''.join(lines)}".encode()


@cache
def _areas() -> tuple[int, ...]:
    read = phonenumbers.parse
    return tuple(area for area in range(201, 990) if phonenumbers.is_valid_number(read(f"+1{area}5550100")))
