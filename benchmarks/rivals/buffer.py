"""A table of the next leads that is filled once a minute: how most open-source dialers choose what is called next.

An imitation, with our own tables in SQLite, of what such dialers do; better built than those are known to be:

- every minute, for every campaign: rows are thrown out whose pool is off or whose hours ended; redials that fell due
  are put in, promised ones all of them, others up to the level; new leads fill up to the level;
- the level is half as much again as the agents of the campaign can call in a minute, at 30 s a call, 50 at least;
- each lead is looked at once more on its way in (blocked number, on a call), one statement after the other, and never
  again;
- an agent takes a row by one UPDATE: the best rank, then priority, then first come, of its campaigns and owners.

It has more than those dialers: owners and redials of one agent in the same table, several campaigns to an agent, an
index for the claim and for each selection. An agent who finds nothing gets a lead with the next fill at once, without
asking again. Time is simulated and nothing is durable: only what is offered, and when, is compared.
"""

import sqlite3
from typing import Final

from nextlead.core.model import Status
from nextlead.core.row import MINUTE_MS

from ..fresh_world import BEGIN_MS, Change, Given, World
from ..job import Job
from .rows import ATTEMPTS_MOST, PRIORITY, RETRY_MS, Dice, RivalJob

LEVEL_LEAST: Final = 50
LEVEL: Final = 1.5
CALLS_A_MINUTE: Final = 2

_TABLES: Final = """
CREATE TABLE lead (
    id INTEGER PRIMARY KEY, campaign INT, pool INT, owner INT, priority INT, seq INT, number INT, zones INT,
    status INT DEFAULT 1, attempts INT DEFAULT 0, retries INT DEFAULT 0, due_ms INT DEFAULT 0, held_by INT
);
CREATE INDEX new_leads ON lead (campaign, status, priority, seq);
CREATE INDEX redials ON lead (campaign, status, due_ms);
CREATE TABLE number (number INT, lead INT, PRIMARY KEY (number, lead)) WITHOUT ROWID;
CREATE TABLE blocked (number INTEGER PRIMARY KEY);
CREATE TABLE pool (id INTEGER PRIMARY KEY, active INT DEFAULT 1);
CREATE TABLE buffer (
    id INTEGER PRIMARY KEY AUTOINCREMENT, lead INT UNIQUE, campaign INT, owner INT, rank INT, priority INT,
    agent INT
);
CREATE INDEX claims ON buffer (campaign, owner, agent, rank, priority, id);
"""
_PROMISED: Final = """
SELECT id, owner, status, priority FROM lead
WHERE campaign = ? AND status IN (3, 4, 5) AND due_ms <= ? AND held_by IS NULL
    AND (retries = 0 OR zones IN ({zones}))
    AND (status > 3 OR pool IN (SELECT id FROM pool WHERE active)) AND id NOT IN (SELECT lead FROM buffer)
ORDER BY status DESC, due_ms
"""
_OTHERS: Final = """
SELECT id, owner, status, priority FROM lead
WHERE campaign = ? AND status = ? AND due_ms <= ? AND held_by IS NULL
    AND pool IN (SELECT id FROM pool WHERE active) AND zones IN ({zones}) AND id NOT IN (SELECT lead FROM buffer)
ORDER BY {order} LIMIT ?
"""
_BY_AGENTS: Final = (Status.COMMON_REDIAL, Status.PRIVATE_REDIAL, Status.VIP_REDIAL)
_ORDERS: Final = {Status.AUTOMATIC_REDIAL: "due_ms", Status.UNPROCESSED: "priority, seq"}
_HEAD: Final = """
SELECT * FROM (
    SELECT rank, priority, id FROM buffer WHERE campaign = ? AND owner = ? AND agent IS NULL
    ORDER BY rank, priority, id LIMIT 1
)
"""
_CLAIM: Final = """
UPDATE buffer SET agent = ? WHERE id = (SELECT id FROM ({heads}) ORDER BY rank, priority, id LIMIT 1) RETURNING lead
"""
_THROW_OUT: Final = """
DELETE FROM buffer WHERE agent IS NULL AND lead IN (
    SELECT lead.id FROM buffer JOIN lead ON lead.id = buffer.lead JOIN pool ON pool.id = lead.pool
    WHERE (lead.status < 4 AND NOT active) OR ((lead.status < 3 OR retries) AND zones NOT IN ({zones}))
)
"""
_IS_BLOCKED: Final = "SELECT 1 FROM number JOIN blocked USING (number) WHERE lead = ? LIMIT 1"


