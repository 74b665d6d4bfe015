"""Calls of an agent's work: next, take, finish, heartbeat, resolve.

`next` and `finish` are the hot path: no log line, no extra read, no lock between them and the dialer.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import UNSET

from nextlead.core.commands import Command, Finish, Heartbeat, Resolve, Take
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError, UnknownLease
from nextlead.core.model import Lead
from nextlead.core.replies import Finished, NoLead, Offer
from nextlead.core.tokens import parse_token

from . import work_shapes as shapes
from .explaining import idle_now
from .fields import data_over, read_number, region_of
from .lead_shapes import LeaseView
from .lead_views import NO_DATA, lead_of, lease_view
from .leads import EDIT_TRIES, add_data, stored_lead
from .problems import forbidden
from .reading import ClientGone
from .reason_shapes import NoLeadView
from .services import Services
from .table import Access, Call, Caller, Keep, Reply, Route, tagged
from .values import Moment, enc_hook

_AGENT: Final = "/v1/agents/{code}"
_LEASE: Final = "/v1/leases/{token}"
NEXT: Final = f"{_AGENT}/next"
FINISH: Final = f"{_LEASE}/finish"
REASON: Final = "nextlead-reason"
TOKEN_BYTES: Final = 16
_canonical: Final = msgspec.msgpack.Encoder(enc_hook=enc_hook, order="deterministic")


# -- next and take --------------------------------------------------------------------------------------------------


async def next_lead(call: Call) -> Reply:
    """The best lead, leased; 204 and the reason when there is none (SPEC 2, R5.5).

    With `explain` a 200 says why there is none (SPEC R14.3), unless the agent has gone.
    """
    body: shapes.NextBody = call.body
    if body.wait:
        answer = await _waiting_next(call, body.wait)
    else:
        answer = await call.services.dialer.next(call.code(), count=call.query.explain, by=call.caller.by)
    if isinstance(answer, NoLead):
        return await _no_lead(call, answer)
    return Reply(200, await offered(call.services, answer))


async def offered(services: Services, offer: Offer) -> LeaseView:
    """An offer as its agent sees it."""
    return lease_view(services.engine, offer, await services.data.get_for_lease(offer.lead.id))


async def _no_lead(call: Call, answer: NoLead) -> Reply:
    headers = ((REASON, answer.reason),)
    if call.query.explain:
        with suppress(NextleadError):  # logged off, disabled or closing: the reason says it all
            return Reply(200, NoLeadView(await idle_now(call)), headers)
    return Reply(204, headers=headers)


async def _waiting_next(call: Call, wait_s: float) -> Offer | NoLead:
    """`next` that is given up when the client disconnects, so that the lead goes back (SPEC R5.5).

    A task group would have the answer wait for some turns of the loop, until the watch has ended.
    """
    this = asyncio.current_task()
    assert this is not None, "a call is one of the server's tasks"
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await call.receive())["type"] != "http.disconnect":
            pass
        gone = True
        this.cancel()

    watching = asyncio.get_running_loop().create_task(watch(), name="nextlead-client")
    try:
        return await call.services.dialer.next(call.code(), wait_s=wait_s, count=call.query.explain, by=call.caller.by)
    except asyncio.CancelledError:
        if gone and this.uncancel() == 0:  # nobody else wants it to end
            raise ClientGone from None
        raise
    finally:
        watching.cancel()


async def take(call: Call) -> object:
    """A chosen lead (SPEC R3.8)."""
    body: shapes.TakeBody = call.body
    if body.override and call.is_agent:
        raise forbidden(call.caller.role)
    command = Take(
        by=call.caller.by,
        agent=call.code(),
        lead=body.lead,
        token=secrets.token_bytes(TOKEN_BYTES),
        override=body.override,
    )
    view = await call.submit(command, lambda offer: lease_view(call.services.engine, offer, {}))
    await add_data(call, view.lead)
    return view


# -- leases ---------------------------------------------------------------------------------------------------------


def _leased(engine: Engine, caller: Caller, text: str) -> Lead | None:
    """The lead of a lease's token, None when it is not open (any more).

    Raises `UnknownLease` when the lease is out to another agent than the caller.
    """
    lead_id, token = parse_token(text)
    lead = engine.lead(lead_id)
    lease = lead.lease if lead is not None else None
    if lease is not None and caller.role == "agent" and lease.token == token and lease.agent != caller.agent_no:
        raise UnknownLease
    return lead


async def finish(call: Call) -> object:
    """End the lease with what happened; the same finish again gets the first answer (SPEC R5.3)."""
    body: shapes.FinishBody = call.body
    then = _keep_finished(call, body, call.keep)
    return await end_lease(call.services, call.caller, call.params["token"], body, then)


async def end_lease(
    services: Services,
    caller: Caller,
    token: str,
    body: shapes.FinishBody,
    then: Callable[[Finished], Command] | None = None,
) -> shapes.FinishedView:
    """The same, by what it takes. `then` is as in `Dialer.submit`."""
    engine = services.engine
    lead = _leased(engine, caller, token)
    command = Finish(
        by=caller.by,
        token=token,
        outcome=_tag(body),
        number=_number(engine, lead, body),
        next_token=secrets.token_bytes(TOKEN_BYTES) if body.next else None,
        digest=digest_of(body, engine.state.secret),
        data=await _new_data(services, lead, body.data) if lead is not None and body.data is not UNSET else None,
        **_outcome(body),
    )
    reply = await services.dialer.finish(command, then)
    following = reply.next.lead.id if isinstance(reply.next, Offer) else None
    return _finished(engine, body, reply, await services.data.get_at_end(reply.lead.id, following))


def _keep_finished(call: Call, body: shapes.Ending, keep: Keep | None) -> Callable[[Finished], Command] | None:
    return keep and (lambda reply: keep(call.route.status, _finished(call.services.engine, body, reply, {})))


def _finished(engine: Engine, body: shapes.Ending, reply: Finished, data: Mapping[int, bytes]) -> shapes.FinishedView:
    following = reply.next if isinstance(reply.next, Offer) else None
    view = shapes.FinishedView(lead_of(engine, reply.lead, data))
    if reply.nearby_redials is not None:
        view.nearby_redials = reply.nearby_redials
    if body.next:
        view.next = None if following is None else lease_view(engine, following, data)
        if following is None:
            view.next_reason = reply.next.reason if isinstance(reply.next, NoLead) else "no_lead"
    return view


def _tag(body: shapes.Outcome) -> Any:
    return type(body).__struct_config__.tag


def digest_of(body: shapes.Outcome, secret: bytes) -> int:
    """What identifies a finish: 63 bits of what it says, whatever the order of its keys; never 0.

    It is keyed: numbers and notes could be guessed by it, and it stays with the lead (SPEC R10.6).
    """
    return int.from_bytes(blake2b(_canonical.encode(body), key=secret, digest_size=8).digest(), "big") >> 1 or 1


def _number(engine: Engine, lead: Lead | None, body: shapes.Ending) -> int | None:
    if body.number is UNSET:
        return None
    return read_number(body.number, region_of(engine, lead.campaign if lead else 0), "number")


def _outcome(body: shapes.Outcome) -> dict[str, Any]:
    """The fields that finish and resolve have in common, but for data."""
    match body:
        case shapes.Unreached() | shapes.SettleUnreached():
            return {"note": body.note, "cause": body.cause}
        case shapes.Resolved() | shapes.SettleResolved():
            return {"note": body.note, "result": body.result}
        case shapes.Redial() | shapes.SettleRedial():
            return {"note": body.note, "kind": body.kind, "at_ms": body.at.ms, "force": body.force}
        case shapes.Cancelled():
            return {"note": body.note, "reason": body.reason}
        case _:
            return {"note": body.note}


async def _new_data(services: Services, lead: Lead, changes: dict[str, Any]) -> bytes:
    """The lead's data fields with the changes. If somebody else edits it while they are read, once more."""
    stored = NO_DATA
    for _ in range(EDIT_TRIES):
        seen = await services.dialer.read(partial(_version, lead.id))  # what was edited before can be read then
        stored = (await services.data.get((lead.id,))).get(lead.id, NO_DATA)
        if _version(lead.id, services.engine) == seen:
            break
    campaign = services.engine.campaigns.by_no[lead.campaign]
    return data_over(campaign.template.fields, region_of(services.engine, campaign.no), stored, changes)


