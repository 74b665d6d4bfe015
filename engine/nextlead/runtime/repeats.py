"""A finish sent again gets the first answer, after the lead has left memory too (SPEC R5.3)."""

from hashlib import blake2b

from msgspec import msgpack

from nextlead.core.commands import Finish
from nextlead.core.errors import LeaseEnded, UnknownLease
from nextlead.core.replies import Finished
from nextlead.core.tokens import parse_token
from nextlead.ports import Archive


def digest_of(command: Finish) -> int:
    """What identifies a finish apart from its token: 63 bits over all that it says; never 0."""
    body = (
        command.outcome,
        command.result,
        command.kind,
        command.at_ms,
        command.force,
        command.cause,
        command.reason,
        command.note,
        command.data,
        command.number,
        command.next_token is not None,
    )
    return int.from_bytes(blake2b(msgpack.encode(body), digest_size=8).digest(), "big") >> 1 or 1


async def first_answer(archive: Archive, command: Finish) -> Finished:
    """The answer that this finish got when it first came.

    Raises `LeaseEnded` when the lease ended otherwise, `UnknownLease` when the token is none of the lead's last lease.
    """
    lead_id, token = parse_token(command.token)
    stored = await archive.lead(lead_id)
    ended = stored.lead.ended if stored is not None else None
    if stored is None or ended is None or ended.token != token:
        raise UnknownLease
    if ended.digest == 0 or ended.digest != command.digest:
        raise LeaseEnded
    lead = await archive.lead_at(ended.commit_no, lead_id)
    return Finished(lead=lead or stored.lead, nearby_redials=ended.nearby, commit_no=ended.commit_no)
