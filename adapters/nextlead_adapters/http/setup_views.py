"""Set-up records as answers, and bodies laid over what is there."""

from collections.abc import Mapping

from msgspec import UNSET, UnsetType
from msgspec.structs import asdict, replace

from nextlead.core.engine import Engine
from nextlead.core.errors import Invalid
from nextlead.core.model import SYSTEM_CLOSURES, Token
from nextlead.core.schemes import with_past
from nextlead.core.setup_model import (
    Agent,
    Campaign,
    Dialer,
    Duplicates,
    FieldRule,
    Project,
    Settings,
    Team,
    Template,
    TemplateField,
    TemplateResult,
    UploadRules,
)

from .hours_shapes import hours_over, hours_shape, limit_shapes, limits_of
from .problems import malformed
from .setup_shapes import (
    AgentView,
    CampaignView,
    DialerShape,
    DuplicatesShape,
    FieldRuleShape,
    FieldShape,
    ProjectView,
    ResultShape,
    RetryShape,
    SessionView,
    SettingsBody,
    SettingsView,
    TeamView,
    TemplateShape,
    TokenView,
    UploadRulesShape,
)
from .values import SAME, Moment, Release, Span, moment, span

_PLAIN = (
    "dial_promised_when_inactive",
    "max_attempts",
    "redials_per_slot",
    "new_every",
    "weight",
    "max_unresolved",
    "rotate_numbers",
    "expire_promised",
)
"""Dialer settings that are the same inside and outside."""
_SPANS = ("redial_horizon", "cancel_pause", "lease_timeout", "lease_max", "overdue_after")
"""Those that are durations, `_ms` inside."""


def team_view(engine: Engine, team: Team) -> TeamView:
    """A team."""
    return TeamView(team.code, team.name, engine.teams.by_no[team.parent].code if team.parent else None)


def session_view(engine: Engine, agent: Agent) -> SessionView | None:
    """The agent's session, if it has one; a campaign that was deleted since is left out."""
    if agent.session is None:
        return None
    return SessionView(agent.code, _codes(engine, agent.session.campaigns), agent.session.cross)


def agent_view(engine: Engine, agent: Agent) -> AgentView:
    """An agent."""
    return AgentView(
        code=agent.code,
        name=agent.name,
        team=engine.teams.by_no[agent.team].code,
        campaigns=_codes(engine, agent.campaigns),
        enabled=agent.enabled,
        may_set=agent.may_set,
        session=session_view(engine, agent),
    )


def _codes(engine: Engine, campaigns: tuple[int, ...]) -> tuple[str, ...]:
    by_no = engine.campaigns.by_no
    return tuple(by_no[no].code for no in campaigns if no in by_no)


def project_view(_engine: Engine, project: Project) -> ProjectView:
    """A project."""
    return ProjectView(project.code, project.name)


def campaign_view(engine: Engine, campaign: Campaign) -> CampaignView:
    """A campaign."""
    return CampaignView(
        code=campaign.code,
        name=campaign.name,
        project=engine.projects.by_no[campaign.project].code,
        active=campaign.active,
        scheme=campaign.scheme,
        template=template_shape(campaign.template),
        dialer=dialer_shape(campaign.dialer),
        default_region=campaign.default_region,
        upload_rules=rules_shape(campaign.upload_rules),
    )


def template_shape(template: Template) -> TemplateShape:
    """A template, whole."""
    return TemplateShape(
        fields=tuple(FieldShape(field.name, field.type, field.required) for field in template.fields),  # type: ignore[arg-type]
        results=tuple(
            ResultShape(result.code, result.label, result.category, result.validation, result.do_not_call)  # type: ignore[arg-type]
            for result in template.results
        ),
    )


def template_over(old: Template, body: TemplateShape, own: tuple[TemplateResult, ...]) -> Template:
    """The template with what the body says; an empty list of results is the scheme's `own`.

    Raises a 400 for a name or code given twice.
    """
    fields, results = old.fields, old.results
    if body.fields is not UNSET:
        fields = tuple(TemplateField(field.name.strip(), field.type, field.required) for field in body.fields)
        _once("template.fields", [field.name.casefold() for field in fields])
    if body.results is not UNSET:
        given = tuple(TemplateResult(r.code, r.label, r.category, r.validation, r.do_not_call) for r in body.results)
        results = given or own
        _once("template.results", [result.code for result in results])
    return with_past(old, Template(fields, results))


def _once(field: str, names: list[str]) -> None:
    for at, name in enumerate(names):
        if name in names[:at]:
            raise malformed(f"{field}[{at}]", f"{name} is there twice")


def dialer_shape(dialer: Dialer) -> DialerShape:
    """A campaign's dialer settings, whole."""
    shape = DialerShape(**{name: getattr(dialer, name) for name in _PLAIN})
    for name in _SPANS:
        setattr(shape, name, Span(getattr(dialer, f"{name}_ms")))
    shape.priority = dialer.priority or None
    shape.reserve_owner = span(dialer.reserve_owner_ms or None)
    shape.release_private_after = None if dialer.release_private_ms is None else Release(dialer.release_private_ms)
    shape.release_vip_after = None if dialer.release_vip_ms is None else Release(dialer.release_vip_ms)
    shape.expires_at = moment(dialer.expires_at_ms)
    shape.expire_after = span(dialer.expire_after_ms)
    shape.retention = {closure: Span(ms) for closure, ms in dialer.retention_ms.items()}
    shape.calling_hours = hours_shape(dialer.calling_hours)
    shape.contact_limits = limit_shapes(dialer.contact_limits)
    shape.retry = RetryShape(**{cause: tuple(Span(ms) for ms in list_ms) for cause, list_ms in dialer.retry.items()})
    return shape


