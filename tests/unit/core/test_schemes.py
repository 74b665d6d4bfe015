"""What a condition is shown as: the order of look-ups in a scheme, and what a campaign takes from one (SPEC 13)."""

from itertools import product
from typing import Any, Final

import pytest
from msgspec.structs import replace
from unit.core.register import Register

from nextlead.core.activity_model import Activity
from nextlead.core.commands import PutCampaign
from nextlead.core.conditions import Condition
from nextlead.core.engine import Engine
from nextlead.core.errors import Invalid
from nextlead.core.model import SYSTEM_CLOSURES, Status
from nextlead.core.schemes import NO_SCHEMES, PLAIN, Scheme, Shown, following, norm, shown_as
from nextlead.core.setup_model import (
    DEFAULT_RESULTS,
    Campaign,
    Dialer,
    Duplicates,
    FieldRule,
    Template,
    TemplateField,
    TemplateResult,
    UploadRules,
)

CLOSED: Final = Status.CLOSED
OPEN: Final = [status for status in Status if status is not CLOSED]


def result(code: str, category: str = "negative", label: str = "") -> TemplateResult:
    return TemplateResult(code, label, category)


FULL: Final = Scheme(
    "full",
    statuses=("Open", "Call back", "Text", "Won", "Lost", "Bad", "Shut"),
    results=(result("won", "success"), result("refused"), result("wrong", "invalid", "Wrong person")),
    by_status={status.code: Shown("Open") for status in OPEN} | {"vip_redial": Shown("Call back", "agreed")},
    by_closure={code: Shown("Shut", code) for code in SYSTEM_CLOSURES},
    by_rule=(
        ("countries", Shown("Bad", "country")),
        ("fields.region.*", Shown("Lost", "region")),
        ("fields.*.required", Shown("Bad", "something is missing")),
        ("fields.region.required", Shown("Bad", "never reached")),
    ),
    by_result={"refused": Shown("Lost", "said no"), "gone": Shown("Lost", "gone by")},
    by_category={
        "success": Shown("Won"),
        "negative": Shown("Lost", "{label}", "Lost: {label} [{code}]", ours=True),
        "invalid": Shown("Bad", "{code}"),
    },
    by_activity={Activity.SMS_IN: Shown("Text", "in"), Activity.SOLD: Shown("Won", "sold")},
    over_activities=frozenset({"do_not_call", "expired"}),
)
TEMPLATE: Final = Template(
    results=(result("won", "success"), result("refused"), result("later", label="Maybe later")),
    past=(result("moved", "invalid", "Moved away"), result("dear", label="Too dear")),
)


def shown(condition: Condition, template: Template = TEMPLATE, scheme: Scheme = FULL) -> tuple[str, str | None]:
    found = shown_as(scheme, template, condition)
    return found.status, found.reason


def closed(closure: str, rule: str = "", activity: Activity = Activity.NONE) -> Condition:
    return Condition(CLOSED, closure, rule, activity)


# -- the order of look-ups ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", OPEN)
def test_an_open_lead_is_shown_by_its_status(status: Status) -> None:  # R13.1
    expected = ("Call back", "agreed") if status is Status.VIP_REDIAL else ("Open", None)
    assert shown(Condition(status)) == expected


@pytest.mark.parametrize("status", OPEN)
def test_an_activity_comes_before_the_status(status: Status) -> None:  # R13.3
    assert shown(Condition(status, None, "", Activity.SMS_IN)) == ("Text", "in")
    assert shown(Condition(status, None, "", Activity.SOLD)) == ("Won", "sold")


@pytest.mark.parametrize("kind", [kind for kind in Activity if kind not in FULL.by_activity])
def test_an_activity_that_the_scheme_does_not_name_changes_nothing(kind: Activity) -> None:
    assert shown(Condition(Status.VIP_REDIAL, None, "", kind)) == ("Call back", "agreed")
    assert shown(closed("removed", "", kind)) == ("Shut", "removed")
    assert shown(closed("won", "", kind)) == ("Won", None)


@pytest.mark.parametrize("closure", sorted(SYSTEM_CLOSURES))
def test_an_activity_comes_before_a_closure_but_for_those_over_activities(closure: str) -> None:  # R13.3
    over = closure in ("do_not_call", "expired")
    assert shown(closed(closure, "", Activity.SMS_IN)) == (("Shut", closure) if over else ("Text", "in"))


def test_a_result_may_be_over_activities_too() -> None:
    scheme = replace(FULL, over_activities=frozenset({"refused"}))
    assert shown(closed("refused", "", Activity.SMS_IN), scheme=scheme) == ("Lost", "said no")
    assert shown(closed("won", "", Activity.SMS_IN), scheme=scheme) == ("Text", "in")


