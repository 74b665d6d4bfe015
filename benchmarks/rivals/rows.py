"""The job as rivals see it: rows of plain numbers, and the rules that all of them have.

Rules that a rival has: three campaigns to an agent; owners (the agent, its team, the region, the root team); pools that
can be switched off; VIP before private before common before automatic before new; overdue before on time, then
priority, then due time; own VIP and private redials for their agent alone; an unanswered call comes back after 2, 4,
24 hours in the class that it has, and closes with the seventh.

Rules that it has not, all in its favour: calling hours, contact limits, numbers that two leads share, do-not-call,
release of promised redials, tokens of leases, their timeouts, a `finish` sent again, reasons for each offer.
"""

from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

from nextlead.core.model import Status
from nextlead.core.row import HOUR_MS, MINUTE_MS
from nextlead.core.setup_model import Agent, Team

from ..calls import OUTCOMES, PROMISE_MINUTES, RESULTS
from ..job import Job, agent_code, make_centre

PRIORITY: Final = 5
"""Of a lead that has none of its own."""
OVERDUE_MS: Final = 5 * MINUTE_MS
RETRY_MS: Final = (2 * HOUR_MS, 4 * HOUR_MS, 24 * HOUR_MS)
ATTEMPTS_MOST: Final = 7

_STATUS: Final = {"private": Status.PRIVATE_REDIAL, "vip": Status.VIP_REDIAL, "common": Status.COMMON_REDIAL}
_KINDS: Final = tuple(OUTCOMES)
_WEIGHTS: Final = tuple(OUTCOMES.values())


class RivalLead(NamedTuple):
    """A new lead. `seq` is its place in its pool; a team that owns it has a negative number."""

    id: int
    campaign: int
    pool: int
    owner: int
    priority: int
    seq: int
    number: int


class RivalAgent(NamedTuple):
    """An agent at work: `owners` are the owners whose leads it may get, itself first."""

    no: int
    campaigns: tuple[int, ...]
    owners: tuple[int, ...]


class Ending(NamedTuple):
    """What came of a call: `status` is 0 for no answer, else the lead's next one, at `due_ms` unless it is closed."""

    status: int
    due_ms: int = 0
    closure: str = ""

    @property
    def kind(self) -> str:
        """The word of its line of history."""
        return "unreached" if not self.status else "resolved" if self.closure else "redial"


class RivalJob:
    """A job's agents, pools and leads."""

    def __init__(self, job: Job) -> None:
        self._centre = make_centre(job)
        rows = self._centre.rows.values()
        self._agents = {row.code: row for row in rows if isinstance(row, Agent)}
        self._parents = {row.no: row.parent for row in rows if isinstance(row, Team)}
        self.seed = job.seed
        self.agents = [self._agent(agent_code(at)) for at in range(job.agents)]
        self.pools = [pool for pool, *_ in self._centre.pools]

    def leads(self) -> Iterator[list[RivalLead]]:
        """All leads, none of them called, in slices."""
        campaigns = {pool: campaign for pool, campaign, *_ in self._centre.pools}
        for leads in self._centre.fresh():
            yield [
                RivalLead(
                    lead.id,
                    campaigns[lead.pool],
                    lead.pool,
                    lead.owner,
                    lead.priority or PRIORITY,
                    lead.ordinal,
                    lead.numbers[0],
                )
                for lead in leads
            ]

    def _agent(self, code: str) -> RivalAgent:
        agent, owners = self._agents[code], [self._agents[code].no]
        team = agent.team
        while team:
            owners.append(-team)
            team = self._parents[team]
        return RivalAgent(agent.no, agent.campaigns, tuple(owners))


class Dice:
    """Throws what comes of calls, as often as in ours."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)
        self._drawn: list[str] = []

    def ending(self, now_ms: int) -> Ending:
        """What comes of a call that ends now."""
        if not self._drawn:
            self._drawn = self._rng.choices(_KINDS, _WEIGHTS, k=10_000)
        kind = self._drawn.pop()
        if kind == "no_answer":
            return Ending(0)
        if kind == "closed":
            return Ending(int(Status.CLOSED), closure=self._rng.choice(RESULTS))
        return Ending(int(_STATUS[kind]), now_ms + self._rng.randint(*PROMISE_MINUTES) * MINUTE_MS)
