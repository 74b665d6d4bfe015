"""Engine and reference model under the same random commands (SPEC 1 to 7), crash and reload among them.

`NEXTLEAD_MODEL_EXAMPLES=5000 pytest tests/model` is the long run; without it the run is short and always the same.
"""

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from model import moves
from model.driver import Both
from model.moves import DAY, HOUR, MINUTE

from nextlead.core import commands as c
from nextlead.core.model import DIALABLE, PROMISED, Duplicates, Status

LONG = int(os.environ.get("NEXTLEAD_MODEL_EXAMPLES", "0"))
SEEN = {"ann": "agent:ann", "bob": "agent:bob", "cyd": "agent:cyd"}


class Machine(RuleBasedStateMachine):
    """A call centre of three agents, three campaigns and a dozen leads."""

    def __init__(self) -> None:
        super().__init__()
        self.both = Both()
        self.tokens = 0
        self.finished: list[c.Finish] = []

    def token(self) -> bytes:
        self.tokens += 1
        return self.tokens.to_bytes(16, "big")

    # -- set-up -----------------------------------------------------------------------------------------------------

    @initialize(data=st.data())
    def found(self, data: st.DataObject) -> None:
        """Teams in a line, agents at different heights, campaigns of random settings, one pool."""
        do, draw = self.both.do, data.draw
        do(c.PutTeam(code="north", by="admin"))
        do(c.PutTeam(code="south", parent="north", by="admin"))
        for code in moves.CAMPAIGNS[: draw(st.integers(1, 3))]:
            do(c.PutCampaign(code=code, dialer=draw(moves.dialers), template=moves.TEMPLATE, by="admin"))
        there = tuple(self.both.model.world.campaigns)
        for agent in moves.AGENTS:
            do(c.PutAgent(code=agent, team=draw(st.sampled_from(moves.TEAMS)), campaigns=there, by="admin"))
            do(c.PutSession(agent=agent, campaigns=there))
        self.load(draw, "c1")

    def load(self, draw: moves.Draw, campaign: str, **options: Any) -> None:
        """A pool with some leads, active."""
        pool = self.both.model.world.next_pool
        self.both.do(c.OpenPool(campaign=campaign, by="admin", **options))
        if self.both.model.world.next_pool > pool:
            self.rows(draw, pool)
            self.both.do(c.ClosePool(pool=pool, by="admin"))

    def rows(self, draw: moves.Draw, pool: int) -> None:
        """Rows into a pool; `known` as the archive would say it of closed leads."""
        found = []
        for line, (numbers, priority, owner) in enumerate(draw(moves.rows), 1):
            found.append(c.IntakeRow(line, numbers, priority=priority, owner=owner, known=self.known(pool, numbers)))
        self.both.do(c.LoadRows(pool=pool, rows=tuple(found), by="admin"))

    def known(self, pool: int, numbers: tuple[int, ...]) -> bool:
        world = self.both.model.world
        if pool not in world.pools or world.pools[pool].duplicates.among != "all":
            return False
        campaign = world.pools[pool].campaign
        return any(
            not lead.open and lead.campaign == campaign and set(lead.given) & set(numbers)
            for lead in world.leads.values()
        )

    @rule(code=moves.campaigns, dialer=moves.dialers)
    def put_dialer(self, code: str, dialer: Any) -> None:
        self.both.do(c.PutCampaign(code=code, dialer=dialer, template=moves.TEMPLATE, by="admin"))

    @rule(code=moves.campaigns, active=st.booleans())
    def switch_campaign(self, code: str, active: bool) -> None:
        if code in self.both.model.world.campaigns:
            self.both.do(c.PutCampaign(code=code, active=active, by="admin"))

    @rule(agent=moves.agents, campaigns=moves.campaign_sets)
    def permit(self, agent: str, campaigns: tuple[str, ...]) -> None:
        self.both.do(c.PutAgent(code=agent, campaigns=campaigns, by="admin"))

    @rule(agent=moves.agents, data=st.data())
    def change_agent(self, agent: str, data: st.DataObject) -> None:
        change = data.draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "enabled": st.booleans(),
                    "team": st.sampled_from(moves.TEAMS),
                    "may_set": st.sampled_from((moves.KINDS, ("common",), ("private", "vip"))),
                },
            )
        )
        self.both.do(c.PutAgent(code=agent, by="admin", **change))

    @rule(team=st.sampled_from(moves.TEAMS), parent=st.sampled_from(moves.TEAMS))
    def move_team(self, team: str, parent: str) -> None:
        self.both.do(c.PutTeam(code=team, parent=parent, by="admin"))

    @rule(data=st.data())
    def put_settings(self, data: st.DataObject) -> None:
        change = data.draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "redial_restrictions": st.booleans(),
                    "cross_campaign_redials_default": st.booleans(),
                    "abandon_after_ms": st.sampled_from((7 * DAY, HOUR)),
                    "leases_per_agent": st.sampled_from((1, 2, 3)),
                    "restart_grace_ms": st.sampled_from((5 * MINUTE, 0)),
                },
            )
        )
        self.both.do(c.PutSettings(by="admin", **change))

    # -- time -------------------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def time_jumps(self, data: st.DataObject) -> None:
        """The next command comes late: nobody has said Tick."""
        self.both.now_ms = moves.later(data.draw, self.both)

    @rule(data=st.data())
    def time_passes(self, data: st.DataObject) -> None:
        self.both.do(c.Tick(), moves.later(data.draw, self.both))

    @rule(data=st.data())
    def time_passes_by_deadlines(self, data: st.DataObject) -> None:
        self.both.tick_through(moves.later(data.draw, self.both))

    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        down = data.draw(st.booleans())
        self.both.crash(moves.later(data.draw, self.both) if down else None)

    # -- sessions and leases ----------------------------------------------------------------------------------------

    @rule(agent=moves.agents, campaigns=moves.campaign_sets, cross=st.sampled_from((None, True, False)))
    def session(self, agent: str, campaigns: tuple[str, ...], cross: bool | None) -> None:
        self.both.do(c.PutSession(agent=agent, campaigns=campaigns, cross=cross, by=SEEN[agent]))

    @rule(agent=moves.agents, data=st.data())
    def full_session(self, agent: str, data: st.DataObject) -> None:
        world = self.both.model.world
        can = [code for code in world.agents[agent].campaigns if world.campaigns[code].active]
        self.both.do(c.PutSession(agent=agent, campaigns=tuple(can), by=SEEN[agent]))

    @rule(agent=moves.agents)
    def log_off(self, agent: str) -> None:
        self.both.do(c.EndSession(agent=agent, by=SEEN[agent]))

    @rule(agent=moves.agents, count=st.booleans())
    def next(self, agent: str, count: bool) -> None:
        self.both.do(c.Next(agent=agent, token=self.token(), count=count, by=SEEN[agent]))

    @rule()
    def all_next(self) -> None:
        for agent in moves.AGENTS:
            self.both.do(c.Next(agent=agent, token=self.token(), by=SEEN[agent]))

    @rule(agent=moves.agents)
    def wait(self, agent: str) -> None:
        token = self.token()
        self.both.do(c.Next(agent=agent, token=token, wait=True, waiter=self.tokens, by=SEEN[agent]))

    @rule(agent=moves.agents, back=st.integers(0, 1))
    def stop_waiting(self, agent: str, back: int) -> None:
        waiters = [waiter.id for waiter in self.both.model.world.waiters if waiter.agent == agent]
        self.both.do(c.StopWaiting(agent=agent, waiter=waiters[0] + back if waiters else 0))

    @rule(agent=moves.agents, override=st.booleans(), data=st.data())
    def take(self, agent: str, override: bool, data: st.DataObject) -> None:
        lead = moves.some_lead(data.draw, self.both, wanted=lambda lead: lead.status in DIALABLE and not lead.lease)
        self.both.do(c.Take(agent=agent, lead=lead, token=self.token(), override=override, by=SEEN[agent]))

    @rule(data=st.data())
    def heartbeat(self, data: st.DataObject) -> None:
        token, agent = moves.some_token(data.draw, self.both)
        self.both.do(c.Heartbeat(token=token, by=SEEN[agent]))

    @rule(outcome=st.sampled_from(("cancelled", "unresolved")), gone=st.booleans(), data=st.data())
    def end_lease(self, outcome: Any, gone: bool, data: st.DataObject) -> None:
        token, _ = moves.some_token(data.draw, self.both)
        self.both.do(c.EndLease(token=token, outcome=outcome, gone=gone, by="supervisor:eve"))

    # -- finishes ---------------------------------------------------------------------------------------------------

    def finish(self, data: st.DataObject, **fields: Any) -> None:
        """A finish of a lease, with the next lead at times, with a number of the lead at times."""
        draw = data.draw
        token, agent = moves.some_token(draw, self.both)
        if draw(st.integers(0, 3)) == 0:
            fields["next_token"] = self.token()
        if draw(st.integers(0, 3)) == 0:
            fields["number"] = draw(st.sampled_from(moves.PHONES))
        command = c.Finish(token=token, digest=len(self.finished) + 1, by=SEEN[agent], **fields)
        self.finished.append(command)
        self.both.do(command)

    @rule(data=st.data(), result=st.sampled_from(moves.RESULTS))
    def finish_resolved(self, data: st.DataObject, result: str) -> None:
        self.finish(data, outcome="resolved", result=result)

    @rule(data=st.data(), kind=moves.kinds, force=st.booleans())
    def finish_redial(self, data: st.DataObject, kind: str, force: bool) -> None:
        self.finish(data, outcome="redial", kind=kind, at_ms=moves.promised_at(data.draw, self.both), force=force)

    @rule(data=st.data(), kind=st.sampled_from(("private", "vip")), minutes=st.integers(1, 30))
    def finish_promise(self, data: st.DataObject, kind: str, minutes: int) -> None:
        self.finish(data, outcome="redial", kind=kind, at_ms=self.both.now_ms + minutes * MINUTE)

    @rule(data=st.data(), cause=moves.causes)
    def finish_unreached(self, data: st.DataObject, cause: str) -> None:
        self.finish(data, outcome="unreached", cause=cause)

    @rule(data=st.data(), outcome=st.sampled_from(("unresolved", "cancelled")))
    def finish_otherwise(self, data: st.DataObject, outcome: str) -> None:
        self.finish(data, outcome=outcome)

    @precondition(lambda self: self.finished)
    @rule(data=st.data())
    def finish_again(self, data: st.DataObject) -> None:
        """R5.3: the same finish twice."""
        self.both.do(data.draw(st.sampled_from(self.finished[-6:])))

    @rule(data=st.data(), outcome=st.sampled_from(("resolved", "redial", "unreached")), itself=st.booleans())
    def resolve(self, data: st.DataObject, outcome: Any, itself: bool) -> None:
        draw = data.draw
        lead = moves.some_lead(draw, self.both, wanted=lambda lead: lead.unresolved)
        locked = self.both.model.lead(lead)
        agent = locked.unresolved.agent if locked and locked.unresolved else "ann"
        if draw(st.integers(0, 9)) == 0:
            agent = draw(moves.agents)
        fields: dict[str, Any] = {"resolved": {"result": "success"}, "unreached": {"cause": draw(moves.causes)}}.get(
            outcome, {"kind": draw(moves.kinds), "at_ms": moves.promised_at(draw, self.both)}
        )
        by = SEEN[agent] if itself else "supervisor:eve"
        self.both.do(c.Resolve(lead=lead, outcome=outcome, agent=agent if itself else None, by=by, **fields))

    # -- leads ------------------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def edit_priority(self, data: st.DataObject) -> None:
        lead, priority = moves.some_lead(data.draw, self.both), data.draw(st.sampled_from((0, 1, 2, 5, 1000, 1001)))
        self.both.do(c.EditLead(lead=lead, priority=priority, by="admin"))

    @rule(data=st.data(), owner=st.sampled_from((*(SEEN.values()), "team:root", "team:south", "team:nowhere", "x")))
    def edit_owner(self, data: st.DataObject, owner: str) -> None:
        self.both.do(c.EditLead(lead=moves.some_lead(data.draw, self.both), owner=owner, by="admin"))

    @rule(data=st.data())
    def edit_due(self, data: st.DataObject) -> None:
        due = self.both.now_ms + data.draw(st.sampled_from((0, 1, -MINUTE, -HOUR, HOUR, DAY)))
        self.both.do(c.EditLead(lead=moves.some_lead(data.draw, self.both), due_ms=due, by="admin"))

    @rule(data=st.data())
    def edit_redial(self, data: st.DataObject) -> None:
        lead = moves.some_lead(data.draw, self.both, wanted=lambda lead: lead.open and not lead.lease)
        self.both.do(c.EditLead(lead=lead, redial=moves.redial_edit(data.draw, self.both), by="admin"))

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        lead = moves.some_lead(data.draw, self.both, wanted=lambda lead: lead.status in PROMISED)
        self.both.do(c.Release(lead=lead, by="supervisor:eve"))

    @rule(agent=moves.agents)
    def release_all(self, agent: str) -> None:
        self.both.do(c.ReleaseAll(agent=agent, by="supervisor:eve"))

    @rule(data=st.data(), reason=st.sampled_from(("lost_call", "blank_call", "hot_lead", "boredom")))
    def make_urgent(self, data: st.DataObject, reason: str) -> None:
        lead = moves.some_lead(data.draw, self.both, wanted=lambda lead: lead.status in DIALABLE and not lead.lease)
        expires = self.both.now_ms + data.draw(st.sampled_from((MINUTE, HOUR, 1, 0)))
        self.both.do(c.MakeUrgent(lead=lead, reason=reason, expires_ms=expires, by="admin"))

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        self.both.do(c.Remove(lead=moves.some_lead(data.draw, self.both), by="admin"))

    @rule(data=st.data(), redial=st.booleans())
    def reopen(self, data: st.DataObject, redial: bool) -> None:
        lead = moves.some_lead(data.draw, self.both, wanted=lambda lead: not lead.open)
        fields = {"redial": moves.redial_edit(data.draw, self.both)} if redial else {}
        if lead in self.both.durable.leads:
            self.both.do(c.Reopen(lead=lead, by="admin", **fields))

    @rule(data=st.data(), passed=st.booleans())
    def validate(self, data: st.DataObject, passed: bool) -> None:
        lead = moves.some_lead(data.draw, self.both, wanted=lambda lead: lead.status is Status.PENDING_VALIDATION)
        self.both.do(c.Validate(lead=lead, passed=passed, by="supervisor:eve"))

    @rule(number=st.sampled_from(moves.PHONES))
    def block(self, number: int) -> None:
        self.both.do(c.Block(number=number, by="admin"))

    @rule(number=st.sampled_from(moves.PHONES))
    def unblock(self, number: int) -> None:
        self.both.do(c.Unblock(number=number, by="admin"))

    # -- pools ------------------------------------------------------------------------------------------------------

    @rule(data=st.data(), code=moves.campaigns, source=st.sampled_from(("file", "api")))
    def load_pool(self, data: st.DataObject, code: str, source: Any) -> None:
        draw = data.draw
        options: dict[str, Any] = {"source": source, "priority": draw(moves.priorities)}
        options["owner"] = draw(st.sampled_from((None, "team:north", "agent:ann")))
        options["duplicates"] = Duplicates(action=draw(st.sampled_from(("load", "skip"))))
        if draw(st.booleans()):
            options["active_from_ms"] = self.both.now_ms + draw(st.sampled_from((-HOUR, MINUTE, HOUR)))
        if draw(st.booleans()):
            options["active_until_ms"] = self.both.now_ms + draw(st.sampled_from((MINUTE, 2 * HOUR, -MINUTE)))
        self.load(draw, code, **options)

    @rule(data=st.data())
    def add_rows(self, data: st.DataObject) -> None:
        pool = self.both.model.world.pools.get(moves.some_pool(data.draw, self.both))
        if pool is not None and pool.source == "api" and pool.state == "active":
            self.rows(data.draw, pool.id)

    @rule(data=st.data(), action=st.sampled_from(("activate", "deactivate", "shuffle", "delete")))
    def act_on_pool(self, data: st.DataObject, action: Any) -> None:
        seed = data.draw(st.integers(1, 3))
        self.both.do(c.ActOnPool(pool=moves.some_pool(data.draw, self.both), action=action, seed=seed, by="admin"))

    @rule(data=st.data())
    def edit_pool(self, data: st.DataObject) -> None:
        now, draw = self.both.now_ms, data.draw
        change = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "priority": moves.priorities,
                    "active_from_ms": st.sampled_from((None, now - HOUR, now + MINUTE)),
                    "active_until_ms": st.sampled_from((None, now - MINUTE, now + HOUR)),
                },
            )
        )
        self.both.do(c.EditPool(pool=moves.some_pool(draw, self.both), by="admin", **change))

    # -- the whole order --------------------------------------------------------------------------------------------

    @rule()
    def drain(self) -> None:
        """On a copy, restarted: everybody takes leads until there are none. So the whole order is compared."""
        copy = self.both.fork()
        copy.do(c.PutSettings(leases_per_agent=50, by="admin"))
        for turn in range(60):
            agent = moves.AGENTS[turn % 3]
            token = b"drain" + turn.to_bytes(11, "big")
            copy.do(c.Next(agent=agent, token=token, by=SEEN[agent]))


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=LONG or 60,
    stateful_step_count=50 if LONG else 40,
    derandomize=not LONG,
    deadline=None,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)
