"""The work of agents: next, take, finish, heartbeat, resolve (SPEC 3, 5, 6, 7)."""

from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from .activity_model import Latest, Logged
from .blocking import as_dropped, block_number, drop_at_once
from .commands import EndLease, Finish, Heartbeat, Next, Resolve, StopWaiting, Take
from .errors import Conflict, Invalid, LeaseEnded, NotAllowed, UnknownLease
from .leases import check_take, lease, need_worker, offer_of, oldest_when_full, priority_of_lead, try_next, wake_ms
from .model import DIALABLE, Ended, Lead, Lease, Status
from .outcomes import (
    CONVERSATIONS,
    Verdict,
    cancelled,
    close,
    end_lease,
    end_uncalled,
    later,
    redial,
    resolved,
    said_by,
    unreached,
    unresolved,
    with_conversation,
)
from .privacy import awaits_erasure, put_erased
from .redials import forced_in_words, settle
from .replies import Finished, NoLead, Offer, Served, Waiting
from .setup_model import Agent
from .sight import sight_of
from .state import State
from .tokens import parse_token
from .transitions import need_status, need_unleased


def next_lead(state: State, command: Next) -> Offer | NoLead | Waiting:
    """SPEC 2, R3.6, R5.5."""
    agent = state.agents.need(command.agent)
    need_worker(agent)
    if agent.no in state.waiting.by_agent:
        supersede(state, agent, "superseded")
    full = oldest_when_full(state, agent)
    if full is not None:
        return full
    answer = try_next(state, sight_of(state, agent), agent, command.token, count=command.count)
    if command.wait and isinstance(answer, NoLead):
        sight = sight_of(state, agent)
        waiter = state.waiting.add(agent.no, command.waiter, command.token, count=command.count)
        state.waiting.watch(waiter, sight.queues(), wake_ms(state, sight, agent))
        return Waiting(command.waiter)
    return answer


def supersede(state: State, agent: Agent, reason: str) -> None:
    """Answer the agent's waiting `next`, if there is one, with none."""
    waiter = state.waiting.by_agent.get(agent.no)
    if waiter is not None:
        state.waiting.drop(waiter)
        state.served.append(Served(agent.code, waiter.waiter, NoLead(reason)))


def stop_waiting(state: State, command: StopWaiting) -> None:
    """The caller has gone; a waiter that was served, or superseded, is not touched."""
    agent = state.agents.need(command.agent)
    waiter = state.waiting.by_agent.get(agent.no)
    if waiter is not None and waiter.waiter == command.waiter:
        state.waiting.drop(waiter)


def serve_waiting(state: State) -> None:
    """Try those who wait and may have something now, in the order they came (SPEC R5.5)."""
    waiting = state.waiting
    if not waiting:
        return
    for waiter in waiting.awake(state.now_ms, state.world):
        agent = state.agents.by_no[waiter.agent]
        sight = sight_of(state, agent)
        answer = oldest_when_full(state, agent) or try_next(state, sight, agent, waiter.token, count=waiter.count)
        if isinstance(answer, Offer):
            waiting.drop(waiter)
            state.served.append(Served(agent.code, waiter.waiter, answer))
        else:
            sight = sight_of(state, agent)
            waiting.watch(waiter, sight.queues(), wake_ms(state, sight, agent))


def take(state: State, command: Take) -> Offer:
    """SPEC R3.8: a chosen lead; every rule but order and due time holds."""
    agent = state.agents.need(command.agent)
    need_worker(agent, session=not command.override)
    if len(state.leases.get(agent.no, ())) >= state.settings.leases_per_agent:
        raise Conflict(f"agent {agent.code} holds {state.settings.leases_per_agent} lease(s) already")
    lead = state.open_lead(command.lead)
    need_unleased(lead)
    need_status(lead, DIALABLE)
    overridden = check_take(state, agent, as_dropped(state, lead), override=command.override)
    lead = drop_at_once(state, lead)
    note = f"override by {command.by}" if command.override else ""
    offer = lease(state, lead, agent, command.token, 0, priority_of_lead(state, lead), note=note, overridden=overridden)
    state.waiting.stir_agent(agent.no)
    return offer


def out_with(state: State, token: str) -> Lead | None:
    """The lead of a lease that is out; None when there is no such lease now, or never was."""
    lead_id, secret = parse_token(token)
    lead = state.leads.get(lead_id)
    return lead if lead is not None and lead.lease is not None and lead.lease.token == secret else None


def leased_by(state: State, token: str) -> Lead:
    """The lead of a lease that is out; raises `UnknownLease`, or `LeaseEnded` for the lead's last one."""
    lead = out_with(state, token)
    if lead is not None:
        return lead
    lead_id, secret = parse_token(token)
    lead = state.leads.get(lead_id)
    if lead is not None and lead.ended is not None and lead.ended.token == secret:
        raise LeaseEnded(f"the lease ended; lead {lead.id} is {lead.status.code}", status=lead.status.code)
    raise UnknownLease


