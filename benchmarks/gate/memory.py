"""What a lead costs in memory, and what an operation leaves behind (T7).

Per lead is what more leads need over fewer, so that the set-up does not count. *Tracked* objects are those that the
garbage collector looks at in a full collection: a few for each part of a queue, never one for each lead. Bytes and
blocks are those that Python's allocator gave out.
"""

import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Final, TypeVar

from ..calls import Shift
from ..job import Job, build_engine, make_centre
from .bounds import Figure

T = TypeVar("T")

AGENTS: Final = 4
"""Few, so that there are few queues."""
LEADS: Final = (1_000, 9_000)
TURNS: Final = 500
BLOCKS: Final = "blocks of memory"
TRACKED: Final = "objects that the collector tracks"
BYTES: Final = "bytes"


def memory() -> list[Figure]:
    """Per lead just loaded, and per operation of a shift."""
    collecting, tracing = gc.isenabled(), tracemalloc.is_tracing()
    gc.disable()
    build_engine(make_centre(Job(LEADS[0], AGENTS)))  # what is made once for all is there from now on
    if not tracing:
        tracemalloc.start()
    try:
        few, _ = _grown(lambda: build_engine(make_centre(Job(LEADS[0], AGENTS))))
        job = Job(LEADS[1], AGENTS)
        many, engine = _grown(lambda: build_engine(make_centre(job)))
        shift = Shift(engine, job)
        left, _ = _grown(lambda: shift.work(TURNS).operations)
    finally:
        if not tracing:
            tracemalloc.stop()
        if collecting:
            gc.enable()
    leads = LEADS[1] - LEADS[0]
    loaded = [Figure(f"{what} per loaded lead", (many[what] - few[what]) / leads) for what in many]
    return loaded + [Figure(f"{what} left per operation", left[what] / (2 * TURNS)) for what in left]


def _grown(make: Callable[[], T]) -> tuple[dict[str, int], T]:
    """What is there afterwards that was not before."""
    before = _used()
    made = make()
    after = _used()
    return {what: after[what] - before[what] for what in after}, made


def _used() -> dict[str, int]:
    gc.collect()
    return {
        TRACKED: len(gc.get_objects()),
        BLOCKS: sys.getallocatedblocks(),
        BYTES: tracemalloc.get_traced_memory()[0],
    }
