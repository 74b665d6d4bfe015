"""Taking a chosen lead by the rules (R3.8), and what a lease was given out by, in its history (R14)."""

from collections.abc import Callable

import pytest
from unit.core.centre import MINUTE_MS, NOW_MS, Centre
from unit.core.idle_shop import Zoned

from nextlead.core.commands import (
    ActOnPool,
    EditLead,
    Explain,
    MakeUrgent,
    Next,
    PutCampaign,
    PutSession,
    PutSettings,
    RedialEdit,
    Take,
)
from nextlead.core.engine import Engine
from nextlead.core.errors import Conflict, NextleadError, NotAllowed, NumberBlocked
from nextlead.core.model import Blocked
from nextlead.core.replies import Explanation, Offer, Outcome
from nextlead.core.row import DAY_MS, HOUR_MS
from nextlead.core.rules import RULES, rules_but, rules_named
from nextlead.core.setup_model import CallingHours, ContactLimit, Dialer

FROM_TEN = CallingHours(windows=(((600, 1020),),) * 7)
ONCE_A_DAY = (ContactLimit("max", DAY_MS, 1),)


def take(centre: Centre, lead: int, agent: str = "a", *, override: bool = False) -> Outcome:
    command = Take(agent=agent, lead=lead, token=b"t" * 16, override=override, by="supervisor:eve")
    return centre.engine.apply(command, centre.now_ms)


def checks(outcome: Outcome) -> tuple[tuple[str, str], ...]:
    assert isinstance(outcome.reply, Offer)
    return next(event.checks for event in outcome.changes.events if event.kind == "leased")


# -- take (R3.8) ------------------------------------------------------------------------------------------------------


def pool(centre: Centre, _lead: int) -> None:
    centre(ActOnPool(pool=1, action="deactivate"))


def calling_hours(centre: Centre, _lead: int) -> None:
    centre(PutCampaign(code="c1", dialer=Dialer(calling_hours=FROM_TEN)))


def contact_limit(centre: Centre, _lead: int) -> None:
    centre(PutCampaign(code="c1", dialer=Dialer(contact_limits=ONCE_A_DAY)))
    centre.finish(centre.next(), "unreached", cause="busy")


def cancel_pause(centre: Centre, _lead: int) -> None:
    centre.finish(centre.next(), "cancelled")


def max_unresolved(centre: Centre, _lead: int) -> None:
    centre(PutCampaign(code="c1", dialer=Dialer(max_unresolved=1)))
    (other,) = centre.load(14155550105)
    centre(EditLead(lead=other, priority=1))
    centre.finish(centre.next(), "unresolved")


def campaign(centre: Centre, _lead: int) -> None:
    centre(PutCampaign(code="c1", active=False))


def owner(centre: Centre, lead: int) -> None:
    centre(EditLead(lead=lead, owner="agent:b"))


OVERRIDABLE = (campaign, owner)


@pytest.mark.parametrize(
    "rule",
    [pool, calling_hours, contact_limit, cancel_pause, max_unresolved, campaign, owner],
    ids=lambda rule: rule.__name__,
)
def test_take_is_held_to_every_rule_but_order_and_due_time(rule: Callable[[Centre, int], None]) -> None:  # R3.8
    centre = Centre()
    (lead,) = centre.load(14155550100)
    rule(centre, lead)
    with pytest.raises(NotAllowed) as refused:
        take(centre, lead)
    assert refused.value.facts == {"rule": rule.__name__}
    if rule in OVERRIDABLE:
        (name, value), *rest = checks(take(centre, lead, override=True))
        assert (name, value.split(":")[0], rest) == (rule.__name__, "overridden", [])
    else:
        with pytest.raises(NotAllowed):
            take(centre, lead, override=True)


def test_take_asks_for_no_due_time_and_no_reserve() -> None:  # R3.8, R4.9
    centre = Centre(reserve_owner_ms=HOUR_MS)
    lead, promised = centre.load(14155550100, 14155550101)
    centre(EditLead(lead=promised, redial=RedialEdit("private", NOW_MS + MINUTE_MS, "a")))
    centre(EditLead(lead=lead, due_ms=NOW_MS + HOUR_MS))
    assert checks(take(centre, lead)) == ()


@pytest.mark.parametrize("override", [False, True])
def test_nobody_takes_past_a_blocked_or_leased_number(override: bool) -> None:  # R3.7, R9.7
    centre = Centre()
    first, twin = centre.load(14155550100, 14155550100)
    assert centre.next("b").lead.id == first
    with pytest.raises(Conflict, match=f"lead {first} until 2026-03-02T10:00:00Z at the latest"):
        take(centre, twin, override=override)
    (blocked,) = centre.load(14155550109)
    centre.engine.state.blocked[14155550109] = Blocked(14155550109, "", NOW_MS, "admin")  # as no command leaves it
    with pytest.raises(NumberBlocked):
        take(centre, blocked, override=override)