class MinuteBuffer:
    """It; a `freshness.System`."""

    def __init__(self, job: Job, world: World) -> None:
        self._job, self._world = RivalJob(job), world
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.executescript(_TABLES)
        self._db.executemany("INSERT INTO pool (id) VALUES (?)", [(pool,) for pool in self._job.pools])
        for leads in self._job.leads():
            rows = [(*lead, world.leads[lead.id].zones) for lead in leads]
            columns = "id, campaign, pool, owner, priority, seq, number, zones"
            self._db.executemany(f"INSERT INTO lead ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        numbers = [(number, lead.id) for lead in world.leads.values() for number in set(lead.numbers)]
        self._db.executemany("INSERT INTO number VALUES (?, ?)", numbers)
        self._levels: dict[int, int] = {}
        for agent in self._job.agents:
            for campaign in agent.campaigns:
                self._levels[campaign] = self._levels.get(campaign, 0) + 1
        for campaign, agents in self._levels.items():
            self._levels[campaign] = max(LEVEL_LEAST, round(agents * LEVEL * CALLS_A_MINUTE))
        self._zones = sorted({lead.zones for lead in world.leads.values()})
        self._dice = Dice(job.seed)
        self._held: dict[int, int] = {}
        self._waiting: dict[int, None] = {}
        self._filling_ms = BEGIN_MS

    # -- agents -----------------------------------------------------------------------------------------------------

    def next(self, agent: int, now_ms: int) -> list[Given]:  # noqa: ARG002 - only the fill looks at the time
        """See `System`."""
        given = self._claim(agent)
        if given is None:
            self._waiting[agent] = None
            return []
        return [given]

    def _claim(self, agent: int) -> Given | None:
        who = self._job.agents[agent]
        ranges = [value for campaign in who.campaigns for owner in who.owners for value in (campaign, owner)]
        claim = _CLAIM.format(heads=" UNION ALL ".join([_HEAD] * (len(ranges) // 2)))
        row = self._db.execute(claim, (who.no, *ranges)).fetchall()
        if not row:
            return None
        [(lead,)] = row
        query = "SELECT status, due_ms, retries FROM lead WHERE id = ?"
        status, due_ms, retries = self._db.execute(query, (lead,)).fetchone()
        self._db.execute("UPDATE lead SET held_by = ? WHERE id = ?", (who.no, lead))
        self._db.execute("DELETE FROM buffer WHERE lead = ?", (lead,))
        self._held[agent] = lead
        return Given(agent, lead, status, due_ms, status in _BY_AGENTS and not retries)

    def finish(self, agent: int, now_ms: int) -> list[Given]:
        """See `System`. A lead that was done elsewhere meanwhile stays closed."""
        lead, ending = self._held.pop(agent), self._dice.ending(now_ms)
        query = "SELECT status, owner, attempts, retries FROM lead WHERE id = ?"
        before, owner, attempts, retries = self._db.execute(query, (lead,)).fetchone()
        status, due_ms, attempts = ending.status, ending.due_ms, attempts + 1
        if before == Status.CLOSED or (not status and attempts >= ATTEMPTS_MOST):
            status = Status.CLOSED
        elif not status:
            status = Status.AUTOMATIC_REDIAL if before == Status.UNPROCESSED else before
            retries = min(retries + 1, len(RETRY_MS))
            due_ms = now_ms + RETRY_MS[retries - 1]
        else:
            retries = 0
            owner = self._job.agents[agent].no if status in (Status.PRIVATE_REDIAL, Status.VIP_REDIAL) else owner
        self._db.execute(
            "UPDATE lead SET status = ?, owner = ?, attempts = ?, retries = ?, due_ms = ?, held_by = NULL WHERE id = ?",
            (int(status), owner, attempts, retries, due_ms, lead),
        )
        return []

    # -- the world --------------------------------------------------------------------------------------------------

    def change(self, change: Change, now_ms: int) -> list[Given]:  # noqa: ARG002 - it is looked at with the next fill
        """See `System`. The rows of the buffer are not touched."""
        if change.kind == "block":
            self._db.execute("INSERT OR IGNORE INTO blocked VALUES (?)", (change.what,))
        elif change.kind == "done":
            self._db.execute("UPDATE lead SET status = 8 WHERE id = ?", (change.what,))
        else:
            self._db.execute("UPDATE pool SET active = ? WHERE id = ?", (change.kind == "pool_on", change.what))
        return []

    def deadline_ms(self) -> int:
        """See `System`: the next minute."""
        return self._filling_ms

    def tick(self, now_ms: int) -> list[Given]:
        """Fill, and let those who wait try again, in the order they came."""
        self._filling_ms += MINUTE_MS
        self._fill(now_ms)
        found = [self._claim(agent) for agent in self._waiting]
        for given in found:
            if given is not None:
                del self._waiting[given.agent]
        return [given for given in found if given is not None]

    def _fill(self, now_ms: int) -> None:
        zones = ", ".join(str(zone) for zone in self._zones if self._world.is_open(zone, now_ms))
        self._db.execute(_THROW_OUT.format(zones=zones))
        for campaign, level in self._levels.items():
            for row in self._db.execute(_PROMISED.format(zones=zones), (campaign, now_ms)).fetchall():
                self._put(campaign, *row)
            for status, order in _ORDERS.items():
                query = "SELECT count(*) FROM buffer WHERE campaign = ? AND rank >= 7"
                room = level - self._db.execute(query, (campaign,)).fetchone()[0]
                if room > 0:
                    others = _OTHERS.format(zones=zones, order=order)
                    for row in self._db.execute(others, (campaign, int(status), now_ms, room)).fetchall():
                        self._put(campaign, *row)

    def _put(self, campaign: int, lead: int, owner: int, status: int, priority: int) -> None:
        """One candidate, looked at once more."""
        if self._db.execute(_IS_BLOCKED, (lead,)).fetchone():
            self._db.execute("UPDATE lead SET status = 8 WHERE id = ?", (lead,))
            return
        rank = {5: 4, 4: 5, 3: 6, 2: 7, 1: 8}[status]
        values = (lead, campaign, owner, rank, priority or PRIORITY)
        self._db.execute("INSERT INTO buffer (lead, campaign, owner, rank, priority) VALUES (?, ?, ?, ?, ?)", values)
