"""Uploaded files as tables, whichever kind they are."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from nextlead.core.errors import Invalid

from .excel import Workbook, is_workbook
from .files import Record, Table


class AnyTable(Protocol):
    """A file as rows of cells under a header."""

    @property
    def columns(self) -> list[str]:
        """The header's cells."""
        ...

    @property
    def encoding(self) -> str:
        """A codec's name, or xlsx."""
        ...

    @property
    def separator(self) -> str:
        """Of text tables, else empty."""
        ...

    @property
    def size_bytes(self) -> int:
        """Of the file."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the log."""
        ...

    def rows(self) -> Iterator[Record]:
        """The rows behind the header, once."""
        ...

    def done_bytes(self) -> int:
        """How far the file was read."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


def open_table(path: Path, sheet: str, known: Callable[[str], bool]) -> AnyTable:
    """The table in a file; raises `Unreadable`, and `Invalid` for a sheet that isn't there."""
    if is_workbook(path):
        return Workbook(path, sheet)
    table = Table(path, known)
    if sheet:
        table.close()
        raise Invalid("sheet", "is for Excel files; a text table has no sheets")
    return table
