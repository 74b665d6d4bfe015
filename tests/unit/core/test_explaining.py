"""Why this lead, why not that one, when then (R14.2)."""

from collections.abc import Callable

import pytest
from unit.core.centre import MINUTE_MS, NOW_MS, Centre

from nextlead.core.commands import (
    ActOnPool,
    Anonymise,
    Block,
    EditLead,
    EditPool,
    Explain,
    MakeUrgent,
    Next,
    PutAgent,
    PutCampaign,
    PutSession,
    PutTeam,
    RedialEdit,
    Remove,
    Validate,
    WhyIdle,
)
from nextlead.core.errors import NotFound, WrongStatus
from nextlead.core.model import Lead
from nextlead.core.replies import Check, Explanation, Idle, Offer
from nextlead.core.row import DAY_MS, HOUR_MS
from nextlead.core.rules import RULES
from nextlead.core.setup_model import DEFAULT_RESULTS, CallingHours, ContactLimit, Dialer, Template, TemplateResult

NEVER = None
FROM_TEN = CallingHours(windows=(((600, 1020),),) * 7)


def explain(centre: Centre, lead: int, agent: str = "a", row: Lead | None = None) -> Explanation:
    found = centre(Explain(lead=lead, agent=agent, row=row))
    assert isinstance(found, Explanation)
    assert found.eligible is all(check.passed for check in found.checks)
    assert found.eligible is (found.eligible_ms == centre.now_ms)
    return found


def failed(found: Explanation) -> dict[str, int | None]:
    assert all(check.until_ms is None for check in found.checks if check.passed)
    return {check.name: check.until_ms for check in found.checks if not check.passed}


def said(found: Explanation, name: str) -> Check:
    return next(check for check in found.checks if check.name == name)


# -- each rule on its own ---------------------------------------------------------------------------------------------


def disabled(centre: Centre, _lead: int) -> None:
    centre(PutAgent(code="a", enabled=False))


def without_permission(centre: Centre, _lead: int) -> None:
    centre(PutAgent(code="a", campaigns=()))


def campaign_not_active(centre: Centre, _lead: int) -> None:
    centre(PutCampaign(code="c1", active=False))


def pool_switched_off(centre: Centre, _lead: int) -> None:
    centre(ActOnPool(pool=1, action="deactivate"))


def pool_opens_later(centre: Centre, _lead: int) -> None:
    centre(EditPool(pool=1, active_from_ms=NOW_MS + HOUR_MS))


def pool_is_over(centre: Centre, _lead: int) -> None:
    centre(EditPool(pool=1, active_until_ms=NOW_MS))


def owned_by_another(centre: Centre, lead: int) -> None:
    centre(EditLead(lead=lead, owner="agent:b"))


def owned_by_a_team_below(centre: Centre, lead: int) -> None:
    centre(PutTeam(code="t1"))
    centre(EditLead(lead=lead, owner="team:t1"))


def anothers_redial(centre: Centre, lead: int) -> None:
    centre(EditLead(lead=lead, redial=RedialEdit("private", NOW_MS + MINUTE_MS, "b")))


def anothers_redial_for_ever(centre: Centre, lead: int) -> None:
    centre(PutCampaign(code="c1", dialer=Dialer(release_private_ms=None)))
    anothers_redial(centre, lead)


def unresolved(centre: Centre, _lead: int) -> None:
    centre.finish(centre.next(), "unresolved")


def to_be_validated(centre: Centre, _lead: int) -> None:
    sold = TemplateResult("sold", "Sold", "success", validation=True)
    centre(PutCampaign(code="c1", template=Template(results=(*DEFAULT_RESULTS, sold))))
    centre.finish(centre.next(), "resolved", result="sold")


def leased(centre: Centre, _lead: int) -> None:
    centre.next("b")


def number_leased(centre: Centre, lead: int) -> None:
    (twin,) = centre.load(14155550100)
    centre(EditLead(lead=twin, priority=1))
    assert centre.next("b").lead.id == twin != lead


def due_later(centre: Centre, lead: int) -> None:
    centre(EditLead(lead=lead, due_ms=NOW_MS + HOUR_MS))


def outside_hours(centre: Centre, _lead: int) -> None:
    centre(PutCampaign(code="c1", dialer=Dialer(calling_hours=FROM_TEN)))


def over_a_limit(centre: Centre, _lead: int) -> None:
    limits = (ContactLimit("max", DAY_MS, 1),)
    centre(PutCampaign(code="c1", dialer=Dialer(contact_limits=limits, retry={"busy": (HOUR_MS,)})))
    centre.finish(centre.next(), "unreached", cause="busy")


def cancelled(centre: Centre, _lead: int) -> None:
    centre.finish(centre.next(), "cancelled")


