"""What was said to a lead, and by it (SPEC R13.3): calls, texts, e-mails, visits. The rules of `model.py` hold here."""

from enum import IntEnum
from typing import Final

from .errors import Invalid
from .row import Row


class Activity(IntEnum):
    """What the latest activity of a lead says of it, all that a status scheme asks for. A finish is one, too."""

    NONE = 0
    SMS_OUT = 1
    SMS_IN = 2
    SALE_IN_PROGRESS = 3
    NO_SALE = 4
    SATISFIED = 5
    SOLD = 6
    NO_ANSWER = 7
    LEFT_A_VOICEMAIL = 8
    WRONG_NUMBER = 9

    __hash__ = int.__hash__  # as with Status: it is part of keys on the hot path

    @property
    def code(self) -> str:
        """The name that people outside and scheme files use: `left_a_voicemail`."""
        return self.name.lower()


INTERACTIONS: Final = ("call", "sms", "email", "in_store")
DIRECTIONS: Final = ("in", "out")
OUTCOMES: Final = ("sale_in_progress", "no_sale", "sold", "no_answer", "left_a_voicemail", "wrong_number")
_ONLY_OF_CALLS: Final = frozenset({"no_answer", "left_a_voicemail", "wrong_number"})
_SATISFIED: Final = "satisfied"


class Latest(Row, frozen=True):
    """The latest activity of a lead by its time; of two at one time the one that was logged later.

    `agent` is the number of who did it, 0 where nobody was named.
    """

    kind: Activity
    at_ms: int
    agent: int = 0


class Logged(Row, frozen=True):
    """An activity as it was logged, for the history. `explanation` may be personal, the rest is not.

    `agent` is the number of who did it, 0 where nobody was named: whoever logs it may be somebody else.
    """

    interaction: str
    direction: str
    outcome: str = ""
    explanation: str = ""
    at_ms: int = 0
    agent: int = 0


def kind_of(interaction: str, direction: str, outcome: str | None, explanation: str = "") -> Activity:
    """What such an activity says of the lead; raises `Invalid` naming the field for a pair that is none (SPEC R13.3).

    Only a text may come without an outcome: then its direction counts.
    """
    if interaction not in INTERACTIONS:
        raise Invalid("interaction", f"must be one of {', '.join(INTERACTIONS)}")
    if direction not in DIRECTIONS:
        raise Invalid("direction", "must be in or out")
    is_satisfied = explanation.strip().casefold() == _SATISFIED
    if outcome is None:
        if interaction != "sms":
            raise Invalid("outcome", f"is needed; only an sms may come without one: {', '.join(OUTCOMES)}")
        if explanation:
            raise Invalid("explanation", "explains an outcome, and there is none")
        return Activity.SMS_IN if direction == "in" else Activity.SMS_OUT
    if outcome not in OUTCOMES:
        raise Invalid("outcome", f"must be one of {', '.join(OUTCOMES)}")
    if outcome in _ONLY_OF_CALLS and interaction != "call":
        raise Invalid("outcome", f"{outcome} goes with a call only, not with {interaction}")
    if is_satisfied and outcome != "no_sale":
        raise Invalid("explanation", "satisfied explains no_sale only")
    return Activity.SATISFIED if is_satisfied else Activity[outcome.upper()]
