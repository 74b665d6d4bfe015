"""SPEC R1.4, row by row: what is listed happens, everything else is refused by name of the status and changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from scenarios.kit.core_driver import CoreDriver
from scenarios.kit.driver import NewLead, NewPool, Nothing, Refused
from scenarios.kit.times import START_MS

HOUR_MS: Final = 3_600_000
NUMBER: Final = "+14155550101"
LATER_MS: Final = START_MS + 30 * HOUR_MS


@dataclass
class Case:
    """One lead of campaign c1, owned by team sales, in which agent A works; `token` is its last lease's."""

    driver: CoreDriver = field(default_factory=CoreDriver)
    now_ms: int = START_MS
    lead: int = 0
    token: str = "1-" + "0" * 32

    def __post_init__(self) -> None:
        results = [{"code": "sale", "label": "Sale", "category": "success", "validation": True}]
        self.driver.put_campaign("c1", {"max_attempts": 3, "retry": {"no_answer": ["1h"]}}, results)
        self.driver.put_team("sales", None)
        for agent in ("A", "B"):
            self.driver.put_agent(agent, {"team": "sales", "campaigns": ["c1"]})
            self.driver.session(agent, ["c1"], cross=None)
        (lead,) = self.driver.load(NewPool("c1", "p1", "team:sales", leads=(NewLead((NUMBER,)),))).leads
        self.lead = lead.id

    def wait(self, ms: int) -> None:
        self.now_ms += ms
        self.driver.move(self.now_ms)

    def lease(self) -> None:
        offer = self.driver.next("A")
        assert not isinstance(offer, Nothing)
        self.token = offer.token

    def finish(self, outcome: str, **more: Any) -> None:
        self.driver.finish("A", self.token, {"outcome": outcome, **more})

    def redial(self, kind: str, at_ms: int = LATER_MS) -> None:
        self.finish("redial", kind=kind, at_ms=at_ms)

    def state(self) -> str:
        """`leased private_redial`, `closed: success`."""
        view = self.driver.lead(self.lead)
        leased = "leased " if view.leased_by else ""
        return f"closed: {view.closure}" if view.status == "closed" else leased + view.status

    def dump(self) -> object:
        """All that can be read, and all that is durable."""
        engine, record = self.driver._host.engine, self.driver._host.record
        return (
            self.driver.lead(self.lead),
            engine.lead(self.lead),
            record.lead(self.lead),
            record.history(self.lead),
            [row for _, row in record.set_up_rows()],
            [engine.leases_of(agent) for agent in "AB"],
            [engine.redials_of(agent) for agent in "AB"],
            [engine.unresolved_of(agent) for agent in "AB"],
            list(engine.leads_with_number(int(NUMBER))),
            engine.next_deadline_ms(),
        )


# -- how a lead gets into each state --------------------------------------------------------------------------------


def _unprocessed(_: Case) -> None:
    pass


def _automatic(case: Case) -> None:
    case.lease()
    case.finish("unreached", cause="no_answer")
    case.wait(HOUR_MS)


def _redial(kind: str) -> Callable[[Case], None]:
    def arrive(case: Case) -> None:
        case.lease()
        case.redial(kind, case.now_ms + HOUR_MS)
        case.wait(HOUR_MS)

    return arrive


def _leased(before: Callable[[Case], None]) -> Callable[[Case], None]:
    def arrive(case: Case) -> None:
        before(case)
        case.lease()

    return arrive


def _unresolved(case: Case) -> None:
    case.lease()
    case.finish("unresolved")


def _pending(case: Case) -> None:
    case.lease()
    case.finish("resolved", result="sale")


def _closed(case: Case) -> None:
    case.lease()
    case.finish("resolved", result="success")


def _removed(case: Case) -> None:
    case.driver.act(case.lead, "remove", {})


def _blocked(case: Case) -> None:
    case.driver.block(NUMBER, "organisation", "admin")
    case.driver.unblock(NUMBER, "organisation", "admin")


