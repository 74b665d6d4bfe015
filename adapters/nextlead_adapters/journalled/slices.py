"""Slices: what is done to many rows is done to some at a time, so that nobody waits for long."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

T = TypeVar("T")

SLICE: Final = 256
"""Rows that are written at once: about a millisecond."""


def batches(items: Iterable[T], size: int = SLICE) -> Iterator[list[T]]:
    """The items in lists of `size`."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part