def finish(state: State, command: Finish) -> Finished:
    """SPEC R5.3: outcome, attempt, status, next place and history together, or nothing."""
    lead = out_with(state, command.token)
    if lead is None or lead.lease is None:
        return _finished_before(state, command)
    return finish_lease(state, lead, lead.lease, command)


class Said(Struct, frozen=True, gc=False):
    """The activity that ends a lease, as it was logged (SPEC R13.5). `called`: it was a call to the lead."""

    latest: Latest
    logged: Logged
    called: bool


def finish_lease(state: State, lead: Lead, lease: Lease, command: Finish, said: Said | None = None) -> Finished:
    """End this lease with what happened; with `said`, with that activity instead of the finish's own."""
    agent = state.agents.by_no[lease.agent]
    number = number_dialled(lead, command.number, lease.number)
    verdict = _verdict(state, lead, lease, number, command, said)
    actor = f"agent:{agent.code}" if said is None else command.by
    trigger = command.outcome if said is None or said.called else "activity"
    logged = None if said is None else said.logged
    new = apply_verdict(state, lead, verdict, trigger, actor, number, command.note, logged)
    if command.data is not None and not awaits_erasure(lead):
        state.keep_data(lead.id, command.data)
    if verdict.block is not None:
        block_number(state, verdict.block, f"result {command.result}", actor, but=new)
    return Finished(new, verdict.nearby)


def number_dialled(lead: Lead, said: int | None, usual: int) -> int:
    """The number that was said to be dialled, if any was; raises `Invalid` unless it is the lead's."""
    number = usual if said is None else said
    if number not in lead.numbers:
        raise Invalid("number", "is not one of the lead's numbers")
    return number


def _verdict(state: State, lead: Lead, lease: Lease, number: int, command: Finish, said: Said | None) -> Verdict:
    agent, campaign = state.agents.by_no[lease.agent], state.campaigns.by_no[lead.campaign]
    ended = Ended(lease.token, command.digest, state.commit_no, None, command.next_token)
    if command.outcome == "cancelled":
        pause_until_ms = state.now_ms + campaign.dialer.cancel_pause_ms
        verdict = cancelled(lead, pause_until_ms)
        back = settle(state, replace(verdict.lead, lease=None, ended=ended))
        return replace(verdict, lead=back, cause=command.reason)
    latest = later(lead, said_by(campaign, lead, command), state.now_ms, agent.no) if said is None else said.latest
    if said is not None and not said.called:
        done = end_uncalled(lead, ended, number, latest)
    else:
        done = end_lease(state, lead, ended, number, talked=command.outcome in CONVERSATIONS, latest=latest)
    match command.outcome:
        case "resolved":
            return resolved(campaign, done, command, agent.no, number)
        case "redial":
            verdict = redial(state, campaign, done, command, agent)
            return replace(verdict, lead=replace(verdict.lead, ended=replace(ended, nearby=verdict.nearby)))
        case "unreached":
            return unreached(state, campaign, done, command.cause, number)
        case "unresolved":
            return unresolved(done, agent.no, state.now_ms)
    assert_never(command.outcome)


def apply_verdict(
    state: State,
    old: Lead,
    verdict: Verdict,
    trigger: str,
    actor: str,
    number: int,
    note: str,
    logged: Logged | None = None,
) -> Lead:
    """Make the lead what was decided, with its history; what expired meanwhile closes, what is to be erased goes."""
    if old.mark is not None and awaits_erasure(old):
        cause = "" if trigger == "cancelled" else verdict.cause  # an agent's words, else a code
        return put_erased(state, old, verdict.lead, trigger, actor, cause=cause)
    row, detail = verdict.lead, ""
    if state.pools[row.pool].expired_ms and not state.stays_open(row):
        row, detail = close(row, "expired"), "its pool has expired"
    elif row.promise is not None:
        detail = forced_in_words(old, row)
    new = state.put(
        old, row, trigger, actor, cause=verdict.cause, number=number, note=note, detail=detail, logged=logged
    )
    before, after = old.promise, new.promise
    if after is not None and after.released_ms is not None and (before is None or before.released_ms is None):
        # what was set or kept could not stay with its owner: the history says so in a line of its own
        return state.put(new, new, "released", "system", cause="owner_cannot_get_it")
    return new


def holder(state: State, token: str) -> Agent | None:
    """Who holds the lease; None when it is not out."""
    lead = out_with(state, token)
    return state.agents.by_no[lead.lease.agent] if lead is not None and lead.lease is not None else None


def following(state: State, agent: Agent, token: bytes) -> Offer | NoLead | None:
    """The lead after a finish (SPEC R5.8); None for an agent who can't have any."""
    if not agent.enabled or agent.session is None:
        return None
    supersede(state, agent, "superseded")
    return oldest_when_full(state, agent) or try_next(state, sight_of(state, agent), agent, token, count=False)