STATES: Final[dict[str, Callable[[Case], None]]] = {
    "unprocessed": _unprocessed,
    "automatic_redial": _automatic,
    "common_redial": _redial("common"),
    "private_redial": _redial("private"),
    "vip_redial": _redial("vip"),
    "leased unprocessed": _leased(_unprocessed),
    "leased automatic_redial": _leased(_automatic),
    "leased common_redial": _leased(_redial("common")),
    "leased private_redial": _leased(_redial("private")),
    "leased vip_redial": _leased(_redial("vip")),
    "unresolved": _unresolved,
    "pending_validation": _pending,
    "closed: success": _closed,
    "closed: removed": _removed,
    "closed: do_not_call": _blocked,
}
DIALABLE: Final = ("unprocessed", "automatic_redial", "common_redial", "private_redial", "vip_redial")
LEASED: Final = tuple(f"leased {status}" for status in DIALABLE)
OPEN_NOT_LEASED: Final = (*DIALABLE, "unresolved", "pending_validation")


# -- the triggers ---------------------------------------------------------------------------------------------------


def _finish(outcome: str, **more: Any) -> Callable[[Case], None]:
    # The note makes it another finish than the one that led to the state, so it is no repetition (R5.3).
    return lambda case: case.finish(outcome, note="again", **more)


def _resolve(outcome: str, **more: Any) -> Callable[[Case], None]:
    def trigger(case: Case) -> None:
        case.driver.resolve(case.lead, "A", {"outcome": outcome, **more})

    return trigger


def _edit(**changes: Any) -> Callable[[Case], None]:
    return lambda case: case.driver.edit(case.lead, changes)


def _act(action: str, **body: Any) -> Callable[[Case], None]:
    return lambda case: case.driver.act(case.lead, action, body)


def _redial_edit(kind: str, agent: str | None) -> dict[str, Any]:
    return {"kind": kind, "at_ms": LATER_MS, "agent": agent}


def _take(case: Case) -> None:
    # A has no room for it while she holds it herself, so then B tries.
    holder = case.driver.lead(case.lead).leased_by
    case.driver.take("B" if holder else "A", case.lead, override=False)


TRIGGERS: Final[dict[str, Callable[[Case], object]]] = {
    "take": _take,
    "finish resolved": _finish("resolved", result="unqualified"),
    "finish resolved, to be validated": _finish("resolved", result="sale"),
    "finish redial common": _finish("redial", kind="common", at_ms=LATER_MS),
    "finish redial private": _finish("redial", kind="private", at_ms=LATER_MS),
    "finish redial vip": _finish("redial", kind="vip", at_ms=LATER_MS),
    "finish unreached": _finish("unreached", cause="no_answer"),
    "finish unreached, at the limit": _finish("unreached", cause="no_answer"),
    "finish invalid number": _finish("unreached", cause="invalid_number"),
    "finish unresolved": _finish("unresolved"),
    "finish cancelled": _finish("cancelled"),
    "end as unresolved": lambda case: case.driver.end_lease(case.token, "unresolved"),
    "end as cancelled": lambda case: case.driver.end_lease(case.token, "cancelled"),
    "heartbeat": lambda case: case.driver.heartbeat("A", case.token),
    "validation passed": _act("validate", passed=True),
    "validation failed": _act("validate", passed=False),
    "resolve resolved": _resolve("resolved", result="unqualified"),
    "resolve redial": _resolve("redial", kind="private", at_ms=LATER_MS),
    "resolve unreached": _resolve("unreached", cause="no_answer"),
    "remove": _act("remove"),
    "edit owner": _edit(owner="agent:B"),
    "edit redial private": _edit(redial=_redial_edit("private", "B")),
    "edit redial vip": _edit(redial=_redial_edit("vip", "B")),
    "edit due": _edit(due_ms=LATER_MS),
    "edit priority": _edit(priority=2),
    "release": _act("release"),
    "urgent": _act("urgent", reason="hot_lead", expires_ms=LATER_MS),
    "reopen": _act("reopen"),
    "reopen as private": _act("reopen", redial=_redial_edit("private", "B")),
}


