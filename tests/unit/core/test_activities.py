"""What people log of a lead, and what that does to it (SPEC R13.3, R13.5); and that a finish is an activity, too."""

from typing import Any, Final

import pytest
from unit.core.intake_desk import ANN, BOB, CY
from unit.core.register import Register

from nextlead.core import commands as c
from nextlead.core.activity_model import Activity, Latest, Logged
from nextlead.core.errors import Conflict, Invalid, Leased, LeaseEnded, NextleadError, NotAllowed, NotFound, WrongStatus
from nextlead.core.model import Lead, LeadData, Status
from nextlead.core.row import HOUR_MS, MINUTE_MS
from nextlead.core.setup_model import ContactLimit, Template, TemplateResult
from nextlead.core.tokens import token_text

RUDE: Final = TemplateResult("rude", "Rude", "negative", do_not_call=True)
NO: Final = TemplateResult("no", "No", "negative")
NO_TOO: Final = TemplateResult("no_too", "No, too", "negative")
GIFT: Final = TemplateResult("gift", "Gift", "success", do_not_call=True)
YES: Final = TemplateResult("yes", "Yes", "success")
SALE: Final = TemplateResult("sale", "Sale", "success", validation=True)
WRONG: Final = TemplateResult("wrong", "Wrong", "invalid")
IN_PROGRESS: Final = Activity.SALE_IN_PROGRESS


def shop(*results: TemplateResult, **dialer: Any) -> Register:
    """Agents a and b at work on c1, whose first results are those that nothing logged may pick."""
    register = Register(**dialer)
    register(c.PutCampaign(code="c1", template=Template(results=results or (RUDE, NO, NO_TOO, GIFT, YES, WRONG))))
    register.now_ms += MINUTE_MS
    return register


def agent_no(register: Register, code: str = "a") -> int:
    return register.engine.agents.need(code).no


def refused(
    register: Register, kind: type[NextleadError], lead: int, outcome: str | None, *args: str, **more: Any
) -> Any:
    """The refusal, after which everything is as it was."""
    before, rows, commits = register.engine.lead(lead), dict(register.rows), len(register.commits)
    with pytest.raises(kind) as refusal:
        register.log(lead, outcome, *args, **more)
    assert register.engine.lead(lead) == before
    assert register.rows == rows
    assert len(register.commits) == commits
    assert register.engine.verify() == []
    return refusal.value


# -- on the agent's own screen (SPEC R13.5) -------------------------------------------------------------------------

ON_SCREEN: Final = {
    # outcome logged: closure or status, kind of the event, what the lead's latest activity says
    "sold": ("yes", "resolved", Activity.SOLD),
    "no_sale": ("no", "resolved", Activity.NO_SALE),
    "no_answer": ("automatic_redial", "unreached", Activity.NO_ANSWER),
    "left_a_voicemail": ("automatic_redial", "unreached", Activity.LEFT_A_VOICEMAIL),
    "wrong_number": ("invalid_phone_number", "unreached", Activity.WRONG_NUMBER),
    "sale_in_progress": ("unresolved", "unresolved", IN_PROGRESS),
}


@pytest.mark.parametrize("named", ["a", None])
@pytest.mark.parametrize("outcome", ON_SCREEN)
def test_an_outcome_ends_the_lease_as_a_finish_would(outcome: str, named: str | None) -> None:  # R13.5
    register = shop()
    (lead,) = register.load(ANN)
    register.next()
    register.now_ms += MINUTE_MS
    by = "agent:a" if named else "user:m"
    row = register.log(lead, outcome, agent=named, by=by, note="said so")
    after, kind, activity = ON_SCREEN[outcome]
    assert (row.closure or row.status.code) == after
    assert row.lease is None
    assert row.attempts == 1
    assert register.engine.leases == 0
    assert row.latest == Latest(activity, register.now_ms, agent_no(register))
    event = register.history(lead)[-1]
    assert (event.kind, event.actor, event.note) == (kind, by, "said so")
    assert event.logged == Logged("call", "out", outcome, "", register.now_ms)


def test_causes_are_those_of_a_finish() -> None:  # R6.2
    for outcome, hours in (("no_answer", 2), ("left_a_voicemail", 4)):
        register = shop()
        (lead,) = register.load(ANN)
        register.next()
        assert register.log(lead, outcome).due_ms == register.now_ms + hours * HOUR_MS


