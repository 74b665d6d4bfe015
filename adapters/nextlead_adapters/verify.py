"""`nextlead verify`: load a store's snapshot into an engine, and work out afresh what is otherwise kept up."""

import time
from collections import Counter

from msgspec import Struct

from nextlead.core.engine import Engine
from nextlead.runtime.recovery import load

from .almanac import LibraryAlmanac
from .bootstrap import open_snapshot


class Report(Struct):
    """What was looked at, and what is not as it must be; sound when `findings` is empty."""

    store: str
    counts: dict[str, int]
    findings: list[str]


async def verify_store(url: str) -> Report:
    """Look at a store as it is now; it may be in use. O(open leads). Raises `BadUrl`, `StoreRefused`."""
    store = await open_snapshot(url)
    try:
        engine = Engine(almanac=LibraryAlmanac())
        await load(store, engine)
        engine.start(time.time_ns() // 1_000_000)
        return Report(store=url, counts=_counts(engine), findings=list(engine.verify()))
    finally:
        await store.close()


def _counts(engine: Engine) -> dict[str, int]:
    """How many of each there are; leads by status, open ones only."""
    leads: Counter[str] = Counter()
    for (_, status), count in engine.counts().items():
        leads[f"leads {status}"] += count
    rows = {
        "teams": len(engine.teams),
        "agents": len(engine.agents),
        "campaigns": len(engine.campaigns),
        "pools": len(engine.pools),
        "leases": engine.leases,
    }
    return rows | dict(sorted(leads.items()))
