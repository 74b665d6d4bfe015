"""Cases that once went wrong, or nearly: one small call centre each."""

import pytest
from unit.core.centre import MINUTE_MS, NOW_MS, Centre

from nextlead.core.commands import (
    ActOnPool,
    Delete,
    EditLead,
    EndLease,
    Finish,
    MakeUrgent,
    Next,
    PutAgent,
    PutCampaign,
    PutProject,
    PutSession,
    PutSettings,
    PutTeam,
    RedialEdit,
    Release,
    Remove,
    Reopen,
    Take,
    Tick,
    Validate,
)
from nextlead.core.errors import Conflict, InUse, Invalid
from nextlead.core.model import Lead, Status
from nextlead.core.replies import NoLead, Offer
from nextlead.core.setup_model import DEFAULT_RESULTS, Dialer, Template, TemplateResult
from nextlead.core.tokens import token_text


@pytest.mark.parametrize("how", ["finish", "end"])
def test_cancelling_does_not_keep_a_redial_from_everybody(how: str) -> None:  # R4.6, R5.6
    centre = Centre(release_private_ms=None)
    centre(PutSettings(redial_restrictions=True))
    centre.load(14155550100)
    centre.promise()
    centre.now_ms += MINUTE_MS
    offer = centre.next()
    centre(PutAgent(code="a", campaigns=()))
    if how == "finish":
        centre.finish(offer, "cancelled")
    else:
        assert offer.lead.lease is not None
        centre(EndLease(token=token_text(offer.lead.id, offer.lead.lease.token), outcome="cancelled"))
    assert centre.next("b").lead.id == offer.lead.id


def test_an_owner_of_parked_leads_stays() -> None:  # R3.7
    centre = Centre()
    centre(PutTeam(code="t1"))
    centre.load(14155550100)
    centre.next("b")
    centre.load(14155550100, owner="team:t1")
    with pytest.raises(InUse):
        centre(Delete(kind="team", code="t1"))


def test_an_agent_that_can_not_be_deleted_keeps_its_promises() -> None:  # R4.6
    centre = Centre()
    centre.load(14155550100)
    kept = centre.promise()
    centre.load(14155550101, owner="agent:a")
    with pytest.raises(InUse):
        centre(Delete(kind="agent", code="a"))
    assert centre.engine.lead(kept.id) == kept


def test_a_deleted_agents_promises_are_released_and_reach_the_others() -> None:  # R4.5, R4.6
    centre = Centre()
    (lead,) = centre.load(14155550100, owner="agent:a")
    centre.promise()
    centre(Delete(kind="agent", code="a"))
    centre.now_ms += MINUTE_MS
    assert centre.next("b").lead.id == lead


@pytest.mark.parametrize("state", ["loading", "held"])
def test_nothing_of_an_unconfirmed_pool_becomes_dialable(state: str) -> None:  # R9.3
    centre = Centre()
    (lead,) = centre.load(14155550100, state=state)
    redial = RedialEdit("private", NOW_MS + 1000, "a")
    for command in (
        EditLead(lead=lead, redial=redial),
        MakeUrgent(lead=lead, reason="hot_lead", expires_ms=NOW_MS + 1),
    ):
        with pytest.raises(Conflict):
            centre(command)
    centre.now_ms += 2000
    assert isinstance(centre.ask("a"), NoLead)


def test_a_campaign_in_another_project_needs_no_default_project() -> None:
    centre = Centre()
    centre(PutProject(code="p"))
    centre(PutCampaign(code="c1", project="p"))
    centre(Delete(kind="project", code="default"))
    centre(PutCampaign(code="c2", project="p"))
    assert centre.engine.campaigns.need("c2").project == centre.engine.projects.need("p").no


@pytest.mark.parametrize("weight", [1e-300, 0.0009, 1e7])
def test_a_weight_that_can_not_be_counted_with_is_refused(weight: float) -> None:  # R2.5
    centre = Centre()
    with pytest.raises(Invalid):
        centre(PutCampaign(code="c1", dialer=Dialer(weight=weight)))


def test_passes_do_not_grow_for_ever() -> None:  # R2.5
    centre = Centre(weight=0.001)
    centre(PutCampaign(code="c2"))
    centre(PutAgent(code="a", campaigns=("c1", "c2")))
    centre(PutSession(agent="a", campaigns=("c1", "c2")))
    centre.load(14155550100)
    centre.load(14155550101, campaign="c2")
    state, c1, c2 = centre.engine.state, centre.engine.campaigns.need("c1").no, centre.engine.campaigns.need("c2").no
    most = 1 << 60
    for no, stride in ((c1, most - 5), (c2, most - 3)):
        state.tallies[no] = type(state.tallies[no])(no, 0, stride)
    assert centre.next().lead.campaign == c1
    ahead = round((1 << 32) / 0.001) - 2
    assert state.tallies[c1].stride < most
    assert state.tallies[c1].stride - state.tallies[c2].stride == ahead


def test_a_pool_that_went_with_its_reopened_leads_leaves_nothing_behind() -> None:  # R9.11
    centre = Centre()
    (lead,) = centre.load(14155550100)
    offer = centre.next()
    closed = centre.finish(offer, "resolved", result="invalid")
    centre(Reopen(lead=lead, row=closed))
    reply = centre(ActOnPool(pool=closed.pool, action="delete"))
    assert (reply.deleted, reply.kept) == (0, {"shown_to_an_agent": 1})  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", ["", ".", "..", "a/b", "a\nb", "x" * 101, "\ud800"])
