"""What the pages say leads are called is what the shipped schemes call them."""

import pytest
from conftest import ROOT

from nextlead.core.activity_model import Activity
from nextlead.core.conditions import Condition
from nextlead.core.model import Status
from nextlead.core.schemes import Scheme, shown_as
from nextlead.core.setup_model import Template
from nextlead_adapters.scheme_files import shipped_schemes

SCHEMES = shipped_schemes()
CONDITIONS = {
    "a new lead": Condition(Status.UNPROCESSED),
    "nobody answered": Condition(Status.AUTOMATIC_REDIAL, activity=Activity.NO_ANSWER),
    "a call-back was agreed on": Condition(Status.PRIVATE_REDIAL, activity=Activity.SALE_IN_PROGRESS),
    "a sale": Condition(Status.CLOSED, "success", activity=Activity.SOLD),
    "the customer said no": Condition(Status.CLOSED, "negative", activity=Activity.NO_SALE),
    "the number is somebody else's": Condition(Status.CLOSED, "invalid_phone_number", activity=Activity.WRONG_NUMBER),
    "the same person asked again": Condition(Status.CLOSED, "duplicate"),
}
"""The rows of the table in concepts.md; a result is named by its category."""


def rows(page: str, first: str) -> list[list[str]]:
    """The table whose head's first cell is that, cells stripped, head first."""
    found: list[list[str]] = []
    for line in (ROOT / "docs" / page).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if found and not cells:
            break
        if found or (cells and cells[0] == first):
            found.append(cells)
    return [row for row in found if not row[0].startswith("---")]


def called(scheme: Scheme, condition: Condition) -> str:
    by_category = {result.category: result.code for result in reversed(scheme.results)}
    closure = by_category.get(condition.closure or "", condition.closure)
    return shown_as(scheme, Template(results=scheme.results), condition._replace(closure=closure)).label


@pytest.mark.parametrize("name", SCHEMES)
def test_the_table_of_three_vocabularies(name: str) -> None:  # R13.1
    head, *table = rows("concepts.md", "what happened")
    column = head.index(f"`{name}`")
    said = {row[0]: row[column] for row in table if row[0] in CONDITIONS}
    assert said == {words: called(SCHEMES[name], condition) for words, condition in CONDITIONS.items()}


def test_every_status_of_smart_lists_is_told() -> None:  # R13.3
    _, *table = rows("smart-lists.md", "shown as")
    assert sorted(row[0] for row in table) == sorted(SCHEMES["smartlists"].statuses)