def test_a_wrong_number_leaves_the_other_one() -> None:  # R6.4
    register = shop()
    lead = register.add(ANN, BOB)
    register.next()
    row = register.log(lead, "wrong_number")
    assert (row.status, row.numbers, row.dropped) == (Status.AUTOMATIC_REDIAL, (BOB,), (ANN,))
    assert row.latest is not None
    assert row.latest.kind is Activity.WRONG_NUMBER


def test_the_number_that_was_called_may_be_named() -> None:  # R6.1
    register = shop()
    lead = register.add(ANN, BOB)
    register.next()
    refusal = refused(register, Invalid, lead, "no_answer", number=CY)
    assert refusal.field == "number"
    row = register.log(lead, "no_answer", number=BOB)
    assert row.dialled == (0, 1)


def test_a_sale_in_progress_with_a_redial_is_that_redial() -> None:  # R13.5, R4.1
    register = shop()
    (lead,) = register.load(ANN)
    register.next()
    at_ms = register.now_ms + HOUR_MS
    row = register.log(lead, "sale_in_progress", redial=c.RedialEdit("private", at_ms))
    assert (row.status, row.due_ms, row.owner) == (Status.PRIVATE_REDIAL, at_ms, agent_no(register))
    assert row.latest is not None
    assert row.latest.kind is IN_PROGRESS
    assert [found.id for found in register.engine.redials_of("a")] == [lead]


def test_a_sale_in_progress_without_one_is_locked_to_the_agent() -> None:  # R13.5, R7.1
    register = shop()
    (lead,) = register.load(ANN)
    register.next("b")
    register.log(lead, "sale_in_progress", agent=None, by="user:m")
    assert [found.id for found in register.engine.unresolved_of("b")] == [lead]


UNCALLED: Final = (("call", "in"), ("sms", "out"), ("sms", "in"), ("email", "out"), ("in_store", "out"))


@pytest.mark.parametrize(("interaction", "direction"), UNCALLED)
@pytest.mark.parametrize("outcome", ["sold", "no_sale", "sale_in_progress"])
def test_only_a_call_to_the_lead_is_an_attempt(outcome: str, interaction: str, direction: str) -> None:  # R6.1, R12.1
    register = shop(contact_limits=(ContactLimit("min_gap", HOUR_MS),))
    (lead,) = register.load(ANN)
    register.next()
    row = register.log(lead, outcome, interaction, direction=direction)
    assert (row.closure or row.status.code) == ON_SCREEN[outcome][0]
    assert (row.attempts, row.calls, sum(row.dialled)) == (0, (), 0)
    assert row.lease is None


def test_a_call_that_came_in_and_was_lost_is_no_attempt_either() -> None:
    register = shop(max_attempts=1)
    (lead,) = register.load(ANN)
    register.next()
    row = register.log(lead, "no_answer", direction="in")
    assert (row.status, row.attempts) == (Status.AUTOMATIC_REDIAL, 0)


def test_a_logged_attempt_reaches_the_limit() -> None:  # R6.3
    register = shop(max_attempts=1)
    (lead,) = register.load(ANN)
    register.next()
    assert register.log(lead, "no_answer").closure == "max_call_attempts"


@pytest.mark.parametrize("outcome", ON_SCREEN)
@pytest.mark.parametrize("by", ["agent:b", "user:m"])
def test_on_another_agents_lease_it_is_refused(outcome: str, by: str) -> None:  # R13.5
    register = shop()
    (lead,) = register.load(ANN)
    offer = register.next("a")
    refused(register, Leased, lead, outcome, agent="b", by=by)
    assert register.finish(offer, "resolved", result="yes").closure == "yes"


def test_the_ended_lease_can_not_be_finished_once_more() -> None:  # R5.3
    register = shop()
    (lead,) = register.load(ANN)
    offer = register.next()
    register.log(lead, "no_answer")
    assert offer.lead.lease is not None
    with pytest.raises(LeaseEnded):
        register(c.Finish(token=token_text(lead, offer.lead.lease.token), outcome="cancelled"))


@pytest.mark.parametrize(("outcome", "closure"), [("sold", "yes"), ("no_sale", "removed"), ("no_answer", "removed"),
                                                  ("sale_in_progress", "removed")])  # fmt: skip
def test_a_mark_gives_way_to_a_sale_only(outcome: str, closure: str) -> None:  # R1.5
    register = shop()
    (lead,) = register.load(ANN)
    register.next()
    register(c.Remove(lead=lead))
    assert register.log(lead, outcome).closure == closure


