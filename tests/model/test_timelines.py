"""The timelines of SPEC 15 that fall in sections 1 to 7, on the reference model (and the engine beside it).

The model decides what is right in the random tests, so it must itself be right where SPEC is plain.
"""

import pytest
from model.driver import Both
from model.shop import token

from nextlead.core import commands as c
from nextlead.core.model import Status
from nextlead.core.replies import NoLead
from nextlead.testing import ReferenceModel
from nextlead.testing.reference import Offered

MINUTE = 60_000
HOUR = 60 * MINUTE
TEN = 1_772_445_600_000
"""2026-03-02 10:00 UTC."""


class Day:
    """Agents a and b in the team `floor`, campaigns c1 and c2, leads of c1 in pool 1, all of the team."""

    def __init__(self, leads: int = 1, start_ms: int = TEN - HOUR) -> None:
        self.both = Both(start_ms)
        self.tokens = 0
        self.do(c.PutTeam(code="floor"))
        for code in ("c1", "c2"):
            self.do(c.PutCampaign(code=code))
        for agent in ("a", "b"):
            self.do(c.PutAgent(code=agent, team="floor", campaigns=("c1", "c2")))
            self.select(agent, "c1")
        self.do(c.OpenPool(campaign="c1", owner="team:floor"))
        rows = tuple(c.IntakeRow(n, (14155550100 + n,)) for n in range(1, leads + 1))
        self.do(c.LoadRows(pool=1, rows=rows))
        self.do(c.ClosePool(pool=1))

    def do(self, command: c.Command, at_ms: int | None = None) -> object:
        return self.both.do(command, at_ms)

    def select(self, agent: str, *campaigns: str, cross: bool = True) -> None:
        self.do(c.PutSession(agent=agent, campaigns=campaigns, cross=cross))

    def next(self, agent: str, at_ms: int | None = None) -> Offered | None:
        self.tokens += 1
        reply = self.do(c.Next(agent=agent, token=token(self.tokens)), at_ms)
        assert isinstance(reply, Offered | NoLead)
        return reply if isinstance(reply, Offered) else None

    def take(self, agent: str, lead: int) -> str:
        self.tokens += 1
        self.do(c.Take(agent=agent, lead=lead, token=token(self.tokens)))
        return f"{lead:x}-{token(self.tokens).hex()}"

    def promise(self, agent: str, lead: int, kind: str, at_ms: int, *, priority: int = 0) -> None:
        """The agent sets a redial on the lead."""
        self.do(c.Finish(token=self.take(agent, lead), outcome="redial", kind=kind, at_ms=at_ms))  # type: ignore[arg-type]
        if priority:
            self.do(c.EditLead(lead=lead, priority=priority))

    def put_back(self, agent: str, offered: Offered | None) -> None:
        """Give the lease back and let the pause pass."""
        assert offered is not None
        self.do(c.EndLease(token=f"{offered.lead:x}-{offered.token.hex()}", outcome="cancelled"))

    def lead(self, number: int = 1) -> object:
        return self.both.model.world.leads[number]


def test_private_redial_from_promise_to_release() -> None:
    """Timeline 1: R2.1, R2.2, R3.3, R4.4."""
    day = Day()
    day.promise("a", 1, "private", TEN)
    assert day.next("a", TEN - MINUTE) is None
    offered = day.next("a", TEN)
    assert offered is not None
    assert (offered.lead, offered.rank) == (1, 5)
    day.put_back("a", offered)
    offered = day.next("a", TEN + 6 * MINUTE)
    assert offered is not None
    assert (offered.rank, offered.overdue) == (4, True)
    day.put_back("a", offered)
    assert day.next("b", TEN + 3 * HOUR + 29 * MINUTE) is None
    offered = day.next("b", TEN + 3 * HOUR + 30 * MINUTE)
    assert offered is not None
    lead = day.both.model.world.leads[1]
    assert (lead.status, lead.owner) == (Status.PRIVATE_REDIAL, "team:floor")


@pytest.mark.parametrize("box", [True, False])
def test_redial_of_a_campaign_that_is_not_selected(*, box: bool) -> None:
    """Timeline 2: R3.3."""
    day = Day()
    day.promise("a", 1, "private", TEN)
    day.select("a", "c2", cross=box)
    offered = day.next("a", TEN)
    assert (offered is not None) == box
    if not box:
        assert day.next("b", TEN + 3 * HOUR + 30 * MINUTE) is not None


@pytest.mark.parametrize("restrictions", [False, True])
def test_inactive_campaign_and_lost_permission(*, restrictions: bool) -> None:
    """Timeline 3: R3.3, R4.6."""
    day = Day()
    day.promise("a", 1, "private", TEN)
    day.do(c.PutSettings(redial_restrictions=restrictions))
    day.do(c.PutCampaign(code="c1", active=False))
    day.do(c.PutAgent(code="a", campaigns=("c2",)))
    if not restrictions:
        assert day.next("a", TEN) is not None
        return
    assert day.both.model.world.leads[1].owner == "team:floor"
    assert day.next("a", TEN) is None
    assert day.next("b") is None
    day.do(c.PutCampaign(code="c1", active=True))
    assert day.next("b") is not None


