"""Upload rules of a campaign: what is wrong with them, and what they refuse (R9.4)."""

import pytest

from nextlead.core.commands import IntakeReject, IntakeRow
from nextlead.core.errors import Invalid
from nextlead.core.setup_model import Duplicates, FieldRule, Template, TemplateField, UploadRules
from nextlead_adapters.intake.mapping import Matcher
from nextlead_adapters.intake.numbers import Numbers
from nextlead_adapters.intake.rows import RowChecker
from nextlead_adapters.intake.upload_rules import check_upload_rules, compile_rules

FIELDS = (
    TemplateField("Region"),
    TemplateField("age", "number"),
    TemplateField("since", "date"),
    TemplateField("chain", "boolean"),
    TemplateField("mobile", "phone"),
)
COLUMNS = ["phone", "phone2", *(field.name for field in FIELDS)]


def check(rules: UploadRules, **cells: object) -> IntakeRow | IntakeReject:
    columns = list(cells)
    checker = RowChecker(
        Matcher(FIELDS, {}).plan(columns),
        Numbers("US"),
        frozenset(),
        compile_rules(rules, FIELDS),
        rules.duplicates.match,
    )
    return checker.check(2, list(cells.values()), ())


def on(field: str, **rule: object) -> UploadRules:
    return UploadRules(fields=(FieldRule(field, **rule),))  # type: ignore[arg-type]


def refused(rules: UploadRules, **cells: object) -> tuple[str, str]:
    """The rule that was broken, and the reason."""
    found = check(rules, **{"phone": "(415) 555-0100", **cells})
    assert isinstance(found, IntakeReject), found
    assert found.closure == "not_accepted"
    assert found.numbers[:1] == (14155550100,)
    return found.rule, found.reasons[-1]


def fits(rules: UploadRules, **cells: object) -> bool:
    return isinstance(check(rules, **{"phone": "(415) 555-0100", **cells}), IntakeRow)


# -- numbers ----------------------------------------------------------------------------------------------------------


def test_a_country_that_is_not_allowed() -> None:
    rules = UploadRules(countries=("GB", "IE"))
    assert refused(rules) == ("countries", "phone: '(415) 555-0100' is a number of US, which is not allowed")
    assert not fits(rules, phone="+1 876 555 0123")
    assert fits(rules, phone="+44 20 7946 0018")


def test_countries_that_share_a_code_are_told_apart() -> None:
    jamaican = "+1 876 523 0123"
    assert fits(UploadRules(countries=("JM",)), phone=jamaican)
    assert not fits(UploadRules(countries=("US",)), phone=jamaican)


def test_a_type_of_number_that_is_not_allowed() -> None:
    rules = UploadRules(number_types=("mobile",))
    assert fits(rules, phone="+44 7400 123456")
    found = check(rules, phone="+44 20 7946 0018")
    assert isinstance(found, IntakeReject)
    assert (found.rule, found.numbers) == ("number_types", (442079460018,))
    assert "is a fixed_line number, which is not allowed" in found.reasons[0]


def test_a_number_that_may_be_either_is_a_mobile_and_a_fixed_line() -> None:
    # R9.4: American numbers don't tell.
    assert fits(UploadRules(number_types=("mobile",)))
    assert fits(UploadRules(number_types=("fixed_line",)))
    assert not fits(UploadRules(number_types=("toll_free",)))


def test_a_refused_number_is_dropped_while_another_is_left() -> None:
    found = check(UploadRules(countries=("US",)), phone="+44 20 7946 0018", phone2="4155550100")
    assert isinstance(found, IntakeRow)
    assert found.numbers == (14155550100,)
    assert found.dropped == ("phone: '+44 20 7946 0018' is a number of GB, which is not allowed",)


def test_refused_and_unusable_numbers_are_all_told() -> None:
    found = check(UploadRules(countries=("US",)), phone="7", phone2="+44 20 7946 0018")
    assert isinstance(found, IntakeReject)
    assert (found.closure, found.rule, found.numbers) == ("not_accepted", "countries", (442079460018,))
    assert [reason.split(":")[0] for reason in found.reasons] == ["phone", "phone2"]


def test_no_number_at_all_closes_as_one() -> None:
    found = check(UploadRules(countries=("US",)), phone="7", Region="north")
    assert isinstance(found, IntakeReject)
    assert (found.closure, found.rule, found.data) == ("invalid_phone_number", "phone", b'{"Region":"north"}')


# -- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["Alaska", " alaska", "ALASKA "])
def test_a_prohibited_value(value: str) -> None:
    rules = on("region", prohibited=("Hawaii", "Alaska"))
    rule, reason = refused(rules, Region=value)
    assert rule == "fields.Region.prohibited"
    assert reason == f"Region: '{value}' is a prohibited value"
    assert fits(rules, Region="Alaskan")
    assert fits(rules, Region="")
    assert fits(rules)