def test_an_activity_comes_before_a_rule_and_a_result() -> None:  # R13.3
    assert shown(closed("not_accepted", "countries", Activity.SMS_IN)) == ("Text", "in")
    assert shown(closed("refused", "", Activity.SMS_IN)) == ("Text", "in")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("countries", ("Bad", "country")),
        ("Countries", ("Bad", "country")),
        ("fields.region.prohibited", ("Lost", "region")),
        ("fields.Region.Prohibited", ("Lost", "region")),
        ("fields.region.required", ("Lost", "region")),  # the first pattern that fits
        ("fields.name.required", ("Bad", "something is missing")),
        ("fields.a/b.c.required", ("Bad", "something is missing")),
        ("fields.regional.pattern", ("Shut", "not_accepted")),  # none fits: as the closure says
        ("countries.x", ("Shut", "not_accepted")),
        ("number_types", ("Shut", "not_accepted")),
        ("", ("Shut", "not_accepted")),
    ],
)
def test_a_lead_that_was_not_accepted_is_shown_by_the_rule(rule: str, expected: tuple[str, str]) -> None:  # R13.2
    assert shown(closed("not_accepted", rule)) == expected


def test_rules_refine_no_other_closure() -> None:
    scheme = replace(FULL, by_rule=(("*", Shown("Bad", "any rule")),))
    assert shown(closed("not_accepted", "number_types"), scheme=scheme) == ("Bad", "any rule")
    assert shown(closed("removed", "number_types"), scheme=scheme) == ("Shut", "removed")
    assert shown(closed("refused", "number_types"), scheme=scheme) == ("Lost", "said no")


@pytest.mark.parametrize("closure", sorted(SYSTEM_CLOSURES))
def test_a_system_closure_is_no_result(closure: str) -> None:
    template = Template(results=(result(closure, "success"),))
    assert shown(closed(closure), template) == ("Shut", closure)


def test_a_result_is_shown_by_its_code_whatever_the_campaign_calls_it() -> None:
    assert shown(closed("refused")) == ("Lost", "said no")
    assert shown(closed("refused"), Template(results=(result("refused", "success", "Yes!"),))) == ("Lost", "said no")
    assert shown(closed("gone"), Template(results=())) == ("Lost", "gone by")


@pytest.mark.parametrize(
    ("code", "expected", "label"),
    [
        ("won", ("Won", None), "Won"),
        ("later", ("Lost", "Maybe later"), "Lost: Maybe later [later]"),
        ("dear", ("Lost", "Too dear"), "Lost: Too dear [dear]"),  # a result of the past
        ("moved", ("Bad", "moved"), "Bad: moved"),
        ("wrong", ("Bad", "wrong"), "Bad: wrong"),  # the scheme's own, though the campaign has others
    ],
)
def test_a_result_without_a_place_of_its_own_goes_by_its_category(
    code: str, expected: tuple[str, str | None], label: str
) -> None:  # R13.1
    found = shown_as(FULL, TEMPLATE, closed(code))
    assert (found.status, found.reason) == expected
    assert found.label == label
    assert found.ours is (expected[0] == "Lost")


def test_the_campaigns_word_counts_before_its_past_and_the_schemes() -> None:
    now = Template(results=(result("wrong", "success"),), past=(result("wrong", "negative"),))
    assert shown(closed("wrong"), now) == ("Won", None)
    past = Template(results=(), past=(result("wrong", "success"),))
    assert shown(closed("wrong"), past) == ("Won", None)


def test_a_result_that_nobody_knows_is_negative_and_readable() -> None:
    found = shown_as(FULL, Template(results=()), closed("told_us_off"))
    assert (found.status, found.reason, found.label) == ("Lost", "Told us off", "Lost: Told us off [told_us_off]")


def test_a_result_without_a_label_is_readable() -> None:
    template = Template(results=(result("no_money", "negative"),))
    assert shown(closed("no_money"), template) == ("Lost", "No money")


def test_a_label_that_has_braces_is_put_in_as_it_is() -> None:
    template = Template(results=(result("odd", "negative", "{status} {0} {"),))
    assert shown(closed("odd"), template) == ("Lost", "{status} {0} {")


def test_an_anonymised_lead_is_shown_as_that_and_counted_as_what_it_was() -> None:  # R10.6
    condition = Condition(CLOSED, "not_accepted", "countries", Activity.NONE, anonymised=True)
    assert shown(condition.shown) == ("Shut", "anonymized")
    assert shown(condition) == ("Bad", "country")


