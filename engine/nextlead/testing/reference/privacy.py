"""Forgetting people (SPEC 10.6, 10.7)."""

from nextlead.core.commands import Anonymise, Erased, Forget
from nextlead.core.errors import Conflict
from nextlead.core.replies import Anonymised

from . import changes
from .blocking import close_or_mark
from .conditions import write_line
from .records import Lead
from .world import World


def anonymise(world: World, command: Anonymise) -> Anonymised:
    """R10.6: open leads close, leased ones at the end of their lease; closed ones keep their former closure beside it.

    Do-not-call entries of the numbers are forgotten with them: from now on the hash says no. R9.7: open leads that have
    one of the numbers are among them in any case. Refused when a lead closed since the caller looked.
    """
    known = {row.id for row in command.rows}
    having = [lead.id for lead in world.leads.values() if lead.open and set(lead.numbers) & set(command.numbers)]
    ids = list(dict.fromkeys([*command.leads, *having]))
    for each in ids:
        if each not in known and (each not in world.leads or not world.leads[each].open):
            raise Conflict(f"lead {each} has closed meanwhile")
    world.forgotten |= set(command.numbers)
    world.blocked -= set(command.numbers)
    world.blocked_globally -= set(command.numbers)
    closed = marked = 0
    for lead in [world.leads[each] for each in ids]:
        if lead.closure == "anonymized":
            continue
        close_as_anonymized(world, lead, by=command.by)
        marked += lead.open
        closed += not lead.open
    return Anonymised(closed, marked)


def close_as_anonymized(world: World, lead: Lead, *, by: str) -> None:
    """R10.6, R1.5."""
    if lead.open:
        close_or_mark(world, lead, "anonymized", by=by)
    else:
        lead.former, lead.closure = lead.closure, "anonymized"
        write_line(world, lead, by=by)
    if not lead.open:
        changes.erase(world, lead)


def forget(world: World, command: Forget) -> Anonymised:
    """R10.7: closed leads lose their personal data and keep their closure. One that was reopened is left alone."""
    count = 0
    for row in command.rows:
        lead: Lead | None = world.leads.get(row.id)
        if lead is not None and not lead.open and not lead.erased:
            changes.erase(world, lead)
            count += 1
    return Anonymised(count, 0)


def erased(_world: World, _command: Erased) -> None:
    """The store has done it; nothing that the rules know of changes."""
