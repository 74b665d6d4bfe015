"""Do-not-call, forgetting, and what is done to many leads at once."""

from typing import Any

from hypothesis import strategies as st
from model import moves
from model.lead_moves import OWNERS
from model.moves import Draw, some_lead, sometimes
from model.shop import Shop

from nextlead.core import commands as c


def block(shop: Shop, draw: Draw) -> None:
    """R10.3: numbers of any leads, of leased ones mostly (R10.4)."""
    leased = sorted({number for lead in shop.world.leads.values() if lead.lease for number in lead.numbers})
    numbers = leased if leased and not sometimes(draw) else moves.PHONES
    most = 1 if shop.both.durable.slice_leads else 2  # a lead that has both, and closes in slices, is counted twice
    chosen = tuple(draw(st.lists(st.sampled_from(numbers), min_size=1, max_size=most)))
    shop.do(c.Block(numbers=chosen, scope=draw(scopes), drop_number=draw(st.booleans()), by="admin"))


def unblock(shop: Shop, draw: Draw) -> None:
    scope = draw(scopes)
    listed = shop.world.blocked if scope == "organisation" else shop.world.blocked_globally
    number = draw(st.sampled_from(sorted(listed) or [moves.PHONES[0]]))
    shop.do(c.Unblock(number=number, scope=scope, by="admin"))


def unblock_all(shop: Shop, draw: Draw) -> None:
    """So that there is something to load again."""
    for number in sorted(shop.world.blocked):
        shop.do(c.Unblock(number=number, by="admin"))
    for number in sorted(shop.world.blocked_globally):
        shop.do(c.Unblock(number=number, scope="global", by="admin"))


def edit_many(shop: Shop, draw: Draw) -> None:
    """R10.1: lead by lead, the refusals counted."""
    leads = tuple(some_lead(draw, shop.both) for _ in range(draw(st.integers(1, 4))))
    action = draw(st.sampled_from(("remove", "release", "reopen", "priority", "owner")))
    priority, owner = draw(st.sampled_from((0, 1, 7, 1001))), draw(st.sampled_from(OWNERS))
    shop.do(c.EditLeads(leads=leads, action=action, priority=priority, owner=owner, by="admin"))


def anonymise(shop: Shop, draw: Draw) -> None:
    """R10.6: a person by a lead (all its numbers, all who have them, clones and masters), or by a number alone."""
    chosen = shop.both.model.lead(some_lead(draw, shop.both, wanted=lambda lead: lead.lease))
    if chosen is None:
        shop.do(c.Anonymise(leads=(shop.world.next_lead,), by="admin"))
        return
    leads = tuple(draw(st.permutations(sorted(person(shop, chosen) if sometimes(draw) else {chosen.id}))))
    numbers = tuple(chosen.given) if draw(st.booleans()) else tuple(chosen.given[:1])
    shop.do(c.Anonymise(leads=leads, numbers=numbers if sometimes(draw) else (), by="admin"))


def person(shop: Shop, lead: Any) -> set[int]:
    """All leads that have one of its numbers, with their masters and clones."""
    leads = shop.world.leads
    ids = {lead.id} | {each.id for each in leads.values() if set(each.given) & set(lead.given)}
    return (
        ids | {each.id for each in leads.values() if each.master in ids} | {leads[i].master for i in ids} & set(leads)
    )


def forget(shop: Shop, draw: Draw) -> None:
    """R10.7: closed leads, one that is open among them at times."""
    leads = [some_lead(draw, shop.both, wanted=lambda lead: not lead.open) for _ in range(2)]
    shop.both.forget(*leads)


def erased(shop: Shop, draw: Draw) -> None:
    shop.both.erased(draw(st.integers(0, 3)))


scopes = st.sampled_from(("organisation", "organisation", "global"))

LAW_MOVES = (block, block, block, unblock, unblock_all, edit_many, edit_many, anonymise, forget, erased)
