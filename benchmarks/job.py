"""The job: a call centre of any size, made from a seed.

10 campaigns with 2 pools each; a tree of 4 regions with 5 teams each; agents spread over the teams, each allowed 3
campaigns and at work in all of them. Leads belong to the root team, a region, a team or an agent, so that somebody at
work may get each of them. One lead in 16 has a priority of its own, one in 16 a second number, one in 128 the number
of the lead before it. The same job gives the same leads, byte for byte, on every machine.

Scenes are for the question what blocked leads cost. In all but `plain` the first pool of a campaign has nine of ten
leads; these are: open as well (`free`), in an inactive pool (`pools`), redials that are not due for two days (`due`),
owned by teams and agents who are not at work (`owners`).
"""

from collections.abc import Iterator
from random import Random
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from nextlead.core.commands import (
    ActOnPool,
    ClosePool,
    Command,
    OpenPool,
    PutAgent,
    PutCampaign,
    PutSession,
    PutTeam,
)
from nextlead.core.engine import Engine
from nextlead.core.model import FreshLead, Lead, Status
from nextlead.core.row import DAY_MS, Row
from nextlead.core.setup_model import ROOT_TEAM, Sequences, team_owner

START_MS: Final = 1_772_438_400_000
"""2026-03-02 08:00 UTC: a Monday, before work."""
CAMPAIGNS: Final = 10
REGIONS: Final = 4
TEAMS_PER_REGION: Final = 5
AWAY_TEAMS: Final = 20
CAMPAIGNS_PER_AGENT: Final = 3
SLICE: Final = 5_000

_TABLE_BITS: Final = 10
_FIRST_NUMBER: Final = 12_000_000_000
_SECOND_NUMBER: Final = 13_000_000_000

Scene = Literal["plain", "free", "pools", "due", "owners"]
Rows = dict[tuple[str, int | str], Row]


class Job(Struct, frozen=True):
    """What is to be worked on. At least 20 leads."""

    leads: int
    agents: int = 200
    seed: int = 1
    scene: Scene = "plain"


class Centre(Struct):
    """A job made real but for its leads: set-up rows by (table, key), and whom leads may belong to."""

    job: Job
    rows: Rows
    pools: list[tuple[int, int, int, int]]
    """Per pool: id, campaign number, first lead's id, how many leads."""
    owners: dict[int, list[int]]
    """Per campaign number: a table to draw owners from."""
    away: list[int]
    """Owners whose leads nobody at work may get."""

    def fresh(self, *, data: bool = False) -> Iterator[list[FreshLead]]:
        """Untouched leads in slices, by pool and ordinal; with `data` fields of some 100 bytes."""
        for at, (pool, campaign, first, count) in enumerate(self.pools):
            if not self._is_touched(at):
                for start in range(0, count, SLICE):
                    yield [
                        FreshLead(
                            lead,
                            pool,
                            lead - first + 1,
                            numbers,
                            owner,
                            priority,
                            data=_data(lead) if data else b"",
                            created_ms=START_MS,
                        )
                        for lead, owner, numbers, priority in self._draw(
                            at, campaign, first + start, min(SLICE, count - start)
                        )
                    ]

    def touched(self) -> Iterator[list[Lead]]:
        """Leads that were called once and come back in two days or later; only the scene `due` has any."""
        for at, (pool, campaign, first, count) in enumerate(self.pools):
            if self._is_touched(at):
                for start in range(0, count, SLICE):
                    drawn = self._draw(at, campaign, first + start, min(SLICE, count - start))
                    yield [
                        _called_once(lead, campaign, pool, lead - first + 1, owner, numbers, priority)
                        for lead, owner, numbers, priority in drawn
                    ]

    def _is_touched(self, at: int) -> bool:
        return self.job.scene == "due" and at % 2 == 0

    def _draw(self, at: int, campaign: int, first: int, count: int) -> Iterator[tuple[int, int, tuple[int, ...], int]]:
        """Id, owner, numbers, priority of some leads: one draw of 32 bits each, the same whatever the slice."""
        owners = self.away if self.job.scene == "owners" and at % 2 == 0 else self.owners[campaign]
        for lead in range(first, first + count):
            bits = _mixed(self.job.seed, lead)
            number = _FIRST_NUMBER + lead
            if bits >> 18 & 127 == 0 and lead > 1:
                number -= 1
            numbers = (number, _SECOND_NUMBER + lead) if bits >> 10 & 15 == 0 else (number,)
            priority = 1 + (bits >> 25) % 9 if bits >> 14 & 15 == 0 else 0
            yield lead, owners[bits & (1 << _TABLE_BITS) - 1], numbers, priority


