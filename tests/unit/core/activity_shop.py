"""A call centre in which people log what was said, and what that should come to."""

from typing import Any, Final

import pytest
from unit.core.intake_desk import ANN
from unit.core.register import Register

from nextlead.core import commands as c
from nextlead.core.activity_model import Activity
from nextlead.core.errors import NextleadError
from nextlead.core.row import HOUR_MS, MINUTE_MS
from nextlead.core.setup_model import Template, TemplateResult

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


ON_SCREEN: Final = {
    # outcome logged: closure or status, kind of the event, what the lead's latest activity says
    "sold": ("yes", "resolved", Activity.SOLD),
    "no_sale": ("no", "resolved", Activity.NO_SALE),
    "no_answer": ("automatic_redial", "unreached", Activity.NO_ANSWER),
    "left_a_voicemail": ("automatic_redial", "unreached", Activity.LEFT_A_VOICEMAIL),
    "wrong_number": ("invalid_phone_number", "unreached", Activity.WRONG_NUMBER),
    "sale_in_progress": ("unresolved", "unresolved", IN_PROGRESS),
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
