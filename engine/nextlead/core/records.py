"""Set-up records: by number for the engine, by code for people."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from .errors import NotFound


class Record(Protocol):
    """What has a number and a code."""

    @property
    def no(self) -> int:
        """Unique in the organisation, never given twice."""
        ...

    @property
    def code(self) -> str:
        """Unique among records of its kind."""
        ...


R = TypeVar("R", bound=Record)


class Records(Generic[R]):
    """Records of one kind."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.by_no: dict[int, R] = {}
        self.by_code: dict[str, R] = {}

    def __iter__(self) -> Iterator[R]:
        return iter(self.by_no.values())

    def __len__(self) -> int:
        return len(self.by_no)

    def need(self, code: str) -> R:
        """By code; raises `NotFound`."""
        found = self.by_code.get(code)
        if found is None:
            raise NotFound(self.kind, code)
        return found

    def put(self, record: R) -> None:
        """Keep the record's new row."""
        self.by_no[record.no] = record
        self.by_code[record.code] = record

    def drop(self, record: R) -> None:
        """The record is gone."""
        del self.by_no[record.no]
        del self.by_code[record.code]

    def sort(self) -> None:
        """In the order in which they were made, whatever order a store gave them in. O(n log n)."""
        self.by_no = dict(sorted(self.by_no.items()))