def test_what_is_logged_of_a_lead_that_is_being_forgotten_is_not_kept() -> None:  # R10.6
    register = shop()
    (lead,) = register.load(ANN)
    register.next()
    register.anonymise(lead, numbers=(ANN,))
    since = len(register.commits)
    row = register.log(lead, "no_answer", note="Mrs Example", data=b'{"name": "Example"}', explanation="Example")
    assert (row.closure, row.numbers, row.erased) == ("anonymized", (), True)
    assert b"xample" not in register.said_since(since)


@pytest.mark.parametrize("direction", ["in", "out"])
def test_nor_a_text_to_it(direction: str) -> None:  # R10.6
    register = shop()
    (lead,) = register.load(ANN)
    offer = register.next()
    register.anonymise(lead, numbers=(ANN,))
    since = len(register.commits)
    register.log(lead, None, "sms", direction=direction, note="Mrs Example")
    register.finish(offer, "cancelled")
    assert b"xample" not in register.said_since(since)


# -- on a lead that nobody has on screen ----------------------------------------------------------------------------

UNLEASED: Final = {
    "sold": "yes",
    "no_sale": "no",
    "no_answer": "automatic_redial",
    "left_a_voicemail": "automatic_redial",
    "wrong_number": "invalid_phone_number",
    "sale_in_progress": "unresolved",
}


def untouched(register: Register) -> int:
    (lead,) = register.load(ANN)
    return lead


def retried(register: Register) -> int:
    (lead,) = register.load(ANN)
    register.finish(register.next(), "unreached", cause="busy")
    return lead


def common(register: Register) -> int:
    (lead,) = register.load(ANN)
    register.finish(register.next(), "redial", kind="common", at_ms=register.now_ms + MINUTE_MS)
    register.now_ms += HOUR_MS
    return lead


def unresolved(register: Register) -> int:
    (lead,) = register.load(ANN)
    register.finish(register.next(), "unresolved")
    return lead


@pytest.mark.parametrize("begin", [untouched, retried, common, unresolved])
@pytest.mark.parametrize("outcome", UNLEASED)
def test_an_outcome_settles_what_comes_next(outcome: str, begin: Any) -> None:  # R13.5
    register = shop()
    lead = begin(register)
    attempts = register.row(lead).attempts if lead in register.rows else 0
    register.now_ms += MINUTE_MS
    row = register.log(lead, outcome, note="said so", by="user:m")
    expected = UNLEASED[outcome]
    if begin is common and expected == "automatic_redial":
        expected = "common_redial"  # R4.7
    assert (row.closure or row.status.code) == expected
    assert row.attempts == attempts
    assert row.latest == Latest(ON_SCREEN[outcome][2], register.now_ms, agent_no(register))
    event = register.history(lead)[-1]
    assert (event.kind, event.actor, event.note) == ("activity", "user:m", "said so")
    assert event.logged == Logged("call", "out", outcome, "", register.now_ms)
    register.restart()
    assert register.row(lead) == row


@pytest.mark.parametrize(("outcome", "hours"), [("no_answer", 2), ("left_a_voicemail", 4)])
def test_the_next_try_counts_from_now(outcome: str, hours: int) -> None:  # R6.2, R7.5
    register = shop()
    lead = untouched(register)
    register.now_ms += HOUR_MS
    assert register.log(lead, outcome, at_ms=register.now_ms - HOUR_MS).due_ms == register.now_ms + hours * HOUR_MS


def test_the_limit_counts_when_the_promised_call_was_due() -> None:  # R6.3, R6.5
    register = shop(max_attempts=2)
    lead = retried(register)
    register.now_ms += HOUR_MS
    promised = register.finish(register.next(), "redial", kind="private", at_ms=register.now_ms + HOUR_MS)
    assert promised.attempts == 2
    assert register.log(lead, "no_answer").due_ms == promised.due_ms  # that call is still to be placed
    register.now_ms += HOUR_MS
    assert register.log(lead, "no_answer").closure == "max_call_attempts"


def test_below_the_limit_it_is_tried_again() -> None:  # R6.3
    register = shop(max_attempts=2)
    lead = retried(register)
    assert [register.log(lead, "no_answer").status for _ in range(3)] == [Status.AUTOMATIC_REDIAL] * 3


