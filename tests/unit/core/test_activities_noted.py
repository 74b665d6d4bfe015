"""Texts that are only noted, when an activity was, and what is refused (SPEC R13.3)."""

from typing import Any

import pytest
from unit.core.activity_shop import NO, SALE, agent_no, refused, shop, unresolved, untouched
from unit.core.intake_desk import ANN, BOB, CY

from nextlead.core import commands as c
from nextlead.core.activity_model import Activity, Latest, Logged
from nextlead.core.errors import Invalid, NotAllowed, NotFound, WrongStatus
from nextlead.core.model import LeadData, Status
from nextlead.core.row import HOUR_MS, MINUTE_MS
from nextlead.core.setup_model import ContactLimit

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
    agent = agent_no(register, named) if named else 0
    assert row.latest == Latest(kind, register.now_ms, agent)
    assert (row.status, row.owner, row.due_ms, row.attempts) == (before.status, before.owner, before.due_ms, 0)
    event = register.history(lead)[-1]
    assert (event.kind, event.note) == ("activity", "see you")
    assert event.logged == Logged("sms", direction, "", "", register.now_ms, agent)


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


@pytest.mark.patches
def test_a_text_to_a_closed_lead_moves_no_other(monkeypatch: pytest.MonkeyPatch) -> None:  # R12.1
    register = shop(contact_limits=(ContactLimit("min_gap", HOUR_MS),))
    lead, other = register.load(ANN, ANN)
    register.finish(register.next(), "resolved", result="yes")
    state, looked_at = register.engine.state, list[int]()
    monkeypatch.setattr(state, "reconsider", looked_at.append)
    register.log(lead, None, "sms", direction="in")
    assert looked_at == []
    register(c.Reopen(lead=lead, row=register.rows[lead]))
    assert looked_at == [other]  # its attempts count with the lead from now on


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
