"""What admins and supervisors do to leads and pools."""

from typing import Any

from hypothesis import strategies as st
from model import moves
from model.moves import DAY, HOUR, MINUTE, Draw, some_lead, sometimes
from model.shop import Shop

from nextlead.core import commands as c
from nextlead.core.model import DIALABLE, PROMISED, Status

OWNERS = (*(f"agent:{agent}" for agent in moves.AGENTS), "team:root", "team:south", "team:nowhere", "nobody")

# -- leads ----------------------------------------------------------------------------------------------------------


def edit_priority(shop: Shop, draw: Draw) -> None:
    priority = draw(st.sampled_from((0, 1, 2, 5, 1000, 1001)))
    shop.do(c.EditLead(lead=some_lead(draw, shop.both), priority=priority, by="admin"))


def edit_owner(shop: Shop, draw: Draw) -> None:
    shop.do(c.EditLead(lead=some_lead(draw, shop.both), owner=draw(st.sampled_from(OWNERS)), by="admin"))


def edit_due(shop: Shop, draw: Draw) -> None:
    due = shop.both.now_ms + draw(st.sampled_from((0, 1, -MINUTE, -HOUR, HOUR, DAY)))
    shop.do(c.EditLead(lead=some_lead(draw, shop.both), due_ms=due, by="admin"))


def edit_redial(shop: Shop, draw: Draw) -> None:
    lead = some_lead(draw, shop.both, wanted=lambda lead: lead.open and not lead.lease)
    shop.do(c.EditLead(lead=lead, redial=moves.redial_edit(draw, shop.both), by="admin"))


def release(shop: Shop, draw: Draw) -> None:
    lead = some_lead(draw, shop.both, wanted=lambda lead: lead.status in PROMISED)
    shop.do(c.Release(lead=lead, by="supervisor:eve"))


def release_all(shop: Shop, draw: Draw) -> None:
    shop.do(c.ReleaseAll(agent=draw(moves.agents), by="supervisor:eve"))


def make_urgent(shop: Shop, draw: Draw) -> None:
    lead = some_lead(draw, shop.both, wanted=lambda lead: lead.status in DIALABLE and not lead.lease)
    reason = draw(st.sampled_from(("lost_call", "blank_call", "hot_lead", "boredom")))
    expires = shop.both.now_ms + draw(st.sampled_from((MINUTE, HOUR, HOUR, 1, 0)))
    shop.do(c.MakeUrgent(lead=lead, reason=reason, expires_ms=expires, by="admin"))


def remove(shop: Shop, draw: Draw) -> None:
    shop.do(c.Remove(lead=some_lead(draw, shop.both), by="admin"))


def remove_leased(shop: Shop, draw: Draw) -> None:
    """R1.5: a mark."""
    shop.do(c.Remove(lead=some_lead(draw, shop.both, wanted=lambda lead: lead.lease), by="admin"))


def reopen(shop: Shop, draw: Draw) -> None:
    lead = some_lead(draw, shop.both, wanted=lambda lead: not lead.open)
    fields: dict[str, Any] = {"redial": moves.redial_edit(draw, shop.both)} if sometimes(draw) else {}
    if lead in shop.both.durable.leads:
        shop.do(c.Reopen(lead=lead, by="admin", **fields))


def validate(shop: Shop, draw: Draw) -> None:
    lead = some_lead(draw, shop.both, wanted=lambda lead: lead.status is Status.PENDING_VALIDATION)
    shop.do(c.Validate(lead=lead, passed=draw(st.booleans()), by="supervisor:eve"))


def edit_data(shop: Shop, draw: Draw) -> None:
    shop.do(c.EditLead(lead=some_lead(draw, shop.both), data=draw(moves.data), by="admin"))


LEAD_MOVES = (
    *(edit_priority, edit_owner, edit_owner, edit_due, edit_due, edit_redial, edit_redial, edit_redial),
    *(release, release_all, make_urgent, make_urgent, make_urgent, remove, remove_leased, reopen, reopen),
    *(validate, validate, edit_data),
)