def test_a_promise_that_is_still_ahead_keeps_its_time() -> None:  # R13.5
    for outcome in ("no_answer", "left_a_voicemail"):
        register = shop()
        (lead,) = register.load(ANN)
        promised = register.finish(register.next(), "redial", kind="private", at_ms=register.now_ms + 5 * HOUR_MS)
        register.now_ms += MINUTE_MS
        row = register.log(lead, outcome)
        assert (row.status, row.due_ms, row.promise) == (Status.PRIVATE_REDIAL, promised.due_ms, promised.promise)
        assert row.owner == agent_no(register)


def test_one_that_is_due_moves_as_after_a_call() -> None:  # R4.7
    register = shop()
    (lead,) = register.load(ANN)
    promised = register.finish(register.next(), "redial", kind="vip", at_ms=register.now_ms + MINUTE_MS)
    register.now_ms += MINUTE_MS
    row = register.log(lead, "no_answer")
    assert (row.status, row.due_ms) == (Status.VIP_REDIAL, register.now_ms + 2 * HOUR_MS)
    assert promised.promise is not None
    assert row.promise is not None
    assert row.promise.at_ms == promised.promise.at_ms


def test_a_wrong_number_takes_the_number_and_leaves_the_other() -> None:  # R6.4
    register = shop()
    lead = register.add(ANN, BOB)
    row = register.log(lead, "wrong_number")
    assert (row.numbers, row.dropped, row.attempts) == ((BOB,), (ANN,), 0)
    register = shop()
    lead = register.add(ANN, BOB)
    row = register.log(lead, "wrong_number", number=BOB)
    assert (row.numbers, row.dropped) == ((ANN,), (BOB,))


def test_a_sale_in_progress_is_locked_to_the_agent_who_is_named() -> None:  # R13.5
    register = shop()
    lead = untouched(register)
    row = register.log(lead, "sale_in_progress", "email", agent="b")
    assert row.unresolved is not None
    assert (row.unresolved.agent, row.unresolved.since_ms) == (agent_no(register, "b"), register.now_ms)
    assert not register.engine.unresolved_of("a")
    assert refused(register, Invalid, register.load(BOB)[0], "sale_in_progress", agent=None).field == "agent"


def test_one_that_is_locked_keeps_its_lock_and_its_clock() -> None:  # R7.1, R7.3
    register = shop()
    lead = unresolved(register)
    before = register.row(lead).unresolved
    register.now_ms += HOUR_MS
    assert register.log(lead, "sale_in_progress").unresolved == before
    assert register.log(lead, "sale_in_progress", agent=None, by="user:m").unresolved == before
    assert register.log(lead, "sale_in_progress", agent="b", by="user:m").unresolved == before


def test_a_redial_goes_to_the_agent_who_is_named() -> None:  # R4.1
    register = shop()
    lead = untouched(register)
    at_ms = register.now_ms + HOUR_MS
    row = register.log(lead, "sale_in_progress", "in_store", agent="b", redial=c.RedialEdit("vip", at_ms))
    assert (row.status, row.due_ms, row.owner) == (Status.VIP_REDIAL, at_ms, agent_no(register, "b"))
    assert row.promise is not None
    assert row.promise.agent == agent_no(register, "b")


@pytest.mark.parametrize("outcome", ON_SCREEN)
def test_what_is_locked_to_another_agent_is_not_an_agents_affair(outcome: str) -> None:  # R7.5
    register = shop()
    lead = unresolved(register)
    refused(register, NotAllowed, lead, outcome, agent="b", by="agent:b")
    row = register.log(lead, outcome, agent="b", by="user:m")
    assert (row.closure or row.status.code) == UNLEASED[outcome]


@pytest.mark.parametrize("outcome", ON_SCREEN)
def test_what_waits_for_validation_takes_no_outcome(outcome: str) -> None:  # R13.5
    register = shop(SALE, NO)
    (lead,) = register.load(ANN)
    register.finish(register.next(), "resolved", result="sale")
    assert refused(register, WrongStatus, lead, outcome).facts["status"] == "pending_validation"


@pytest.mark.parametrize("outcome", ON_SCREEN)
def test_what_is_closed_takes_no_outcome(outcome: str) -> None:  # R13.5
    register = shop()
    lead = untouched(register)
    register(c.Remove(lead=lead))
    assert refused(register, WrongStatus, lead, outcome).facts["status"] == "closed"
    assert refused(register, WrongStatus, lead, outcome, row=None).facts["status"] == "closed"


