"""One action for many leads (SPEC R10.1): what each command would do alone, refusals counted."""

from collections.abc import Callable

from msgspec.structs import replace

from .blocking import remove
from .commands import EditLead, EditLeads, Release, Remove, Reopen
from .errors import Invalid, NextleadError
from .lead_edits import check_own_priority, edit_lead, owner_of, release_one, reopen
from .replies import Bulk
from .state import State


def edit_leads(state: State, command: EditLeads) -> Bulk:
    """Each lead once, in the order given. O(leads * log n). What is wrong for every lead is refused as a whole."""
    edit = _edit_of(state, command)
    done, refused = 0, dict[str, int]()
    for lead in dict.fromkeys(command.leads):
        try:
            edit(lead)
        except NextleadError as refusal:
            refused[refusal.code] = refused.get(refusal.code, 0) + 1
        else:
            done += 1
    return Bulk(done, refused)


def _edit_of(state: State, command: EditLeads) -> Callable[[int], object]:
    by = command.by
    match command.action:
        case "remove":
            return lambda lead: remove(state, Remove(lead=lead, by=by))
        case "release":
            return lambda lead: release_one(state, Release(lead=lead, by=by))
        case "reopen":
            rows = {row.id: row for row in command.rows}
            return lambda lead: reopen(state, Reopen(lead=lead, row=rows.get(lead), by=by))
        case "priority":
            check_own_priority(command.priority)
            edit = EditLead(lead=0, priority=command.priority, by=by)
        case "owner":
            owner_of(state, command.owner)
            edit = EditLead(lead=0, owner=command.owner, by=by)
        case _:
            raise Invalid("action", "must be remove, release, reopen, priority or owner")
    return lambda lead: edit_lead(state, replace(edit, lead=lead))
