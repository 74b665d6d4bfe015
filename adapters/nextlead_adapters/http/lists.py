"""Lists: `{"items": [...], "next": cursor or null}`, a page at a time."""

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from nextlead.core.errors import Invalid

from .table import Paging, View

R = TypeVar("R")
V = TypeVar("V")


class Page(View, Generic[V]):
    """A page. `next` goes into `?after=` for the page behind it; null: there is none."""

    items: list[V]
    next: str | None


def page(rows: Iterable[R], paging: Paging, key: Callable[[R], str], view: Callable[[R], V]) -> Page[V]:
    """The page behind `paging.after`, in order of `key`. O(n log n) in all rows: for lists that people keep short."""
    behind = sorted((row for row in rows if key(row) > paging.after), key=key)
    return cut(behind[: paging.limit + 1], paging.limit, key, view)


def cut(rows: list[R], limit: int, key: Callable[[R], str], view: Callable[[R], V]) -> Page[V]:
    """A page of `rows`, which hold one more than `limit` when there is a page behind it."""
    shown = rows[:limit]
    return Page([view(row) for row in shown], key(shown[-1]) if len(rows) > limit else None)


def part(rows: Sequence[R], paging: Paging, view: Callable[[R], V]) -> Page[V]:
    """A page of a list that has an order of its own; its cursors are places in it."""
    start = cursor(paging.after)
    behind = list(enumerate(rows[start : start + paging.limit + 1], start + 1))
    return cut(behind, paging.limit, lambda row: str(row[0]), lambda row: view(row[1]))


def cursor(after: str) -> int:
    """The number in a cursor; raises `Invalid` for one that no list gave."""
    if not after:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) <= 15):
        raise Invalid("after", "is not a cursor of this list")
    return int(after)