def _mixed(seed: int, lead: int) -> int:
    """32 bits that are as good as random (the finaliser of splitmix64)."""
    value = (seed * 0x9E3779B97F4A7C15 + lead * 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    return value >> 32


def _data(lead: int) -> bytes:
    return b'{"name":"Contact %d","company":"Company %d","city":"Springfield","street":"Main Street %d"}' % (
        lead,
        lead // 3,
        lead % 997,
    )


def _called_once(
    lead: int, campaign: int, pool: int, ordinal: int, owner: int, numbers: tuple[int, ...], priority: int
) -> Lead:
    return Lead(
        lead,
        campaign,
        pool,
        ordinal,
        Status.AUTOMATIC_REDIAL,
        owner,
        owner,
        numbers,
        priority=priority,
        due_ms=START_MS + 2 * DAY_MS + lead * 7_919 % (5 * DAY_MS),
        attempts=1,
        retries=(1,),
        dialled=(1,) + (0,) * (len(numbers) - 1),
        created_ms=START_MS,
        shown=True,
        version=2,
    )


# -- making it ------------------------------------------------------------------------------------------------------


def agent_code(at: int) -> str:
    """The code of the agent at a place in the list of those at work."""
    return f"a{at:03}"


def make_centre(job: Job) -> Centre:
    """Everything but the leads. The set-up goes through an engine's own commands, so its rows are right."""
    rng = Random(job.seed)
    engine = Engine()
    rows = engine.start(START_MS).changes.rows
    for command in _set_up(job, [_permissions(at, rng) for at in range(job.agents)]):
        rows |= engine.apply(command, START_MS).changes.rows
    made: Rows = {key: row for key, row in rows.items() if row is not None}
    pools = _fill_pools(job, engine, made)
    owners = {campaign.no: _owners_of(engine, campaign.no, rng) for campaign in engine.campaigns.by_no.values()}
    away = [team_owner(engine.teams.need(f"away{at % AWAY_TEAMS}").no) for at in range(1 << _TABLE_BITS)]
    for at in range(0, 1 << _TABLE_BITS, 5):
        away[at] = engine.agents.need(f"away{at // 5 % AWAY_TEAMS}").no
    return Centre(job, made, pools, owners, away)


def build_engine(centre: Centre) -> Engine:
    """An engine with all leads, by the way that a restart takes. O(n log n)."""
    engine = Engine()
    for (table, _), row in centre.rows.items():
        engine.restore_row(table, row)
    for leads in centre.touched():
        for lead in leads:
            engine.restore_lead(lead)
    for fresh in centre.fresh():
        engine.restore_fresh(fresh)
    engine.start(START_MS, START_MS)
    return engine


def _permissions(at: int, rng: Random) -> tuple[str, ...]:
    """Three campaigns, and every campaign has somebody when there are ten agents."""
    first = at % CAMPAIGNS
    others = rng.sample([no for no in range(CAMPAIGNS) if no != first], CAMPAIGNS_PER_AGENT - 1)
    return tuple(f"c{no}" for no in (first, *others))


def _set_up(job: Job, allowed: list[tuple[str, ...]]) -> Iterator[Command]:
    yield from (PutCampaign(code=f"c{no}") for no in range(CAMPAIGNS))
    for region in range(REGIONS):
        yield PutTeam(code=f"r{region}")
        yield from (PutTeam(code=f"r{region}t{team}", parent=f"r{region}") for team in range(TEAMS_PER_REGION))
    for at, campaigns in enumerate(allowed):
        team = f"r{at % REGIONS}t{at // REGIONS % TEAMS_PER_REGION}"
        yield PutAgent(code=agent_code(at), team=team, campaigns=campaigns)
        yield PutSession(agent=agent_code(at), campaigns=campaigns)
    for at in range(AWAY_TEAMS):
        yield PutTeam(code=f"away{at}")
        yield PutAgent(code=f"away{at}", team=f"away{at}", campaigns=(f"c{at % CAMPAIGNS}",))
    for pool in range(1, 2 * CAMPAIGNS + 1):
        yield OpenPool(campaign=f"c{(pool - 1) // 2}")
        yield ClosePool(pool=pool)
        if job.scene == "pools" and pool % 2:
            yield ActOnPool(pool=pool, action="deactivate")


def _fill_pools(job: Job, engine: Engine, rows: Rows) -> list[tuple[int, int, int, int]]:
    """Where each pool's leads lie; the rows say what an upload of that many would have left in them."""
    ends = _shares(job)
    pools = []
    for at, pool in enumerate(engine.pools.values()):
        first, count = ends[at] + 1, ends[at + 1] - ends[at]
        rows["pool", pool.id] = replace(pool, ordinals=count, valid=count)
        pools.append((pool.id, pool.campaign, first, count))
    sequences = rows["sequences", 0]
    assert isinstance(sequences, Sequences)
    rows["sequences", 0] = replace(sequences, lead=job.leads + 1)
    return pools


def _shares(job: Job) -> list[int]:
    """The last lead of each pool, after a 0."""
    parts = (1, 1) if job.scene == "plain" else (9, 1)
    weights = parts * CAMPAIGNS
    return [job.leads * sum(weights[:at]) // sum(weights) for at in range(2 * CAMPAIGNS + 1)]


def _owners_of(engine: Engine, campaign: int, rng: Random) -> list[int]:
    """Half root; the rest a region, a team or an agent (a sixth each), of agents at work in the campaign."""
    parents = {team.no: team.parent for team in engine.teams.by_no.values()}
    agents = [agent for agent in engine.agents.by_no.values() if agent.session and campaign in agent.campaigns]
    table = [team_owner(ROOT_TEAM)] * (1 << _TABLE_BITS)
    if not agents:
        return table
    for at in range(0, len(table), 2):
        agent = rng.choice(agents)
        table[at] = rng.choice((team_owner(parents[agent.team]), team_owner(agent.team), agent.no))
    return table
