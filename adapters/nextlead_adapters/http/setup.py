"""Calls of set-up: teams, agents, projects, campaigns, settings."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Literal

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from nextlead.core.commands import (
    Command,
    Delete,
    PutAgent,
    PutCampaign,
    PutProject,
    PutSettings,
    PutTeam,
)
from nextlead.core.engine import Engine
from nextlead.core.errors import Invalid, NotFound
from nextlead.core.replies import Stranded
from nextlead.core.schemes import own_scheme, under
from nextlead.core.setup_model import Campaign, Template, UploadRules

from ..intake.duplicates import check_duplicates
from ..intake.numbers import REGIONS
from ..intake.upload_rules import check_upload_rules
from . import setup_shapes as shapes
from . import setup_views as views
from .fields import check_new_code, records, refer, refer_all
from .holidays import learn_holidays
from .lists import Page, page
from .table import Access, Call, Paging, Reply, Route, tagged

_VIEWS: dict[str, Callable[[Engine, Any], Any]] = {
    "team": views.team_view,
    "agent": views.agent_view,
    "project": views.project_view,
    "campaign": views.campaign_view,
}


async def _show(kind: str, call: Call) -> object:
    return await call.services.dialer.read(lambda engine: _VIEWS[kind](engine, records(engine, kind).need(call.code())))


async def _list(kind: str, call: Call) -> object:
    def read(engine: Engine) -> object:
        return page(records(engine, kind), call.query, lambda row: row.code, partial(_VIEWS[kind], engine))

    return await call.services.dialer.read(read)


async def _put(kind: str, submit: Callable[[Call], Command], call: Call) -> Reply:
    """PUT makes what is not there; PATCH does not."""
    if isinstance(call.body, shapes.CampaignBody):
        await learn_holidays(call, call.body.dialer)
    there = False

    def command() -> Command:
        nonlocal there
        there = call.code() in records(call.services.engine, kind).by_code
        if not there:
            if call.scope["method"] == "PATCH":
                raise NotFound(kind, call.code())
            check_new_code(call.code())
        return submit(call)

    await call.services.dialer.submit(command)
    return Reply(200 if there else 201, await _show(kind, call))


def _team(call: Call) -> PutTeam:
    body: shapes.TeamBody = call.body
    refer(call.services.engine, "team", body.parent, "parent")
    return PutTeam(by=call.caller.by, code=call.code(), name=body.name, parent=body.parent)


def _agent(call: Call) -> PutAgent:
    body: shapes.AgentBody = call.body
    refer(call.services.engine, "team", body.team, "team")
    refer_all(call.services.engine, "campaign", () if body.campaigns is UNSET else body.campaigns, "campaigns")
    return PutAgent(
        by=call.caller.by,
        code=call.code(),
        name=body.name,
        team=body.team,
        campaigns=body.campaigns,
        enabled=body.enabled,
        may_set=body.may_set,
    )


def _project(call: Call) -> PutProject:
    body: shapes.ProjectBody = call.body
    return PutProject(by=call.caller.by, code=call.code(), name=body.name)


def _campaign(call: Call) -> PutCampaign:
    body: shapes.CampaignBody = call.body
    engine, code = call.services.engine, call.code()
    refer(engine, "project", body.project, "project")
    present = under(engine.schemes, engine.campaigns.by_code.get(code) or Campaign(0, code, code, 0), body.scheme)
    template, dialer, rules = present.template, present.dialer, present.upload_rules
    own = own_scheme(engine.schemes, present).results
    new_template = template if body.template is UNSET else views.template_over(template, body.template, own)
    if present.no == 0:  # a new one has no past: what it does not offer, no lead of it can have
        new_template = replace(new_template, past=())
    new_dialer = dialer if body.dialer is UNSET else views.dialer_over(dialer, body.dialer)
    views.check_retention(new_dialer.retention_ms, new_template, dialer.retention_ms)
    new_rules = rules if body.upload_rules is UNSET else views.rules_over(rules, body.upload_rules)
    _check_rules(new_rules, new_template)
    return PutCampaign(
        by=call.caller.by,
        code=code,
        name=body.name,
        project=body.project,
        active=body.active,
        scheme=body.scheme,
        template=UNSET if body.template is UNSET else new_template,
        dialer=UNSET if body.dialer is UNSET else new_dialer,
        upload_rules=UNSET if body.upload_rules is UNSET else new_rules,
        default_region=_known_region(body.default_region),
    )


def _check_rules(rules: UploadRules, template: Template) -> None:
    """Raises `Invalid` naming the key as it is spelt outside."""
    try:
        check_upload_rules(rules, template)
        check_duplicates("upload_rules.duplicates", rules.duplicates, template.fields)
    except Invalid as problem:
        field = problem.field
        for inside, outside in ((".least", ".min"), (".most", ".max")):
            field = f"{field.removesuffix(inside)}{outside}" if field.endswith(inside) else field
        raise Invalid(field, problem.rule) from None


def _known_region(region: str | UnsetType) -> str | UnsetType:
    """A region whose numbers can be read; empty is the organisation's. Raises `Invalid`."""
    if isinstance(region, str) and region and region not in REGIONS:
        raise Invalid("default_region", "must be the ISO 3166 code of a country with telephone numbers")
    return region


