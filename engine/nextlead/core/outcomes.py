"""What a finish, or a lease's end without one, makes of a lead: SPEC 5, 6, 7 as functions from row to row.

Nothing here changes the state; a function either answers the next row or refuses.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from .activity_model import Activity, Latest
from .commands import Finish, Resolve
from .errors import Invalid, NotAllowed
from .model import CAUSES, REDIAL_KINDS, Call, Ended, Lead, Status, Unresolved
from .redials import check_slot, check_time, nearby, set_redial, settle
from .setup_model import DEFAULT_RETRY, Agent, Campaign, TemplateResult
from .state import State

CONVERSATIONS: Final = frozenset({"resolved", "redial"})
"""Outcomes for which somebody must have talked (SPEC R12.1)."""


class Verdict(Struct, frozen=True, gc=False):
    """The next row and what else the outcome asks for: a number to block, redials nearby, a word for the history."""

    lead: Lead
    cause: str = ""
    block: int | None = None
    nearby: int | None = None


def close(lead: Lead, closure: str) -> Lead:
    """The row, closed (SPEC R1.2)."""
    return replace(
        lead,
        status=Status.CLOSED,
        closure=closure,
        urgent=None,
        unresolved=None,
        mark=None,
        promise=None,
        dropping=(),
        validating=None,
        seller=0,
    )


def without_number(lead: Lead, number: int) -> Lead:
    """The row without one of its numbers; if that was next, it goes on with the one after it (SPEC R6.4, R10.3)."""
    at = lead.numbers.index(number)
    numbers = lead.numbers[:at] + lead.numbers[at + 1 :]
    number_at = lead.number_at - 1 if at < lead.number_at else lead.number_at
    return replace(
        lead,
        numbers=numbers,
        dialled=lead.dialled[:at] + lead.dialled[at + 1 :],
        dropped=(*lead.dropped, number),
        number_at=number_at % len(numbers) if numbers else 0,
    )


def without_dropping(lead: Lead) -> Lead:
    """The row without the numbers that waited for the end of its lease (SPEC R10.3); another one is always left."""
    for number in lead.dropping:
        lead = without_number(lead, number)
    return replace(lead, dropping=()) if lead.dropping else lead


_SAID_BY_CATEGORY: Final = {
    "success": Activity.SOLD,
    "negative": Activity.NO_SALE,
    "invalid": Activity.WRONG_NUMBER,
}
_SAID_BY_CAUSE: Final = {"voicemail": Activity.LEFT_A_VOICEMAIL, "invalid_number": Activity.WRONG_NUMBER}
_NO_ANSWER: Final = Activity.NO_ANSWER  # members looked up in their class are slow, and every finish needs one
_IN_PROGRESS: Final = Activity.SALE_IN_PROGRESS


def said_by(campaign: Campaign, lead: Lead, command: Finish | Resolve) -> Activity:
    """The activity that a finish is (SPEC R13.5). What waits for validation is not sold yet."""
    if command.outcome == "unreached":
        return _SAID_BY_CAUSE.get(command.cause or "", _NO_ANSWER)
    if command.outcome != "resolved":
        return _IN_PROGRESS
    return said_by_result(need_result(campaign, command.result), validated=lead.mark is not None)


def said_by_result(result: TemplateResult, *, validated: bool = False) -> Activity:
    """The same of a result."""
    return _SAID_BY_CATEGORY[result.category] if validated or not result.validation else _IN_PROGRESS


def later(lead: Lead, kind: Activity, at_ms: int, agent: int) -> Latest:
    """The lead's latest activity after this one: that which happened later (SPEC R13.3)."""
    latest = lead.latest
    return latest if latest is not None and latest.at_ms > at_ms else Latest(kind, at_ms, agent)


def end_lease(
    state: State, lead: Lead, ended: Ended, number: int, *, talked: bool = False, latest: Latest | None = None
) -> Lead:
    """The row without its lease, with the attempt counted for the lead and the number (SPEC R6.1, R12.1).

    `talked`: it was a conversation that ends now. `latest` is the activity that it was, if anybody said which. A
    promise that stands was forced for this call only (SPEC R4.2).
    """
    assert lead.lease is not None
    now_ms, promise = state.now_ms, lead.promise
    if promise is not None and promise.forced_by:
        promise = replace(promise, forced_by="")
    at = lead.numbers.index(number)
    counts = list(lead.dialled) or [0] * len(lead.numbers)
    counts[at] += 1
    call = Call(lead.lease.started_ms, number, now_ms if talked else 0)
    done = replace(
        lead,
        lease=None,
        attempts=lead.attempts + 1,
        dialled=tuple(counts),
        number_at=at,
        promise=promise,
        urgent=None,
        ended=ended,
        pauses=tuple(pause for pause in lead.pauses if pause[1] > now_ms) if lead.pauses else (),
        calls=state.contacts.with_call(lead.calls, call, now_ms),
        latest=latest or lead.latest,
    )
    return without_dropping(done) if done.dropping else done


def end_uncalled(lead: Lead, ended: Ended, number: int, latest: Latest) -> Lead:
    """The row without its lease, which ends by something else than a call: no attempt is counted."""
    done = replace(unforced(lead), lease=None, urgent=None, ended=ended, latest=latest)
    return without_dropping(replace(done, number_at=lead.numbers.index(number)))


def unforced(lead: Lead) -> Lead:
    """The row after the call that a promise was forced for (SPEC R4.2)."""
    promise = lead.promise
    if promise is None or not promise.forced_by:
        return lead
    return replace(lead, promise=replace(promise, forced_by=""))


