"""Short lists of steps on which engine and model once differed, as the random test printed them (made shorter).

A new failure is pasted here as it is, with the rule it is about.
"""

from model.driver import Both

from nextlead.core.commands import (
    ActOnPool,
    Block,
    ClosePool,
    EditLead,
    Finish,
    IntakeReject,
    IntakeRow,
    LoadRows,
    MakeUrgent,
    Next,
    OpenPool,
    PutAgent,
    PutCampaign,
    PutSession,
    PutSettings,
    RedialEdit,
    Remove,
    Reopen,
    Resolve,
    Take,
    Tick,
    Validate,
)
from nextlead.core.setup_model import Dialer, Template, TemplateResult

MINUTE = 60_000
T0 = 1_772_445_600_000
A, B, C, D = (letter * 16 for letter in (b"A", b"B", b"C", b"D"))


def token(lead: int, raw: bytes) -> str:
    return f"{lead:x}-{raw.hex()}"


def started(leads: int, slice_leads: int | None = None, **settings: object) -> Both:
    """Agents a and b, campaign c1, a pool of so many leads with a number each."""
    both = Both(T0, slice_leads)
    both.do(PutCampaign(code="c1", dialer=Dialer(**settings)))  # type: ignore[arg-type]
    for agent in ("a", "b"):
        both.do(PutAgent(code=agent, campaigns=("c1",)))
        both.do(PutSession(agent=agent, campaigns=("c1",)))
    both.do(OpenPool(campaign="c1"))
    both.do(LoadRows(pool=1, rows=tuple(IntakeRow(n, (14155550100 + n,)) for n in range(1, leads + 1))))
    both.do(ClosePool(pool=1))
    return both


def test_edit_of_a_leased_lead_keeps_its_timeout_first() -> None:
    """R5.2."""
    both = started(2)
    both.do(Next(agent="a", token=A))
    both.do(Next(agent="b", token=B), T0 + 5 * MINUTE)
    both.do(EditLead(lead=1, priority=1))
    both.do(Block(numbers=(14155550101,)))
    both.tick_through(T0 + 60 * MINUTE)
    assert both.model.world.leads[1].closure == "do_not_call"


def test_oldest_lease_stays_the_oldest() -> None:
    """R3.6."""
    both = started(3)
    both.do(PutSettings(leases_per_agent=2))
    both.do(Take(agent="a", lead=2, token=A))
    both.do(Take(agent="a", lead=3, token=B), T0 + 1)
    both.do(EditLead(lead=2, priority=2))
    assert both.do(Next(agent="a", token=C)).lead == 2


def test_paused_head_hides_nothing_behind_it() -> None:
    """R5.6, R2.1: a lead with a due time of its own behind one that the agent has just cancelled."""
    both = started(2)
    both.do(EditLead(lead=1, due_ms=T0 + MINUTE), T0 + 2 * MINUTE)
    both.do(Next(agent="a", token=A), T0 + 4 * MINUTE)
    both.do(Finish(token=token(2, A), outcome="cancelled", digest=1))
    assert both.do(Next(agent="a", token=B)).lead == 1


def test_restart_after_a_pool_that_is_gone() -> None:
    """R9.11, recovery."""
    both = started(2)
    both.do(Remove(lead=1))
    both.do(Reopen(lead=1))
    both.do(ActOnPool(pool=1, action="delete"))
    both.crash()


def test_reopened_after_a_restart_belongs_to_its_pool() -> None:
    """R9.10, R9.11."""
    both = started(1)
    both.do(ActOnPool(pool=1, action="shuffle", seed=1))
    both.do(Remove(lead=1))
    both.crash()
    both.do(Reopen(lead=1))
    both.do(ActOnPool(pool=1, action="shuffle", seed=3))