def test_only_allowed_values() -> None:
    rules = on("Region", allowed=("North", "Ost"))
    assert fits(rules, Region="north ")
    assert refused(rules, Region="south")[0] == "fields.Region.allowed"
    assert fits(rules, Region=" ")


def test_accents_count_the_same_however_they_are_composed() -> None:
    assert not fits(on("Region", prohibited=("Bretagne Sud-É",)), Region="bretagne sud-E\u0301")


def test_allowed_values_are_of_the_fields_type() -> None:
    assert fits(on("age", allowed=("18", "2e1")), age="20.0")
    assert not fits(on("age", prohibited=("18",)), age="018")
    assert fits(on("chain", allowed=("yes",)), chain="1")
    assert not fits(on("since", allowed=("2026-03-02",)), since="2026-03-03")
    assert not fits(on("mobile", prohibited=("+14155550101",)), mobile="(415) 555-0101")


def test_a_pattern_is_matched_by_the_whole_value() -> None:
    rules = on("Region", pattern=r"[A-Z]{2}-\d+")
    assert fits(rules, Region=" US-12 ")
    assert refused(rules, Region="US-12x") == ("fields.Region.pattern", "Region: 'US-12x' does not match the pattern")
    assert not fits(rules, Region="us-12")
    assert fits(on("age", pattern="1."), age=18)


def test_a_pattern_made_to_be_slow_is_not() -> None:
    """A backtracking engine would take 2^40 steps."""
    assert not fits(on("Region", pattern="(a|a)*b"), Region="a" * 40)


@pytest.mark.parametrize(
    ("value", "reason"), [("17", "is less than 18"), ("99.5", "is more than 99"), ("18", ""), ("99", "")]
)
def test_a_range_of_numbers(value: str, reason: str) -> None:
    rules = on("age", least=18.0, most=99.0)
    if reason:
        assert refused(rules, age=value) == ("fields.age.range", f"age: '{value}' {reason}")
    else:
        assert fits(rules, age=value)


@pytest.mark.parametrize(
    ("value", "inside"),
    [("2025-12-31", False), ("2026-01-01", True), ("2026-03-31T23:59:59+02:00", True), ("2026-04-01", False)],
)
def test_a_range_of_dates_counts_days(value: str, inside: bool) -> None:
    rules = on("since", least="2026-01-01", most="2026-03-31")
    assert fits(rules, since=value) is inside
    if not inside:
        assert refused(rules, since=value)[0] == "fields.since.range"


def test_a_value_of_the_wrong_type_names_its_rule() -> None:
    assert refused(UploadRules(), age="old") == ("fields.age.type", "age: 'old' is not a number")


def test_text_that_is_no_unicode_breaks_no_pattern_and_no_process() -> None:
    assert refused(on("Region", pattern="a+"), Region="a\ud800")[0] == "text"


# -- checking them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        (UploadRules(countries=("US", "us")), "countries"),
        (UploadRules(number_types=("cell",)), "number_types"),
        (UploadRules(on_invalid="burn"), "on_invalid"),
        (UploadRules(duplicates=Duplicates(match=("street",))), "duplicates.match"),
        (UploadRules(duplicates=Duplicates(action="burn")), "duplicates.action"),
        (on("street"), "fields.street"),
        (UploadRules(fields=(FieldRule("age"), FieldRule(" AGE"))), "fields. AGE"),
        (on("age", allowed=("old",)), "fields.age.allowed"),
        (on("since", prohibited=("yesterday",)), "fields.since.prohibited"),
        (on("Region", pattern="("), "fields.Region.pattern"),
        (on("Region", pattern="(?=a)"), "fields.Region.pattern"),
        (on("Region", pattern="((a{1000}){1000}){1000}"), "fields.Region.pattern"),
        (on("Region", pattern="a" * 1_001), "fields.Region.pattern"),
        (on("Region", pattern="\ud800"), "fields.Region.pattern"),
        (on("Region", least=1), "fields.Region.least"),
        (on("Region", most="2"), "fields.Region.most"),
        (on("age", least="18"), "fields.age.least"),
        (on("age", most=float("inf")), "fields.age.most"),
        (on("age", least=2, most=1), "fields.age.most"),
        (on("since", least=2026), "fields.since.least"),
        (on("since", most="20260302"), "fields.since.most"),
        (on("since", least="2026-03-02", most="2026-03-01"), "fields.since.most"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(rules: UploadRules, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_upload_rules(rules, Template(fields=FIELDS))
    assert refusal.value.field == f"upload_rules.{field}"
    assert refusal.value.rule


def test_right_rules_are_right() -> None:
    rules = UploadRules(
        countries=("US", "GB"),
        number_types=("mobile", "voip"),
        on_invalid="close",
        duplicates=Duplicates(match=("phone", "region+AGE", "phone+region"), among="open", action="close"),
        fields=(
            FieldRule("age", least=0, most=0),
            FieldRule("region", allowed=("a",), prohibited=("b",), pattern="a?"),
        ),
    )
    check_upload_rules(rules, Template(fields=FIELDS))