def too_many_unresolved(centre: Centre, _lead: int) -> None:
    centre(PutCampaign(code="c1", dialer=Dialer(max_unresolved=1)))
    (other,) = centre.load(14155550105)
    centre(EditLead(lead=other, priority=1))
    centre.finish(centre.next(), "unresolved")


def kept_free(centre: Centre, _lead: int) -> None:
    centre(PutCampaign(code="c1", dialer=Dialer(reserve_owner_ms=10 * MINUTE_MS)))
    (other,) = centre.load(14155550105)
    centre(EditLead(lead=other, redial=RedialEdit("private", NOW_MS + 5 * MINUTE_MS, "a")))


def holding_another(centre: Centre, _lead: int) -> None:
    (other,) = centre.load(14155550105)
    centre(EditLead(lead=other, priority=1))
    centre.next()


CASES: dict[Callable[[Centre, int], None], tuple[dict[str, int | None], int | None]] = {
    # what fails, with the moment at which it stops; and when the agent can have the lead
    disabled: ({"agent_enabled": NEVER, "session": NEVER, "campaign": NEVER}, NEVER),
    without_permission: ({"campaign": NEVER}, NEVER),
    campaign_not_active: ({"campaign": NEVER}, NEVER),
    pool_switched_off: ({"pool": NEVER}, NEVER),
    pool_opens_later: ({"pool": NOW_MS + HOUR_MS}, NOW_MS + HOUR_MS),
    pool_is_over: ({"pool": NEVER}, NEVER),
    owned_by_another: ({"owner": NEVER}, NEVER),
    owned_by_a_team_below: ({"owner": NEVER}, NEVER),
    anothers_redial: (
        {"owner": NOW_MS + MINUTE_MS + 12_600_000, "due": NOW_MS + MINUTE_MS},
        NOW_MS + MINUTE_MS + 12_600_000,
    ),
    anothers_redial_for_ever: ({"owner": NEVER, "due": NOW_MS + MINUTE_MS}, NEVER),
    unresolved: ({"unresolved": NEVER}, NEVER),
    to_be_validated: ({"status": NEVER}, NEVER),
    leased: ({"leased": NEVER}, NEVER),
    number_leased: ({"number_leased": NOW_MS + HOUR_MS}, NOW_MS + HOUR_MS),
    due_later: ({"due": NOW_MS + HOUR_MS}, NOW_MS + HOUR_MS),
    outside_hours: ({"calling_hours": NOW_MS + HOUR_MS}, NOW_MS + HOUR_MS),
    over_a_limit: ({"due": NOW_MS + HOUR_MS, "contact_limit": NOW_MS + DAY_MS}, NOW_MS + DAY_MS),
    cancelled: ({"cancel_pause": NOW_MS + 2 * MINUTE_MS}, NOW_MS + 2 * MINUTE_MS),
    too_many_unresolved: ({"max_unresolved": NOW_MS + 7 * DAY_MS}, NOW_MS + 7 * DAY_MS),
    kept_free: ({"reserve_owner": NOW_MS + 5 * MINUTE_MS}, NOW_MS + 5 * MINUTE_MS),
    holding_another: ({"leases_per_agent": NOW_MS + HOUR_MS}, NOW_MS + HOUR_MS),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_every_rule_says_what_it_blocks_and_until_when(case: Callable[[Centre, int], None]) -> None:  # R14.2
    centre = Centre()
    (lead,) = centre.load(14155550100)
    assert explain(centre, lead).eligible
    case(centre, lead)
    found = explain(centre, lead)
    assert (failed(found), found.eligible_ms) == CASES[case]


@pytest.mark.parametrize(
    "case", [case for case, (_, at_ms) in CASES.items() if at_ms is not None], ids=lambda case: case.__name__
)
def test_the_agent_gets_it_then_and_not_before(case: Callable[[Centre, int], None]) -> None:  # R14.2, R14.4
    for early in (1, 0):
        centre = Centre()
        (lead,) = centre.load(14155550100)
        case(centre, lead)
        eligible_ms = explain(centre, lead).eligible_ms
        assert eligible_ms is not None
        centre.now_ms = eligible_ms - early
        assert explain(centre, lead).eligible is not bool(early)
        reply = centre.ask("a")
        while isinstance(reply, Offer) and reply.lead.id != lead and not reply.repeated:
            centre.finish(reply, "resolved", result="success")  # others may come first
            reply = centre.ask("a")
        got = isinstance(reply, Offer) and reply.lead.id == lead
        assert got is not bool(early)


def test_rules_come_in_one_order_and_each_in_words() -> None:  # R14.2
    centre = Centre()
    (lead,) = centre.load(14155550100)
    found = explain(centre, lead)
    assert [(check.rule, check.name) for check in found.checks] == [(rule.number, rule.name) for rule in RULES]
    assert all(check.value for check in found.checks)
    assert "4155550100" not in "".join(check.value for check in found.checks)


# -- several together -------------------------------------------------------------------------------------------------


def test_the_moment_at_which_all_rules_pass_may_be_later_than_each_says() -> None:  # R14.2
    centre = Centre(calling_hours=CallingHours(windows=(((600, 660),),) * 7))
    (lead,) = centre.load(14155550100)
    centre(EditLead(lead=lead, due_ms=NOW_MS + 3 * HOUR_MS))
    found = explain(centre, lead)
    assert failed(found) == {"calling_hours": NOW_MS + HOUR_MS, "due": NOW_MS + 3 * HOUR_MS}
    assert found.eligible_ms == NOW_MS + HOUR_MS + DAY_MS


def test_a_lead_that_expires_before_it_could_be_called_never_is() -> None:  # R8.1, R14.2
    centre = Centre(expire_after_ms=HOUR_MS)
    (lead,) = centre.load(14155550100)
    centre(EditLead(lead=lead, due_ms=NOW_MS + HOUR_MS - 1))
    assert explain(centre, lead).eligible_ms == NOW_MS + HOUR_MS - 1
    centre(EditLead(lead=lead, due_ms=NOW_MS + HOUR_MS))
    assert explain(centre, lead).eligible_ms is None
    assert said(explain(centre, lead), "expiry").value == "expires at 2026-03-02T10:00:00Z"


def test_the_lease_that_holds_its_number_will_have_been_an_attempt() -> None:  # R6.1, R12.1, R14.2
    centre = Centre(contact_limits=(ContactLimit("min_gap", 2 * HOUR_MS),))
    (first, second) = centre.load(14155550100, 14155550100)
    assert centre.next("b").lead.id == first
    found = explain(centre, second)
    assert failed(found) == {"number_leased": NOW_MS + HOUR_MS}
    assert found.eligible_ms == NOW_MS + 2 * HOUR_MS
    idle = centre(WhyIdle(agent="a"))
    assert isinstance(idle, Idle)
    assert idle.next_ms == NOW_MS + 2 * HOUR_MS
    centre.now_ms = NOW_MS + 2 * HOUR_MS - 1
    assert explain(centre, second).eligible_ms == NOW_MS + 2 * HOUR_MS
    centre.now_ms += 1
    assert centre.next("a").lead.id == second


def test_a_lease_that_will_be_erased_will_be_no_attempt() -> None:  # R10.6, R12.1
    centre = Centre(contact_limits=(ContactLimit("min_gap", 2 * HOUR_MS),))
    (first, second) = centre.load(14155550100, 14155550100)
    assert centre.next("b").lead.id == first
    centre(Anonymise(leads=(first,)))
    assert explain(centre, second).eligible_ms == NOW_MS + HOUR_MS
    centre.now_ms = NOW_MS + HOUR_MS
    assert centre.next("a").lead.id == second


def test_urgency_that_ends_before_hours_open_leaves_the_due_time() -> None:  # R2.6, R14.2
    centre = Centre(calling_hours=FROM_TEN)
    (lead,) = centre.load(14155550100)
    centre(EditLead(lead=lead, due_ms=NOW_MS + 2 * HOUR_MS))
    centre(MakeUrgent(lead=lead, reason="hot_lead", expires_ms=NOW_MS + HOUR_MS))
    assert explain(centre, lead).eligible_ms == NOW_MS + 2 * HOUR_MS
    centre(MakeUrgent(lead=lead, reason="hot_lead", expires_ms=NOW_MS + HOUR_MS + 1))
    assert explain(centre, lead).eligible_ms == NOW_MS + HOUR_MS


def test_a_forced_redial_is_exempt_from_hours_and_an_urgent_one_when_that_is_over() -> None:  # R4.2, R2.6
    centre = Centre(calling_hours=FROM_TEN)
    (lead,) = centre.load(14155550100)
    centre(EditLead(lead=lead, redial=RedialEdit("private", NOW_MS + MINUTE_MS, "a", force=True), by="supervisor:eve"))
    found = explain(centre, lead)
    assert failed(found) == {"due": NOW_MS + MINUTE_MS}
    assert "forced by supervisor:eve" in said(found, "calling_hours").value
    centre(MakeUrgent(lead=lead, reason="hot_lead", expires_ms=NOW_MS + 5 * MINUTE_MS))
    found = explain(centre, lead)
    assert failed(found) == {"calling_hours": NOW_MS + 5 * MINUTE_MS}
    assert found.eligible_ms == NOW_MS + 5 * MINUTE_MS


def test_the_reserve_is_for_redials_that_can_be_offered_then() -> None:  # R4.9
    centre = Centre(reserve_owner_ms=30 * MINUTE_MS, calling_hours=CallingHours(windows=(((540, 550),),) * 7))
    lead, first, second = centre.load(14155550100, 14155550101, 14155550102)
    centre(EditLead(lead=first, redial=RedialEdit("private", NOW_MS + 5 * MINUTE_MS, "a")))
    centre(EditLead(lead=second, redial=RedialEdit("private", NOW_MS + 20 * MINUTE_MS, "a", force=True)))
    found = explain(centre, lead)
    assert failed(found) == {"reserve_owner": NOW_MS + 20 * MINUTE_MS}  # one after the other
    assert found.eligible_ms == NOW_MS + DAY_MS  # hours are over then
    centre(
        PutCampaign(
            code="c1",
            dialer=Dialer(reserve_owner_ms=30 * MINUTE_MS, calling_hours=CallingHours(windows=(((540, 541),),) * 7)),
        )
    )
    centre(EditLead(lead=second, redial=RedialEdit("common", NOW_MS + DAY_MS)))
    assert explain(centre, lead).eligible  # the first one's time is outside hours: nobody is kept free for it
    assert centre.next().lead.id == lead


# -- ranks and leads that are not in the order ------------------------------------------------------------------------


def test_the_rank_is_that_of_the_class() -> None:  # R2.1
    centre = Centre()
    (lead,) = centre.load(14155550100)
    ranks = {}
    for kind, on_schedule in (("common", 7), ("private", 5), ("vip", 3)):
        edit = RedialEdit(kind, centre.now_ms + MINUTE_MS, None if kind == "common" else "a")  # type: ignore[arg-type]
        centre(EditLead(lead=lead, redial=edit))
        assert explain(centre, lead).rank == on_schedule
        centre.now_ms += 6 * MINUTE_MS
        assert explain(centre, lead).rank == on_schedule
        centre.now_ms += 1
        ranks[kind] = explain(centre, lead).rank
    assert ranks == {"common": 6, "private": 4, "vip": 2}
    centre(MakeUrgent(lead=lead, reason="hot_lead", expires_ms=centre.now_ms + 1))
    assert explain(centre, lead).rank == 1
    (fresh,) = centre.load(14155550101)
    assert explain(centre, fresh).rank == 9
    (retried,) = centre.load(14155550102)
    centre(EditLead(lead=retried, priority=1))
    centre.finish(centre.next("b"), "unreached", cause="busy")
    assert explain(centre, lead).rank == 1
    offer = centre.next("b")
    centre.finish(offer, "unresolved")
    assert explain(centre, offer.lead.id).rank == 0


def test_a_closed_lead_is_explained_by_its_row() -> None:  # R14.2
    centre = Centre()
    (lead,) = centre.load(14155550100)
    row = centre(Remove(lead=lead))
    assert isinstance(row, Lead)
    with pytest.raises(WrongStatus):
        explain(centre, lead)
    with pytest.raises(NotFound):
        explain(centre, lead + 1)
    found = explain(centre, lead, row=row)
    assert (failed(found), found.eligible_ms, found.rank) == ({"status": None}, None, 0)
    assert said(found, "status").value == "closed: removed"
    centre(Block(numbers=(14155550100,)))
    assert failed(explain(centre, lead, row=row)) == {"status": None, "do_not_call": None}


def test_a_lead_that_is_leaving_is_explained_by_what_it_leaves_for() -> None:  # R10.3, R9.11
    centre = Centre()
    centre.engine.state.slice_leads = 1
    first, second = centre.load(14155550100, 14155550100)
    centre(Block(numbers=(14155550100,)))
    left = next(lead for lead in (first, second) if centre.engine.lead(lead) is not None)
    assert failed(explain(centre, left)) == {"do_not_call": None}
    third, fourth = centre.load(14155550101, 14155550102)
    pool = centre.engine.lead(third)
    assert pool is not None
    centre(ActOnPool(pool=pool.pool, action="delete"))
    left = next(lead for lead in (third, fourth) if centre.engine.lead(lead) is not None)
    assert failed(explain(centre, left)) == {"deleting": None}


def test_a_sale_that_was_not_valid_comes_back_to_its_seller() -> None:  # R1.4, R14.2
    centre = Centre()
    (lead,) = centre.load(14155550100)
    to_be_validated(centre, lead)
    centre(Validate(lead=lead, passed=False))
    assert explain(centre, lead).eligible
    assert failed(explain(centre, lead, "b")) == {"owner": NOW_MS + 12_600_000}


def test_asking_changes_nothing() -> None:
    centre = Centre()
    (lead,) = centre.load(14155550100)
    outcome = centre.engine.apply(Explain(lead=lead, agent="a"), NOW_MS)
    assert not outcome.changes.leads
    assert not outcome.changes.rows
    assert not outcome.changes.events
    centre(PutSession(agent="a", campaigns=("c1",)))
    assert isinstance(centre(Next(agent="a", token=bytes(16))), Offer)
