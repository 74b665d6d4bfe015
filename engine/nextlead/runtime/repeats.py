"""A finish sent again gets the first answer, after the lead has left memory too (SPEC R5.3)."""

from collections.abc import Awaitable, Callable
from hashlib import blake2b

from msgspec import msgpack

from nextlead.core.commands import Finish
from nextlead.core.engine import Engine
from nextlead.core.errors import UnknownLease
from nextlead.core.replies import Finished, Offer
from nextlead.core.tokens import parse_token
from nextlead.core.work import lease_with
from nextlead.ports import Archive

from .refusals import lease_ended

Read = Callable[[Callable[[Engine], Offer | None]], Awaitable[Offer | None]]
"""`Dialer.read`."""


def digest_of(command: Finish, secret: bytes) -> int:
    """What identifies a finish apart from its token: 63 bits over all that it says; never 0.

    It is keyed: numbers and notes could be guessed by it, and it stays with the lead (SPEC R10.6).
    """
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
    return int.from_bytes(blake2b(msgpack.encode(body), key=secret, digest_size=8).digest(), "big") >> 1 or 1


async def first_answer(archive: Archive, read: Read, command: Finish) -> Finished:
    """The answer that this finish got when it first came; the lease that it also gave, if that is still out (R5.8).

    Raises `LeaseEnded` when the lease ended otherwise, `UnknownLease` when the token is none of the lead's last lease.
    """
    lead_id, token = parse_token(command.token)
    stored = await archive.lead(lead_id)
    ended = stored.lead.ended if stored is not None else None
    if stored is None or ended is None or ended.token != token:
        raise UnknownLease
    if ended.digest != command.digest:
        raise lease_ended(stored.lead)
    lead = await archive.lead_at(ended.commit_no, lead_id)
    following = await read(lambda engine: lease_with(engine.state, ended.next))
    return Finished(lead or stored.lead, ended.nearby, following, ended.commit_no)
