"""The three shipped schemes: nothing is without a word, and every word of the pages they are made from is there."""

from collections.abc import Iterator
from itertools import product

import pytest

from nextlead.core.activity_model import Activity
from nextlead.core.conditions import Condition
from nextlead.core.model import SYSTEM_CLOSURES, Status
from nextlead.core.schemes import Scheme, Shown, norm, shown_as
from nextlead.core.setup_model import DEFAULT_RESULTS, Duplicates, Template, TemplateResult
from nextlead_adapters.scheme_content import FIELD_RULES, ROW_RULES
from nextlead_adapters.scheme_files import shipped_schemes

NAMES = ("hero", "luckyonline", "smartlists")
OWN = tuple(
    TemplateResult(f"own_{category}", f"Own {category}", category) for category in ("success", "negative", "invalid")
)
FIELDS = ("country", "region", "state", "city", "zip", "zip code", "postcode", "Postal Code", "island", "name", "a.b")
RULES = ("", *ROW_RULES, *(f"fields.{field}.{rule}" for field in FIELDS for rule in FIELD_RULES))
OURS_LUCKY = {"not_accepted", "max_call_attempts", "abandoned", "expired", "removed", "anonymized"}

LUCKY = {
    "Confirmed": {None},
    "In Progress": {None},
    "Rejected": {
        "Client refused",
        "Has not left a request",
        "Already made an order / Accidentally left a request",
        "Language barrier",
        "Regions prohibited for delivery",
        "The order has already been placed (question / claim)",
    },
    "Trash": {
        "Repeated request",
        "Invalid phone number",
        "The number is blacklisted",
        "Non-existent country in the offer",
    },
}
"""Word by word as LuckyOnline's page has them."""

SMART = [
    "New Account",
    "No SMS Reply",
    "SMS in Progress",
    "Sale in Progress",
    "Satisfied",
    "No Sale",
    "Sold",
    "No Answer",
    "Left a Voicemail",
    "Wrong Number",
]


def conditions(scheme: Scheme) -> Iterator[Condition]:
    """All that a lead can be in, of a campaign with results of the scheme and its own."""
    results = [result.code for result in (*scheme.results, *OWN)]
    opened = [status for status in Status if status is not Status.CLOSED]
    for kind in Activity:
        yield from (Condition(status, None, "", kind) for status in opened)
        yield from (Condition(Status.CLOSED, closure, "", kind) for closure in (*SYSTEM_CLOSURES, *results))
        yield from (Condition(Status.CLOSED, "not_accepted", rule, kind) for rule in RULES)


def shown(scheme: Scheme, closure: str, rule: str = "", activity: Activity = Activity.NONE) -> Shown:
    template = Template(results=(*scheme.results, *OWN))
    return shown_as(scheme, template, Condition(Status.CLOSED, closure, rule, activity))


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_shown_as_something(name: str) -> None:  # R13.1
    scheme = shipped_schemes()[name]
    template = Template(results=(*scheme.results, *OWN))
    for condition in conditions(scheme):
        found = shown_as(scheme, template, condition)
        own = name == "hero" and (condition.closure or "").startswith("own_")
        assert found.status in scheme.statuses or own, condition
        assert found.label, condition
        assert found.reason != "", condition
        assert "{" not in f"{found.status}{found.reason}{found.label}", condition


@pytest.mark.parametrize("name", NAMES)
def test_every_public_status_is_somewhere_and_can_be_told_from_others(name: str) -> None:
    scheme = shipped_schemes()[name]
    reached = {shown_as(scheme, Template(results=scheme.results), condition).status for condition in conditions(scheme)}
    assert set(scheme.statuses) <= reached
    assert len({norm(status) for status in scheme.statuses}) == len(scheme.statuses)


@pytest.mark.parametrize(("name", "viewed"), list(product(NAMES, NAMES)))
def test_leads_of_one_scheme_can_be_shown_by_another(name: str, viewed: str) -> None:  # R13.4
    scheme, other = shipped_schemes()[name], shipped_schemes()[viewed]
    for result in scheme.results:
        found = shown_as(other, Template(results=scheme.results), Condition(Status.CLOSED, result.code))
        assert found.status in other.statuses or viewed == "hero"
        if result.category == "success":
            assert found.status in ("success", "confirmed", "Confirmed", "Sold")


# -- hero -----------------------------------------------------------------------------------------------------------


def test_hero_has_the_usual_results_and_settings() -> None:  # R1.2
    hero = shipped_schemes()["hero"]
    assert hero.results == DEFAULT_RESULTS
    assert (hero.on_invalid, hero.duplicates) == (Scheme("x").on_invalid, Scheme("x").duplicates)