# -- the decision log (SPEC 14) -----------------------------------------------------------------------------------------


def test_a_lease_without_hours_and_limits_has_nothing_to_prove() -> None:
    centre = Centre()
    centre.load(14155550100)
    assert checks(centre.engine.apply(Next(agent="a", token=bytes(16)), NOW_MS)) == ()


def test_a_lease_says_by_what_hours_and_limits_it_was_allowed() -> None:  # R11.1, R12.1
    centre = Centre(calling_hours=CallingHours(windows=(((540, 600),),) * 7), contact_limits=ONCE_A_DAY)
    centre.load(14155550100)
    hours, limit = checks(centre.engine.apply(Next(agent="a", token=bytes(16)), NOW_MS + MINUTE_MS))
    assert hours[0] == "calling_hours"
    for words in ("2026-03-02 09:01", "UTC", "09:00-10:00", "zone of the campaign"):
        assert words in hours[1]
    assert (limit[0], limit[1].split(" in ")[0]) == ("max", "0 of 1")


@pytest.mark.parametrize(("zone", "source"), [("Europe/Madrid", "lead"), (None, "number")])
def test_a_lease_says_whose_zone_counted(zone: str | None, source: str) -> None:  # R11.1
    class Far(Centre):
        def found(self) -> None:
            self.engine = Engine(almanac=Zoned())
            self.engine.start(self.now_ms)

    centre = Far(calling_hours=CallingHours())
    (lead,) = centre.load(14155550100)
    assert 14155550100 % 5 == 0  # New York, by `Zoned`
    centre(EditLead(lead=lead, zone=zone))
    ((_, value),) = checks(centre.engine.apply(Next(agent="a", token=bytes(16)), NOW_MS))
    assert (zone or "America/New_York") in value
    assert value.endswith(f"zone of the {source}")


def test_a_lease_says_what_was_exempt_or_forced() -> None:  # R4.2, R12.2
    centre = Centre(calling_hours=FROM_TEN, contact_limits=ONCE_A_DAY)
    (lead,) = centre.load(14155550100)
    centre(EditLead(lead=lead, redial=RedialEdit("vip", NOW_MS + 1, "a", force=True), by="supervisor:eve"))
    (_, hours), (_, limit) = checks(centre.engine.apply(Next(agent="a", token=bytes(16)), NOW_MS + 1))
    assert hours == "the promised time was forced by supervisor:eve: exempt until that call ends"
    assert limit.endswith("promised redials are exempt")


# -- corners ------------------------------------------------------------------------------------------------------------


def test_urgent_leads_are_not_withheld() -> None:  # R7.2, R2.6
    centre = Centre()
    (lead,) = centre.load(14155550100)
    max_unresolved(centre, lead)
    centre(MakeUrgent(lead=lead, reason="hot_lead", expires_ms=NOW_MS + HOUR_MS))
    assert centre.next().lead.id == lead


def test_limits_count_for_leads_that_come_in_later() -> None:  # R12.1
    centre = Centre()
    centre(PutSettings(contact_limits=ONCE_A_DAY))
    centre.load(14155550100, 14155550101)
    for _ in range(2):
        centre.finish(centre.next(), "unreached", cause="busy")
    for number in (14155550100, 14155550101):
        (later,) = centre.load(number)
        found = centre(Explain(lead=later, agent="a"))
        assert isinstance(found, Explanation)
        assert found.eligible_ms == NOW_MS + DAY_MS


def test_own_redials_of_other_campaigns_follow_the_box() -> None:  # R3.3
    centre = Centre()
    centre(PutCampaign(code="c2"))
    (lead,) = centre.load(14155550100)
    centre(EditLead(lead=lead, redial=RedialEdit("private", NOW_MS + 1, "a")))
    centre.now_ms += 1
    for cross in (False, True):
        with pytest.raises(NextleadError):
            centre(PutSession(agent="a", campaigns=("c2",), cross=cross))  # it has no permission for c2
    centre(PutCampaign(code="c1", active=False))
    found = centre(Explain(lead=lead, agent="a"))
    assert isinstance(found, Explanation)
    assert found.eligible
    centre(PutSession(agent="a", campaigns=(), cross=False))
    found = centre(Explain(lead=lead, agent="a"))
    assert isinstance(found, Explanation)
    assert [check.name for check in found.checks if not check.passed] == ["campaign"]
    (session,) = [check.value for check in found.checks if check.name == "session"]
    assert session == "campaigns none; own promised redials of other campaigns: no"


def test_rules_are_picked_by_name_and_keep_their_order() -> None:
    names = [rule.name for rule in RULES]
    assert len({*names}) == len(names)
    assert [rule.name for rule in rules_named("due", "pool")] == ["pool", "due"]
    assert [rule.name for rule in rules_but("due", "pool")] == [name for name in names if name not in ("due", "pool")]
    with pytest.raises(AssertionError):
        rules_named("weather")