def dialer_over(old: Dialer, body: DialerShape) -> Dialer:
    """The settings with what the body says; raises a 400 or `Invalid` naming the key."""
    new: dict[str, object] = {name: getattr(body, name) for name in _PLAIN}
    for name in _SPANS:
        new[f"{name}_ms"] = _ms(getattr(body, name))
    new["priority"] = 0 if body.priority is None else body.priority
    new["reserve_owner_ms"] = 0 if body.reserve_owner is None else _ms(body.reserve_owner)
    new["release_private_ms"] = _ms(body.release_private_after)
    new["release_vip_ms"] = _ms(body.release_vip_after)
    new["expires_at_ms"] = _ms(body.expires_at)
    new["expire_after_ms"] = _ms(body.expire_after)
    new["calling_hours"] = hours_over(old.calling_hours, body.calling_hours)
    new["contact_limits"] = limits_of(body.contact_limits)
    if body.retention is not UNSET:
        new["retention_ms"] = {closure: each.ms for closure, each in body.retention.items()}
    if new["release_private_ms"] == SAME:
        raise malformed("dialer.release_private_after", "must be a duration or never")
    for name in ("lease_timeout", "lease_max"):
        if new[f"{name}_ms"] == 0:
            raise malformed(f"dialer.{name}", "must be longer than nothing")
    if body.retry is not UNSET:
        lists = {cause: getattr(body.retry, cause) for cause in RetryShape.__struct_fields__}
        given = {cause: tuple(each.ms for each in spans) for cause, spans in lists.items() if spans is not UNSET}
        new["retry"] = {**old.retry, **given}
    return replace(old, **{name: value for name, value in new.items() if value is not UNSET})


def _ms(value: Span | Moment | Release | UnsetType | None) -> int | UnsetType | None:
    return value.ms if isinstance(value, Span | Moment | Release) else value


def check_retention(retention: Mapping[str, int], template: Template, old: Mapping[str, int]) -> None:
    """Closures that leads of the template can have, past results among them, or that were named before.

    Raises `Invalid`: a misspelt one would keep personal data for ever.
    """
    results = {result.code for result in (*template.results, *template.past)}
    known = results | SYSTEM_CLOSURES - {"anonymized"} | old.keys()
    for closure in retention:
        if closure not in known:
            raise Invalid(f"dialer.retention.{closure}", "is not a closure that leads of this campaign can have")


def rules_shape(rules: UploadRules) -> UploadRulesShape:
    """Upload rules, whole."""
    return UploadRulesShape(
        countries=rules.countries,
        number_types=rules.number_types,
        fields={
            rule.field: FieldRuleShape(rule.allowed, rule.prohibited, rule.pattern, rule.least, rule.most)
            for rule in rules.fields
        },
        on_invalid=rules.on_invalid,  # type: ignore[arg-type]
        duplicates=duplicates_shape(rules.duplicates),
    )


def duplicates_shape(duplicates: Duplicates) -> DuplicatesShape:
    """A duplicate check."""
    return DuplicatesShape(**asdict(duplicates))


def rules_over(old: UploadRules, body: UploadRulesShape) -> UploadRules:
    """The rules with what the body says."""
    new: dict[str, object] = {name: getattr(body, name) for name in ("countries", "number_types", "on_invalid")}
    if body.fields is not UNSET:
        new["fields"] = tuple(
            FieldRule(name.strip(), rule.allowed, rule.prohibited, rule.pattern, rule.least, rule.most)
            for name, rule in body.fields.items()
        )
    if body.duplicates is not UNSET:
        new["duplicates"] = Duplicates(**asdict(body.duplicates))
    return replace(old, **{name: value for name, value in new.items() if value is not UNSET})


def settings_view(settings: Settings) -> SettingsView:
    """All settings."""
    return SettingsView(
        redial_restrictions=settings.redial_restrictions,
        cross_campaign_redials_default=settings.cross_campaign_redials_default,
        default_region=settings.default_region,
        abandon_after=Span(settings.abandon_after_ms),
        leases_per_agent=settings.leases_per_agent,
        manual_pool_gap=Span(settings.manual_pool_gap_ms),
        restart_grace=Span(settings.restart_grace_ms),
        contact_limits=limit_shapes(settings.contact_limits),
    )


def settings_fields(body: SettingsBody) -> dict[str, object]:
    """The body as fields of `PutSettings`; raises a 400 that names a contact limit that is not right."""
    fields: dict[str, object] = {"contact_limits": limits_of(body.contact_limits, "contact_limits")}
    for name in SettingsBody.__struct_fields__:
        value = getattr(body, name)
        if name in fields:
            continue
        if isinstance(value, Span):
            fields[f"{name}_ms"] = value.ms
        elif value is not UNSET:
            fields[name] = value
    return fields


def token_view(engine: Engine, token: Token) -> TokenView:
    """A token, without its secret."""
    agent = engine.agents.by_no.get(token.agent)
    return TokenView(token.id, token.role, agent.code if agent else None, Moment(token.created_ms))