def test_hero_says_the_codes_of_the_engine_and_the_words_of_its_page() -> None:
    hero = shipped_schemes()["hero"]
    for status in Status:
        if status is not Status.CLOSED:
            assert shown_as(hero, Template(), Condition(status)).status == status.code
    for closure in (*SYSTEM_CLOSURES, *(result.code for result in hero.results), "own_success"):
        assert (shown(hero, closure).status, shown(hero, closure).reason) == (closure, None)
    words = {
        "success": "Success",
        "max_call_attempts": "Max. call attempts",
        "abandoned": "Abandoned",
        "invalid_phone_number": "Invalid Phone number",
        "expired": "Expired",
        "removed": "Removed",
        "anonymized": "Anonymized",
        "do_not_call": "In do not call list",
        "global_do_not_call": "In global do not call list",
        "own_negative": "Own negative",
    }
    assert {closure: shown(hero, closure).label for closure in words} == words
    assert {closure for closure in SYSTEM_CLOSURES if shown(hero, closure).ours} == {"duplicate", "not_accepted"}


def test_hero_does_not_look_at_activities() -> None:
    assert not shipped_schemes()["hero"].by_activity


# -- luckyonline ----------------------------------------------------------------------------------------------------


def test_luckyonline_has_every_reason_of_its_page_and_marks_the_others() -> None:  # R13.2
    scheme = shipped_schemes()["luckyonline"]
    assert scheme.statuses == tuple(LUCKY)
    found: dict[str, set[str | None]] = {status: set() for status in LUCKY}
    for condition in conditions(scheme):
        one = shown_as(scheme, Template(results=scheme.results), condition)
        if not one.ours and not (condition.closure or "").startswith("own_"):
            found[one.status].add(one.reason)
        assert one.label == (one.status if one.reason is None else f"{one.status}: {one.reason}")
    assert found == LUCKY


def test_luckyonlines_open_leads_are_in_progress_whatever_was_logged() -> None:
    scheme = shipped_schemes()["luckyonline"]
    for status, kind in product(Status, Activity):
        if status is not Status.CLOSED:
            assert shown_as(scheme, Template(), Condition(status, None, "", kind)) == Shown(
                "In Progress", None, "In Progress"
            )


@pytest.mark.parametrize(
    ("closure", "status", "reason"),
    [
        ("confirmed", "Confirmed", None),
        ("client_refused", "Rejected", "Client refused"),
        ("no_request", "Rejected", "Has not left a request"),
        ("already_ordered", "Rejected", "Already made an order / Accidentally left a request"),
        ("language_barrier", "Rejected", "Language barrier"),
        ("region_prohibited", "Rejected", "Regions prohibited for delivery"),
        ("question_or_claim", "Rejected", "The order has already been placed (question / claim)"),
        ("wrong_number", "Trash", "Invalid phone number"),
        ("blacklisted", "Trash", "The number is blacklisted"),
        ("duplicate", "Trash", "Repeated request"),
        ("invalid_phone_number", "Trash", "Invalid phone number"),
        ("do_not_call", "Trash", "The number is blacklisted"),
        ("global_do_not_call", "Trash", "The number is blacklisted"),
        ("own_success", "Confirmed", None),
        ("own_negative", "Rejected", "Own negative"),
        ("own_invalid", "Trash", "Invalid phone number"),
    ],
)
def test_luckyonlines_closures(closure: str, status: str, reason: str | None) -> None:
    found = shown(shipped_schemes()["luckyonline"], closure)
    assert (found.status, found.reason, found.ours) == (status, reason, False)


@pytest.mark.parametrize(
    ("rule", "reason", "ours"),
    [
        ("countries", "Non-existent country in the offer", False),
        ("fields.country.allowed", "Non-existent country in the offer", False),
        ("fields.Country.prohibited", "Non-existent country in the offer", False),
        ("fields.region.prohibited", "Regions prohibited for delivery", False),
        ("fields.Region.allowed", "Regions prohibited for delivery", False),
        ("fields.state.pattern", "Regions prohibited for delivery", False),
        ("fields.zip.range", "Regions prohibited for delivery", False),
        ("fields.ZIP code.pattern", "Regions prohibited for delivery", False),
        ("fields.post_code.pattern", "Regions prohibited for delivery", False),
        ("fields.Postal Code.pattern", "Regions prohibited for delivery", False),
        ("fields.postcode.prohibited", "Regions prohibited for delivery", False),
        ("fields.region.required", "Required data missing", True),
        ("fields.country.required", "Required data missing", True),
        ("fields.region.type", "Unusable data", True),
        ("number_types", "Type of number not accepted", True),
        ("fields.age.range", "Not accepted", True),
        ("priority", "Not accepted", True),
        ("", "Not accepted", True),
    ],
)
def test_luckyonlines_rules(rule: str, reason: str, ours: bool) -> None:
    found = shown(shipped_schemes()["luckyonline"], "not_accepted", rule)
    assert (found.status, found.reason, found.ours) == ("Trash" if "country" in reason else "Rejected", reason, ours)


