"""The names of rules that scheme files may map are those that rows are refused by (SPEC R9.4, R13.1)."""

from nextlead.core.commands import IntakeReject
from nextlead.core.setup_model import FieldRule, TemplateField, UploadRules
from nextlead_adapters.intake.mapping import Matcher
from nextlead_adapters.intake.numbers import Numbers
from nextlead_adapters.intake.rows import RowChecker
from nextlead_adapters.intake.upload_rules import compile_rules
from nextlead_adapters.scheme_content import FIELD_RULES, ROW_RULES

FIELDS = (
    TemplateField("name", required=True),
    TemplateField("region"),
    TemplateField("colour"),
    TemplateField("size", "number"),
    TemplateField("code"),
)
RULES = UploadRules(
    countries=("US",),
    number_types=("fixed_line",),
    fields=(
        FieldRule("region", prohibited=("Moon",)),
        FieldRule("colour", allowed=("red",)),
        FieldRule("size", least=1),
        FieldRule("code", pattern="[0-9]+"),
    ),
)
COLUMNS = ["phone", "name", "region", "colour", "size", "code", "priority", "owner", "timezone"]
GOOD = ["+14155550100", "Ann", "Earth", "red", "2", "7", "1", "team:root", "Europe/London"]
WRONG = {
    "countries": (0, "+442079460018"),
    "number_types": (0, "+18005550104"),
    "fields.name.required": (1, ""),
    "fields.region.prohibited": (2, "moon"),
    "fields.colour.allowed": (3, "blue"),
    "fields.size.type": (4, "large"),
    "fields.size.range": (4, "0"),
    "fields.code.pattern": (5, "x"),
    "priority": (6, "first"),
    "owner": (7, "me"),
    "timezone": (8, "here"),
    "text": (1, "\ud800"),
}


def rule_of(cells: list[str]) -> str:
    plan = Matcher(FIELDS, {}).plan(COLUMNS)
    checker = RowChecker(plan, Numbers("US"), {"team:root"}, compile_rules(RULES, FIELDS))
    found = checker.check(1, cells, tuple(cells))
    if not isinstance(found, IntakeReject):
        return ""
    assert found.closure == "not_accepted"
    return found.rule


def test_every_name_is_one_that_a_row_is_refused_by() -> None:
    assert rule_of(GOOD) == ""
    found = {}
    for rule, (at, wrong) in WRONG.items():
        found[rule] = rule_of([*GOOD[:at], wrong, *GOOD[at + 1 :]])
    assert found == {rule: rule for rule in WRONG}
    rows = {rule for rule in WRONG if not rule.startswith("fields.")}
    assert rows | {"row"} == set(ROW_RULES)
    assert {rule.rpartition(".")[2] for rule in set(WRONG) - rows} == set(FIELD_RULES)


def test_a_row_that_could_not_be_told_apart_has_a_rule_too() -> None:
    plan = Matcher(FIELDS, {}).plan(COLUMNS)
    checker = RowChecker(plan, Numbers("US"), set(), compile_rules(UploadRules(), FIELDS))
    found = checker.broken(1, "has too many cells", ("+14155550100",))
    assert (found.closure, found.rule) == ("not_accepted", "row")
