"""PostgreSQL as a queue: what a careful team builds, with `FOR UPDATE SKIP LOCKED`, well indexed.

One table of leads and one of history. Each operation is one prepared call of a function, so one round trip and one
transaction: `next_lead` finds, locks and marks a lead, `finish_lead` moves it on, and each adds its line of history.
`rows.py` says which rules it has.

No operation reads a lead that it does not offer, however many there are, for each class has a partial index that holds
just the leads nobody has:

- `own`: VIP and private redials by agent and due time; an agent has a handful that are due, the best of them is sorted;
- `later`: common and automatic redials by campaign, owner and due time: twelve ranges (three campaigns, four owners)
  of those that are due, again a handful;
- `fresh`: new leads by campaign, owner, priority, and place in the pool: the heads of twelve ranges are looked at
  without a lock, the best is locked; where another session has it, the next one of that range is taken.

What is written so that it can't be planned otherwise (`OFFSET 0`, `+ 0`): the lead itself is locked by its id. So
everything is an index scan (a test looks at the plans). `synchronous_commit` is on. As always with SKIP LOCKED, the
order is exact but for leads that another session is just taking. History has no index by lead, which it would need to
be read by; and no checkpoint is asked for between loading and measuring, so few pages are written whole. Both are in
its favour.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from secrets import token_hex
from typing import Any, Final

import asyncpg

from ..engine import Tell
from ..figures import Result
from .floor import Rival, measure_forms
from .rows import ATTEMPTS_MOST, OVERDUE_MS, RETRY_MS, Ending, RivalAgent, RivalJob
from .servers import check_durable

SCHEMA: Final = f"nextlead_bench_skip_locked_{token_hex(4)}"
"""This process's own: somebody else may measure on the same server."""
CONNECTIONS: Final = (1, 8, 32)

TABLES: Final = """
CREATE TABLE pool (id bigint PRIMARY KEY, active boolean NOT NULL DEFAULT true);
CREATE TABLE lead (
    id bigint PRIMARY KEY, number bigint NOT NULL, due_ms bigint NOT NULL DEFAULT 0,
    campaign int NOT NULL, pool int NOT NULL, owner int NOT NULL, original_owner int NOT NULL, seq int NOT NULL,
    held_by int, priority smallint NOT NULL, status smallint NOT NULL DEFAULT 1, attempts smallint NOT NULL DEFAULT 0,
    retries smallint NOT NULL DEFAULT 0, closure text
);
CREATE TABLE history (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, lead bigint NOT NULL, at_ms bigint NOT NULL,
    due_ms bigint NOT NULL, actor int NOT NULL, owner int NOT NULL, status_before smallint NOT NULL,
    status smallint NOT NULL, kind text NOT NULL, closure text
);
"""
INDEXES: Final = """
CREATE INDEX own ON lead (owner, due_ms) WHERE status IN (4, 5) AND held_by IS NULL;
CREATE INDEX later ON lead (campaign, owner, due_ms) WHERE status IN (2, 3) AND held_by IS NULL;
CREATE INDEX fresh ON lead (campaign, owner, priority, seq, id) WHERE status = 1 AND held_by IS NULL;
"""

