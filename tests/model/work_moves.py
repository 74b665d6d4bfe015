"""What agents do: sessions, next, take, finishes, resolve."""

from typing import Any

from hypothesis import strategies as st
from model import moves
from model.moves import MINUTE, Draw, mostly, some_lead, some_token, sometimes
from model.shop import Shop

from nextlead.core import commands as c
from nextlead.core.model import DIALABLE
from nextlead.core.tokens import token_text
from nextlead.testing.reference import Offered

# -- sessions -------------------------------------------------------------------------------------------------------


def session(shop: Shop, draw: Draw) -> None:
    agent = draw(moves.agents)
    cross = draw(st.sampled_from((None, True, False)))
    shop.do(c.PutSession(agent=agent, campaigns=draw(moves.campaign_sets), cross=cross, by=f"agent:{agent}"))


def back_to_work(shop: Shop, draw: Draw) -> None:
    """Whoever can't work can again, with all that may be selected."""
    for agent in shop.world.agents.values():
        if not agent.enabled:
            shop.do(c.PutAgent(code=agent.code, enabled=True, by="admin"))
        can = tuple(code for code in agent.campaigns if shop.world.campaigns[code].active)
        if agent.session is None:
            shop.do(c.PutSession(agent=agent.code, campaigns=can, cross=draw(st.booleans()), by=agent.owner))


def log_off(shop: Shop, draw: Draw) -> None:
    agent = draw(moves.agents)
    shop.do(c.EndSession(agent=agent, by=f"agent:{agent}"))


# -- next, take, wait -----------------------------------------------------------------------------------------------


def next_(shop: Shop, draw: Draw) -> None:
    agent = draw(moves.agents)
    shop.do(c.Next(agent=agent, token=shop.token(), count=draw(st.booleans()), by=f"agent:{agent}"))


def wait(shop: Shop, draw: Draw) -> None:
    agent, token = draw(moves.agents), shop.token()
    shop.do(c.Next(agent=agent, token=token, wait=True, waiter=shop.tokens, by=f"agent:{agent}"))


def everybody_waits(shop: Shop, draw: Draw) -> None:
    for agent in draw(st.permutations(moves.AGENTS)):
        token = shop.token()
        shop.do(c.Next(agent=agent, token=token, wait=True, waiter=shop.tokens, by=f"agent:{agent}"))


def stop_waiting(shop: Shop, draw: Draw) -> None:
    waiters = [(waiter.agent, waiter.id) for waiter in shop.world.waiters]
    agent, waiter = draw(st.sampled_from([*waiters, ("ann", 0)]))
    shop.do(c.StopWaiting(agent=agent, waiter=waiter))


def take(shop: Shop, draw: Draw) -> None:
    lead = some_lead(draw, shop.both, wanted=lambda lead: lead.status in DIALABLE and not lead.lease)
    agent, override = draw(moves.agents), draw(st.booleans())
    shop.do(c.Take(agent=agent, lead=lead, token=shop.token(), override=override, by=f"agent:{agent}"))


# -- leases ---------------------------------------------------------------------------------------------------------


def heartbeat(shop: Shop, draw: Draw) -> None:
    token, agent = some_token(draw, shop.both)
    shop.do(c.Heartbeat(token=token, by=f"agent:{agent}"))


def end_lease(shop: Shop, draw: Draw) -> None:
    token, _ = some_token(draw, shop.both)
    outcome, gone = draw(st.sampled_from(("cancelled", "unresolved"))), draw(st.booleans())
    shop.do(c.EndLease(token=token, outcome=outcome, gone=gone, by="supervisor:eve"))


def outcome(shop: Shop, draw: Draw) -> dict[str, Any]:
    """The fields of a finish: unreached and promises more often than the rest."""
    match draw(st.sampled_from(("unreached", "unreached", "promise", "promise", "redial", "resolved", "other"))):
        case "unreached":
            return {"outcome": "unreached", "cause": draw(moves.causes)}
        case "promise":
            at_ms = shop.both.now_ms + draw(st.integers(1, 30)) * MINUTE
            kind, force = draw(st.sampled_from(("private", "vip"))), not sometimes(draw)
            return {"outcome": "redial", "kind": kind, "at_ms": at_ms, "force": force}
        case "redial":
            kind, force = draw(moves.kinds), draw(st.booleans())
            return {"outcome": "redial", "kind": kind, "at_ms": moves.promised_at(draw, shop.both), "force": force}
        case "resolved":
            return {"outcome": "resolved", "result": draw(st.sampled_from(moves.RESULTS))}
        case _:
            return {"outcome": draw(st.sampled_from(("cancelled", "cancelled", "unresolved")))}


def finish(shop: Shop, draw: Draw, token: str, agent: str) -> Any:
    """A finish, with the next lead at times, with a number of the lead's at times."""
    fields = outcome(shop, draw)
    if sometimes(draw):
        fields["next_token"] = shop.token()
    if sometimes(draw):
        fields["number"] = draw(st.sampled_from(numbers_of(shop, token)))
    command = c.Finish(token=token, digest=len(shop.finished) + 1, by=f"agent:{agent}", **fields)
    shop.finished.append(command)
    return shop.do(command)


def numbers_of(shop: Shop, token: str) -> list[int]:
    """The numbers of the token's lead, and one that is not."""
    head = token.partition("-")[0]
    lead = shop.world.leads.get(int(head, 16)) if head.isalnum() and head != "nothing" else None
    return [*(lead.given if lead else ()), moves.PHONES[0]]


def finish_one(shop: Shop, draw: Draw) -> None:
    finish(shop, draw, *some_token(draw, shop.both))


def finish_again(shop: Shop, draw: Draw) -> None:
    """R5.3: the same finish twice."""
    if shop.finished:
        shop.do(draw(st.sampled_from(shop.finished[-4:])))


def call(shop: Shop, draw: Draw) -> None:
    """A whole call: the next lead, some time, the finish."""
    agent = draw(moves.agents)
    offered = shop.do(c.Next(agent=agent, token=shop.token(), by=f"agent:{agent}"))
    if isinstance(offered, Offered):
        shop.both.now_ms += draw(st.sampled_from((0, 0, 1, 30_000)))
        finish(shop, draw, token_text(offered.lead, offered.token), agent)


def resolve(shop: Shop, draw: Draw) -> None:
    lead = some_lead(draw, shop.both, wanted=lambda lead: lead.unresolved)
    locked = shop.both.model.lead(lead)
    agent = locked.unresolved.agent if locked and locked.unresolved and mostly(draw) else draw(moves.agents)
    fields = outcome(shop, draw)
    if fields["outcome"] in ("cancelled", "unresolved"):
        fields = {"outcome": "unreached", "cause": draw(moves.causes)}
    itself = draw(st.booleans())
    by = f"agent:{agent}" if itself else "supervisor:eve"
    shop.do(c.Resolve(lead=lead, agent=agent if itself else None, by=by, **fields))


BETWEEN_MOVES = (call, call, next_, finish_one, wait, everybody_waits, end_lease, heartbeat, stop_waiting)
"""What needs no lead that may be about to go."""

MOVES = (
    *(call,) * 5,
    *(next_,) * 3,
    *(finish_one,) * 5,
    *(wait, everybody_waits, take, resolve, resolve, back_to_work, back_to_work),
    *(session, log_off, stop_waiting, heartbeat, end_lease, finish_again),
)