def test_expired_urgency_is_gone_before_the_next_of_a_finish() -> None:
    """R2.6, R5.8."""
    both = started(2, cancel_pause_ms=0)
    both.do(MakeUrgent(lead=2, reason="hot_lead", expires_ms=T0 + 1))
    both.do(Next(agent="a", token=A))
    both.do(Finish(token=token(2, A), outcome="cancelled", next_token=B, digest=1), T0 + MINUTE)
    lease = both.model.world.leads[1].lease
    assert lease is not None


def test_own_due_redial_comes_while_another_reserves() -> None:
    """R4.9."""
    both = started(3, reserve_owner_ms=60 * MINUTE)
    both.do(Take(agent="a", lead=1, token=A))
    both.do(Finish(token=token(1, A), outcome="redial", kind="vip", at_ms=T0 + 5 * MINUTE, digest=1))
    both.do(Take(agent="a", lead=2, token=B))
    both.do(Finish(token=token(2, B), outcome="redial", kind="private", at_ms=T0 + 9 * MINUTE, digest=2))
    both.do(Next(agent="a", token=C), T0 + MINUTE)
    assert both.do(Next(agent="a", token=D), T0 + 5 * MINUTE).lead == 1


def test_reserve_outlives_a_pause() -> None:
    """R4.9, R5.6: paused now, offerable when due."""
    both = started(2, reserve_owner_ms=60 * MINUTE)
    both.do(Take(agent="a", lead=1, token=A))
    both.do(Finish(token=token(1, A), outcome="redial", kind="private", at_ms=T0 + 8 * MINUTE, digest=1))
    both.do(Take(agent="a", lead=1, token=B))
    both.do(Finish(token=token(1, B), outcome="cancelled", digest=2))
    assert both.do(Next(agent="a", token=C)).reason == "reserved"


def test_empty_campaign_starts_at_the_present_minimum() -> None:
    """R2.5."""
    both = started(2, weight=3.0)
    both.do(PutCampaign(code="c2"))
    both.do(PutAgent(code="a", campaigns=("c1", "c2")))
    both.do(PutSession(agent="a", campaigns=("c1", "c2")))
    both.do(Next(agent="a", token=A))
    assert both.model.world.campaigns["c2"].stride == both.model.world.campaigns["c1"].stride > 0


def test_setting_changed_long_after_the_last_word() -> None:
    """R5.7: what a setting makes due is effective now, not back when nobody said Tick."""
    both = started(1)
    both.do(Next(agent="a", token=A))
    both.do(PutCampaign(code="c1", dialer=Dialer(lease_timeout_ms=4 * MINUTE)), T0 + 59 * MINUTE)
    locked = both.model.world.leads[1].unresolved
    assert locked is not None
    assert locked.since_ms == T0 + 59 * MINUTE


def test_admin_redial_ends_the_lock_of_an_unresolved_lead() -> None:
    """R1.4, R7.1."""
    both = started(1)
    both.do(Next(agent="a", token=A))
    both.do(Finish(token=token(1, A), outcome="unresolved", digest=1))
    both.do(EditLead(lead=1, redial=RedialEdit(kind="vip", at_ms=T0 + MINUTE, agent="b")))
    assert both.do(Next(agent="b", token=B), T0 + MINUTE).lead == 1


def test_supervisor_books_for_a_disabled_agent() -> None:
    """R4.6, R7.4: released with the same step."""
    both = started(1)
    both.do(Next(agent="a", token=A))
    both.do(PutAgent(code="a", enabled=False))
    both.do(Resolve(lead=1, outcome="redial", kind="private", at_ms=T0 + MINUTE, by="supervisor:eve"))
    both.do(Tick(), T0 + MINUTE)
    assert both.do(Next(agent="b", token=B)).lead == 1


def test_lead_without_a_number_stays_closed() -> None:
    """R1.4, R9.4: a row of which no number could be used came in closed."""
    both = started(1)
    both.do(OpenPool(campaign="c1", on_invalid="close"))
    both.do(LoadRows(pool=2, rows=(), rejects=(IntakeReject(1, ("no number",), closure="invalid_phone_number"),)))
    both.do(ClosePool(pool=2))
    both.do(Reopen(lead=2))
    assert not both.model.world.leads[2].open


