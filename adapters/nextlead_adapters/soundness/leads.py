"""Leads: every row, its columns, and what is counted of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct, field

from nextlead.core.conditions import closure_key, condition_of
from nextlead.core.model import Clones, Closures, FreshLead, Lead, Pool, Status
from nextlead.core.setup_model import Sequences

from ..journalled.codec import decode_fresh, decode_lead
from .look import BATCH, Look

SAMPLES: Final = 1_000
_DROPPED: Final = frozenset({"failed", "rejected"})
"""States of pools whose leads went without being counted."""
_WANTED: Final = {
    "wanted_number": "(number INTEGER, lead INTEGER, PRIMARY KEY (number, lead)) WITHOUT ROWID",
    "wanted_clone": "(master INTEGER, lead INTEGER, PRIMARY KEY (master, lead)) WITHOUT ROWID",
    "known": "(lead INTEGER PRIMARY KEY, erased INTEGER)",
}


class Counted(Struct):
    """What leads come to."""

    closed: dict[int, Counter[str]] = field(default_factory=dict)
    """By pool and `closure_key`."""
    unshown: Counter[int] = field(default_factory=Counter)
    """Closed leads that nobody saw, by pool."""
    clones: Counter[int] = field(default_factory=Counter)
    pools: Counter[int] = field(default_factory=Counter)
    """Leads by pool, open and closed."""
    last: int = 0
    samples: list[Lead] = field(default_factory=list)
    """Some touched leads, or all of few."""


class _Wanted:
    """Collects what indexes must have, in tables of its own, so that SQLite compares them."""

    def __init__(self, look: Look) -> None:
        self._db = look.db
        for table, columns in _WANTED.items():
            look.scratch(table, columns)
        self._numbers: list[tuple[int, int]] = []
        self._clones: list[tuple[int, int]] = []
        self._known: list[tuple[int, bool]] = []

    def add(self, lead: Lead | FreshLead) -> None:
        dropped = lead.dropped if isinstance(lead, Lead) else ()
        self._numbers += [(number, lead.id) for number in (*lead.numbers, *dropped)]
        self._known.append((lead.id, isinstance(lead, Lead) and lead.erased))
        if lead.master:
            self._clones.append((lead.master, lead.id))
        if len(self._known) >= BATCH:
            self.write()

    def write(self) -> None:
        for table, rows in (
            ("wanted_number VALUES (?, ?)", self._numbers),
            ("wanted_clone VALUES (?, ?)", self._clones),
            ("known VALUES (?, ?)", self._known),
        ):
            self._db.executemany(f"INSERT OR IGNORE INTO temp.{table}", rows)
            rows.clear()


def check_leads(look: Look, counted: Counted) -> Iterator[str]:
    """Rows that can't be read, are there twice, or don't fit their columns or their pool; fills `counted`."""
    wanted = _Wanted(look)
    pools = {int(key): row for key, row in look.newest("pool").items() if isinstance(row, Pool)}
    unmet = set(look.waiting.leads)
    (touched,) = look.ask("SELECT count(*) FROM state WHERE org = ?").fetchone()
    every = max(1, touched // SAMPLES)
    for at, found in enumerate(_rows(look)):
        if isinstance(found, str):
            yield found
            continue
        unmet.discard(found.id)
        lead = look.waiting.leads.get(found.id, found)
        yield from _misplaced(lead, pools)
        wanted.add(lead)
        _count(lead, counted)
        if isinstance(lead, Lead) and (at % every == 0 or lead is not found):
            counted.samples.append(lead)
    wanted.write()
    yield from (f"lead {id_} has a row in the journal, but none in the tables" for id_ in sorted(unmet))
    twice = "SELECT l.id FROM lead AS l JOIN state AS s ON s.org = l.org AND s.id = l.id WHERE l.org = ? ORDER BY l.id"
    yield from (f"lead {id_} is among the untouched and among the touched" for (id_,) in look.ask(twice))


def _rows(look: Look) -> Iterator[Lead | FreshLead | str]:
    """Rows of both tables; words for those that are not as they must be."""
    fresh = look.ask("SELECT pool, ordinal, id, owner, body FROM lead WHERE org = ?")
    for *columns, body in look.watched("untouched leads", "lead", fresh):
        yield from _row(columns[2], columns, body, decode_fresh, lambda row: [row.pool, row.ordinal, row.id, row.owner])
    names = "id, status, closure, campaign, pool, owner, due_ms, closed_ms, erased, activity, rule, last_by"
    touched = look.ask(f"SELECT {names}, body FROM state WHERE org = ?")
    for *columns, body in look.watched("touched leads", "state", touched):
        yield from _row(columns[0], columns, body, decode_lead, _columns)


def _row(
    id_: object,
    columns: list[object],
    body: object,
    decode: Callable[[bytes], Lead | FreshLead],
    columns_of: Callable[[Lead | FreshLead], list[object]],
) -> Iterator[Lead | FreshLead | str]:
    try:
        assert isinstance(body, bytes)
        row = decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        yield f"lead {id_} can't be read: {error}"
        return
    if columns_of(row) != columns:
        yield f"lead {id_}: its columns are {columns}, its row says {columns_of(row)}"
    yield row


def _columns(lead: Lead | FreshLead) -> list[object]:
    assert isinstance(lead, Lead)
    shown = condition_of(lead).shown
    last_by = 0 if lead.latest is None else lead.latest.agent
    where = [lead.id, int(lead.status), lead.closure, lead.campaign, lead.pool, lead.owner, lead.due_ms]
    return [*where, lead.closed_ms, int(lead.erased), int(shown.activity), shown.rule, last_by]


def _misplaced(lead: Lead | FreshLead, pools: Mapping[int, Pool]) -> Iterator[str]:
    pool = pools.get(lead.pool)
    if pool is None:
        yield f"lead {lead.id}: its pool {lead.pool} is not there"
    elif isinstance(lead, Lead):
        if lead.campaign != pool.campaign:
            yield f"lead {lead.id} is in campaign {lead.campaign}, its pool in {pool.campaign}"
        if (lead.closure is not None) is not (lead.status is Status.CLOSED):
            yield f"lead {lead.id} is {lead.status.code} with the closure {lead.closure}"


def _count(lead: Lead | FreshLead, counted: Counted) -> None:
    counted.last = max(counted.last, lead.id)
    counted.pools[lead.pool] += 1
    if lead.master:
        counted.clones[lead.master] += 1
    if isinstance(lead, Lead) and lead.closure is not None:
        counted.closed.setdefault(lead.pool, Counter())[closure_key(condition_of(lead))] += 1
        counted.unshown[lead.pool] += not lead.shown


def check_counters(look: Look, counted: Counted) -> Iterator[str]:
    """Counts that are kept of leads which are not in memory, and the next free numbers."""
    yield from check_closed(look, counted)
    clones = {int(key): row.count for key, row in look.newest("clones").items() if isinstance(row, Clones)}
    for master in sorted(clones.keys() | counted.clones.keys()):
        if clones.get(master, 0) != counted.clones[master]:
            yield f"lead {master}: {clones.get(master, 0)} clones are counted, should be {counted.clones[master]}"
    yield from _pools(look, counted)
    yield from _sequences(look, counted)


def check_closed(look: Look, counted: Counted) -> Iterator[str]:
    """Closed leads by pool and condition: no start reads them, it takes these counts."""
    kept = {int(key): row for key, row in look.newest("closures").items() if isinstance(row, Closures)}
    for pool in sorted(kept.keys() | counted.closed.keys()):
        row = kept.get(pool) or Closures(pool, {})
        found = dict(counted.closed.get(pool, {}))
        if row.counts != found:
            yield f"pool {pool}: its closed leads are counted as {row.counts}, should be {found}"
        if row.unshown != counted.unshown[pool]:
            yield f"pool {pool}: {row.unshown} closed leads that nobody saw, should be {counted.unshown[pool]}"


def _pools(look: Look, counted: Counted) -> Iterator[str]:
    """What came into a pool is there, or was counted when it went. Rejected rows go when somebody is forgotten."""
    pools = {int(key): row for key, row in look.newest("pool").items() if isinstance(row, Pool)}
    for pool in pools.values():
        came = counted.pools[pool.id] + pool.deleted
        if came > pool.ordinals or (came < pool.ordinals and pool.state not in _DROPPED):
            yield (
                f"pool {pool.id} had {pool.ordinals} leads, of which {pool.deleted} were deleted, but has "
                f"{counted.pools[pool.id]}"
            )
    if (
        look.newest("forgotten")
        or look.newest("erasure")
        or look.db.execute("SELECT 1 FROM temp.known WHERE erased").fetchone()
    ):
        return
    rows = look.ask("SELECT pool, kind, count(*) FROM reject WHERE org = ? GROUP BY pool, kind")
    rejects = {(pool, kind): count for pool, kind, count in rows}
    for pool in pools.values():
        for kind, count in (("invalid", pool.invalid), ("duplicate", pool.duplicate)):
            if rejects.get((pool.id, kind), 0) != count:
                yield f"pool {pool.id}: {count} rows are counted as {kind}, {rejects.get((pool.id, kind), 0)} are kept"


def _sequences(look: Look, counted: Counted) -> Iterator[str]:
    row = look.newest("sequences").get(0)
    given = row if isinstance(row, Sequences) else Sequences()
    (indexed,) = look.ask("SELECT coalesce(max(lead), 0) FROM number WHERE org = ?").fetchone()
    pools = max((int(key) for key in look.newest("pool")), default=0)
    records = max(
        (int(key) for name in ("team", "agent", "project", "campaign") for key in look.newest(name)), default=0
    )
    for what, next_, last in (
        ("lead", given.lead, max(counted.last, indexed)),
        ("pool", given.pool, pools),
        ("record", given.record, records),
    ):
        if next_ <= last:
            yield f"the next {what} would get the number {next_}, but {last} was given already"
