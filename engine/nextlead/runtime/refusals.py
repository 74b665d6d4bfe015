"""What the engine can't say of a lead that is not in memory, the archive can: closed or deleted, ended or unknown."""

from nextlead.core.commands import Command, EndLease, Heartbeat
from nextlead.core.engine import Engine
from nextlead.core.errors import LeaseEnded, NextleadError, NotFound
from nextlead.core.model import Lead
from nextlead.core.tokens import parse_token
from nextlead.ports import Archive


async def with_archive(archive: Archive, engine: Engine, command: Command, refusal: NextleadError) -> NextleadError:
    """The same refusal, or a truer one.

    A lease's last token gives `LeaseEnded`, as long as its lead is stored; a lead that was deleted is `NotFound`.
    """
    if isinstance(command, Heartbeat | EndLease):
        lead_id, token = parse_token(command.token)
        stored = await archive.lead(lead_id)
        if stored is not None and stored.lead.ended is not None and stored.lead.ended.token == token:
            return lease_ended(stored.lead)
        return refusal
    lead = getattr(command, "lead", None)
    if isinstance(lead, int) and engine.lead(lead) is None and await archive.lead(lead) is None:
        return NotFound("lead", lead)
    return refusal


def lease_ended(lead: Lead) -> LeaseEnded:
    """Names the lead's present status (SPEC R1.4)."""
    return LeaseEnded(f"the lease ended; lead {lead.id} is {lead.status.code}", status=lead.status.code)