def test_lead_of_a_rejected_pool_stays_closed() -> None:
    """R9.3, R1.4."""
    both = started(1)
    both.do(OpenPool(campaign="c1", on_invalid="close"))
    both.do(LoadRows(pool=2, rows=(), rejects=(IntakeReject(1, ("no number",), numbers=(14155550199,)),)))
    both.do(ClosePool(pool=2, unmatched=("colour",)))
    both.do(ActOnPool(pool=2, action="reject"))
    both.do(Reopen(lead=2))
    assert not both.model.world.leads[2].open


def test_lead_of_a_pool_that_is_being_deleted_is_gone_at_once() -> None:
    """R9.11, R2.7: also one with a due time of its own, an urgent one, and one that somebody names."""
    both = started(9, slice_leads=2)
    both.do(EditLead(lead=1, due_ms=T0 - 1))
    both.do(MakeUrgent(lead=2, reason="hot_lead", expires_ms=T0 + MINUTE))
    both.do(ActOnPool(pool=1, action="delete"))
    assert both.engine.working
    both.do(Next(agent="a", token=A))
    both.do(Take(agent="a", lead=3, token=B, override=True))
    both.do(EditLead(lead=4, redial=RedialEdit(kind="common", at_ms=T0 + MINUTE)))
    both.finish_work()
    assert both.model.world.pools == {}


def test_number_on_the_screen_is_dropped() -> None:
    """R10.3, R10.4: the lease says blocked; a call to the number that is left does not."""
    both = started(0)
    both.do(OpenPool(campaign="c1"))
    both.do(LoadRows(pool=2, rows=(IntakeRow(1, (14155550101, 14155550102)),)))
    both.do(ClosePool(pool=2))
    both.do(Next(agent="a", token=A))
    both.do(Block(numbers=(14155550101,), drop_number=True))
    assert both.do(Next(agent="a", token=B)).blocked
    both.do(Finish(token=token(1, A), outcome="cancelled", digest=1))
    assert not both.do(Take(agent="b", lead=1, token=C)).blocked


def test_sale_that_failed_is_not_called_at_a_blocked_number() -> None:
    """R9.7, R1.4: the result itself had put the number on the list."""
    both = started(1)
    last = TemplateResult("last", "Sold, and never again", "success", validation=True, do_not_call=True)
    both.do(PutCampaign(code="c1", template=Template(results=(last,))))
    both.do(Next(agent="a", token=A))
    both.do(Finish(token=token(1, A), outcome="resolved", result="last", digest=1))
    both.do(Validate(lead=1, passed=False))
    assert both.model.world.leads[1].closure == "do_not_call"


def test_released_redial_of_a_disabled_agent_goes_on_to_the_team() -> None:
    """R4.5: released, then given to an agent by hand, who is disabled: nobody else could get it."""
    both = started(1)
    both.do(Next(agent="a", token=A))
    both.do(Finish(token=token(1, A), outcome="redial", kind="private", at_ms=T0 + MINUTE, digest=1))
    both.do(EditLead(lead=1, owner="team:root"))
    both.do(EditLead(lead=1, owner="agent:b"))
    both.do(PutAgent(code="b", enabled=False))
    assert both.do(Next(agent="a", token=B), T0 + MINUTE).lead == 1


def test_lead_that_loses_a_blocked_number_can_be_given_a_priority() -> None:
    """R10.3, R9.7: the number goes when the lease ends; the other one may be called."""
    both = started(0)
    both.do(OpenPool(campaign="c1"))
    both.do(LoadRows(pool=2, rows=(IntakeRow(1, (14155550101, 14155550102)),)))
    both.do(ClosePool(pool=2))
    both.do(Next(agent="a", token=A))
    both.do(Block(numbers=(14155550101,), drop_number=True))
    both.do(EditLead(lead=1, priority=1))
    assert both.model.world.leads[1].priority == 1
