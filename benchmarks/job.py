"""The job: a call centre of any size, made from a seed.

10 campaigns with 2 pools each; a tree of 4 regions with 5 teams each; agents spread over the teams, each allowed 3
campaigns and at work in all of them. Leads belong to the root team, a region, a team or an agent, so that somebody at
work may get each of them. One lead in 16 has a priority of its own, one in 16 a second number, one in 128 the number
of the lead before it. Every campaign has calling hours in the zone of the lead. Numbers are of four zones: all are open
for the first 17 hours, two of them always. The same job gives the same leads, byte for byte, on every machine.

Scenes are for the question what blocked leads cost. In all but `plain` the first pool of a campaign has nine of ten
leads, and campaigns have a contact limit; these leads are: open as well (`free`), in an inactive pool (`pools`),
redials that are not due for two days (`due`), owned by teams and agents who are not at work (`owners`), in a country
where hours are over for the first seven (`hours`), or called as often lately as may be (`limits`).
"""

from collections.abc import Iterator
from random import Random
from typing import Final, Literal, NamedTuple

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
from nextlead.core.model import Call, FreshLead, Lead, Status, ZoneSet
from nextlead.core.row import DAY_MS, Row
from nextlead.core.setup_model import (
    ROOT_TEAM,
    CallingHours,
    ContactLimit,
    Dialer,
    Sequences,
    Window,
    team_owner,
)
from nextlead_adapters.almanac import LibraryAlmanac

START_MS: Final = 1_772_438_400_000
"""2026-03-02 08:00 UTC: a Monday, before work."""
CAMPAIGNS: Final = 10
REGIONS: Final = 4
TEAMS_PER_REGION: Final = 5
AWAY_TEAMS: Final = 20
CAMPAIGNS_PER_AGENT: Final = 3
SLICE: Final = 5_000

AREAS: Final = ((1_212, 1_646), (1_312, 1_773), (1_303, 1_720), (1_213, 1_323))
"""Of New York, Chicago, Denver, Los Angeles, for first and second numbers; each has room for ten million."""
FAR_AREAS: Final = (8_135, 8_190)
"""Of Japan: nine hours ahead of UTC, all the year."""
HOURS: Final[tuple[Window, ...]] = ((0, 20 * 60), (22 * 60, 24 * 60))
"""Every day. The zones close for their two hours one after the other, never more than two at once."""
FAR_HOURS: Final[tuple[Window, ...]] = ((0, 17 * 60),)
"""Of the scene `hours`: it is 17:00 in Tokyo when the job begins, and midnight in Los Angeles."""
LIMIT: Final = ContactLimit("max", 7 * DAY_MS, 3)

_TABLE_BITS: Final = 10
_NUMBERS_PER_AREA: Final = 10**7

Scene = Literal["plain", "free", "pools", "due", "owners", "hours", "limits"]
Rows = dict[tuple[str, int | str], Row]


class Job(Struct, frozen=True):
    """What is to be worked on. From 20 leads to ten million."""

    leads: int
    agents: int = 200
    seed: int = 1
    scene: Scene = "plain"


class _Drawn(NamedTuple):
    """What is drawn of a lead."""

    id: int
    owner: int
    numbers: tuple[int, ...]
    priority: int
    zones: int


class Centre(Struct):
    """A job made real but for its leads: set-up rows by (table, key), owners and zones that leads may have."""

    job: Job
    rows: Rows
    pools: list[tuple[int, int, int, int]]
    """Per pool: id, campaign number, first lead's id, how many leads."""
    owners: dict[int, list[int]]
    """Per campaign number: a table to draw owners from."""
    away: list[int]
    """Owners whose leads nobody at work may get."""
    zones: dict[tuple[int, int], int]
    """By areas, the id of the set of zones that their numbers have."""

    def fresh(self, *, data: bool = False) -> Iterator[list[FreshLead]]:
        """Untouched leads in slices, by pool and ordinal; with `data` fields of some 100 bytes."""
        for at, (pool, _, first, _) in enumerate(self.pools):
            if not self._is_touched(at):
                for drawn in self._draw(at):
                    yield [
                        FreshLead(
                            lead.id,
                            pool,
                            lead.id - first + 1,
                            lead.numbers,
                            lead.owner,
                            lead.priority,
                            lead.zones,
                            data=_data(lead.id) if data else b"",
                            created_ms=START_MS,
                        )
                        for lead in drawn
                    ]

    def touched(self) -> Iterator[list[Lead]]:
        """Leads that were called; only the scenes `due` and `limits` have any."""
        called = _called_often if self.job.scene == "limits" else _called_once
        for at, (pool, campaign, first, _) in enumerate(self.pools):
            if self._is_touched(at):
                for drawn in self._draw(at):
                    yield [called(lead, campaign, pool, lead.id - first + 1) for lead in drawn]

    def _is_touched(self, at: int) -> bool:
        return self.job.scene in ("due", "limits") and at % 2 == 0

    def _draw(self, at: int) -> Iterator[list[_Drawn]]:
        """The leads of a pool in slices: one draw of 32 bits each, the same whatever the slice."""
        _, campaign, first, count = self.pools[at]
        owners = self.away if self.job.scene == "owners" and at % 2 == 0 else self.owners[campaign]
        is_far = self.job.scene == "hours" and at % 2 == 0
        for start in range(first, first + count, SLICE):
            leads = range(start, min(start + SLICE, first + count))
            yield [self._drawn(lead, owners, is_far=is_far) for lead in leads]

    def _drawn(self, lead: int, owners: list[int], *, is_far: bool) -> _Drawn:
        bits = _mixed(self.job.seed, lead)
        number = lead - 1 if bits >> 18 & 127 == 0 and lead > 1 else lead
        areas = FAR_AREAS if is_far else AREAS[number % len(AREAS)]
        first, second = (area * _NUMBERS_PER_AREA for area in areas)
        return _Drawn(
            lead,
            owners[bits & (1 << _TABLE_BITS) - 1],
            (first + number, second + lead) if bits >> 10 & 15 == 0 else (first + number,),
            1 + (bits >> 25) % 9 if bits >> 14 & 15 == 0 else 0,
            self.zones[areas],
        )


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