def test_inactive_pool_keeps_promises_only() -> None:
    """Timeline 4: R3.2, R3.4."""
    day = Day(leads=3)
    day.promise("a", 1, "private", TEN)
    day.promise("a", 2, "common", TEN)
    day.do(c.ActOnPool(pool=1, action="deactivate"))
    offered = day.next("a", TEN)
    assert offered is not None
    assert offered.lead == 1
    day.put_back("a", offered)
    assert day.next("b", TEN + HOUR) is None
    offered = day.next("b", TEN + 3 * HOUR + 30 * MINUTE)
    assert offered is not None
    assert offered.lead == 1


def test_class_before_priority_before_due() -> None:
    """Timeline 5: R2.1."""
    day = Day(leads=2)
    day.promise("a", 1, "vip", TEN, priority=9)
    day.promise("a", 2, "private", TEN, priority=1)
    offered = day.next("a", TEN)
    assert offered is not None
    assert offered.lead == 1
    day = Day(leads=2)
    day.promise("a", 1, "private", TEN, priority=5)
    day.promise("a", 2, "private", TEN - 2 * MINUTE, priority=2)
    offered = day.next("a", TEN)
    assert offered is not None
    assert offered.lead == 2


@pytest.mark.parametrize("promised", [False, True])
def test_max_attempts(*, promised: bool) -> None:
    """Timeline 6: R6.3, R6.5."""
    day = Day()
    day.do(c.PutCampaign(code="c1", dialer=c.Dialer(max_attempts=3)))
    for attempt in (1, 2, 3):
        held = day.take("a", 1)
        day.do(c.Finish(token=held, outcome="unreached", cause="no_answer"))
        if attempt == 1 and promised:
            day.promise("a", 1, "private", day.both.now_ms + HOUR)
            offered = day.next("a", day.both.now_ms + HOUR)
            assert offered is not None
            day.do(c.Finish(token=f"1-{offered.token.hex()}", outcome="unreached", cause="no_answer"))
            break
    lead = day.both.model.world.leads[1]
    assert (lead.closure, lead.attempts) == ("max_call_attempts", 3)


def test_silence() -> None:
    """Timeline 7: R5.2, R7.1, R7.3."""
    day = Day(start_ms=TEN)
    assert day.next("a") is not None
    day.do(c.Tick(), TEN + HOUR - 1)
    assert day.both.model.world.leads[1].lease is not None
    day.do(c.Tick(), TEN + HOUR)
    lead = day.both.model.world.leads[1]
    assert lead.unresolved is not None
    assert lead.unresolved.agent == "a"
    day.both.tick_through(TEN + HOUR + 7 * 24 * HOUR)
    assert lead.closure == "abandoned"


def test_crash_after_next() -> None:
    """Timeline 8: R5.1."""
    day = Day(leads=2)
    first = day.next("a")
    day.both.crash()
    again, other = day.next("a"), day.next("b")
    assert first is not None
    assert again is not None
    assert other is not None
    assert (again.lead, again.token, again.repeated) == (first.lead, first.token, True)
    assert other.lead != first.lead


def test_blocked_on_screen() -> None:
    """Timeline 9: R10.4."""
    day = Day()
    held = day.take("a", 1)
    day.do(c.Block(numbers=(14155550101,)))
    day.do(c.Finish(token=held, outcome="redial", kind="private", at_ms=TEN))
    lead = day.both.model.world.leads[1]
    assert (lead.closure, lead.promise) == ("do_not_call", None)


def test_lease_grace_after_downtime() -> None:
    """Timeline 12: R5.7."""
    day = Day(start_ms=TEN - 90 * MINUTE)
    assert day.next("a") is not None
    day.both.crash(TEN + HOUR)
    day.do(c.Tick(), TEN + HOUR + 5 * MINUTE - 1)
    assert day.both.model.world.leads[1].lease is not None
    day.do(c.Tick(), TEN + HOUR + 5 * MINUTE)
    assert day.both.model.world.leads[1].unresolved is not None


def test_the_model_alone() -> None:
    """It needs no engine: users may ask it what SPEC says."""
    model = ReferenceModel()
    model.apply(c.PutCampaign(code="c1"), 0)
    model.apply(c.OpenPool(campaign="c1"), 0)
    model.apply(c.LoadRows(pool=1, rows=(c.IntakeRow(1, (1,)), c.IntakeRow(2, (2,), priority=1))), 0)
    model.apply(c.ClosePool(pool=1), 0)
    model.apply(c.PutAgent(code="a", campaigns=("c1",)), 0)
    model.apply(c.PutSession(agent="a", campaigns=("c1",)), 0)
    assert model.choices("a") == [2, 1]
