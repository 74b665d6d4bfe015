"""CSV that is safe to open in a spreadsheet.

A cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return would run as a formula, and so would one behind
a semicolon or a tab where these separate cells. Such a place gets an apostrophe in front. A cell of nothing but digits
and spaces, with a sign in front or not, such as `-5` or `+1 415 555 0100`, can do no harm and stays as it is, so that
numbers can be used and uploaded again.
"""

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

BOM: Final = "\ufeff".encode()
_RISKY: Final = re.compile(r"(?:^|(?<=[;\t\r\n]))(?=[\s\"']*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r])")
"""Places where a cell may begin for some spreadsheet, and a formula with it; the last four are of full width."""
_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9 ]*(?:[.,][0-9]+)?", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def safe_cell(value: object) -> str:
    """The text of a cell, neutralised; see the head of this file."""
    text = str(value)
    return text if _NUMBER.fullmatch(text) else _RISKY.sub("'", text)


def csv_lines(rows: Iterable[Iterable[object]]) -> bytes:
    """Rows as lines of CSV (RFC 4180), each cell neutralised."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([safe_cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8", "replace")


def one_line(text: str) -> str:
    """Text without line breaks and other control characters, so that nobody forges a line."""
    return _CONTROL.sub(" ", text)
