"""What admins and supervisors do to leads and pools."""

from typing import Any

from hypothesis import strategies as st
from model import moves
from model.moves import DAY, HOUR, MINUTE, Draw, some, some_lead, some_pool, sometimes
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


def block(shop: Shop, draw: Draw) -> None:
    """R10.3: numbers of any leads, of leased ones mostly (R10.4)."""
    leased = sorted({number for lead in shop.world.leads.values() if lead.lease for number in lead.numbers})
    numbers = leased if leased and not sometimes(draw) else moves.PHONES
    chosen = tuple(draw(st.lists(st.sampled_from(numbers), min_size=1, max_size=2)))
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


def edit_data(shop: Shop, draw: Draw) -> None:
    shop.do(c.EditLead(lead=some_lead(draw, shop.both), data=draw(moves.data), by="admin"))


def edit_many(shop: Shop, draw: Draw) -> None:
    """R10.1: lead by lead, the refusals counted."""
    leads = tuple(some_lead(draw, shop.both) for _ in range(draw(st.integers(1, 4))))
    action = draw(st.sampled_from(("remove", "release", "reopen", "priority", "owner")))
    priority, owner = draw(st.sampled_from((0, 1, 7, 1001))), draw(st.sampled_from(OWNERS))
    shop.do(c.EditLeads(leads=leads, action=action, priority=priority, owner=owner, by="admin"))


def anonymise(shop: Shop, draw: Draw) -> None:
    """R10.6: a person by a lead (all its numbers, all who have them, clones and masters), or by a number alone."""
    chosen = shop.both.model.lead(some_lead(draw, shop.both, wanted=lambda lead: lead.lease or not lead.erased))
    if chosen is None:
        shop.do(c.Anonymise(leads=(shop.world.next_lead,), by="admin"))
        return
    leads = tuple(draw(st.permutations(sorted(person(shop, chosen)))))
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

LEAD_MOVES = (
    *(edit_priority, edit_owner, edit_owner, edit_due, edit_due, edit_redial, edit_redial, edit_redial),
    *(release, release_all, make_urgent, make_urgent, make_urgent, remove, remove_leased, reopen, reopen),
    *(validate, validate, block, block, unblock, unblock_all, edit_data, edit_many, anonymise, forget, erased),
)

# -- pools ----------------------------------------------------------------------------------------------------------


def load_pool(shop: Shop, draw: Draw) -> None:
    options: dict[str, Any] = {"source": draw(st.sampled_from(("file", "api"))), "priority": draw(moves.priorities)}
    options["owner"] = draw(st.sampled_from((None, "team:north", "agent:ann")))
    options |= {"duplicates": draw(moves.duplicates), "on_invalid": draw(st.sampled_from(("file", "close")))}
    if sometimes(draw):
        options["active_from_ms"] = shop.both.now_ms + draw(st.sampled_from((-HOUR, MINUTE, HOUR)))
    if sometimes(draw):
        options["active_until_ms"] = shop.both.now_ms + draw(st.sampled_from((MINUTE, 2 * HOUR, -MINUTE)))
    shop.load(draw, draw(moves.campaigns), **options)


def hold_pool(shop: Shop, draw: Draw) -> None:
    """R9.3: a pool that waits for confirmation, is confirmed or rejected, or fails."""
    pool = shop.world.next_pool
    duplicates, on_invalid = draw(moves.duplicates), draw(st.sampled_from(("file", "close")))
    shop.do(c.OpenPool(campaign="c1", duplicates=duplicates, on_invalid=on_invalid, by="admin"))
    shop.rows(draw, pool)
    if sometimes(draw):
        shop.do(c.ClosePool(pool=pool, error="unreadable", by="admin"))
        return
    shop.do(c.ClosePool(pool=pool, unmatched=("colour",), by="admin"))
    if not sometimes(draw):
        shop.do(c.ActOnPool(pool=pool, action=draw(st.sampled_from(("confirm", "confirm", "reject"))), by="admin"))


def add_rows(shop: Shop, draw: Draw) -> None:
    shop.rows(draw, some_pool(draw, shop.both))


def act_on_pool(shop: Shop, draw: Draw) -> None:
    action = draw(st.sampled_from(("activate", "activate", "deactivate", "shuffle", "shuffle", "delete", "confirm")))
    seed = draw(st.integers(1, 3))
    shop.do(c.ActOnPool(pool=some_pool(draw, shop.both), action=action, seed=seed, by="admin"))


def edit_pool(shop: Shop, draw: Draw) -> None:
    now = shop.both.now_ms
    change = some(
        draw,
        priority=moves.priorities,
        active_from_ms=st.sampled_from((None, now - HOUR, now + MINUTE)),
        active_until_ms=st.sampled_from((None, now - MINUTE, now + HOUR)),
    )
    shop.do(c.EditPool(pool=some_pool(draw, shop.both), by="admin", **change))


POOL_MOVES = (load_pool, load_pool, hold_pool, add_rows, act_on_pool, act_on_pool, edit_pool)
