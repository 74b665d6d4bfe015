"""`nextlead verify`: prove that a store is sound, changing nothing.

1. What the tables keep beside their rows (counters, indexes, histories) is worked out afresh (`soundness/`).
2. Each organisation is loaded into an engine, as a start would do it, and queues, timers and counts are worked out a
   second time from its rows (`nextlead.core.verify`).

A PostgreSQL store is copied first, as a backup is, and the copy looked at: one proof for both.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from nextlead.core.engine import Engine
from nextlead.core.schemes import Scheme
from nextlead.ports import Store, StoreRefused
from nextlead.runtime.recovery import load

from .almanac import LibraryAlmanac
from .backup.sources import back_up
from .scheme_files import missing_schemes, shipped_schemes
from .soundness.check import check_file
from .soundness.look import Said
from .sqlite import SqliteDatabase
from .store_url import existing_file, postgres_url, shown_url


class Report(Struct):
    """What was looked at, and what is not as it must be; sound when `findings` is empty."""

    store: str
    counts: dict[str, int]
    findings: list[str]


def quiet(what: str, done: int = 0, total: int | None = None) -> None:
    """Says nothing."""


async def verify_store(
    url: str, schemes: Mapping[str, Scheme] | None = None, said: Said = quiet, *, deep: bool = False
) -> Report:
    """Look at a store as it is now; it may be in use. O(leads + commits). `schemes` are the shipped ones unless given.

    `deep` also reads the whole history, and compares every row with it. Raises `BadUrl`, `StoreRefused`. A campaign
    whose scheme is not there is a finding.
    """
    known = shipped_schemes() if schemes is None else schemes
    async with _as_file(url, said) as path:
        database = SqliteDatabase(path, read_only=True)
        try:
            await database.open()
            findings = await check_file(path, said, deep=deep)
            counts: Counter[str] = Counter()
            organisations = await database.organisations()
            for organisation in organisations:
                said(f"queues and timers of {organisation.code}")
                name = f"organisation {organisation.code}: " if len(organisations) > 1 else ""
                found = await _recompute(database.store(organisation.no), known, counts)
                findings += [name + finding for finding in found]
        finally:
            await database.close()
    return Report(store=shown_url(url), counts={"organisations": len(organisations), **counts}, findings=findings)


@asynccontextmanager
async def _as_file(url: str, said: Said) -> AsyncIterator[Path]:
    """The store as a SQLite file: itself, or a copy of it for as long as the block lasts."""
    if postgres_url(url):
        with TemporaryDirectory(prefix="nextlead-verify-") as folder:
            said("copying")
            await back_up(url, Path(folder) / "copy.db")
            yield Path(folder) / "copy.db"
        return
    yield existing_file(url, "be looked at from outside")


async def _recompute(store: Store, known: Mapping[str, Scheme], counts: Counter[str]) -> list[str]:
    """What a start would build, against what it is built from."""
    engine = Engine(almanac=LibraryAlmanac(), schemes=known)
    try:
        await store.open()
        await load(store, engine)
        engine.start(time.time_ns() // 1_000_000)
    except StoreRefused as refusal:
        return [f"a daemon could not load it: {refusal}"]
    except Exception as error:  # noqa: BLE001 - rows that fit nowhere may break anything, and that is what was to be known
        return [f"a daemon could not load it: {error!r}"]
    finally:
        await store.close()
    counts.update(_counts(engine))
    missing = (f"{each}; if it is one of yours, say --config" for each in missing_schemes(engine.campaigns, known))
    return [*missing, *engine.verify()]


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
