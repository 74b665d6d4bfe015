"""A long sorted list, made in pieces: sorting a million keys in one go would keep everybody waiting for half a second.

Sample sort: runs are sorted one by one, keys taken from them at even distances say where to cut, and what lies between
two cuts is sorted together. However the keys lie, what is done between two yields is bounded: runs have `RUN` keys,
or twice the root of all where that is more, and there are at most twice as many between two cuts.
(`tests/unit/core/test_runs.py` guards order and bounds.)
"""

from bisect import bisect_left
from collections.abc import Generator
from math import isqrt
from typing import Final

from .keys import Keys

RUN: Final = 8_000
"""Keys that are sorted in one go: two milliseconds."""


def sorted_in_pieces(keys: list[int], run: int = RUN) -> Generator[None, None, Keys]:
    """A sorted list of different keys, with a yield after each piece of the work. O(n log n); empties `keys`."""
    found = Keys()
    run = max(run, 2 * isqrt(len(keys)) + 2)
    if len(keys) <= run:
        found.update(keys)
        keys.clear()
        return found
    runs = []
    while keys:
        runs.append(sorted(keys[-run:]))
        del keys[-run:]
        yield
    for between in (yield from _cut(runs, run)):
        between.sort()
        found.append(between)
        del between[:]
        yield
    return found


def _cut(runs: list[list[int]], run: int) -> Generator[None, None, list[list[int]]]:
    """The keys of the runs in as many groups as there are runs: each of a group is less than those of the next."""
    step = run // len(runs)
    sample = yield from sorted_in_pieces([key for some in runs for key in some[::step]], run)
    cuts = list(sample)[len(runs) :: len(runs)]
    groups: list[list[int]] = [[] for _ in range(len(cuts) + 1)]
    while runs:
        keys, at = runs.pop(), 0
        for cut, group in zip(cuts, groups, strict=False):
            until = bisect_left(keys, cut, at)
            group.extend(keys[at:until])
            at = until
        groups[-1] += keys[at:]
        yield
    return groups
