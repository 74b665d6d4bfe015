"""In which conditions leads are, and how many (SPEC 13): every count is a count of all leads."""

from nextlead.core.activity_model import Activity
from nextlead.core.conditions import Condition
from nextlead.core.model import Status

from .records import Lead, Line
from .world import World

FIRST = Condition(Status.UNPROCESSED)


def shown(lead: Lead) -> Condition:
    """As the lead is shown: an anonymised one as that."""
    activity = lead.latest.kind if lead.latest else Activity.NONE
    return Condition(lead.status, lead.closure, lead.rule if lead.closure == "not_accepted" else "", activity)


def counted(lead: Lead) -> Condition:
    """R10.6: counters stay with the former closure."""
    found = shown(lead)
    if lead.former is None:
        return found
    rule = lead.rule if lead.former == "not_accepted" else ""
    return found._replace(closure=lead.former, rule=rule, anonymised=True)


def counts(world: World, campaign: str | None = None, pool: int | None = None) -> dict[tuple[str, Condition], int]:
    """Leads, open and closed, by campaign and condition."""
    found: dict[tuple[str, Condition], int] = {}
    for lead in world.leads.values():
        if campaign in (None, lead.campaign) and pool in (None, lead.pool):
            key = (lead.campaign, counted(lead))
            found[key] = found.get(key, 0) + 1
    return found


def write_line(world: World, lead: Lead, *, by: str, effective_ms: int | None = None) -> None:
    """R1.3: where the last line ended this one begins."""
    before = lead.history[-1].after if lead.history else FIRST
    effective_ms = world.now_ms if effective_ms is None else effective_ms
    lead.history.append(Line(world.now_ms, effective_ms, by, before, shown(lead), lead.owner))
