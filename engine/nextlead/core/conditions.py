"""The condition of a lead: all that a status scheme looks at, and what leads are counted by (SPEC 13).

It depends on no scheme. So one count serves every scheme, and a scheme may change without any lead being looked at.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from .activity_model import Activity
from .model import Event, Lead, Status

ANONYMIZED: Final = "anonymized"
NOT_ACCEPTED: Final = "not_accepted"
BETWEEN: Final = "\x1f"
"""Between the parts of a `closure_key`, and in no code of a result: people may put anything else there."""


class Condition(NamedTuple):
    """`closure` is None unless closed; `rule` is the intake rule that a `not_accepted` lead broke, else empty.

    `anonymised`: `closure` is the one it had before it was anonymised, which statistics stay with (SPEC R10.6).
    """

    status: Status
    closure: str | None = None
    rule: str = ""
    activity: Activity = Activity.NONE
    anonymised: bool = False

    @property
    def shown(self) -> "Condition":
        """As the lead itself is shown: an anonymised one as that."""
        return self._replace(closure=ANONYMIZED, rule="", anonymised=False) if self.anonymised else self


FRESH: Final = Condition(Status.UNPROCESSED)
"""Of a lead that nobody has touched."""


def condition_of(lead: Lead) -> Condition:
    """As the lead is counted; `.shown` is as it is shown."""
    kind = Activity.NONE if lead.latest is None else lead.latest.kind
    if lead.closure is None:
        return Condition(lead.status, None, "", kind)
    closure = lead.former or lead.closure
    return Condition(lead.status, closure, lead.rule if closure == NOT_ACCEPTED else "", kind, lead.former is not None)


def condition_before(event: Event) -> Condition:
    """The lead's, as it is shown, before the event."""
    return Condition(
        event.status_before, event.closure_before, _rule(event, event.closure_before), event.activity_before
    )


def condition_after(event: Event) -> Condition:
    """The same after it."""
    return Condition(event.status, event.closure, _rule(event, event.closure), event.activity)


def _rule(event: Event, closure: str | None) -> str:
    return event.rule if closure == NOT_ACCEPTED else ""


def closure_key(condition: Condition) -> str:
    """How a pool's counts name a closed lead's condition (`Closures`): its closure alone if there is no more to say."""
    activity = str(int(condition.activity)) if condition.activity else ""
    anonymised = ANONYMIZED if condition.anonymised else ""
    return BETWEEN.join((condition.closure or "", activity, anonymised, condition.rule)).rstrip(BETWEEN)


def closed_condition(key: str) -> Condition:
    """The condition that a key names."""
    closure, activity, anonymised, rule = (*key.split(BETWEEN, 3), "", "", "")[:4]
    return Condition(Status.CLOSED, closure, rule, Activity(int(activity or 0)), bool(anonymised))


def by_closure(counts: Mapping[str, int]) -> dict[str, int]:
    """A pool's counts by closure alone."""
    found: dict[str, int] = {}
    for key, count in counts.items():
        closure = key.partition(BETWEEN)[0]
        found[closure] = found.get(closure, 0) + count
    return found