# -- the table ------------------------------------------------------------------------------------------------------

SAME: Final = ""
"""The state stays."""

LISTED: Final[dict[str, dict[str, str]]] = {
    "take": {status: f"leased {status}" for status in DIALABLE},
    "finish resolved": dict.fromkeys(LEASED, "closed: unqualified"),
    "finish resolved, to be validated": dict.fromkeys(LEASED, "pending_validation"),
    "finish redial common": dict.fromkeys(LEASED, "common_redial"),
    "finish redial private": dict.fromkeys(LEASED, "private_redial"),
    "finish redial vip": dict.fromkeys(LEASED, "vip_redial"),
    "finish unreached": {
        "leased unprocessed": "automatic_redial",
        "leased automatic_redial": "automatic_redial",
        "leased common_redial": "common_redial",
        "leased private_redial": "private_redial",
        "leased vip_redial": "vip_redial",
    },
    "finish unreached, at the limit": dict.fromkeys(LEASED, "closed: max_call_attempts"),
    "finish invalid number": dict.fromkeys(LEASED, "closed: invalid_phone_number"),
    "finish unresolved": dict.fromkeys(LEASED, "unresolved"),
    "finish cancelled": {f"leased {status}": status for status in DIALABLE},
    "end as unresolved": dict.fromkeys(LEASED, "unresolved"),
    "end as cancelled": {f"leased {status}": status for status in DIALABLE},
    "heartbeat": dict.fromkeys(LEASED, SAME),
    "validation passed": {"pending_validation": "closed: sale"},
    "validation failed": {"pending_validation": "private_redial"},
    "resolve resolved": {"unresolved": "closed: unqualified"},
    "resolve redial": {"unresolved": "private_redial"},
    "resolve unreached": {"unresolved": "automatic_redial"},
    "remove": dict.fromkeys(OPEN_NOT_LEASED, "closed: removed") | dict.fromkeys(LEASED, SAME),
    "edit owner": dict.fromkeys(OPEN_NOT_LEASED, SAME),
    "edit redial private": dict.fromkeys(OPEN_NOT_LEASED, "private_redial"),
    "edit redial vip": dict.fromkeys(OPEN_NOT_LEASED, "vip_redial"),
    "edit due": dict.fromkeys(OPEN_NOT_LEASED, SAME),
    "edit priority": dict.fromkeys((*OPEN_NOT_LEASED, *LEASED), SAME),
    "release": {"private_redial": SAME, "vip_redial": SAME},
    "urgent": dict.fromkeys(DIALABLE, SAME),
    "reopen": dict.fromkeys(("closed: success", "closed: removed"), "unprocessed"),
    "reopen as private": dict.fromkeys(("closed: success", "closed: removed"), "private_redial"),
}
"""Trigger, state before: state after. What is not here is refused."""


def _arrived(state: str) -> Case:
    case = Case()
    STATES[state](case)
    assert case.state() == state
    return case


@pytest.mark.parametrize(
    ("trigger", "before", "after"),
    [(trigger, before, after or before) for trigger, rows in LISTED.items() for before, after in rows.items()],
)
def test_listed_transitions_happen(trigger: str, before: str, after: str) -> None:  # R1.4
    case = _arrived(before)
    if trigger.endswith("at the limit"):
        case.driver.put_campaign("c1", {"max_attempts": 1}, [])
    TRIGGERS[trigger](case)
    assert case.state() == after
    case.driver.crash(case.now_ms)
    assert case.state() == after