# -- without schemes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", OPEN)
def test_without_schemes_a_status_is_its_code(status: Status) -> None:
    found = shown_as(PLAIN, Template(), Condition(status, None, "", Activity.SMS_IN))
    assert (found.status, found.reason) == (status.code, None)
    assert norm(found.label) == norm(status.code)


@pytest.mark.parametrize(
    "closure", [*sorted(SYSTEM_CLOSURES), *(found.code for found in DEFAULT_RESULTS), "unheard_of"]
)
def test_without_schemes_a_closure_is_its_code(closure: str) -> None:
    found = shown_as(PLAIN, Template(), closed(closure, "countries" if closure == "not_accepted" else ""))
    assert (found.status, found.reason) == (closure, None)
    assert norm(found.label) == norm(closure)


def test_without_schemes_there_is_hero() -> None:
    assert dict(NO_SCHEMES) == {"hero": PLAIN}
    assert dict(Engine().schemes) == {"hero": PLAIN}


# -- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["In Progress", "in progress", "IN-PROGRESS", "in_progress", "  In   progress ", "in - progress"]
)
def test_names_are_compared_as_people_mean_them(text: str) -> None:
    assert norm(text) == "in progress"


@pytest.mark.parametrize(
    ("one", "other"),
    [("Sold", "Sold out"), ("No Answer", "NoAnswer"), ("SMS in Progress", "Sale in Progress"), ("é", "e")],
)
def test_other_names_are_others(one: str, other: str) -> None:
    assert norm(one) != norm(other)


def test_letters_of_any_language_count() -> None:
    assert norm("STRASSE") == norm("Straße")
    assert norm("Отказ клиента") == norm("отказ-клиента") != ""
    assert norm("Max. call attempts") == norm("max_call_attempts")


# -- a campaign under another scheme --------------------------------------------------------------------------------

OLD: Final = Scheme(
    "old", results=(result("a", "success"), result("b")), on_invalid="file", duplicates=Duplicates(action="skip")
)
NEW: Final = Scheme(
    "new",
    results=(result("b", "invalid"), result("c", "success")),
    on_invalid="close",
    duplicates=Duplicates(("phone",), "campaign", "open", "close"),
)
OWN_RESULTS: Final = (result("x", "success"),)
OWN_DUPLICATES: Final = Duplicates(("last_name",), "project", "all", "load")


def campaign(
    results: tuple[TemplateResult, ...] = OLD.results,
    on_invalid: str = OLD.on_invalid,
    duplicates: Duplicates = OLD.duplicates,
) -> Campaign:
    """One of scheme old with much that no scheme has a say in."""
    return Campaign(
        4,
        "c1",
        "Autumn",
        2,
        active=False,
        scheme="old",
        template=Template((TemplateField("region"),), results),
        dialer=Dialer(max_attempts=3),
        default_region="DE",
        upload_rules=UploadRules(("US",), ("mobile",), (FieldRule("region", ("x",)),), on_invalid, duplicates),
    )


@pytest.mark.parametrize(("results", "on_invalid", "duplicates"), list(product([False, True], repeat=3)))
def test_what_was_the_old_schemes_moves_and_what_was_changed_by_hand_stays(
    results: bool, on_invalid: bool, duplicates: bool
) -> None:  # R13.2
    changed: dict[str, Any] = {
        "results": OWN_RESULTS if results else OLD.results,
        "on_invalid": "close" if on_invalid else "file",
        "duplicates": OWN_DUPLICATES if duplicates else OLD.duplicates,
    }
    before = campaign(**changed)
    new = replace(NEW, on_invalid="other")  # told apart from what was set by hand
    after = following(before, OLD, new)
    assert after.scheme == "new"
    assert after.template.results == (OWN_RESULTS if results else NEW.results)
    assert after.upload_rules.on_invalid == ("close" if on_invalid else "other")
    assert after.upload_rules.duplicates == (OWN_DUPLICATES if duplicates else NEW.duplicates)
    rest = replace(
        after,
        scheme=before.scheme,
        template=before.template,
        upload_rules=replace(after.upload_rules, on_invalid=changed["on_invalid"], duplicates=changed["duplicates"]),
    )
    assert rest == before
    assert after.template.fields == before.template.fields


def test_there_and_back_is_what_it_was() -> None:
    before = campaign()
    back = following(following(before, OLD, NEW), NEW, OLD)
    assert replace(back, template=replace(back.template, past=())) == before


def test_results_that_go_with_a_scheme_are_remembered() -> None:
    after = following(campaign(), OLD, NEW)
    assert after.template.past == (result("a", "success"),)  # b is a result of the new one, too
    back = following(after, NEW, OLD)
    assert [found.code for found in back.template.past] == ["c"]


