"""Sorted ints: the order of the leads of a part, of numbers, of timers.

Rules of this file:

1. All keys of one `Keys` are different. They lie in chunks: lists of at most `MOST` keys, each key of a chunk less than
   those of the next; `_lasts` has a key between any two: no key of the chunk before is greater, none behind is not.
2. Most parts hold a few leads and come and go with calls, so one with a single chunk is two lists and no more.
3. A chunk that has become small joins its neighbour, so there are O(n / MOST) of them.

`sortedcontainers` is the model. This one costs half of its time and a third of its memory where there are few keys,
can be filled from behind with sorted keys, and gives its first key away without looking for it.
(`tests/unit/core/test_keys.py` compares all of it with a sorted list.)
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import Final

MOST: Final = 1_024
_LEAST: Final = MOST // 8
_FULL: Final = MOST // 2
"""What a chunk has after a split, or when chunks are filled from behind; there is room for as many more."""


class Keys:
    """Different ints in order. O(log n) for one of them; `bisect_left` and keys by place take O(n / MOST) besides."""

    __slots__ = ("_chunks", "_lasts")

    def __init__(self, keys: Iterable[int] = ()) -> None:
        self._chunks: list[list[int]] = [[]]
        self._lasts: list[int] = []
        if keys:
            self.append(sorted(keys))

    def add(self, key: int) -> None:
        """Put a new key where it belongs."""
        at = bisect_left(self._lasts, key) if self._lasts else 0
        chunk = self._chunks[at]
        insort(chunk, key)
        if len(chunk) > MOST:
            rest = chunk[_FULL:]
            del chunk[_FULL:]
            self._chunks.insert(at + 1, rest)
            self._lasts.insert(at, chunk[-1])

    def remove(self, key: int) -> None:
        """Take a key out; raises `ValueError` when it is not there."""
        at = bisect_left(self._lasts, key) if self._lasts else 0
        chunk = self._chunks[at]
        place = bisect_left(chunk, key)
        if place == len(chunk) or chunk[place] != key:
            raise ValueError(key)
        del chunk[place]
        if self._lasts and len(chunk) < _LEAST:
            self._join(at)

    def pop_first(self) -> int:
        """Take the least key out; there must be one."""
        chunk = self._chunks[0]
        key = chunk[0]
        del chunk[0]
        if self._lasts and len(chunk) < _LEAST:
            self._join(0)
        return key

    def pop_last(self) -> int:
        """Take the greatest key out; there must be one."""
        chunk = self._chunks[-1]
        key = chunk.pop()
        if self._lasts and len(chunk) < _LEAST:
            self._join(len(self._lasts))
        return key

    def update(self, keys: Collection[int]) -> None:
        """Put many new keys where they belong: O(m log n), or O(m log m + n) where m is a good part of all."""
        more = sorted(keys)
        if not more:
            return
        last = self._chunks[-1]
        if not last or more[0] > last[-1]:
            self.append(more)
        elif len(more) * 4 < len(self):
            for key in more:
                self.add(key)
        else:
            more = sorted((*self, *more))
            self._chunks, self._lasts = [[]], []
            self.append(more)

    def append(self, keys: Sequence[int]) -> None:
        """Put sorted keys behind all others, which are less. O(m)."""
        chunks, lasts = self._chunks, self._lasts
        at = max(0, _FULL - len(chunks[-1]))
        chunks[-1] += keys[:at]
        while at < len(keys):
            lasts.append(chunks[-1][-1])
            chunks.append(list(keys[at : at + _FULL]))
            at += _FULL

    def first(self) -> int:
        """The least key; there must be one. O(1)."""
        return self._chunks[0][0]

    def bisect_left(self, key: int) -> int:
        """How many keys are less than this."""
        at = bisect_left(self._lasts, key) if self._lasts else 0
        return sum(map(len, self._chunks[:at])) + bisect_left(self._chunks[at], key)

    def after(self, key: int) -> Iterator[int]:
        """The keys greater than this, in order; there must be no change meanwhile."""
        at = bisect_right(self._lasts, key) if self._lasts else 0
        chunk = self._chunks[at]
        yield from chunk[bisect_right(chunk, key) :]
        for chunk in self._chunks[at + 1 :]:
            yield from chunk

    def irange(self, low: int, high: int) -> Iterator[int]:
        """The keys from `low` to `high`, both included, in order; there must be no change meanwhile."""
        for key in self.after(low - 1):
            if key > high:
                return
            yield key

    def __getitem__(self, place: int) -> int:
        """The key at a place, from 0; raises `IndexError`."""
        for chunk in self._chunks:
            if place < len(chunk):
                return chunk[place]
            place -= len(chunk)
        raise IndexError(place)

    def __len__(self) -> int:
        return sum(map(len, self._chunks)) if self._lasts else len(self._chunks[0])

    def __bool__(self) -> bool:
        return bool(self._chunks[0])

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self._chunks)

    def disordered(self) -> bool:
        """Whether rules 1 and 3 of this file are broken, for `verify`. O(n)."""
        chunks, lasts = self._chunks, self._lasts
        if len(lasts) != len(chunks) - 1 or (lasts and not all(chunks)) or max(map(len, chunks)) > MOST:
            return True
        keys = list(self)
        if any(low >= high for low, high in pairwise(keys)):
            return True
        return any(chunks[at][-1] > last or chunks[at + 1][0] <= last for at, last in enumerate(lasts))

    def _join(self, at: int) -> None:
        """A chunk has become small: it joins the one behind it, the last one that before it."""
        at = min(at, len(self._chunks) - 2)
        joined = self._chunks[at]
        joined += self._chunks.pop(at + 1)
        del self._lasts[at]
        if len(joined) > MOST:
            self._chunks.insert(at + 1, joined[_FULL:])
            del joined[_FULL:]
            self._lasts.insert(at, joined[-1])
