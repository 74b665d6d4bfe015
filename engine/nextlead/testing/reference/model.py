"""The reference model itself: commands in, answers out."""

from collections.abc import Callable, Mapping
from copy import deepcopy

from nextlead.core import commands as c
from nextlead.core.almanac import NO_ALMANAC, Almanac
from nextlead.core.conditions import Condition
from nextlead.core.errors import NextleadError
from nextlead.core.replies import NoLead, Waiting
from nextlead.core.schemes import NO_SCHEMES, Scheme

from . import (
    activities,
    blocking,
    conditions,
    edits,
    filters,
    finish,
    intake,
    leases,
    order,
    pools,
    privacy,
    setup,
    timers,
)
from .answers import Answer, Done, Offered, Reply, Served
from .records import Lead
from .world import World


class ReferenceModel:
    """SPEC 1 to 14, in the dumbest readable way: plain lists and dicts, `min` over all leads, no queues.

    It takes the commands of `nextlead.core.commands` with the same times and tokens as the Engine, and gives answers
    to compare. A call costs O(n) to O(n^2) in the number of leads: use it with dozens of them.
    """

    def __init__(self, almanac: Almanac = NO_ALMANAC, schemes: Mapping[str, Scheme] = NO_SCHEMES) -> None:
        self.world = World(almanac=almanac, schemes=schemes)
        self._served: list[Served] = []

    # -- driving ----------------------------------------------------------------------------------------------------

    def apply(self, command: c.Command, now_ms: int) -> Answer:
        """Let time pass, do the command, let its effects happen; those who wait are served before and after.

        Raises NextleadError when the command is refused: then time has passed, and nothing else has happened. Who was
        served meanwhile is in `take_served`.
        """
        timers.advance(self.world, now_ms)
        self._served += leases.serve_waiters(self.world)
        reply = self._do(command)
        timers.settle(self.world)
        self._served += leases.serve_waiters(self.world)
        if isinstance(command, c.Finish) and isinstance(reply, Done) and not reply.repeated:
            self.world.leads[reply.lead].last_nearby = reply.nearby
            reply.next = self._next_after(command, reply.lead)
        return Answer(reply, self.take_served())

    def restart(self, now_ms: int, last_ms: int | None = None) -> Answer:
        """R5.7: the daemon comes back. Who waited is gone; what came due fires; leases that are out get the grace.

        `last_ms` is the time of the last commit, up to which everything had fired.
        """
        self.world.waiters, self._served = [], []
        if last_ms is not None:
            self.world.now_ms = last_ms
        restored = any(lead.lease for lead in self.world.leads.values())
        self.world.floor_ms = now_ms + self.world.settings.restart_grace_ms if restored else 0
        timers.advance(self.world, now_ms)
        return Answer(None, [])

    def take_served(self) -> list[Served]:
        """Who was served by a command that was then refused."""
        served, self._served = self._served, []
        return served

    def copy(self) -> "ReferenceModel":
        """Another one in the same state, to try something on."""
        shared = (self.world.almanac, self.world.schemes)
        return deepcopy(self, {id(each): each for each in shared})

    # -- reading ----------------------------------------------------------------------------------------------------

    def next_deadline_ms(self) -> int | None:
        """The earliest time after the last command at which a Tick does something; None for never."""
        return timers.next_deadline(self.world)

    def lead(self, number: int) -> Lead | None:
        """A lead, open or closed."""
        return self.world.leads.get(number)

    def open_leads(self) -> list[Lead]:
        """All that are not closed, by id."""
        return [lead for lead in self.world.leads.values() if lead.open]

    def choices(self, agent: str) -> list[int]:
        """Ids of all leads the agent could be offered now, in dial order (R2.1)."""
        world, who = self.world, self.world.agent(agent)
        leads = order.choices(world, who, world.now_ms)
        ids = []
        while leads:
            first = order.best(world, who, leads, world.now_ms)
            assert first is not None
            leads.remove(first)
            ids.append(first.id)
        return ids

    def conditions(self, campaign: str | None = None, pool: int | None = None) -> dict[tuple[str, Condition], int]:
        """Leads, open and closed, by campaign and condition."""
        return conditions.counts(self.world, campaign, pool)

    # -- commands ---------------------------------------------------------------------------------------------------

    def _next_after(self, command: c.Finish, lead: int) -> Offered | NoLead | None:
        """R5.8: the next lead for the agent that finished, after those who waited longer; without a session none."""
        if command.next_token is None:
            return None
        last = self.world.leads[lead].last_agent
        assert last is not None
        try:
            answer, served = leases.next_(self.world, c.Next(agent=last, token=command.next_token))
        except NextleadError:
            return None
        self._served += served
        assert not isinstance(answer, Waiting)
        return answer

    def _next(self, command: c.Next) -> Reply:
        answer, served = leases.next_(self.world, command)
        self._served += served
        return answer

    def _put_agent(self, command: c.PutAgent) -> Reply:
        self._served += setup.put_agent(self.world, command)
        return None

    def _end_session(self, command: c.EndSession) -> Reply:
        self._served += setup.end_session(self.world, command)
        return None

    def _do(self, command: c.Command) -> Reply:
        """Find the function that knows the command."""
        match command:
            case c.Next():
                return self._next(command)
            case c.PutAgent():
                return self._put_agent(command)
            case c.EndSession():
                return self._end_session(command)
            case c.Tick() | c.Work() | c.Explain() | c.WhyIdle() | c.WhyAllIdle():
                return None
        function: Callable[[World, c.Command], Reply] = SIMPLE[type(command)]
        return function(self.world, command)


SIMPLE: dict[type[c.Command], Callable[..., Reply]] = {
    c.PutTeam: setup.put_team,
    c.PutProject: setup.put_project,
    c.PutCampaign: setup.put_campaign,
    c.PutSettings: setup.put_settings,
    c.PutSession: setup.put_session,
    c.Delete: setup.delete,
    c.Take: leases.take,
    c.StopWaiting: leases.client_gone,
    c.Heartbeat: leases.heartbeat,
    c.EndLease: leases.end_lease,
    c.Finish: finish.finish,
    c.Resolve: finish.resolve,
    c.LogActivity: activities.log_activity,
    c.EditLead: edits.edit_lead,
    c.Release: edits.release_one,
    c.ReleaseAll: edits.release_all,
    c.MakeUrgent: edits.make_urgent,
    c.Reopen: edits.reopen,
    c.Validate: edits.validate,
    c.EditLeads: edits.edit_leads,
    c.Remove: blocking.remove,
    c.Block: blocking.block,
    c.Unblock: blocking.unblock,
    c.Anonymise: privacy.anonymise,
    c.Forget: privacy.forget,
    c.Erased: privacy.erased,
    c.OpenPool: pools.open_pool,
    c.ClosePool: pools.close_pool,
    c.LoadRows: intake.load_rows,
    c.EditPool: pools.edit_pool,
    c.ActOnPool: pools.act_on_pool,
    c.PutFilter: filters.put_filter,
    c.DeleteFilter: filters.delete_filter,
}
"""Commands that one function does, given the world and the command."""