def test_a_duplicate_check_that_differs_in_one_thing_was_changed_by_hand() -> None:
    for changed in (
        replace(OLD.duplicates, match=("phone", "email")),
        replace(OLD.duplicates, scope="project"),
        replace(OLD.duplicates, among="open"),
        replace(OLD.duplicates, action="load"),
    ):
        assert following(campaign(duplicates=changed), OLD, NEW).upload_rules.duplicates == changed


def test_results_that_differ_in_one_thing_were_changed_by_hand() -> None:
    first, second = OLD.results
    for changed in (
        (second, first),
        (first,),
        (first, second, result("c")),
        (replace(first, label="Yes"), second),
        (replace(first, validation=True), second),
        (first, replace(second, do_not_call=True)),
    ):
        after = following(campaign(results=changed), OLD, NEW)
        assert after.template.results == changed
        assert after.template.past == ()


# -- the same, said to an engine ------------------------------------------------------------------------------------


class Shop(Register):
    """An engine that knows hero, old and new."""

    def found(self) -> None:
        """With schemes."""
        super().found()
        self.engine = Engine(b"key", schemes={"hero": PLAIN, "old": OLD, "new": NEW})
        self.commits, self.rows = [], {}
        self.keep(self.engine.start(self.now_ms))

    def put(self, **more: Any) -> Campaign:
        found = self(PutCampaign(code="c2", **more))
        assert isinstance(found, Campaign)
        return found


def test_a_campaign_begins_with_what_its_scheme_has() -> None:  # R13.2
    made = Shop().put(scheme="new")
    assert made.scheme == "new"
    assert made.template.results == NEW.results
    assert (made.upload_rules.on_invalid, made.upload_rules.duplicates) == ("close", NEW.duplicates)


def test_a_campaign_without_a_scheme_is_heros() -> None:
    made = Shop().put()
    assert made.scheme == "hero"
    assert made.template.results == DEFAULT_RESULTS
    assert made.upload_rules == UploadRules()


def test_what_is_said_with_the_scheme_counts_more_than_it() -> None:
    template = Template(results=OWN_RESULTS)
    rules = UploadRules(on_invalid="file", duplicates=OWN_DUPLICATES)
    made = Shop().put(scheme="new", template=template, upload_rules=rules)
    assert made.template.results == OWN_RESULTS
    assert made.upload_rules == rules


def test_a_campaign_goes_from_one_scheme_to_another() -> None:
    shop = Shop()
    shop.put(scheme="old")
    moved = shop.put(scheme="new")
    assert moved.template.results == NEW.results
    assert moved.upload_rules.duplicates == NEW.duplicates
    shop.put(template=Template(results=OWN_RESULTS))
    back = shop.put(scheme="old")
    assert back.template.results == OWN_RESULTS
    assert back.upload_rules.duplicates == OLD.duplicates


def test_naming_the_scheme_that_it_has_changes_nothing() -> None:
    shop = Shop()
    shop.put(scheme="new")
    rules = UploadRules(on_invalid="file", duplicates=OWN_DUPLICATES)
    changed = shop.put(upload_rules=rules)
    assert shop.put(scheme="new") == changed


@pytest.mark.parametrize("name", ["no_such", "", "New", "hero "])
def test_a_scheme_that_is_not_there_is_refused(name: str) -> None:  # R13.1
    shop = Shop()
    before = shop.put(scheme="old")
    with pytest.raises(Invalid) as refusal:
        shop.put(scheme=name)
    assert refusal.value.field == "scheme"
    assert all(known in refusal.value.rule for known in ("hero", "old", "new"))
    assert shop.engine.campaigns.need("c2") == before
    with pytest.raises(Invalid):
        shop(PutCampaign(code="c3", scheme=name))
    assert "c3" not in shop.engine.campaigns.by_code


def test_results_that_are_taken_from_a_template_keep_their_meaning() -> None:
    shop = Shop()
    shop.put(template=Template(results=(result("a", "success", "Aye"), result("b"))))
    changed = shop.put(template=Template(results=(result("b"),)))
    assert changed.template.results == (result("b"),)
    assert result("a", "success", "Aye") in changed.template.past
    assert shown_as(FULL, changed.template, closed("a")).status == "Won"
    again = shop.put(template=Template(results=(result("a", "invalid"), result("b"))))
    assert "a" not in [found.code for found in again.template.past]
    assert shown_as(FULL, again.template, closed("a")).status == "Bad"


def test_what_people_say_of_the_past_is_not_taken_for_it() -> None:
    shop = Shop()
    shop.put(template=Template(results=(result("a", "success"),)))
    changed = shop.put(template=Template(results=(result("b"),), past=()))
    assert result("a", "success") in changed.template.past
