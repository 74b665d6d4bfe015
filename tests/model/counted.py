"""SPEC 13 compared: what campaigns have by their scheme, saved filters, and leads counted by condition."""

from collections import Counter
from collections.abc import Callable

from model.durable import Durable

from nextlead.core.conditions import FRESH, Condition, condition_after, condition_of
from nextlead.core.engine import Engine
from nextlead.core.model import Event, Lead
from nextlead.testing import ReferenceModel


def same(what: str, model: object, engine: object) -> None:
    """Raises AssertionError with both."""
    assert model == engine, f"{what}\n  model:  {model}\n  engine: {engine}"


def compare_campaigns(model: ReferenceModel, engine: Engine) -> None:
    """R13.1: what campaigns have by their scheme; results that went are remembered."""
    for campaign in model.world.campaigns.values():
        row = engine.campaigns.by_code[campaign.code]
        ours = (campaign.scheme, campaign.template.results, campaign.upload_rules)
        same(f"campaign {campaign.code}", ours, (row.scheme, row.template.results, row.upload_rules))
        past = {result.code: result for result in campaign.template.past}
        same(f"past results of {campaign.code}", past, {result.code: result for result in row.template.past})


def compare_filters(model: ReferenceModel, engine: Engine) -> None:
    """R13.4."""
    ours = {name: (each.body, each.description, each.by, each.at_ms) for name, each in model.world.filters.items()}
    theirs = {name: (each.body, each.description, each.by, each.at_ms) for name, each in engine.filters.items()}
    same("filters", ours, theirs)


def compare_conditions(model: ReferenceModel, engine: Engine, durable: Durable) -> None:
    """SPEC 13: counts by condition, of all and of each campaign and pool; and a recount from rows, and from events."""
    world = model.world
    same("conditions", model.conditions(), engine.conditions())
    for code in world.campaigns:
        same(f"conditions of {code}", model.conditions(code), engine.conditions(code))
    for pool in world.pools.values():
        ours = model.conditions(pool=pool.id)
        same(f"conditions of pool {pool.id}", ours, engine.conditions(pool=pool.id))
        same(f"conditions of pool {pool.id}", ours, engine.conditions(pool.campaign, pool.id))
    same("conditions recounted from rows", model.conditions(), recount(durable, condition_of))
    told = {lead: told_by(events) for lead, events in durable.events.items()}
    same("... from history", model.conditions(), recount(durable, lambda lead: told.get(lead.id, FRESH)))


def recount(durable: Durable, condition: Callable[[Lead], Condition]) -> dict[tuple[str, Condition], int]:
    """How many leads there are in each condition, by what is stored."""
    codes = dict(durable.campaign_codes())
    found = Counter((codes[lead.pool], condition(lead)) for lead in durable.leads.values())
    found.update((codes[lead.pool], FRESH) for lead in durable.fresh.values())
    return dict(found)


def told_by(events: list[Event]) -> Condition:
    """The condition that a lead is counted in by its history: forgetting its person changes only how it is shown."""
    at = FRESH
    for event in events:
        after = condition_after(event)
        forgotten = after.closure == "anonymized" and at.closure is not None
        at = at._replace(anonymised=True) if forgotten else after
    return at
