"""`nextlead verify`: load a store's snapshot into an engine, and work out afresh what is otherwise kept up."""

import time
from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from nextlead.core.engine import Engine
from nextlead.core.schemes import Scheme
from nextlead.runtime.recovery import load

from .almanac import LibraryAlmanac
from .bootstrap import open_snapshot
from .scheme_files import missing_schemes, shipped_schemes


class Report(Struct):
    """What was looked at, and what is not as it must be; sound when `findings` is empty."""

    store: str
    counts: dict[str, int]
    findings: list[str]


async def verify_store(url: str, schemes: Mapping[str, Scheme] | None = None) -> Report:
    """Look at a store as it is now; it may be in use. O(open leads). `schemes` are the shipped ones unless given.

    Raises `BadUrl`, `StoreRefused`. A campaign whose scheme is not there is a finding.
    """
    known = shipped_schemes() if schemes is None else schemes
    store = await open_snapshot(url)
    try:
        engine = Engine(almanac=LibraryAlmanac(), schemes=known)
        await load(store, engine)
        engine.start(time.time_ns() // 1_000_000)
        missing = (f"{each}; if it is one of yours, say --config" for each in missing_schemes(engine.campaigns, known))
        findings = [*missing, *engine.verify()]
        return Report(store=url, counts=_counts(engine), findings=findings)
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