def test_what_has_expired_counts_as_closed() -> None:  # R8.3
    register = shop(expire_after_ms=HOUR_MS)
    register.engine.state.slice_leads = 1
    first, second = register.load(ANN, BOB)
    register.now_ms += HOUR_MS
    register(c.Tick())
    still_open = [lead for lead in (first, second) if register.engine.lead(lead) is not None]
    assert still_open
    refused(register, WrongStatus, still_open[0], "sold")
    refused(register, WrongStatus, still_open[0], None, "sms")


def test_a_sale_that_asks_for_validation_waits_for_it() -> None:  # R1.4, R13.5
    register = shop(NO, SALE, YES)
    lead = untouched(register)
    row = register.log(lead, "sold", "in_store")
    assert (row.status, row.validating, row.seller) == (Status.PENDING_VALIDATION, "sale", agent_no(register))
    assert row.latest is not None
    assert row.latest.kind is IN_PROGRESS
    register(c.Validate(lead=lead, passed=True))
    closed = register.row(lead)
    assert closed.closure == "sale"
    assert closed.latest is not None
    assert closed.latest.kind is Activity.SOLD


@pytest.mark.parametrize(("outcome", "results"), [("sold", (GIFT, NO, WRONG)), ("no_sale", (RUDE, YES, WRONG))])
def test_without_a_result_of_that_kind_it_is_refused(outcome: str, results: tuple[TemplateResult, ...]) -> None:
    register = shop(*results)
    lead = untouched(register)
    assert refused(register, Invalid, lead, outcome).field == "outcome"
    register.next()
    assert refused(register, Invalid, lead, outcome).field == "outcome"


def test_nothing_that_is_logged_blocks_a_number() -> None:
    register = shop()
    register.log(untouched(register), "no_sale")
    assert not register.engine.blocked


def test_a_lead_whose_pool_nobody_confirmed_takes_no_outcome() -> None:  # R9.3
    register = shop()
    (lead,) = register.load(ANN, state="held")
    refused(register, Conflict, lead, "sold")


def test_it_uses_up_what_was_urgent() -> None:  # R2.6
    register = shop()
    lead = untouched(register)
    register(c.MakeUrgent(lead=lead, reason="hot_lead", expires_ms=register.now_ms + HOUR_MS))
    assert register.log(lead, "no_answer").urgent is None


# -- texts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["a", "b", None])
@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_text_is_only_noted(direction: str, named: str | None) -> None:  # R13.3
    register = shop()
    lead = untouched(register)
    before = register.log(lead, None, "sms", direction="out")
    register.now_ms += MINUTE_MS
    row = register.log(lead, None, "sms", direction=direction, agent=named, note="see you", by="program:sms")
    kind = Activity.SMS_IN if direction == "in" else Activity.SMS_OUT
    assert row.latest == Latest(kind, register.now_ms, agent_no(register, named) if named else 0)
    assert (row.status, row.owner, row.due_ms, row.attempts) == (before.status, before.owner, before.due_ms, 0)
    event = register.history(lead)[-1]
    assert (event.kind, event.note) == ("activity", "see you")
    assert event.logged == Logged("sms", direction, "", "", register.now_ms)


def test_the_last_texts_sender_decides() -> None:  # R13.3
    register = shop()
    lead = untouched(register)
    kinds = []
    for direction in ("out", "in", "in", "out"):
        register.now_ms += 1
        found = register.log(lead, None, "sms", direction=direction).latest
        assert found is not None
        kinds.append(found.kind)
    assert kinds == [Activity.SMS_OUT, Activity.SMS_IN, Activity.SMS_IN, Activity.SMS_OUT]


def test_a_lead_that_was_texted_keeps_its_place() -> None:  # R2.1
    register = shop()
    first, second = register.load(ANN, BOB)
    register.log(first, None, "sms")
    assert register.next("a").lead.id == first
    assert register.next("b").lead.id == second


def test_a_text_does_not_end_a_call() -> None:  # R13.3
    register = shop()
    lead = untouched(register)
    offer = register.next("a")
    for named in ("a", "b", None):
        row = register.log(lead, None, "sms", agent=named)
        assert row.lease == offer.lead.lease
    register.restart()
    register.now_ms += 1
    row = register.finish(offer, "unreached", cause="no_answer")
    assert row.latest == Latest(Activity.NO_ANSWER, register.now_ms, agent_no(register))


def test_a_text_to_a_lead_that_is_locked_to_another() -> None:
    register = shop()
    lead = unresolved(register)
    before = register.row(lead)
    row = register.log(lead, None, "sms", agent="b", by="agent:b", direction="in")
    assert (row.status, row.unresolved) == (before.status, before.unresolved)