OWN: Final = f"""
SELECT id FROM lead
WHERE owner = agent AND status IN (4, 5) AND held_by IS NULL AND due_ms <= now
ORDER BY status DESC, due_ms >= now - {OVERDUE_MS}, priority, due_ms, seq, id
LIMIT 1 FOR UPDATE SKIP LOCKED
"""
LATER: Final = f"""
SELECT taken.id FROM (
    SELECT due.id FROM unnest(campaigns) AS of_campaign, unnest(owners) AS of_owner, LATERAL (
        SELECT id, status, due_ms, priority, seq, pool FROM lead
        WHERE campaign = of_campaign AND owner = of_owner AND status IN (2, 3) AND held_by IS NULL AND due_ms <= now
        OFFSET 0
    ) AS due WHERE EXISTS (SELECT FROM pool WHERE pool.id = due.pool AND pool.active)
    ORDER BY status DESC, due_ms >= now - {OVERDUE_MS}, priority, due_ms, seq, id
) AS due, LATERAL (
    SELECT id FROM lead
    WHERE id = due.id AND status + 0 IN (2, 3) AND held_by IS NULL AND due_ms + 0 <= now
    LIMIT 1 FOR UPDATE SKIP LOCKED
) AS taken LIMIT 1
"""
FRESH: Final = """
SELECT taken.id FROM (
    SELECT head.* FROM unnest(campaigns) AS of_campaign, unnest(owners) AS of_owner, LATERAL (
        SELECT campaign, owner, priority, seq, id FROM lead
        WHERE campaign = of_campaign AND owner = of_owner AND status = 1 AND held_by IS NULL
            AND EXISTS (SELECT FROM pool WHERE pool.id = lead.pool AND pool.active)
        ORDER BY priority, seq, id LIMIT 1
    ) AS head ORDER BY priority, seq, id
) AS range, LATERAL (
    SELECT id FROM lead
    WHERE campaign = range.campaign AND owner = range.owner AND status = 1 AND held_by IS NULL
        AND EXISTS (SELECT FROM pool WHERE pool.id = lead.pool AND pool.active)
    ORDER BY priority, seq, id LIMIT 1 FOR UPDATE OF lead SKIP LOCKED
) AS taken LIMIT 1
"""


FUNCTIONS: Final = f"""
CREATE FUNCTION next_lead(agent int, campaigns int[], owners int[], now bigint) RETURNS TABLE (id bigint, number bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE found bigint;
BEGIN
    found := ({OWN});
    IF found IS NULL THEN found := ({LATER}); END IF;
    IF found IS NULL THEN found := ({FRESH}); END IF;
    IF found IS NULL THEN RETURN; END IF;
    RETURN QUERY
    WITH held AS (UPDATE lead SET held_by = agent WHERE lead.id = found RETURNING lead.*),
    line AS (
        INSERT INTO history (lead, at_ms, due_ms, actor, owner, status_before, status, kind)
        SELECT held.id, now, due_ms, agent, owner, status, status, 'leased' FROM held
    )
    SELECT held.id, held.number FROM held;
END $$;
CREATE FUNCTION finish_lead(agent int, lead_id bigint, new_status int, due bigint, result text, what text, now bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE l lead; before smallint;
BEGIN
    SELECT * INTO l FROM lead WHERE id = lead_id AND held_by = agent;
    IF NOT FOUND THEN RETURN false; END IF;
    before := l.status;
    l.attempts := l.attempts + 1;
    IF new_status = 0 AND l.attempts >= {ATTEMPTS_MOST} THEN
        l.status := 8; l.closure := 'max_call_attempts'; l.due_ms := 0;
    ELSIF new_status = 0 THEN
        l.status := CASE before WHEN 1 THEN 2 ELSE before END;
        l.retries := least(l.retries + 1, {len(RETRY_MS)});
        l.due_ms := now + (ARRAY{list(RETRY_MS)}::bigint[])[l.retries];
    ELSE
        l.status := new_status; l.due_ms := due; l.closure := result; l.retries := 0;
        IF new_status IN (4, 5) THEN l.owner := agent; END IF;
    END IF;
    UPDATE lead SET status = l.status, closure = l.closure, due_ms = l.due_ms, owner = l.owner, attempts = l.attempts,
        retries = l.retries, held_by = NULL WHERE id = lead_id AND held_by = agent;
    IF NOT FOUND THEN RETURN false; END IF;
    INSERT INTO history (lead, at_ms, due_ms, actor, owner, status_before, status, kind, closure)
    VALUES (lead_id, now, l.due_ms, agent, l.owner, before, l.status, what, l.closure);
    RETURN true;
END $$;
"""


