"""The timelines of SPEC 15 that fall in sections 1 to 10, and more, on the reference model (and the engine beside it).

The model decides what is right in the random tests, so it must itself be right where SPEC is plain.
"""

import pytest
from model.driver import Both
from model.shop import token
from msgspec import json, structs

from nextlead.core import commands as c
from nextlead.core.matching import keys_of
from nextlead.core.model import Status
from nextlead.core.replies import NoLead
from nextlead.core.setup_model import Dialer, Duplicates
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
    day.do(c.PutCampaign(code="c1", dialer=Dialer(max_attempts=3)))
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


def load(day: Day, *rows: c.IntakeRow, **options: object) -> int:
    """A pool of these rows, looked up as a loader does; its id."""
    pool = day.both.model.world.next_pool
    day.do(c.OpenPool(campaign="c1", owner="team:floor", **options))  # type: ignore[arg-type]
    day.do(c.LoadRows(pool=pool, rows=rows))
    day.do(c.ClosePool(pool=pool))
    return pool


def closures(day: Day) -> dict[int, str | None]:
    return {lead.id: lead.closure for lead in day.both.model.world.leads.values()}


def test_expiry_takes_what_is_not_promised() -> None:
    """R8.1, R8.2: by age; a promise stays, a leased lead follows by its outcome, any result beats it."""
    day = Day(leads=5)
    day.promise("a", 1, "private", TEN + 2 * HOUR)
    day.promise("a", 2, "common", TEN + 2 * HOUR)
    common, sold = day.take("a", 3), day.take("b", 4)
    day.do(c.PutCampaign(code="c1", dialer=Dialer(expire_after_ms=HOUR, lease_timeout_ms=2 * HOUR)))
    day.do(c.Tick(), TEN)
    assert closures(day) == {1: None, 2: "expired", 3: None, 4: None, 5: "expired"}
    day.do(c.Finish(token=common, outcome="redial", kind="common", at_ms=TEN + HOUR))
    day.do(c.Finish(token=sold, outcome="resolved", result="success"))
    assert closures(day) == {1: None, 2: "expired", 3: "expired", 4: "success", 5: "expired"}
    day.do(c.PutCampaign(code="c1", dialer=Dialer(expire_after_ms=HOUR, expire_promised=True)))
    assert closures(day)[1] == "expired"


def test_a_date_that_is_taken_away_brings_nothing_back_by_itself() -> None:
    """R8.2, R1.4: what closed stays closed, and may be reopened when the date does not say so any more."""
    day = Day()
    day.do(c.PutCampaign(code="c1", dialer=Dialer(expires_at_ms=TEN)))
    day.do(c.Tick(), TEN)
    day.do(c.Reopen(lead=1))
    assert closures(day) == {1: "expired"}
    day.do(c.PutCampaign(code="c1", dialer=Dialer()))
    assert closures(day) == {1: "expired"}
    day.do(c.Reopen(lead=1))
    assert closures(day) == {1: None}


def test_each_duplicate_action() -> None:
    """R9.8: what becomes of the row and of the original; every row is counted once."""
    data = b'{"name": "Bo"}'
    row = c.IntakeRow(1, (14155550101,), data=data, original=c.Original(1, 0, closed=False, data=data))
    made = {"skip": 0, "load": 1, "update": 0, "replace": 1, "clone": 1, "close": 1}
    for action, leads in made.items():
        day = Day()
        world = day.both.model.world
        pool = load(day, row, duplicates=Duplicates(action=action))
        assert len(world.leads) == 1 + leads, action
        counts = world.pools[pool]
        assert (counts.valid, counts.invalid, counts.duplicate) == (0, 0, 1)
        assert world.leads[1].closure == ("removed" if action == "replace" else None)
        assert world.leads[1].data == ({"name": "Bo"} if action == "update" else {})
        if leads:
            assert world.leads[2].master == (1 if action == "clone" else 0)
            assert world.leads[2].closure == ("duplicate" if action == "close" else None)


def test_the_first_is_the_original() -> None:
    """R9.6: by any number or by a field, the lowest id; a blank field is the same as nothing."""
    day = Day(leads=2)
    rows = [
        c.IntakeRow(1, (14155550150,), data=b'{"name": "Ann"}'),
        c.IntakeRow(2, (14155550151, 14155550102), data=b'{"name": "ANN "}'),
        c.IntakeRow(3, (14155550152,), data=b'{"name": ""}'),
        c.IntakeRow(4, (14155550153,), data=b'{"name": " ann"}'),
    ]
    keyed = [structs.replace(row, keys=keys_of("name", (), json.decode(row.data))) for row in rows]
    pool = load(day, *keyed, duplicates=Duplicates(match=("phone", "name")))
    rejects = day.both.model.world.pools[pool].rejects
    assert rejects == [(2, "duplicate", 2, "skip"), (4, "duplicate", 3, "skip")]