def test_a_text_to_one_that_waits_for_validation() -> None:
    register = shop(SALE, NO)
    (lead,) = register.load(ANN)
    register.finish(register.next(), "resolved", result="sale")
    assert register.log(lead, None, "sms").status is Status.PENDING_VALIDATION
    register.now_ms += 1
    register(c.Validate(lead=lead, passed=True))
    assert register.row(lead).latest == Latest(Activity.SOLD, register.now_ms, agent_no(register))


def test_a_text_to_a_closed_lead() -> None:  # R13.3
    register = shop()
    (lead,) = register.load(ANN)
    closed = register.finish(register.next(), "resolved", result="yes")
    register.now_ms += MINUTE_MS
    refused(register, WrongStatus, lead, None, "sms", row=None)
    row = register.log(lead, None, "sms", direction="in", note="thanks")
    assert (row.status, row.closure, row.closed_ms) == (Status.CLOSED, "yes", closed.closed_ms)
    assert row.latest == Latest(Activity.SMS_IN, register.now_ms, agent_no(register))
    assert register.engine.lead(lead) is None
    register.restart()


def test_nothing_is_noted_on_an_erased_lead() -> None:  # R10.6, R10.7
    for how in ("forgotten", "its time is over"):
        register = shop()
        lead = untouched(register)
        register(c.Remove(lead=lead))
        if how == "forgotten":
            register.anonymise(lead, numbers=(ANN,))
        else:
            register(c.Forget(rows=(register.row(lead),)))
        refused(register, WrongStatus, lead, None, "sms")


def test_a_row_that_says_a_lead_is_closed_does_not_count_while_it_is_open() -> None:
    register = shop()
    lead = untouched(register)
    register(c.Remove(lead=lead))
    old = register.row(lead)
    register(c.Reopen(lead=lead, row=old))
    row = register.log(lead, None, "sms", row=old)
    assert row.status is Status.UNPROCESSED
    assert register.engine.lead(lead) == row


# -- when it was ----------------------------------------------------------------------------------------------------


def test_what_is_logged_late_does_not_change_the_latest() -> None:  # R13.3
    register = shop()
    lead = untouched(register)
    register.now_ms += HOUR_MS
    latest = register.log(lead, None, "sms", direction="in").latest
    row = register.log(lead, None, "sms", direction="out", at_ms=register.now_ms - MINUTE_MS)
    assert row.latest == latest
    logged = register.history(lead)[-1].logged
    assert logged is not None
    assert (logged.direction, logged.at_ms) == ("out", register.now_ms - MINUTE_MS)


def test_an_outcome_that_is_logged_late_acts_all_the_same() -> None:
    register = shop()
    lead = untouched(register)
    register.now_ms += HOUR_MS
    latest = register.log(lead, None, "sms", direction="in").latest
    row = register.log(lead, "sold", "in_store", at_ms=register.now_ms - MINUTE_MS)
    assert (row.closure, row.latest) == ("yes", latest)


@pytest.mark.parametrize("kinds", [("in", "out"), ("out", "in")])
def test_of_two_at_one_time_the_one_that_was_logged_later_counts(kinds: tuple[str, str]) -> None:
    register = shop()
    lead = untouched(register)
    at_ms = register.now_ms - MINUTE_MS
    for direction in kinds:
        row = register.log(lead, None, "sms", direction=direction, at_ms=at_ms)
    assert row.latest == Latest(Activity.SMS_IN if kinds[1] == "in" else Activity.SMS_OUT, at_ms, agent_no(register))