class SkipLocked:
    """It on some connections: an operation has one to itself, and waits for one if need be. A `Rival`."""

    def __init__(self, connections: "Sequence[asyncpg.Connection[Any]]") -> None:
        self._all = connections
        self._turns = asyncio.Semaphore(len(connections))  # whoever came first goes first
        self._free: list[tuple[Any, Any]] = []

    async def prepare(self) -> None:
        """Prepare both calls on each connection."""
        for db in self._all:
            ask = await db.prepare("SELECT id, number FROM next_lead($1, $2, $3, $4)")
            self._free.append((ask, await db.prepare("SELECT finish_lead($1, $2, $3, $4, $5, $6, $7)")))

    async def next(self, agent: RivalAgent, now_ms: int) -> int | None:
        """See `Rival`."""
        async with self._turns:
            calls = self._free.pop()
            row = await calls[0].fetchrow(agent.no, agent.campaigns, agent.owners, now_ms)
            self._free.append(calls)
        return row["id"] if row else None

    async def finish(self, agent: RivalAgent, lead: int, ending: Ending, now_ms: int) -> None:
        """See `Rival`."""
        values = (ending.status, ending.due_ms, ending.closure or None, ending.kind)
        async with self._turns:
            calls = self._free.pop()
            done = await calls[1].fetchval(agent.no, lead, *values, now_ms)
            self._free.append(calls)
        assert done, f"lead {lead} is not held by agent {agent.no}"


@asynccontextmanager
async def loaded(url: str, job: RivalJob, tell: Tell) -> "AsyncIterator[asyncpg.Connection[Any]]":
    """A connection to a schema of its own with the job's leads; the schema goes when this is left."""
    async with _connection(url) as db:
        await db.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        await db.execute(TABLES)
        await db.executemany("INSERT INTO pool (id) VALUES ($1)", [(pool,) for pool in job.pools])
        columns = ("id", "campaign", "pool", "owner", "original_owner", "priority", "seq", "number")
        written = 0
        for leads in job.leads():
            rows = [(x.id, x.campaign, x.pool, x.owner, x.owner, x.priority, x.seq, x.number) for x in leads]
            await db.copy_records_to_table("lead", records=rows, columns=columns)
            written += len(rows)
            tell(f"loading, {written:,} leads")
        await db.execute(INDEXES + FUNCTIONS)
        await db.execute("VACUUM ANALYZE lead")
        try:
            yield db
        finally:
            await db.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


@asynccontextmanager
async def connected(url: str, connections: int) -> AsyncIterator[SkipLocked]:
    """It on so many connections, to what `loaded` has made."""
    async with AsyncExitStack() as stack:
        rival = SkipLocked([await stack.enter_async_context(_connection(url)) for _ in range(connections)])
        await rival.prepare()
        yield rival


@asynccontextmanager
async def _connection(url: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
    db = await asyncpg.connect(url, server_settings={"search_path": SCHEMA})
    try:
        yield db
    finally:
        await db.close()


async def measure_skip_locked(url: str, job: RivalJob, operations: int, tell: Tell) -> Result:
    """On 1, 8 and 32 connections in turn, on the same leads; see `measure_forms`.

    Raises `NotDurable` when the server does not make commits durable.
    """
    async with loaded(url, job, tell) as db, AsyncExitStack() as stack:
        await check_durable(db)
        forms: dict[str, Rival] = {}
        for count in CONNECTIONS:
            forms[form_name(count)] = await stack.enter_async_context(connected(url, count))
        result = await measure_forms(forms, job, operations, tell)
        lines = await db.fetchval("SELECT count(*) FROM history")
        assert lines == result.pop("lines"), "an operation has left no line of history"
        return result


def form_name(connections: int) -> str:
    """What figures of so many connections begin with."""
    return f"connections_{connections}"
