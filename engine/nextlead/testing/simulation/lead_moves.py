"""What supervisors do to leads."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from nextlead.core import commands as c
from nextlead.core.activity_model import OUTCOMES
from nextlead.core.engine import Engine
from nextlead.core.model import CAUSES, URGENT_REASONS, Lead, Status
from nextlead.core.row import HOUR_MS, MINUTE_MS
from nextlead.core.tokens import token_text

from .town import OWN_ZONES, some_number

if TYPE_CHECKING:
    from .centre import Centre

EVE = "supervisor:eve"


class OnLead:
    """A move that is about an open lead which fits; without one nothing is done."""

    def __init__(
        self,
        make: Callable[["Centre", Random, Lead], c.Command],
        wanted: Callable[[Lead], bool] = lambda _: True,
    ) -> None:
        self._make = make
        self._wanted = wanted

    def __call__(self, centre: "Centre", dice: Random, engine: Engine) -> c.Command | None:
        """See `office.Move`."""
        rows = (engine.lead(lead) for lead in range(1, engine.sequences.lead))
        found = [row for row in rows if row is not None and self._wanted(row)]
        return self._make(centre, dice, dice.choice(found)) if found else None


def _later_ms(centre: "Centre", dice: Random) -> int:
    return centre.wall.true_ms() + dice.choice((MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 8 * HOUR_MS))


# -- one lead -------------------------------------------------------------------------------------------------------


def _release(_centre: "Centre", _dice: Random, lead: Lead) -> c.Command:
    return c.Release(lead=lead.id, by=EVE)


def _book(centre: "Centre", dice: Random, lead: Lead) -> c.Command:
    kind: Any = dice.choice(("common", "private", "vip"))
    agent = None if kind == "common" else dice.choice(centre.agents)
    redial = c.RedialEdit(kind, _later_ms(centre, dice), agent, force=dice.random() < 0.5)
    return c.EditLead(lead=lead.id, redial=redial, by=EVE)


def _put_off(centre: "Centre", dice: Random, lead: Lead) -> c.Command:
    return c.EditLead(lead=lead.id, due_ms=_later_ms(centre, dice), by=EVE)


def _rate(_centre: "Centre", dice: Random, lead: Lead) -> c.Command:
    return c.EditLead(lead=lead.id, priority=dice.choice((0, 1, 5, 9)), by=EVE)


def _hurry(centre: "Centre", dice: Random, lead: Lead) -> c.Command:
    until_ms = _later_ms(centre, dice)
    return c.MakeUrgent(lead=lead.id, reason=dice.choice(URGENT_REASONS), expires_ms=until_ms, by=EVE)


def _hand_over(centre: "Centre", dice: Random, lead: Lead) -> c.Command:
    owner = dice.choice(("team:root", "team:north", "team:south", *(f"agent:{agent}" for agent in centre.agents)))
    return c.EditLead(lead=lead.id, owner=owner, by=EVE)


def _move_house(_centre: "Centre", dice: Random, lead: Lead) -> c.Command:
    return c.EditLead(lead=lead.id, zone=dice.choice((None, *OWN_ZONES)), by=EVE)


def _remove(_centre: "Centre", _dice: Random, lead: Lead) -> c.Command:
    return c.Remove(lead=lead.id, by=EVE)


def _end_lease(_centre: "Centre", dice: Random, lead: Lead) -> c.Command:
    assert lead.lease is not None, "only leased leads are wanted"
    outcome: Any = dice.choice(("cancelled", "unresolved"))
    return c.EndLease(token=token_text(lead.id, lead.lease.token), outcome=outcome, by=EVE)


def _take(centre: "Centre", dice: Random, lead: Lead) -> c.Command:
    """A customer rings back: somebody takes the lead by hand (SPEC R3.8)."""
    token, override = centre.luck.randbytes(16), dice.random() < 0.5
    return c.Take(agent=dice.choice(centre.agents), lead=lead.id, token=token, override=override, by=EVE)


def _resolve(centre: "Centre", dice: Random, lead: Lead) -> c.Command:
    said: tuple[dict[str, Any], ...] = (
        {"outcome": "resolved", "result": dice.choice(centre.results)},
        {"outcome": "redial", "kind": "common", "at_ms": _later_ms(centre, dice), "force": True},
        {"outcome": "unreached", "cause": dice.choice(CAUSES)},
    )
    return c.Resolve(lead=lead.id, by=EVE, **dice.choice(said))


def _validate(_centre: "Centre", dice: Random, lead: Lead) -> c.Command:
    return c.Validate(lead=lead.id, passed=dice.random() < 0.5, by=EVE)


def _text(centre: "Centre", dice: Random, lead: Lead) -> c.Command:
    direction: Any = dice.choice(("in", "out"))
    agent = dice.choice((None, *centre.agents))
    return c.LogActivity(lead=lead.id, interaction="sms", direction=direction, agent=agent, by=EVE)


def _note_outcome(_centre: "Centre", dice: Random, lead: Lead) -> c.Command:
    outcome: Any = dice.choice(OUTCOMES)
    return c.LogActivity(lead=lead.id, interaction="call", direction="in", outcome=outcome, by=EVE)


def _explain(centre: "Centre", dice: Random, lead: Lead) -> c.Command:
    return c.Explain(lead=lead.id, agent=dice.choice(centre.agents), by=EVE)


def _block(_centre: "Centre", dice: Random, lead: Lead) -> c.Command:
    number = dice.choice((*lead.numbers, some_number(dice)))
    scope: Any = dice.choice(("organisation", "organisation", "global"))
    return c.Block(numbers=(number,), scope=scope, drop_number=dice.random() < 0.4, by=EVE)


# -- many -----------------------------------------------------------------------------------------------------------


def _release_all(centre: "Centre", dice: Random, _engine: Engine) -> c.Command:
    return c.ReleaseAll(agent=dice.choice(centre.agents), by=EVE)


def _edit_many(centre: "Centre", dice: Random, engine: Engine) -> c.Command:
    rows = [lead for lead in range(1, engine.sequences.lead) if engine.lead(lead) is not None]
    leads = tuple(dice.sample(rows, min(len(rows), 5)))
    action: Any = dice.choice(("release", "priority", "priority", "owner", "remove"))
    owner = dice.choice(("team:root", f"agent:{dice.choice(centre.agents)}"))
    return c.EditLeads(leads=leads, action=action, priority=dice.choice((0, 2, 8)), owner=owner, by=EVE)


def _why_idle(centre: "Centre", dice: Random, _engine: Engine) -> c.Command:
    return dice.choice((c.WhyAllIdle(by=EVE), c.WhyIdle(agent=dice.choice(centre.agents), by=EVE)))


def _unblock(_centre: "Centre", dice: Random, engine: Engine) -> c.Command | None:
    known = list(engine.blocked)
    return c.Unblock(number=dice.choice(known), by=EVE) if known else None


_BOOK, _PUT_OFF, _TEXT = OnLead(_book), OnLead(_put_off), OnLead(_text)
_RELEASE = OnLead(_release, lambda lead: lead.promise is not None)
_RESOLVE = OnLead(_resolve, lambda lead: lead.unresolved is not None)

SUPERVISING = (
    *(_RELEASE, _BOOK, _PUT_OFF, OnLead(_end_lease, lambda lead: lead.lease is not None)),
    *(OnLead(_take), OnLead(_take), _RESOLVE, _RESOLVE, OnLead(_remove), OnLead(_move_house)),
)
REDIALS = (_BOOK, _BOOK, _RELEASE, _release_all, _PUT_OFF)
PRIORITIES = (OnLead(_rate), OnLead(_hurry))
OWNERS = (OnLead(_hand_over),)
VALIDATING = (OnLead(_validate, lambda lead: lead.status is Status.PENDING_VALIDATION),)
LOGGING = (_TEXT, _TEXT, OnLead(_note_outcome, lambda lead: lead.lease is None))
BULK = (_edit_many,)
QUESTIONS = (OnLead(_explain), _why_idle)
BLOCKING = (OnLead(_block), OnLead(_block), _unblock)