def test_its_time_may_be_long_ago_but_not_ahead() -> None:
    register = shop()
    lead = untouched(register)
    row = register.log(lead, None, "sms", at_ms=1)
    assert row.latest is not None
    assert row.latest.at_ms == 1
    for at_ms in (register.now_ms + 1, 0, -1):
        assert refused(register, Invalid, lead, None, "sms", at_ms=at_ms).field == "at"
    assert register.log(lead, None, "sms", at_ms=register.now_ms).latest != row.latest


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leased", [False, True])
@pytest.mark.parametrize(
    ("outcome", "more", "field"),
    [
        ("sold", {"interaction": "fax"}, "interaction"),
        ("sold", {"direction": "up"}, "direction"),
        (None, {}, "outcome"),
        ("no_answer", {"interaction": "sms"}, "outcome"),
        ("wrong_number", {"interaction": "email"}, "outcome"),
        ("left_a_voicemail", {"interaction": "in_store"}, "outcome"),
        ("sold", {"explanation": "satisfied"}, "explanation"),
        ("sold", {"redial": c.RedialEdit("common", 10**13)}, "redial"),
        (None, {"interaction": "sms", "redial": c.RedialEdit("common", 10**13)}, "redial"),
        ("sale_in_progress", {"redial": c.RedialEdit("private", 10**13, "a")}, "redial.agent"),
        ("sale_in_progress", {"redial": c.RedialEdit("private", 1)}, "at"),
        ("sale_in_progress", {"redial": c.RedialEdit("private", 10**13)}, "at"),
        ("no_answer", {"number": CY}, "number"),
        ("sold", {"interaction": "email", "number": ANN}, "number"),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_name_of_its_field(
    outcome: str | None, more: dict[str, Any], field: str, leased: bool
) -> None:
    register = shop()
    lead = untouched(register)
    if leased:
        register.next()
    assert refused(register, Invalid, lead, outcome, **more).field == field


def test_who_is_not_there_has_done_nothing() -> None:
    register = shop()
    lead = untouched(register)
    refused(register, NotFound, lead, "sold", agent="nobody")
    refused(register, NotFound, lead, None, "sms", agent="nobody")
    refused(register, NotFound, 99, "sold")
    refused(register, NotFound, 99, None, "sms")


def test_an_agent_sets_only_redials_that_it_may_set() -> None:  # R4.2
    register = shop()
    register(c.PutAgent(code="a", may_set=("common",)))
    lead = untouched(register)
    register.next()
    redial = c.RedialEdit("vip", register.now_ms + HOUR_MS)
    refused(register, NotAllowed, lead, "sale_in_progress", redial=redial, by="agent:a")
    assert register.row(lead).lease is not None


def test_data_and_a_note_are_kept_with_it() -> None:
    for outcome, interaction in (("no_answer", "call"), (None, "sms")):
        register = shop()
        lead = untouched(register)
        register.log(
            lead, outcome, interaction, data=b'{"x": 1}', note="a note", explanation="" if not outcome else "x"
        )
        row = register.commits[-1].rows["lead_data", lead]
        assert row == LeadData(lead, b'{"x": 1}')
        event = register.history(lead)[-1]
        assert event.note == "a note"
        assert event.logged is not None
        assert event.logged.explanation == ("x" if outcome else "")


# -- a finish is an activity (SPEC R13.5) ---------------------------------------------------------------------------

FINISHES: Final = [
    ({"outcome": "resolved", "result": "yes"}, Activity.SOLD),
    ({"outcome": "resolved", "result": "gift"}, Activity.SOLD),
    ({"outcome": "resolved", "result": "no"}, Activity.NO_SALE),
    ({"outcome": "resolved", "result": "rude"}, Activity.NO_SALE),
    ({"outcome": "resolved", "result": "wrong"}, Activity.WRONG_NUMBER),
    ({"outcome": "redial", "kind": "common"}, IN_PROGRESS),
    ({"outcome": "redial", "kind": "private"}, IN_PROGRESS),
    ({"outcome": "redial", "kind": "vip"}, IN_PROGRESS),
    ({"outcome": "unresolved"}, IN_PROGRESS),
    ({"outcome": "unreached", "cause": "no_answer"}, Activity.NO_ANSWER),
    ({"outcome": "unreached", "cause": "busy"}, Activity.NO_ANSWER),
    ({"outcome": "unreached", "cause": "dropped"}, Activity.NO_ANSWER),
    ({"outcome": "unreached", "cause": "congestion"}, Activity.NO_ANSWER),
    ({"outcome": "unreached", "cause": "voicemail"}, Activity.LEFT_A_VOICEMAIL),
    ({"outcome": "unreached", "cause": "invalid_number"}, Activity.WRONG_NUMBER),
]


def timed(register: Register, given: dict[str, Any]) -> dict[str, Any]:
    return given | ({"at_ms": register.now_ms + HOUR_MS} if given["outcome"] == "redial" else {})


@pytest.mark.parametrize(("given", "kind"), FINISHES)
def test_a_finish_is_the_activity_that_it_tells_of(given: dict[str, Any], kind: Activity) -> None:
    register = shop()
    lead = untouched(register)
    offer = register.next("b")
    register.log(lead, None, "sms", direction="in")
    register.now_ms += MINUTE_MS
    row = register.finish(offer, **timed(register, given))
    assert row.latest == Latest(kind, register.now_ms, agent_no(register, "b"))
    event = register.history(lead)[-1]
    assert (event.activity_before, event.activity, event.logged) == (Activity.SMS_IN, kind, None)


@pytest.mark.parametrize(("given", "kind"), [case for case in FINISHES if case[0]["outcome"] != "unresolved"])
def test_so_is_what_resolves_a_lead_later(given: dict[str, Any], kind: Activity) -> None:  # R7.5
    register = shop()
    lead = unresolved(register)
    register.now_ms += MINUTE_MS
    register(c.Resolve(lead=lead, by="user:m", **timed(register, given)))
    assert register.row(lead).latest == Latest(kind, register.now_ms, agent_no(register))


def test_what_was_texted_after_a_finish_counts_more_than_it() -> None:
    register = shop()
    lead = retried(register)
    register.now_ms += 1
    row = register.log(lead, None, "sms", direction="in")
    assert row.latest is not None
    assert row.latest.kind is Activity.SMS_IN


def log_off(register: Register, _: int) -> None:
    register(c.EndSession(agent="a"))


def time_out(register: Register, _: int) -> None:
    register.now_ms += HOUR_MS
    register(c.Tick())


def disable(register: Register, _: int) -> None:
    register(c.PutAgent(code="a", enabled=False))


def cancel(register: Register, _: int) -> None:
    (offer,) = register.engine.leases_of("a")
    register.finish(offer, "cancelled", reason="rang twice")


def end(outcome: str) -> Any:
    def move(register: Register, _: int) -> None:
        (offer,) = register.engine.leases_of("a")
        assert offer.lead.lease is not None
        token = token_text(offer.lead.id, offer.lead.lease.token)
        register(c.EndLease(token=token, outcome=outcome, by="user:m"))  # type: ignore[arg-type]

    return move


@pytest.mark.parametrize("move", [log_off, time_out, disable, cancel, end("unresolved"), end("cancelled")])
def test_what_nobody_says_is_no_activity(move: Any) -> None:
    register = shop()
    lead = untouched(register)
    register.next()
    latest = register.log(lead, None, "sms", direction="in").latest
    register.now_ms += MINUTE_MS
    move(register, lead)
    assert register.row(lead).lease is None
    assert register.row(lead).latest == latest


@pytest.mark.parametrize(
    "command",
    [
        lambda at, lead: c.EditLead(lead=lead, priority=3),
        lambda at, lead: c.EditLead(lead=lead, owner="agent:b"),
        lambda at, lead: c.EditLead(lead=lead, due_ms=at + HOUR_MS),
        lambda at, lead: c.EditLead(lead=lead, redial=c.RedialEdit("vip", at + HOUR_MS, "b")),
        lambda at, lead: c.MakeUrgent(lead=lead, reason="hot_lead", expires_ms=at + HOUR_MS),
        lambda _, lead: c.Remove(lead=lead),
        lambda _, __: c.Block(numbers=(ANN,)),
    ],
)
def test_what_supervisors_do_is_no_activity(command: Any) -> None:
    register = shop()
    lead = untouched(register)
    latest = register.log(lead, None, "sms", direction="in").latest
    register.now_ms += MINUTE_MS
    register(command(register.now_ms, lead))
    assert register.row(lead).latest == latest


def test_validation_tells_what_became_of_the_sale() -> None:
    for passed, kind in ((True, Activity.SOLD), (False, IN_PROGRESS)):
        register = shop(SALE, NO)
        (lead,) = register.load(ANN)
        row = register.finish(register.next(), "resolved", result="sale")
        assert row.latest == Latest(IN_PROGRESS, register.now_ms, agent_no(register))
        register.now_ms += MINUTE_MS
        register(c.Validate(lead=lead, passed=passed, by="user:m"))
        found = register.row(lead).latest
        assert found is not None
        assert found.kind is kind


def test_reopening_forgets_it() -> None:  # R1.4
    register = shop()
    (lead,) = register.load(ANN)
    register.finish(register.next(), "resolved", result="yes")
    register(c.Reopen(lead=lead, row=register.row(lead)))
    assert register.row(lead).latest is None
    event = register.history(lead)[-1]
    assert (event.activity_before, event.activity, event.closure_before) == (Activity.SOLD, Activity.NONE, "yes")


# -- what a store of the version before has -------------------------------------------------------------------------


def test_a_lead_without_an_activity_says_so() -> None:
    lead = Lead(1, 1, 1, 1, Status.UNPROCESSED, -1, -1, (ANN,))
    assert lead.latest is None
    assert lead.rule == ""