async def _delete(kind: Literal["team", "agent", "project", "campaign"], call: Call) -> None:
    await call.services.dialer.submit(Delete(by=call.caller.by, kind=kind, code=call.code()))


async def activate_campaign(call: Call) -> object:
    """Its leads are offered again."""
    return await call.submit(partial(_switch, call, active=True), lambda _: campaign_now(call))


async def deactivate_campaign(call: Call) -> object:
    """The answer tells what becomes of promised redials (SPEC R3.3)."""
    return await call.submit(partial(_switch, call, active=False), partial(_deactivated, call))


def _deactivated(call: Call, reply: Campaign | Stranded) -> shapes.CampaignDeactivated:
    left = reply if isinstance(reply, Stranded) else Stranded({}, {})
    view = campaign_now(call)
    fields = {name: getattr(view, name) for name in shapes.CampaignView.__struct_fields__}
    return shapes.CampaignDeactivated(
        **fields, promised_redials=shapes.PromisedLeft(dict(left.dialable), dict(left.withheld))
    )


def campaign_now(call: Call) -> shapes.CampaignView:
    """The campaign of the address as it is at this moment."""
    engine = call.services.engine
    return views.campaign_view(engine, engine.campaigns.need(call.code()))


def _switch(call: Call, *, active: bool) -> PutCampaign:
    call.services.engine.campaigns.need(call.code())
    return PutCampaign(by=call.caller.by, code=call.code(), active=active)


async def show_settings(call: Call) -> object:
    """All of them."""
    return await call.services.dialer.read(lambda engine: views.settings_view(engine.settings))


async def edit_settings(call: Call) -> object:
    """Those given."""
    fields: dict[str, Any] = views.settings_fields(call.body)
    _known_region(call.body.default_region)
    await call.services.dialer.submit(PutSettings(by=call.caller.by, **fields))
    return await show_settings(call)


def _kind(kind: Any, body: Any, view: Any, submit: Callable[[Call], Any]) -> tuple[Route, ...]:
    """The five calls that every kind of record has."""
    path = f"/v1/{kind}s/{{code}}"
    put = partial(_put, kind, submit)
    article = "an" if kind == "agent" else "a"
    made = {201: f"The {kind} is new."}
    return (
        Route(
            "GET",
            f"/v1/{kind}s",
            Access.SUPERVISOR,
            f"List {kind}s",
            partial(_list, kind),
            answer=Page[view],
            query=Paging,
        ),
        Route("GET", path, Access.SUPERVISOR, f"Read {article} {kind}", partial(_show, kind), answer=view),
        Route(
            "PUT",
            path,
            Access.ADMIN,
            f"Make or change {article} {kind}",
            put,
            body=body,
            answer=view,
            also=made,
        ),
        Route("PATCH", path, Access.ADMIN, f"Change {article} {kind}", put, body=body, answer=view),
        Route(
            "DELETE",
            path,
            Access.ADMIN,
            f"Delete {article} {kind} that nothing depends on",
            partial(_delete, kind),
            status=204,
        ),
    )


_CAMPAIGN = "/v1/campaigns/{code}"
ROUTES: Final = tagged(
    "Set-up",
    *_kind("team", shapes.TeamBody, shapes.TeamView, _team),
    *_kind("agent", shapes.AgentBody, shapes.AgentView, _agent),
    *_kind("project", shapes.ProjectBody, shapes.ProjectView, _project),
    *_kind("campaign", shapes.CampaignBody, shapes.CampaignView, _campaign),
    Route(
        "POST",
        f"{_CAMPAIGN}/activate",
        Access.ADMIN,
        "Offer a campaign's leads again",
        activate_campaign,
        answer=shapes.CampaignView,
    ),
    Route(
        "POST",
        f"{_CAMPAIGN}/deactivate",
        Access.ADMIN,
        "Stop offering a campaign's leads",
        deactivate_campaign,
        answer=shapes.CampaignDeactivated,
    ),
    Route(
        "GET",
        "/v1/settings",
        Access.SUPERVISOR,
        "Read the organisation's settings",
        show_settings,
        answer=shapes.SettingsView,
    ),
    Route(
        "PATCH",
        "/v1/settings",
        Access.ADMIN,
        "Change settings",
        edit_settings,
        body=shapes.SettingsBody,
        answer=shapes.SettingsView,
    ),
)