def with_conversation(lead: Lead) -> Lead:
    """The row of an unresolved lead whose last call turns out to have been a conversation (SPEC R12.1).

    It ended when the lead became unresolved.
    """
    assert lead.unresolved is not None
    if not lead.calls:
        return lead
    talked = replace(lead.calls[-1], talked_ms=lead.unresolved.since_ms)
    return replace(lead, calls=(*lead.calls[:-1], talked))


def need_result(campaign: Campaign, code: str | None) -> TemplateResult:
    """A result of the campaign's template."""
    found = next((result for result in campaign.template.results if result.code == code), None)
    if found is None:
        codes = ", ".join(result.code for result in campaign.template.results)
        raise Invalid("result", f"must be one of the campaign's results: {codes}")
    return found


def resolved(campaign: Campaign, lead: Lead, command: Finish | Resolve, agent: int, number: int) -> Verdict:
    """An agent's result. A mark gives way to a success only (SPEC R1.5)."""
    result = need_result(campaign, command.result)
    block = number if result.do_not_call else None
    if lead.mark is not None and result.category != "success":
        return Verdict(close(lead, lead.mark), result.code, block)
    if result.validation and lead.mark is None:
        waiting = replace(lead, status=Status.PENDING_VALIDATION, validating=result.code, seller=agent)
        return Verdict(replace(waiting, promise=None, unresolved=None), result.code, block)
    return Verdict(close(lead, result.code), result.code, block)


def redial(state: State, campaign: Campaign, lead: Lead, command: Finish | Resolve, agent: Agent) -> Verdict:
    """A redial that an agent sets (SPEC R4.1, R4.2, R4.10)."""
    if command.kind is None:
        raise Invalid("kind", "a redial is common, private or vip")
    if command.at_ms is None:
        raise Invalid("at", "a redial has a promised time")
    by_agent = isinstance(command, Finish) or command.agent is not None
    if by_agent and command.kind not in agent.may_set:
        raise NotAllowed(f"agent {agent.code} may not set {command.kind} redials", permission=command.kind)
    forced = check_time(state, lead, command.at_ms, force=command.force)
    kind = REDIAL_KINDS[command.kind]
    found = nearby(state, agent.no, command.at_ms, lead.id)
    check_slot(campaign, kind, found)
    if lead.mark is not None:
        return Verdict(close(lead, lead.mark), "redial not set")
    new = set_redial(lead, kind, command.at_ms, agent.no, command.by if forced else "")
    new = replace(new, retries=())  # R6.2: they start anew
    return Verdict(settle(state, new), command.kind, nearby=found)


def unreached(
    state: State, campaign: Campaign, lead: Lead, cause: str | None, number: int, *, limited: bool = True
) -> Verdict:
    """Nobody was reached: the next try, or the end (SPEC R6.2 to R6.6, R4.7); without `limited` whatever R6.3 says.

    The number dialled may be gone already (`without_dropping`); then the one after it is next in any case.
    """
    if cause not in CAUSES:
        raise Invalid("cause", f"must be one of {', '.join(CAUSES)}")
    if lead.mark is not None:
        return Verdict(close(lead, lead.mark), cause)
    new = _next_number(campaign, lead, cause, number)
    if not new.numbers:
        return Verdict(close(new, "invalid_phone_number"), cause)
    most = campaign.dialer.max_attempts
    if limited and most is not None and lead.attempts >= most:
        return Verdict(close(new, "max_call_attempts"), cause)
    retries = list(lead.retries) or [0] * len(CAUSES)
    at = CAUSES.index(cause)
    retries[at] += 1
    wait_ms = interval_ms(campaign.dialer.retry.get(cause) or DEFAULT_RETRY[cause], retries[at])
    status = Status.AUTOMATIC_REDIAL if lead.promise is None else lead.promise.kind
    due_ms = state.now_ms + wait_ms
    new = replace(new, status=status, due_ms=due_ms, retries=tuple(retries), unresolved=None)
    return Verdict(new if new.promise is None else settle(state, new), cause)


def interval_ms(intervals: Sequence[int], nth: int) -> int:
    """The nth attempt with a cause takes the nth interval, the last repeats (SPEC R6.2)."""
    return intervals[min(nth, len(intervals)) - 1]


def unresolved(lead: Lead, agent: int, since_ms: int) -> Verdict:
    """Locked to the agent (SPEC R7.1)."""
    if lead.mark is not None:
        return Verdict(close(lead, lead.mark))
    return Verdict(replace(lead, status=Status.UNRESOLVED, unresolved=Unresolved(agent, since_ms)))


def cancelled(lead: Lead, pause_until_ms: int) -> Verdict:
    """No call was started: its former place, and a pause for this agent (SPEC R5.6)."""
    assert lead.lease is not None
    if lead.mark is not None:
        return Verdict(close(without_dropping(replace(lead, lease=None)), lead.mark))
    others = tuple(pause for pause in lead.pauses if pause[0] != lead.lease.agent)
    return Verdict(replace(without_dropping(lead), pauses=(*others, (lead.lease.agent, pause_until_ms))))


def _next_number(campaign: Campaign, lead: Lead, cause: str, number: int) -> Lead:
    if number not in lead.numbers:
        return lead
    if cause == "invalid_number":
        return without_number(lead, number)
    if not campaign.dialer.rotate_numbers or len(lead.numbers) == 1:
        return lead
    return replace(lead, number_at=(lead.number_at + 1) % len(lead.numbers))