def _called_once(lead: _Drawn, campaign: int, pool: int, ordinal: int) -> Lead:
    """It comes back in two days or later."""
    return Lead(
        lead.id,
        campaign,
        pool,
        ordinal,
        Status.AUTOMATIC_REDIAL,
        lead.owner,
        lead.owner,
        lead.numbers,
        priority=lead.priority,
        zones=lead.zones,
        due_ms=START_MS + 2 * DAY_MS + lead.id * 7_919 % (5 * DAY_MS),
        attempts=1,
        retries=(1,),
        dialled=(1,) + (0,) * (len(lead.numbers) - 1),
        created_ms=START_MS,
        shown=True,
        version=2,
    )


def _called_often(lead: _Drawn, campaign: int, pool: int, ordinal: int) -> Lead:
    """It has been due for a while, and is kept back for days."""
    begun_ms = START_MS - LIMIT.most * DAY_MS + lead.id * 7_919 % DAY_MS
    calls = tuple(Call(begun_ms + day * DAY_MS, lead.numbers[0]) for day in range(LIMIT.most))
    once = _called_once(lead, campaign, pool, ordinal)
    return replace(
        once,
        due_ms=calls[-1].at_ms,
        attempts=LIMIT.most,
        retries=(LIMIT.most,),
        dialled=(LIMIT.most, *once.dialled[1:]),
        calls=calls,
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
    zones = _zones(made)
    away = [team_owner(engine.teams.need(f"away{at % AWAY_TEAMS}").no) for at in range(1 << _TABLE_BITS)]
    for at in range(0, 1 << _TABLE_BITS, 5):
        away[at] = engine.agents.need(f"away{at // 5 % AWAY_TEAMS}").no
    return Centre(job, made, pools, owners, away, zones)


def build_engine(centre: Centre) -> Engine:
    """An engine with all leads, by the way that a restart takes. O(n log n)."""
    engine = Engine(almanac=LibraryAlmanac())
    for (table, _), row in centre.rows.items():
        engine.restore_row(table, row)
    for leads in centre.touched():
        for lead in leads:
            engine.restore_lead(lead)
    for fresh in centre.fresh():
        engine.restore_fresh(fresh)
    engine.start(START_MS, START_MS)
    return engine


def _zones(rows: Rows) -> dict[tuple[int, int], int]:
    """Makes the sets of zones of all areas, and notes their rows."""
    almanac = LibraryAlmanac()
    found = {}
    for no, areas in enumerate((*AREAS, FAR_AREAS), 1):
        [zones] = {almanac.zones_of(area * _NUMBERS_PER_AREA) for area in areas}
        rows["zone_set", no] = ZoneSet(no, zones)
        found[areas] = no
    return found


def _permissions(at: int, rng: Random) -> tuple[str, ...]:
    """Three campaigns, and every campaign has somebody when there are ten agents."""
    first = at % CAMPAIGNS
    others = rng.sample([no for no in range(CAMPAIGNS) if no != first], CAMPAIGNS_PER_AGENT - 1)
    return tuple(f"c{no}" for no in (first, *others))


def _set_up(job: Job, allowed: list[tuple[str, ...]]) -> Iterator[Command]:
    hours = CallingHours(windows=(FAR_HOURS if job.scene == "hours" else HOURS,) * 7)
    dialer = Dialer(calling_hours=hours, contact_limits=() if job.scene == "plain" else (LIMIT,))
    yield from (PutCampaign(code=f"c{no}", dialer=dialer) for no in range(CAMPAIGNS))
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
