"""The schemes that are shipped, held against a plain reading of SPEC 13: every condition that a lead can be in."""

from collections.abc import Iterator
from itertools import product

import pytest

from nextlead.core.activity_model import Activity
from nextlead.core.conditions import Condition, closed_condition, closure_key
from nextlead.core.model import SYSTEM_CLOSURES, Status
from nextlead.core.schemes import Scheme, shown_as
from nextlead.core.setup_model import Template, TemplateResult
from nextlead.testing.reference.vocabularies import OURS, VOCABULARIES
from nextlead_adapters.scheme_files import shipped_schemes

OWN = (
    TemplateResult("fine", "All fine", "success"),
    TemplateResult("not_now", "Not now", "negative"),
    TemplateResult("fax", "A fax machine", "invalid"),
)
PAST = (TemplateResult("once", "Once upon a time", "negative"),)
TEMPLATE = Template(results=OWN, past=PAST)
RULES = (
    "",
    "countries",
    "number_types",
    "owner",
    "fields.region.prohibited",
    "fields.city.allowed",
    "fields.zip.pattern",
    "fields.country.allowed",
    "fields.age.least",
    "fields.region.required",
)


def conditions(scheme: Scheme) -> Iterator[Condition]:
    """Open in each status, closed with each closure there is, by any rule, with any activity, anonymised or not."""
    for status, activity in product(Status, Activity):
        if status is not Status.CLOSED:
            yield Condition(status, activity=activity)
    codes = [result.code for result in (*scheme.results, *OWN, *PAST)]
    for closure, activity in product((*sorted(SYSTEM_CLOSURES), *codes), Activity):
        for rule in RULES if closure == "not_accepted" else ("",):
            yield Condition(Status.CLOSED, closure, rule, activity)
            if closure != "anonymized":
                yield Condition(Status.CLOSED, closure, rule, activity, anonymised=True)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_shipped_scheme_is_as_spec_reads(name: str) -> None:
    """R13.2, R13.3: as leads are counted, and as they are shown."""
    scheme = shipped_schemes()[name]
    own = {result.code: (result.category, result.label) for result in (*scheme.results, *OWN, *PAST)}
    for condition in conditions(scheme):
        for asked in (condition, condition.shown):
            shown = shown_as(scheme, TEMPLATE, asked)
            told = (shown.status, OURS if shown.ours and name != "hero" else shown.reason)
            assert told == VOCABULARIES[name](asked, own), asked
            if name != "hero":
                assert shown.status in scheme.statuses
                assert shown.label == (f"{shown.status}: {shown.reason}" if shown.reason else shown.status)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_closed_conditions_have_a_key_each(name: str) -> None:
    """R10.6: what pools keep of closed leads says all that a scheme looks at."""
    closed = [each for each in conditions(shipped_schemes()[name]) if each.closure is not None]
    assert [closed_condition(closure_key(each)) for each in closed] == closed
    assert len({closure_key(each) for each in closed}) == len(closed)