def test_what_luckyonlines_page_does_not_name_is_rejected_with_a_reason_of_ours() -> None:
    scheme = shipped_schemes()["luckyonline"]
    assert {closure for closure in SYSTEM_CLOSURES if shown(scheme, closure).ours} == OURS_LUCKY
    reasons = [shown(scheme, closure).reason for closure in OURS_LUCKY]
    assert {shown(scheme, closure).status for closure in OURS_LUCKY} == {"Rejected"}
    assert len(set(reasons)) == len(OURS_LUCKY)
    assert not set(reasons) & LUCKY["Rejected"]


def test_a_result_keeps_luckyonlines_words_when_a_campaign_relabels_it() -> None:
    results = (TemplateResult("client_refused", "Nein danke", "negative"),)
    condition = Condition(Status.CLOSED, "client_refused")
    assert shown_as(shipped_schemes()["luckyonline"], Template(results=results), condition).reason == "Client refused"


def test_luckyonlines_campaigns_give_every_submitted_lead_a_status() -> None:
    scheme = shipped_schemes()["luckyonline"]
    assert scheme.on_invalid == "close"
    assert scheme.duplicates == Duplicates(("phone",), "campaign", "open", "close")
    assert [result.code for result in scheme.results if result.do_not_call] == ["blacklisted"]


# -- smart lists ----------------------------------------------------------------------------------------------------


def test_smart_lists_has_the_ten_statuses_by_activity() -> None:  # R13.3
    scheme = shipped_schemes()["smartlists"]
    assert list(scheme.statuses) == SMART
    by_activity = {
        kind: shown_as(scheme, Template(), Condition(Status.UNRESOLVED, None, "", kind)) for kind in Activity
    }
    assert by_activity.pop(Activity.NONE) == Shown("Sale in Progress", None, "Sale in Progress")
    names = {
        Activity.SMS_OUT: "No SMS Reply",
        Activity.SMS_IN: "SMS in Progress",
        Activity.SALE_IN_PROGRESS: "Sale in Progress",
        Activity.NO_SALE: "No Sale",
        Activity.SATISFIED: "Satisfied",
        Activity.SOLD: "Sold",
        Activity.NO_ANSWER: "No Answer",
        Activity.LEFT_A_VOICEMAIL: "Left a Voicemail",
        Activity.WRONG_NUMBER: "Wrong Number",
    }
    assert {kind: found.label for kind, found in by_activity.items()} == names
    assert not any(found.ours or found.reason for found in by_activity.values())


def test_smart_lists_leads_without_an_activity() -> None:
    scheme = shipped_schemes()["smartlists"]
    found = {status.code: shown_as(scheme, Template(), Condition(status)).status for status in list(Status)[:-1]}
    assert found == {
        "unprocessed": "New Account",
        "automatic_redial": "No Answer",
        "common_redial": "Sale in Progress",
        "private_redial": "Sale in Progress",
        "vip_redial": "Sale in Progress",
        "unresolved": "Sale in Progress",
        "pending_validation": "Sale in Progress",
    }
    closed = {closure: shown(scheme, closure) for closure in SYSTEM_CLOSURES}
    assert (closed["invalid_phone_number"].status, closed["max_call_attempts"].status) == ("Wrong Number", "No Answer")
    ours = {closure: one for closure, one in closed.items() if one.ours}
    assert ours.keys() == SYSTEM_CLOSURES - {"invalid_phone_number", "max_call_attempts"}
    assert {one.status for one in ours.values()} == {"No Sale"}
    assert len({one.reason for one in ours.values()}) == len(ours)
    results = {code: shown(scheme, code).status for code in ("success", "not_interested", "own_success", "own_invalid")}
    assert results == {
        "success": "Sold",
        "not_interested": "No Sale",
        "own_success": "Sold",
        "own_invalid": "Wrong Number",
    }


@pytest.mark.parametrize("closure", sorted(SYSTEM_CLOSURES))
def test_some_closures_are_shown_over_activities(closure: str) -> None:
    found = shown(shipped_schemes()["smartlists"], closure, activity=Activity.SMS_IN).status
    over = closure in ("do_not_call", "global_do_not_call", "removed", "anonymized", "expired")
    assert found == ("No Sale" if over else "SMS in Progress")


def test_smart_lists_results_end_a_call_as_its_page_names_them() -> None:
    results = [(result.code, result.label, result.category) for result in shipped_schemes()["smartlists"].results]
    assert results == [("success", "Sold", "success"), ("not_interested", "No Sale", "negative")]