def _finished_before(state: State, command: Finish) -> Finished:
    lead_id, secret = parse_token(command.token)
    lead = state.leads.get(lead_id)
    if lead is None or lead.ended is None or lead.ended.token != secret:
        raise UnknownLease
    if not command.digest or lead.ended.digest != command.digest:
        raise LeaseEnded(f"the lease ended otherwise; lead {lead.id} is {lead.status.code}", status=lead.status.code)
    return Finished(lead, lead.ended.nearby, lease_with(state, lead.ended.next), lead.ended.commit_no)


def lease_with(state: State, token: bytes | None) -> Offer | None:
    """The lease with this token, if it is out. O(leases)."""
    if token is None:
        return None
    out = (state.need_lead(lead) for leads in state.leases.values() for _, lead in leads)
    found = next((lead for lead in out if lead.lease is not None and lead.lease.token == token), None)
    return None if found is None else offer_of(state, found)


def heartbeat(state: State, command: Heartbeat) -> Offer:
    """Move the timeout on (SPEC R5.2)."""
    lead = leased_by(state, command.token)
    assert lead.lease is not None
    new = replace(lead, lease=replace(lead.lease, beat_ms=state.now_ms))
    return offer_of(state, state.put_silently(lead, new))


def shift_leases(state: State, by_ms: int) -> None:
    """Move the clocks of all leases: engine time has jumped, and an agent's time with a lead has not (SPEC R5.2)."""
    leads = [state.need_lead(lead) for held in state.leases.values() for _, lead in held]
    pairs = [(lead, lead.lease) for lead in leads if lead.lease is not None]
    for lead, lease_out in sorted(pairs, key=lambda pair: (pair[1].started_ms, pair[0].id)):
        moved = replace(lease_out, started_ms=lease_out.started_ms + by_ms, beat_ms=lease_out.beat_ms + by_ms)
        state.put_silently(lead, replace(lead, lease=moved))
    state.timers.settings_changed()  # put back one by one, the first of several is never seen to become the head


def end_by_hand(state: State, command: EndLease) -> Lead:
    """A supervisor ends a stuck lease, or the runtime one that could not be delivered (SPEC R5.5)."""
    lead = leased_by(state, command.token)
    if command.outcome == "unresolved":
        return end_as_unresolved(state, lead, "ended", command.by)
    assert lead.lease is not None
    dialer = state.campaigns.by_no[lead.campaign].dialer
    verdict = cancelled(lead, state.now_ms + dialer.cancel_pause_ms)
    ended = Ended(lead.lease.token, 0, state.commit_no)
    back = settle(state, replace(verdict.lead, lease=None, ended=ended))
    verdict = Verdict(back, "client_gone" if command.gone else "ended_by_hand")
    return apply_verdict(state, lead, verdict, "cancelled", command.by, 0, "")


def end_as_unresolved(state: State, lead: Lead, trigger: str, actor: str, effective_ms: int | None = None) -> Lead:
    """A lease that ends without a finish: unresolved, with the attempt counted (SPEC R5.2, R6.1)."""
    assert lead.lease is not None
    at_ms = state.now_ms if effective_ms is None else effective_ms
    done = end_lease(state, lead, Ended(lead.lease.token, 0, state.commit_no), lead.lease.number)
    verdict = unresolved(done, lead.lease.agent, at_ms)
    if awaits_erasure(lead):
        return put_erased(state, lead, verdict.lead, trigger, actor, effective_ms=at_ms)
    row = verdict.lead if state.stays_open(verdict.lead) else close(verdict.lead, "expired")
    return state.put(lead, row, trigger, actor, number=lead.lease.number, effective_ms=at_ms)


def resolve(state: State, command: Resolve) -> Lead:
    """SPEC R7.5: settle an unresolved lead; no attempt is counted."""
    lead = state.open_lead(command.lead)
    need_unleased(lead)
    need_status(lead, frozenset({Status.UNRESOLVED}))
    assert lead.unresolved is not None
    agent = state.agents.by_no[lead.unresolved.agent]
    if command.agent is not None and command.agent != agent.code:
        raise NotAllowed(f"lead {lead.id} is unresolved by another agent")
    campaign = state.campaigns.by_no[lead.campaign]
    number = lead.numbers[lead.number_at]
    said = replace(lead, latest=later(lead, said_by(campaign, lead, command), state.now_ms, agent.no))
    called = with_conversation(said) if command.outcome in CONVERSATIONS else said
    match command.outcome:
        case "resolved":
            verdict = resolved(campaign, called, command, agent.no, number)
        case "redial":
            verdict = redial(state, campaign, called, command, agent)
        case "unreached":
            verdict = unreached(state, campaign, said, command.cause, number)
        case _:
            assert_never(command.outcome)
    new = apply_verdict(state, lead, verdict, "resolve", command.by, number, command.note)
    if command.data is not None:
        state.keep_data(lead.id, command.data)
    if verdict.block is not None:
        block_number(state, verdict.block, f"result {command.result}", command.by, but=new)
    return new
