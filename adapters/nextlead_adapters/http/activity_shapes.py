"""What is logged of a lead: calls, texts, e-mails, visits (SPEC R13.3)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from .lead_shapes import Fields, Note, PhoneText, RedialKind
from .setup_shapes import Code
from .table import Body
from .values import Moment


class ActivityRedial(Body):
    """When to call again, with `sale_in_progress`; private and VIP ones are for the agent of the activity."""

    kind: RedialKind
    at: Moment
    force: bool = False


class ActivityBody(Body):
    """What was said to a lead, or by it. Only a text may come without an outcome.

    `direction` is needed of a text, `out` of everything else that does not say so. `explanation` of `satisfied` goes
    with `no_sale`. `at` is when it happened, now if it is left out. `agent` is who did it; an agent's token means
    itself. `redial` goes with `sale_in_progress`, `number` is the one that was called. `data` changes the fields it
    names.
    """

    interaction: Literal["call", "sms", "email", "in_store"]
    direction: Literal["in", "out"] | UnsetType = UNSET
    outcome: (
        Literal["sale_in_progress", "no_sale", "sold", "no_answer", "left_a_voicemail", "wrong_number"]
        | UnsetType
        | None
    ) = UNSET
    explanation: Annotated[str, Meta(max_length=1000)] | None = ""
    at: Moment | UnsetType = UNSET
    agent: Code | UnsetType = UNSET
    redial: ActivityRedial | UnsetType = UNSET
    number: PhoneText | UnsetType = UNSET
    note: Note = ""
    data: Fields | UnsetType = UNSET