def _version(lead: int, engine: Engine) -> int | None:
    row = engine.lead(lead)
    return None if row is None else row.version


async def heartbeat(call: Call) -> object:
    """Move the lease's timeout on (SPEC R5.2)."""
    _leased(call.services.engine, call.caller, call.params["token"])
    command = Heartbeat(by=call.caller.by, token=call.params["token"])
    return await call.submit(command, _beat)


def _beat(offer: Offer) -> shapes.HeartbeatView:
    return shapes.HeartbeatView(Moment(offer.expires_ms), offer.blocked)


async def lead_answer(call: Call, command: Command) -> shapes.LeadAnswer:
    """Carry out a command whose reply is a lead; the lead with its data."""
    view = await call.submit(command, lambda lead: shapes.LeadAnswer(lead_of(call.services.engine, lead, {})))
    await add_data(call, view.lead)
    return view


async def resolve(call: Call) -> object:
    """Settle an unresolved lead (SPEC R7.5)."""
    body: shapes.ResolveBody = call.body
    lead = (await stored_lead(call)).lead
    command = Resolve(
        by=call.caller.by,
        lead=lead.id,
        outcome=_tag(body),
        agent=call.caller.agent or None,
        data=None if body.data is UNSET else await _new_data(call.services, lead, body.data),
        **_outcome(body),
    )
    return await lead_answer(call, command)


_RESOLVE: Final = "/v1/leads/{id}/resolve"
_WHY_NOT: Final = {204: "No lead now; the header `Nextlead-Reason` says why."}
_NEXT: Final = Route(
    "POST",
    NEXT,
    Access.AGENT,
    "Lease the best lead",
    next_lead,
    shapes.NextBody,
    LeaseView,
    instead=NoLeadView,
    query=shapes.NextQuery,
    also=_WHY_NOT,
    own=True,
    repeatable=False,
)

ROUTES: Final = tagged(
    "Work",
    _NEXT,
    Route("POST", FINISH, Access.AGENT, "End a lease", finish, shapes.FinishBody, shapes.FinishedView),
    Route("POST", f"{_LEASE}/heartbeat", Access.AGENT, "Keep a lease", heartbeat, answer=shapes.HeartbeatView),
    Route("POST", f"{_AGENT}/take", Access.AGENT, "Lease a chosen lead", take, shapes.TakeBody, LeaseView, own=True),
    Route("POST", _RESOLVE, Access.AGENT, "Settle an unresolved lead", resolve, shapes.ResolveBody, shapes.LeadAnswer),
)
"""The hottest come first: addresses are tried in this order."""
