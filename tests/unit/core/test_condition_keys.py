"""Conditions: what of a lead counts, what is shown, and how closed ones are kept (SPEC 13)."""

from itertools import product
from typing import Final

import pytest
from msgspec.structs import replace
from unit.core.intake_desk import ANN

from nextlead.core.activity_model import Activity, Latest
from nextlead.core.commands import ClosePool, IntakeRow, LoadRows, LogActivity, OpenPool, PutCampaign
from nextlead.core.conditions import (
    Condition,
    by_closure,
    closed_condition,
    closure_key,
    condition_of,
)
from nextlead.core.engine import Engine
from nextlead.core.errors import Invalid
from nextlead.core.model import SYSTEM_CLOSURES, Lead, Status
from nextlead.core.setup_model import Template, TemplateResult

NOW_MS: Final = 1_772_442_000_000
CLOSED: Final = Status.CLOSED
RULES: Final = (
    "countries",
    "number_types",
    "fields.region.prohibited",
    "fields.a/b.required",
    "fields./.pattern",
    "fields.//anonymized/.range",
    "fields.6.allowed",
    "fields.Straße / c.o.required",
    "/",
    "a/",
)
CODES: Final = (
    *sorted(SYSTEM_CLOSURES),
    *("success", "not_interested", "sold.out", "no-show", "no show", "größe", "6"),
    *("n/a", "n/a/", "/", "//anonymized", "success/6", "not_accepted///countries", "a\tb", '["a"]', "%2F"),
)


# -- keys of closed leads -------------------------------------------------------------------------------------------


def all_closed() -> list[Condition]:
    ruled = [Condition(CLOSED, "not_accepted", rule, kind, anonymised)
             for rule, kind, anonymised in product(RULES, Activity, (False, True))]  # fmt: skip
    plain = [Condition(CLOSED, code, "", kind, anonymised)
             for code, kind, anonymised in product(CODES, Activity, (False, True))]  # fmt: skip
    return ruled + plain


@pytest.mark.parametrize("condition", all_closed(), ids=closure_key)
def test_a_key_names_its_condition(condition: Condition) -> None:
    assert closed_condition(closure_key(condition)) == condition


def test_no_two_conditions_have_one_key() -> None:
    conditions = all_closed()
    assert len({closure_key(condition) for condition in conditions}) == len(set(conditions)) == len(conditions)


@pytest.mark.parametrize("code", CODES)
def test_a_closure_without_more_to_say_is_its_own_key(code: str) -> None:
    # pools of versions that knew of closures alone are counted on
    assert closure_key(Condition(CLOSED, code)) == code
    assert closed_condition(code) == Condition(CLOSED, code)


def test_counts_by_closure_leave_the_rest_out() -> None:
    kinds = (Activity.NONE, Activity.SOLD)
    counts = {closure_key(Condition(CLOSED, "n/a", "", kind, kind is Activity.SOLD)): 1 + kind for kind in kinds}
    counts |= {closure_key(Condition(CLOSED, "not_accepted", "fields.a/b.required")): 8}
    assert by_closure(counts) == {"n/a": 2 + Activity.SOLD, "not_accepted": 8}
    assert by_closure({}) == {}


@pytest.mark.parametrize("code", ["n/a", "sold/6", "//anonymized", "not_accepted///countries"])
def test_results_may_have_any_code(code: str) -> None:
    engine = Engine()
    engine.start(NOW_MS)
    template = Template(results=(TemplateResult(code, "Whatever", "negative"),))
    engine.apply(PutCampaign(code="c1", template=template), NOW_MS)
    pool = engine.apply(OpenPool(campaign="c1"), NOW_MS).reply
    engine.apply(LoadRows(pool=pool.id, rows=(IntakeRow(1, (ANN,)),)), NOW_MS)
    engine.apply(ClosePool(pool=pool.id), NOW_MS)
    engine.apply(LogActivity(lead=1, interaction="in_store", outcome="no_sale"), NOW_MS)
    assert engine.conditions() == {("c1", Condition(CLOSED, code, "", Activity.NO_SALE)): 1}
    assert engine.pool_counts(pool.id, NOW_MS).closed == {code: 1}
    assert engine.verify() == []


def test_what_stands_between_the_parts_of_a_key_is_in_no_code() -> None:
    template = Template(results=(TemplateResult("a\x1f6", "Whatever", "negative"),))
    engine = Engine()
    engine.start(NOW_MS)
    with pytest.raises(Invalid) as refusal:
        engine.apply(PutCampaign(code="c1", template=template), NOW_MS)
    assert refusal.value.field == "template.results.code"


# -- of a row -------------------------------------------------------------------------------------------------------

OPEN_LEAD: Final = Lead(1, 1, 1, 1, Status.COMMON_REDIAL, -1, -1, (ANN,))
CLOSED_LEAD: Final = replace(OPEN_LEAD, status=CLOSED, closure="success")


@pytest.mark.parametrize(
    ("lead", "counted", "shown"),
    [
        (OPEN_LEAD, Condition(Status.COMMON_REDIAL), None),
        (
            replace(OPEN_LEAD, latest=Latest(Activity.SMS_IN, 5, 2)),
            Condition(Status.COMMON_REDIAL, None, "", Activity.SMS_IN),
            None,
        ),
        # a mark, and a lease, are no part of it
        (replace(OPEN_LEAD, mark="removed"), Condition(Status.COMMON_REDIAL), None),
        (CLOSED_LEAD, Condition(CLOSED, "success"), None),
        (
            replace(CLOSED_LEAD, latest=Latest(Activity.SOLD, 5, 2)),
            Condition(CLOSED, "success", "", Activity.SOLD),
            None,
        ),
        (
            replace(CLOSED_LEAD, closure="not_accepted", rule="countries"),
            Condition(CLOSED, "not_accepted", "countries"),
            None,
        ),
        (replace(CLOSED_LEAD, rule="countries"), Condition(CLOSED, "success"), None),
        (replace(OPEN_LEAD, rule="countries"), Condition(Status.COMMON_REDIAL), None),
        # R10.7: erased when its time was over, it keeps its closure
        (replace(CLOSED_LEAD, erased=True), Condition(CLOSED, "success"), None),
        # R10.6: forgotten while it was open, and when it had closed
        (replace(CLOSED_LEAD, closure="anonymized"), Condition(CLOSED, "anonymized"), None),
        (
            replace(CLOSED_LEAD, closure="anonymized", former="success", latest=Latest(Activity.SOLD, 5, 2)),
            Condition(CLOSED, "success", "", Activity.SOLD, anonymised=True),
            Condition(CLOSED, "anonymized", "", Activity.SOLD),
        ),
        (
            replace(CLOSED_LEAD, closure="anonymized", former="not_accepted", rule="countries"),
            Condition(CLOSED, "not_accepted", "countries", anonymised=True),
            Condition(CLOSED, "anonymized"),
        ),
    ],
)
def test_what_of_a_lead_counts_and_what_is_shown(lead: Lead, counted: Condition, shown: Condition | None) -> None:
    assert condition_of(lead) == counted
    assert counted.shown == (shown or counted)
