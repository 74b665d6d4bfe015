"""Activities (SPEC 13.3, 13.5) step by step, on engine and model: the cases that SPEC leaves to be thought through."""

import pytest
from model.driver import Both
from model.test_replay import MINUTE, T0, A, B, started, token

from nextlead.core.activity_model import Activity
from nextlead.core.commands import (
    Anonymise,
    ClosePool,
    Finish,
    IntakeRow,
    LoadRows,
    LogActivity,
    Next,
    OpenPool,
    PutCampaign,
    RedialEdit,
    Remove,
    Reopen,
    Resolve,
    Take,
    Tick,
    Validate,
)
from nextlead.core.model import Status
from nextlead.core.setup_model import CallingHours, Template, TemplateResult
from nextlead.testing.reference import Lead

HOUR = 60 * MINUTE
NIGHT = CallingHours(zone="UTC", windows=(((0, 6 * 60),),) * 7)
"""At 10:00, when the tests begin, nobody may be called."""
VALIDATED = Template(results=(TemplateResult("sold", "Sold", "success", validation=True),))


def lead(both: Both, number: int = 1) -> Lead:
    return both.model.world.leads[number]


def kind(both: Both, number: int = 1) -> Activity | None:
    """What the lead's latest activity says."""
    latest = lead(both, number).latest
    return latest.kind if latest else None


def with_numbers(*numbers: int, **settings: object) -> Both:
    """One lead with these numbers."""
    both = started(0, **settings)  # type: ignore[arg-type]
    both.do(OpenPool(campaign="c1", source="api"))
    both.do(LoadRows(pool=2, rows=(IntakeRow(1, numbers),)))
    both.do(ClosePool(pool=2))
    return both


def call(outcome: str, number: int | None = None, *, direction: str = "out", agent: str | None = "a") -> LogActivity:
    by = f"agent:{agent}" if agent else "supervisor:eve"
    return LogActivity(
        lead=1,
        interaction="call",
        direction=direction,  # type: ignore[arg-type]
        outcome=outcome,  # type: ignore[arg-type]
        number=number,
        agent=agent,
        by=by,
    )


def text(direction: str, at_ms: int | None = None) -> LogActivity:
    return LogActivity(lead=1, interaction="sms", direction=direction, at_ms=at_ms, by="admin")  # type: ignore[arg-type]


# -- texts ----------------------------------------------------------------------------------------------------------


def test_texts_flip_and_a_late_one_changes_nothing() -> None:
    """R13.3: the last text's sender decides, by when it was; the later logged of two at one moment."""
    both = started(1)
    both.do(text("out"), T0 + HOUR)
    assert kind(both) is Activity.SMS_OUT
    both.do(text("in", T0 + MINUTE))
    assert kind(both) is Activity.SMS_OUT
    both.do(text("in", T0 + HOUR))
    assert kind(both) is Activity.SMS_IN
    both.crash(T0 + 2 * HOUR)
    assert kind(both) is Activity.SMS_IN


def test_texts_come_whatever_the_lead_is() -> None:
    """R13.3: leased by anybody, waiting for validation, closed; not once its person is forgotten."""
    both = started(1)
    both.do(PutCampaign(code="c1", template=VALIDATED))
    both.do(Next(agent="b", token=B))
    both.do(text("in"))
    assert lead(both).lease is not None
    both.do(Finish(token=token(1, B), outcome="resolved", result="sold", digest=1))
    both.do(text("out"))
    assert (lead(both).status, kind(both)) == (Status.PENDING_VALIDATION, Activity.SMS_OUT)
    both.do(Validate(lead=1, passed=True))
    both.do(text("in"))
    assert (lead(both).closure, kind(both)) == ("sold", Activity.SMS_IN)
    both.crash()
    both.do(Anonymise(leads=(1,)))
    both.do(text("out"))
    assert kind(both) is Activity.SMS_IN


def test_reopened_lead_has_no_activity() -> None:
    both = started(1)
    both.do(call("sold"))
    assert (lead(both).closure, kind(both)) == ("success", Activity.SOLD)
    both.do(Reopen(lead=1))
    assert kind(both) is None


# -- outcomes -------------------------------------------------------------------------------------------------------


def test_late_outcome_acts_all_the_same() -> None:
    """R13.3, R13.5: the text came after the visit, which is told of later."""
    both = started(1)
    both.do(text("in"), T0 + HOUR)
    both.do(LogActivity(lead=1, interaction="in_store", outcome="no_sale", at_ms=T0, by="admin"))
    assert (lead(both).closure, kind(both)) == ("not_interested", Activity.SMS_IN)


@pytest.mark.parametrize(
    ("interaction", "direction", "counted"), [("call", "out", 1), ("call", "in", 0), ("sms", "out", 0)]
)
def test_outcome_of_the_holder_ends_the_lease(interaction: str, direction: str, counted: int) -> None:
    """R13.5, R6.1: only a call out is an attempt."""
    both = started(1)
    both.do(Next(agent="a", token=A))
    said = LogActivity(lead=1, interaction=interaction, direction=direction, outcome="sold", agent="b", by="admin")  # type: ignore[arg-type]
    both.do(said)
    assert lead(both).lease is not None
    both.do(LogActivity(lead=1, interaction=interaction, direction=direction, outcome="sold", agent="a", by="admin"))  # type: ignore[arg-type]
    assert (lead(both).closure, lead(both).attempts) == ("success", counted)


