"""The operator's calls on organisations: the only ones whose address names an organisation (SPEC 0).

A new one is durable before its admin's token is made: when the daemon dies in between, or the token is lost, the
operator makes another. Tokens that the organisation's own admins made are not seen here.
"""

from typing import Final

from msgspec import UNSET, UnsetType

from nextlead.core.commands import PutToken
from nextlead.core.errors import NotFound
from nextlead.core.model import Token

from .fields import check_new_code
from .lists import Page, part
from .setup_shapes import Code, Name
from .table import Access, Body, Call, Paging, Route, View, tagged
from .tenants import Tenant
from .tokens import new_secret
from .values import Moment


class NewOrganisation(Body):
    """A new organisation; without a name it is called by its code."""

    code: Code
    name: Name | UnsetType = UNSET


class OrganisationBody(Body):
    """What can be changed of an organisation."""

    name: Name | UnsetType = UNSET


class OrganisationView(View):
    """An organisation. `created` is null for `default`, which is there from the start."""

    code: str
    name: str
    created: Moment | None


class OrganisationMade(OrganisationView):
    """A new organisation, and a token of its admin, which is shown this once."""

    admin_token: str | UnsetType = UNSET


class AdminTokenMade(View):
    """A new token of an organisation's admin, which is shown this once; `id` is what its admin deletes it by."""

    code: str
    id: int
    admin_token: str | UnsetType = UNSET


def _view(tenant: Tenant) -> OrganisationView:
    organisation = tenant.organisation
    created = Moment(organisation.created_ms) if organisation.created_ms else None
    return OrganisationView(organisation.code, organisation.name, created)


def _named(call: Call) -> Tenant:
    tenant = call.face.organisations.by_code(call.code())
    if tenant is None:
        raise NotFound("organisation", call.code()[:100])
    return tenant


async def _admin_token(tenant: Tenant) -> tuple[Token, str]:
    secret, digest = new_secret()
    token: Token = await tenant.dialer.submit(PutToken(by="operator", sha256=digest, role="admin"))
    return token, secret


async def list_organisations(call: Call) -> object:
    """In the order they were made."""
    return part(call.face.organisations.all(), call.query, _view)


async def show(call: Call) -> object:
    """One of them."""
    return _view(_named(call))


async def create(call: Call) -> object:
    """It has its own leads, settings, tokens and do-not-call list; the global list counts in it from the start."""
    body: NewOrganisation = call.body
    check_new_code(body.code)
    name = body.code if body.name is UNSET else body.name
    tenant = await call.face.organisations.create(body.code, name)
    view, (_, secret) = _view(tenant), await _admin_token(tenant)
    return OrganisationMade(view.code, view.name, view.created, secret)


async def change(call: Call) -> object:
    """Its code stays: it is in addresses and metrics."""
    tenant, body = _named(call), call.body
    if body.name is not UNSET:
        tenant = await call.face.organisations.rename(tenant.organisation.code, body.name)
    return _view(tenant)


async def make_token(call: Call) -> object:
    """For an organisation whose admins have lost theirs; the others stay good until an admin deletes them."""
    tenant = _named(call)
    token, secret = await _admin_token(tenant)
    return AdminTokenMade(tenant.organisation.code, token.id, secret)


_ALL: Final = "/v1/organisations"
_ONE: Final = f"{_ALL}/{{code}}"
_MINE: Final = Access.OPERATOR
ROUTES: Final = tagged(
    "Organisations",
    Route("GET", _ALL, _MINE, "List organisations", list_organisations, answer=Page[OrganisationView], query=Paging),
    Route("POST", _ALL, _MINE, "Make an organisation", create, NewOrganisation, OrganisationMade, status=201),
    Route("GET", _ONE, _MINE, "Show an organisation", show, answer=OrganisationView),
    Route("PATCH", _ONE, _MINE, "Rename an organisation", change, OrganisationBody, OrganisationView),
    Route("POST", f"{_ONE}/token", _MINE, "Make an admin's token", make_token, answer=AdminTokenMade, status=201),
)