def test_masters_stay_with_their_clones() -> None:
    """R9.11: a clone in another pool keeps its master; when the clone is gone, the master may go."""
    day = Day(leads=2)
    clones = load(day, c.IntakeRow(1, (14155550101,)), duplicates=Duplicates(action="clone"))
    day.do(c.ActOnPool(pool=1, action="delete"))
    assert sorted(day.both.model.world.leads) == [1, 3]
    day.do(c.ActOnPool(pool=clones, action="delete"))
    day.do(c.ActOnPool(pool=1, action="delete"))
    assert not day.both.model.world.leads


def test_marks_by_their_strength() -> None:
    """R10.4, R1.5: what comes later and is weaker changes nothing; a sale stands, whatever the mark."""
    day = Day(leads=2)
    lost, sold = day.take("a", 1), day.take("b", 2)
    for number in (14155550101, 14155550102):
        day.do(c.Block(numbers=(number,), scope="global"))
        day.do(c.Block(numbers=(number,)))
    day.do(c.EditLeads(leads=(1, 2), action="remove"))
    day.do(c.Finish(token=lost, outcome="unreached", cause="busy"))
    day.do(c.Finish(token=sold, outcome="resolved", result="success"))
    assert closures(day) == {1: "global_do_not_call", 2: "success"}


def test_only_the_number_is_dropped() -> None:
    """R10.3: while another is left; of a leased lead at the end of its lease."""
    day = Day(leads=0)
    load(day, c.IntakeRow(1, (14155550101, 14155550102)), c.IntakeRow(2, (14155550103, 14155550104)))
    token = day.take("a", 2)
    day.do(c.Block(numbers=(14155550101, 14155550103), drop_number=True))
    leads = day.both.model.world.leads
    assert (leads[1].numbers, leads[2].numbers) == ([14155550102], [14155550103, 14155550104])
    day.do(c.Finish(token=token, outcome="unreached", cause="busy"))
    assert (leads[2].numbers, leads[2].number) == ([14155550104], 14155550104)
    day.do(c.Block(numbers=(14155550104,), drop_number=True))
    assert closures(day) == {1: None, 2: "do_not_call"}


def test_who_is_forgotten_is_not_loaded_again() -> None:
    """R10.6: closed, open and leased leads; the former closure counts on; the hash refuses the number."""
    day = Day(leads=3)
    day.do(c.Finish(token=day.take("a", 1), outcome="resolved", result="not_interested"))
    token = day.take("a", 3)
    day.do(c.Anonymise(leads=(1, 2, 3), numbers=(14155550101, 14155550102, 14155550103)))
    day.do(c.Finish(token=token, outcome="redial", kind="private", at_ms=TEN))
    assert set(closures(day).values()) == {"anonymized"}
    leads = day.both.model.world.leads
    assert [leads[lead].former for lead in (1, 2, 3)] == ["not_interested", None, None]
    pool = load(day, c.IntakeRow(1, (14155550102,)), on_invalid="close")
    assert day.both.model.world.pools[pool].invalid == 1
    assert (leads[4].closure, leads[4].numbers) == ("anonymized", [])


def test_retention_keeps_the_closure() -> None:
    """R10.7: and the number may come again."""
    day = Day()
    day.do(c.Finish(token=day.take("a", 1), outcome="resolved", result="success"))
    day.both.forget(1)
    load(day, c.IntakeRow(1, (14155550101,)))
    lead = day.both.model.world.leads[1]
    assert (lead.closure, lead.numbers, lead.erased) == ("success", [], True)
    assert closures(day) == {1: "success", 2: None}


def test_shuffle_waits_for_its_end() -> None:
    """R9.10: until the last slice the old order holds; who came meanwhile stands behind."""
    day = Day(leads=0)
    day.both.durable.slice_leads = 2
    day.both.crash()
    rows = tuple(c.IntakeRow(n, (14155550100 + n,)) for n in range(1, 40))
    pool = load(day, *rows, source="api")
    day.do(c.ActOnPool(pool=pool, action="shuffle", seed=7))
    assert day.both.engine.working
    day.do(c.LoadRows(pool=pool, rows=(c.IntakeRow(99, (14155550199,)),)))
    first = day.next("a")
    assert first is not None
    assert first.lead == 1
    day.both.finish_work()
    order = day.both.model.choices("b")
    assert sorted(order) == list(range(2, 41))
    assert order != sorted(order)
    assert order[-1] == 40


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
