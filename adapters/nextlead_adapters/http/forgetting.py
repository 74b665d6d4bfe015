"""Calls that forget a person (SPEC R10.6). The privacy service does the work; answers hold counts only."""

from typing import Final

from .fields import read_number, region_of
from .lead_shapes import PhoneText
from .ports import ForgetReport
from .table import Access, Body, BulkQuery, Call, Route, View, tagged


class ForgetBody(Body):
    """Whose number: the person who has it is forgotten, with all leads and all numbers."""

    phone: PhoneText


class ForgetView(View):
    """What was done, or in a dry run would be.

    Of the person's `leads`, `closed` are erased now and `marked` when their lease ends. `numbers` are never loaded
    again; `entries` of do-not-call lists became hashes. `originals` are kept files that lost `rows`, which a dry run
    does not look for; `later`: one that is being loaded loses them when it is loaded.
    """

    leads: int
    closed: int
    marked: int
    numbers: int
    entries: int
    originals: int
    rows: int
    later: bool


def _view(report: ForgetReport) -> ForgetView:
    return ForgetView(**{name: getattr(report, name) for name in ForgetView.__struct_fields__})


async def anonymise_lead(call: Call) -> object:
    """Forget the person of this lead: all its numbers, and every lead that has one of them."""
    lead = call.id("lead")
    return _view(await call.services.privacy.anonymise(lead=lead, by=call.caller.by, dry_run=call.query.dry_run))


async def anonymise_number(call: Call) -> object:
    """Forget the person who has this number; it is never loaded again, also if nobody has it now."""
    body: ForgetBody = call.body
    number = read_number(body.phone, region_of(call.services.engine), "phone")
    return _view(await call.services.privacy.anonymise(number=number, by=call.caller.by, dry_run=call.query.dry_run))


ROUTES: Final = tagged(
    "Privacy",
    Route(
        "POST",
        "/v1/leads/{id}/anonymize",
        Access.ADMIN,
        "Forget the person of a lead",
        anonymise_lead,
        answer=ForgetView,
        query=BulkQuery,
    ),
    Route(
        "POST",
        "/v1/anonymize",
        Access.ADMIN,
        "Forget the person who has a number",
        anonymise_number,
        body=ForgetBody,
        answer=ForgetView,
        query=BulkQuery,
    ),
)
