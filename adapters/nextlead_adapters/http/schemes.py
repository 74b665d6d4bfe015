"""Calls of status schemes: what is in them, for people who choose one and programs that offer its words (SPEC 13)."""

from collections.abc import Mapping
from typing import Final

from nextlead.core.conditions import Condition
from nextlead.core.errors import NotFound
from nextlead.core.model import Status
from nextlead.core.schemes import Scheme, Shown, shown_as
from nextlead.core.setup_model import Template, TemplateResult

from .lists import Page, page
from .setup_shapes import DuplicatesShape, OnInvalid
from .setup_views import duplicates_shape
from .table import Access, Call, Paging, Route, View, tagged


class ShownView(View):
    """A public status with its reason, and both in one line. `ours`: the vocabulary itself has no word for it."""

    status: str
    reason: str | None
    label: str
    ours: bool


class MappedView(View):
    """What the engine calls it, and what it is shown as."""

    code: str
    shown: ShownView


class SchemeResultView(View):
    """A result that agents pick in campaigns of the scheme, and what the lead is shown as then."""

    code: str
    label: str
    category: str
    validation: bool
    do_not_call: bool
    shown: ShownView


class SchemeRulesView(View):
    """What campaigns of the scheme have of `upload_rules` if they don't say otherwise."""

    on_invalid: OnInvalid
    duplicates: DuplicatesShape


class SchemeView(View):
    """A status scheme. `statuses` are its public ones, in its own order.

    `open` has the engine's statuses, `closures` those of the system, `categories` are for a campaign's own results
    (`{code}` and `{label}` stand for the result's). `rules` refine `not_accepted` by the upload rule that was broken;
    the first that fits counts. `activities`, where there are any, come before everything but closures in
    `over_activities`.
    """

    name: str
    title: str
    about: str
    statuses: tuple[str, ...]
    results: list[SchemeResultView]
    open: list[MappedView]
    closures: list[MappedView]
    categories: list[MappedView]
    rules: list[MappedView]
    activities: list[MappedView]
    over_activities: list[str]
    upload_rules: SchemeRulesView


def scheme_view(scheme: Scheme) -> SchemeView:
    """Everything that is in a scheme, in the order of its file."""
    return SchemeView(
        name=scheme.name,
        title=scheme.title,
        about=scheme.about,
        statuses=scheme.statuses,
        results=[_result(scheme, result) for result in scheme.results],
        open=_mapped(scheme.by_status),
        closures=_mapped(scheme.by_closure),
        categories=_mapped(scheme.by_category),
        rules=_mapped(dict(scheme.by_rule)),
        activities=_mapped({kind.code: shown for kind, shown in scheme.by_activity.items()}),
        over_activities=[code for code in scheme.by_closure if code in scheme.over_activities]
        + [result.code for result in scheme.results if result.code in scheme.over_activities],
        upload_rules=SchemeRulesView(scheme.on_invalid, duplicates_shape(scheme.duplicates)),  # type: ignore[arg-type]
    )


def _result(scheme: Scheme, result: TemplateResult) -> SchemeResultView:
    shown = shown_as(scheme, Template(results=scheme.results), Condition(Status.CLOSED, result.code))
    return SchemeResultView(
        result.code, result.label, result.category, result.validation, result.do_not_call, _shown(shown)
    )


def _mapped(table: Mapping[str, Shown]) -> list[MappedView]:
    return [MappedView(code, _shown(shown)) for code, shown in table.items()]


def _shown(shown: Shown) -> ShownView:
    return ShownView(shown.status, shown.reason, shown.label, shown.ours)


async def list_schemes(call: Call) -> object:
    """By name: those that came with this installation, and those of the configuration's folder."""
    return page(call.services.engine.schemes.values(), call.query, lambda scheme: scheme.name, scheme_view)


async def show_scheme(call: Call) -> object:
    """One of them."""
    found = call.services.engine.schemes.get(call.params["name"])
    if found is None:
        raise NotFound("status scheme", call.params["name"])
    return scheme_view(found)


ROUTES: Final = tagged(
    "Set-up",
    Route(
        "GET",
        "/v1/schemes",
        Access.SUPERVISOR,
        "List status schemes",
        list_schemes,
        answer=Page[SchemeView],
        query=Paging,
    ),
    Route("GET", "/v1/schemes/{name}", Access.SUPERVISOR, "Read a status scheme", show_scheme, answer=SchemeView),
)
