"""Histories of engine and model, compared (SPEC R1.3)."""

from typing import Any

from model.counted import same
from model.durable import Durable

from nextlead.core.conditions import FRESH, Condition, condition_after, condition_before
from nextlead.core.model import Event
from nextlead.testing import ReferenceModel


def compare_history(model: ReferenceModel, durable: Durable) -> None:
    """R1.3: each status change with its times, actor, closure and owner."""
    for lead in model.world.leads.values():
        exact = not durable.slice_leads
        events = durable.events.get(lead.id, [])
        ours = [
            (*times(line, line.after, exact=exact), line.actor, line.before, line.after, line.owner)
            for line in lead.history
            if line.before != line.after
        ]
        theirs = [
            (*times(e, condition_after(e), exact=exact), e.actor, *conditions(e), durable.owners[e.owner])
            for e in events
            if condition_before(e) != condition_after(e)
        ]
        same(f"history of lead {lead.id}", ours, theirs)
        check_chain(lead.id, events)


def check_chain(lead: int, events: list[Event]) -> None:
    """Where one line of history ends the next one begins, and the first one at a lead that nobody has touched."""
    at = FRESH
    for event in events:
        assert condition_before(event) == at, f"lead {lead} was {at}, and {event} says another thing"
        at = condition_after(event)


def conditions(event: Event) -> tuple[Condition, Condition]:
    """Before and after."""
    return condition_before(event), condition_after(event)


def times(line: Any, after: Condition, *, exact: bool) -> tuple[int, ...]:
    """When it was written, and when it was effective. What is done in slices is written later (R8.3)."""
    if exact:
        return line.at_ms, line.effective_ms
    return () if after.closure in ("do_not_call", "global_do_not_call") else (line.effective_ms,)