def test_unresolved_lead_is_its_agents() -> None:
    """R7.5, R7.3: another agent is refused, a sale that goes on leaves lock and clock alone."""
    both = started(1)
    both.do(call("sale_in_progress"))
    both.do(call("sold", agent="b"), T0 + HOUR)
    both.do(call("sale_in_progress", agent=None))
    locked = lead(both).unresolved
    assert locked is not None
    assert (locked.agent, locked.since_ms) == ("a", T0)
    both.do(call("sold", agent=None))
    assert lead(both).closure == "success"


def test_number_that_was_called_on_the_side() -> None:
    """R6.6: the one after it is next; R4.8: a redial is to the one that was called."""
    both = with_numbers(14155550101, 14155550102, 14155550103)
    both.do(call("no_answer", 14155550102))
    assert lead(both).number == 14155550103
    redial = RedialEdit("private", T0 + HOUR)
    both.do(
        LogActivity(
            lead=1,
            interaction="call",
            outcome="sale_in_progress",
            redial=redial,
            number=14155550101,
            agent="a",
            by="agent:a",
        )
    )
    assert lead(both).number == 14155550101


def test_number_of_a_call_that_came_in_while_it_was_leased() -> None:
    """R6.6."""
    both = with_numbers(14155550101, 14155550102, 14155550103)
    both.do(Next(agent="a", token=A))
    both.do(call("sale_in_progress", 14155550102, direction="in"))
    assert lead(both).number == 14155550102


# -- promises -------------------------------------------------------------------------------------------------------


def promised(*, calling_hours: CallingHours | None = None, **settings: object) -> Both:
    """A private redial of a in an hour, forced if nobody may be called then."""
    both = started(1, calling_hours=None, **settings)  # type: ignore[arg-type]
    both.do(Next(agent="a", token=A))
    if calling_hours is not None:
        dialer = both.model.world.campaigns["c1"].dialer
        both.do(PutCampaign(code="c1", dialer=type(dialer)(calling_hours=calling_hours)))
    both.do(
        Finish(token=token(1, A), outcome="redial", kind="private", at_ms=T0 + HOUR, force=True, digest=1, by="agent:a")
    )
    return both


def test_call_on_the_side_leaves_the_promise_alone() -> None:
    """R13.5, R6.5: neither its time nor, at the limit, the lead."""
    both = promised(max_attempts=1)
    both.do(call("no_answer", agent="b"))
    assert (lead(both).status, lead(both).due_ms) == (Status.PRIVATE_REDIAL, T0 + HOUR)
    both.do(call("no_answer", agent="b"), T0 + 2 * HOUR)
    assert lead(both).closure == "max_call_attempts"


def test_force_ends_with_the_call_it_was_for() -> None:
    """R4.2: also if that was made on the side; before that time it stands."""
    both = promised(calling_hours=NIGHT)
    both.do(call("no_answer"))
    promise = lead(both).promise
    assert promise is not None
    assert promise.forced_by == "agent:a"
    both.do(call("no_answer"), T0 + HOUR)
    promise = lead(both).promise
    assert promise is not None
    assert promise.forced_by == ""


def test_force_ends_with_a_lease_that_a_call_in_ends() -> None:
    """R4.2: the lead is not to be called at night again because the customer rang."""
    both = promised(calling_hours=NIGHT)
    both.do(Next(agent="a", token=B), T0 + HOUR)
    both.do(call("no_answer", direction="in"))
    promise = lead(both).promise
    assert promise is not None
    assert promise.forced_by == ""


# -- validation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leased", [True, False])
def test_what_waits_for_validation_is_not_sold_yet(leased: bool) -> None:
    """R13.5: logged or finished, it is the same; a failure makes it a sale that goes on, whoever wrote meanwhile."""
    both = started(1)
    both.do(PutCampaign(code="c1", template=VALIDATED))
    if leased:
        both.do(Next(agent="a", token=A))
    both.do(call("sold"))
    assert (lead(both).status, kind(both)) == (Status.PENDING_VALIDATION, Activity.SALE_IN_PROGRESS)
    both.do(text("in"), T0 + MINUTE)
    both.do(Validate(lead=1, passed=False))
    assert (lead(both).status, kind(both)) == (Status.PRIVATE_REDIAL, Activity.SALE_IN_PROGRESS)
    both.do(call("sold"))
    both.do(Validate(lead=1, passed=True))
    assert (lead(both).closure, kind(both)) == ("sold", Activity.SOLD)


def test_marked_lead_is_sold_at_once() -> None:
    """R1.5: there a success is not validated."""
    both = started(1)
    both.do(PutCampaign(code="c1", template=VALIDATED))
    both.do(Next(agent="a", token=A))
    both.do(Remove(lead=1))
    both.do(Finish(token=token(1, A), outcome="resolved", result="sold", digest=1))
    assert (lead(both).closure, kind(both)) == ("sold", Activity.SOLD)


def test_limits_look_at_what_was_talked_about() -> None:
    """R12.1, R7.5: a visit says nothing of the last call of an unresolved lead."""
    both = started(2)
    for number, raw in ((1, A), (2, B)):
        both.do(Take(agent="a", lead=number, token=raw))
        both.do(Finish(token=token(number, raw), outcome="unresolved", digest=1))
    both.do(LogActivity(lead=1, interaction="in_store", outcome="no_sale", agent="a", by="agent:a"))
    both.do(Resolve(lead=2, outcome="resolved", result="not_interested"))
    both.do(Tick(), T0 + MINUTE)
    talked = {each.lead: each.talked_ms for each in both.model.world.attempts}
    assert talked == {1: None, 2: T0}