@pytest.mark.parametrize("restarted", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize(
    ("trigger", "state"),
    [(trigger, state) for trigger in TRIGGERS for state in STATES if state not in LISTED[trigger]],
)
def test_everything_else_is_refused_and_changes_nothing(
    trigger: str, state: str, restarted: bool
) -> None:  # R1.4, R1.5
    case = _arrived(state)
    if restarted:
        case.driver.crash(case.now_ms)
    before = case.dump()
    with pytest.raises(Refused) as refusal:
        TRIGGERS[trigger](case)
    assert case.state() == state
    assert case.dump() == before
    if refusal.value.code != "unknown_lease":  # then the token says nothing about any lead
        assert any(word in refusal.value.detail for word in state.replace(":", "").split()), refusal.value.detail


# -- what is not said to a lead but happens to it -------------------------------------------------------------------


@pytest.mark.parametrize("state", DIALABLE)
def test_next_leases_any_dialable_status(state: str) -> None:  # R1.4
    case = _arrived(state)
    case.lease()
    assert case.state() == f"leased {state}"


@pytest.mark.parametrize("state", [state for state in STATES if state not in DIALABLE and state not in LEASED])
def test_next_never_offers_the_others(state: str) -> None:  # R1.4
    case = _arrived(state)
    before = case.dump()
    assert isinstance(case.driver.next("A"), Nothing)
    assert case.dump() == before


@pytest.mark.parametrize("state", LEASED)
@pytest.mark.parametrize("end", ["timeout", "log off", "disabled"])
def test_a_lease_nobody_finishes_ends_unresolved(state: str, end: str) -> None:  # R1.4, R3.5, R5.2
    case = _arrived(state)
    if end == "timeout":
        case.wait(HOUR_MS)
    elif end == "log off":
        case.driver.log_off("A")
    else:
        case.driver.put_agent("A", {"enabled": False})
    assert case.state() == "unresolved"


def test_unresolved_is_abandoned_after_a_week() -> None:  # R1.4, R7.3
    case = _arrived("unresolved")
    case.wait(7 * 24 * HOUR_MS - 1)
    assert case.state() == "unresolved"
    case.wait(1)
    assert case.state() == "closed: abandoned"


@pytest.mark.parametrize("state", OPEN_NOT_LEASED)
def test_blocking_closes_any_open_lead(state: str) -> None:  # R1.4, R10.3
    case = _arrived(state)
    case.driver.block(NUMBER, "organisation", "admin")
    assert case.state() == "closed: do_not_call"


@pytest.mark.parametrize("state", LEASED)
@pytest.mark.parametrize(
    ("outcome", "after"),
    [
        ({"outcome": "resolved", "result": "success"}, "closed: success"),
        ({"outcome": "resolved", "result": "unqualified"}, None),
        ({"outcome": "redial", "kind": "private", "at_ms": LATER_MS}, None),
        ({"outcome": "unreached", "cause": "no_answer"}, None),
        ({"outcome": "unresolved"}, None),
        ({"outcome": "cancelled"}, None),
    ],
    ids=lambda value: value.get("result", value["outcome"]) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize(("mark", "closure"), [("remove", "removed"), ("block", "do_not_call")])
def test_what_marks_a_lease_takes_effect_at_its_end(
    state: str, outcome: dict[str, Any], after: str | None, mark: str, closure: str
) -> None:  # R1.5
    case = _arrived(state)
    if mark == "remove":
        case.driver.act(case.lead, "remove", {})
    else:
        case.driver.block(NUMBER, "organisation", "admin")
    assert case.state() == state
    case.driver.finish("A", case.token, outcome)
    assert case.state() == (after or f"closed: {closure}")
    assert case.driver.redials("A") == []


@pytest.mark.parametrize("state", ["closed: success", "closed: removed"])
def test_no_reopening_with_a_blocked_number(state: str) -> None:  # R1.4
    case = _arrived(state)
    case.driver.block(NUMBER, "organisation", "admin")
    with pytest.raises(Refused) as refusal:
        case.driver.act(case.lead, "reopen", {})
    assert refusal.value.code == "number_blocked"
    assert case.state() == state


def test_every_trigger_has_its_row() -> None:
    assert LISTED.keys() == TRIGGERS.keys()
    assert {state for rows in LISTED.values() for state in rows} <= STATES.keys()