def test_a_code_that_can_stand_in_no_address_is_refused(code: str) -> None:
    with pytest.raises(Invalid):
        Centre()(PutTeam(code=code))


def test_a_sale_to_be_validated_that_asks_not_to_be_called_again_stays_a_sale() -> None:  # R1.2
    centre = Centre()
    both = TemplateResult("sold_last_call", "Sold, no more calls", "success", validation=True, do_not_call=True)
    centre(PutCampaign(code="c1", template=Template(results=(*DEFAULT_RESULTS, both))))
    (lead, other) = centre.load(14155550100, 14155550100)
    answered = centre.finish(centre.next(), "resolved", result="sold_last_call")
    assert answered.status is Status.PENDING_VALIDATION
    assert centre.engine.lead(lead) == answered
    assert centre.engine.lead(other) is None
    assert centre(Validate(lead=lead, passed=True)).closure == "sold_last_call"  # type: ignore[attr-defined]


def test_a_released_redial_leaves_an_original_owner_who_is_disabled() -> None:  # R4.5
    centre = Centre()
    (lead,) = centre.load(14155550100, owner="team:root")
    centre(EditLead(lead=lead, owner="agent:a"))
    (owned,) = centre.load(14155550101, owner="agent:b")
    centre(Take(agent="a", lead=owned, token=bytes(16), override=True))
    (held,) = centre.engine.leases_of("a")
    centre.finish(held, "redial", kind="private", at_ms=centre.now_ms + MINUTE_MS)
    centre(Release(lead=owned))
    assert centre.engine.lead(owned).owner == centre.engine.agents.need("b").no  # type: ignore[union-attr]
    centre(PutAgent(code="b", enabled=False))
    centre.now_ms += MINUTE_MS
    assert centre.next("a").lead.id == owned


def test_history_says_for_when_a_promise_was() -> None:  # R1.3
    centre = Centre()
    centre.load(14155550100)
    offer = centre.next()
    assert offer.lead.lease is not None
    token = token_text(offer.lead.id, offer.lead.lease.token)
    at_ms = centre.now_ms + MINUTE_MS
    outcome = centre.engine.apply(Finish(token=token, outcome="redial", kind="common", at_ms=at_ms), centre.now_ms)
    assert [(event.kind, event.due_ms) for event in outcome.changes.events] == [("redial", at_ms)]


def test_an_agent_whose_redial_is_on_another_screen_stays() -> None:
    centre = Centre()
    (lead,) = centre.load(14155550100)
    centre.promise()
    centre(Take(agent="b", lead=lead, token=bytes(16), override=True))
    with pytest.raises(InUse):
        centre(Delete(kind="agent", code="a"))


def test_a_closed_lead_of_an_unconfirmed_pool_is_not_reopened() -> None:  # R9.3
    centre = Centre()
    (lead,) = centre.load(14155550100, state="held")
    closed = centre(Remove(lead=lead))
    assert isinstance(closed, Lead)
    with pytest.raises(Conflict):
        centre(Reopen(lead=lead, row=closed, redial=RedialEdit("private", NOW_MS + 1000, "a")))


def reserved_centre() -> Centre:
    """Agent a has promised lead 1 in five minutes; the campaign keeps her free for ten; lead 2 is there for anybody."""
    centre = Centre(reserve_owner_ms=10 * MINUTE_MS)
    centre.load(14155550100, 14155550101)
    centre.finish(centre.next(), "redial", kind="private", at_ms=centre.now_ms + 5 * MINUTE_MS)
    assert centre.ask("a") == NoLead("reserved")
    return centre


def test_own_redials_of_another_campaign_come_while_one_is_reserved() -> None:  # R4.9
    centre = reserved_centre()
    centre(PutCampaign(code="c2"))
    (other,) = centre.load(14155550102, campaign="c2")
    centre(EditLead(lead=other, redial=RedialEdit("vip", centre.now_ms + 1000, "a")))
    centre.now_ms += 1000
    assert centre.next("a").lead.id == other


def test_a_pause_that_ends_in_time_does_not_end_the_reserve() -> None:  # R4.9, R5.6
    centre = reserved_centre()
    offer = centre(Take(agent="a", lead=1, token=bytes(16)))
    assert isinstance(offer, Offer)
    centre.finish(offer, "cancelled")
    assert isinstance(centre.ask("a"), NoLead)


def test_who_waits_gets_another_lead_when_the_reserved_one_is_kept_out() -> None:  # R4.9, R3.7
    centre = reserved_centre()
    (twin,) = centre.load(14155550100, owner="agent:b")
    centre(Take(agent="b", lead=twin, token=b"b" * 16))
    centre(Next(agent="a", token=b"w" * 16, wait=True, waiter=1))
    due_ms = centre.now_ms + 5 * MINUTE_MS
    assert centre.engine.next_deadline_ms() == due_ms
    served = centre.engine.apply(Tick(), due_ms).served
    assert [(one.waiter, one.answer.lead.id) for one in served if isinstance(one.answer, Offer)] == [(1, 2)]


def test_a_reopened_lead_whose_owner_is_gone_belongs_to_everybody() -> None:  # R4.5
    centre = Centre()
    centre(PutTeam(code="south"))
    (lead,) = centre.load(14155550100, owner="team:south")
    closed = centre(Remove(lead=lead))
    centre(Delete(kind="team", code="south"))
    assert isinstance(closed, Lead)
    centre(Reopen(lead=lead, row=closed))
    opened = centre.next("a").lead
    assert (opened.id, opened.owner, opened.original_owner) == (lead, -1, -1)
