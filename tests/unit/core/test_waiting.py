"""Who waits is served when something else than a new lead lets one come (SPEC R5.5)."""

from unit.core.centre import MINUTE_MS, Centre

from nextlead.core.commands import Finish, Next, Tick
from nextlead.core.replies import Offer, Waiting
from nextlead.core.row import HOUR_MS
from nextlead.core.setup_model import ContactLimit
from nextlead.core.tokens import token_text

NUMBER = 14155550100


def test_an_agent_is_free_again_when_a_limit_keeps_back_what_it_was_kept_free_for() -> None:  # R4.9, R12.1
    twice = ContactLimit("max", 4 * HOUR_MS, 2, "number", promised=True)
    centre = Centre(reserve_owner_ms=20 * MINUTE_MS, contact_limits=(twice,))
    centre.load(NUMBER)
    centre.finish(centre.next("a"), "redial", kind="private", at_ms=centre.now_ms + 30 * MINUTE_MS)
    centre.load(NUMBER, owner="agent:b")
    (other,) = centre.load(NUMBER + 1, owner="agent:a")
    centre.now_ms += 15 * MINUTE_MS
    lead = centre.next("b").lead
    assert lead.lease is not None
    assert isinstance(centre(Next(agent="a", token=bytes(16), wait=True, waiter=1)), Waiting)
    talked = Finish(token=token_text(lead.id, lead.lease.token), outcome="resolved", result="success")
    (served,) = centre.engine.apply(talked, centre.now_ms).served
    assert served.agent == "a"
    assert isinstance(served.answer, Offer)
    assert served.answer.lead.id == other


def test_who_waits_is_told_when_a_lead_that_comes_later_is_due() -> None:  # R5.5
    centre = Centre()
    (lead,) = centre.load(NUMBER)
    offer = centre.next("b")
    assert isinstance(centre(Next(agent="a", token=bytes(16), wait=True, waiter=1)), Waiting)
    due_ms = centre.now_ms + 10 * MINUTE_MS
    centre.finish(offer, "redial", kind="common", at_ms=due_ms)
    assert centre.engine.next_deadline_ms() == due_ms
    assert centre.engine.apply(Tick(), due_ms - 1).served == []
    (served,) = centre.engine.apply(Tick(), due_ms).served
    assert isinstance(served.answer, Offer)
    assert served.answer.lead.id == lead
