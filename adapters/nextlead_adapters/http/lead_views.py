"""Leads, leases and history as answers."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import UNSET, Raw

from nextlead.core.activity_model import Latest, Logged
from nextlead.core.conditions import NOT_ACCEPTED, condition_after
from nextlead.core.engine import Engine
from nextlead.core.model import DIALABLE, URGENT_REASONS, Event, Lead, Lease, Urgent
from nextlead.core.replies import Offer
from nextlead.core.schemes import Scheme
from nextlead.core.setup_model import CallingHours
from nextlead.core.tokens import token_text

from .lead_shapes import (
    ActivityShort,
    CheckLine,
    EventView,
    LeadView,
    LeaseShort,
    LeaseView,
    LoggedView,
    UrgentView,
    WhyView,
)
from .public_status import public_status, status_of
from .values import Moment, Owner, Span, moment

NO_DATA: Final = b"{}"
DEFAULT_PRIORITY: Final = 5
_ANY_HOURS: Final = CallingHours()


def owner_view(engine: Engine, owner: int) -> Owner | None:
    """The owner; None when it was deleted since."""
    if owner > 0:
        agent = engine.agents.by_no.get(owner)
        return Owner("agent", agent.code) if agent else None
    team = engine.teams.by_no.get(-owner)
    return Owner("team", team.code) if team else None


def lead_view(engine: Engine, lead: Lead, data: bytes, scheme: Scheme | None = None) -> LeadView:
    """A lead with its data fields, given as JSON; one that was erased has none, whatever the store still holds.

    It is shown by the scheme, or by its campaign's.
    """
    promise = lead.promise
    zones, zone_source = _zones(engine, lead)
    owner = owner_view(engine, lead.owner)
    original_owner = owner if lead.original_owner == lead.owner else owner_view(engine, lead.original_owner)
    return LeadView(
        id=lead.id,
        campaign=_campaign(engine, lead),
        pool=lead.pool,
        phones=tuple([f"+{number}" for number in lead.numbers]),
        data=Raw(NO_DATA if lead.erased else data),
        status=lead.status.code,
        closure=lead.closure,
        not_accepted_by=lead.rule or None if NOT_ACCEPTED in (lead.closure, lead.former) else None,
        public_status=public_status(engine, lead, scheme),
        activity=None if lead.latest is None else _activity(engine, lead.latest),
        owner=owner,
        original_owner=original_owner,
        priority=_priority(engine, lead),
        attempts=lead.attempts,
        due=_due(engine, lead),
        promised=None if promise is None else Moment(promise.at_ms),
        released=None if promise is None else moment(promise.released_ms),
        urgent=None if lead.urgent is None else _urgent(lead.urgent),
        lease=None if lead.lease is None else _lease_short(engine, lead, lead.lease),
        master=lead.master or None,
        erased=lead.erased,
        zones=zones,
        zone_source=zone_source,
        created=Moment(lead.created_ms),
        version=lead.version,
    )


def lead_of(engine: Engine, lead: Lead, data: Mapping[int, bytes]) -> LeadView:
    """The same, from data fields that were read for several leads."""
    return lead_view(engine, lead, data.get(lead.id, NO_DATA))


def _zones(engine: Engine, lead: Lead) -> tuple[tuple[str, ...], Literal["lead", "number", "campaign"]]:
    """The zones whose calling hours count for it, if its campaign goes by those of leads; and where they are from."""
    row = engine.zone_sets.get(lead.zones)
    if row is not None:
        return row.zones, "lead" if row.own else "number"
    return (_campaign_zone(engine, lead),), "campaign"


def _campaign_zone(engine: Engine, lead: Lead) -> str:
    campaign = engine.campaigns.by_no.get(lead.campaign)
    hours = (campaign.dialer.calling_hours if campaign else None) or _ANY_HOURS
    return hours.campaign_zone if hours.zone == "lead" else hours.zone


def _urgent(urgent: Urgent) -> UrgentView:
    return UrgentView(URGENT_REASONS[urgent.reason], Moment(urgent.expires_ms))


def _activity(engine: Engine, latest: Latest) -> ActivityShort:
    return ActivityShort(latest.kind.code, Moment(latest.at_ms), _agent_code(engine, latest.agent))


def _agent_code(engine: Engine, no: int) -> str | None:
    """Null for nobody, and for an agent who was deleted."""
    agent = engine.agents.by_no.get(no)
    return agent.code if agent else None


def _campaign(engine: Engine, lead: Lead) -> str:
    campaign = engine.campaigns.by_no.get(lead.campaign)
    return campaign.code if campaign else ""


def _priority(engine: Engine, lead: Lead) -> int:
    if lead.priority:
        return lead.priority
    pool = engine.pools.get(lead.pool)
    campaign = engine.campaigns.by_no.get(lead.campaign)
    return (pool.priority if pool else 0) or (campaign.dialer.priority if campaign else 0) or DEFAULT_PRIORITY


def _due(engine: Engine, lead: Lead) -> Moment | None:
    if lead.status not in DIALABLE:
        return None
    pool = engine.pools.get(lead.pool)
    due_ms = lead.due_ms or (pool.first_active_ms if pool else 0)
    return Moment(due_ms) if due_ms else None


def _lease_short(engine: Engine, lead: Lead, lease: Lease) -> LeaseShort:
    agent = engine.agents.by_no.get(lease.agent)
    return LeaseShort(
        agent.code if agent else "",
        f"+{lease.number}",
        Moment(lease.started_ms),
        Moment(engine.lease_end_ms(lead)),
    )


def lease_view(engine: Engine, offer: Offer, data: Mapping[int, bytes]) -> LeaseView:
    """A lease as its agent sees it."""
    lead, due_ms = offer.lead, offer.due_ms
    lease = lead.lease
    assert lease is not None, "an offer has a lease"
    started, expires, family = Moment(lease.started_ms), Moment(offer.expires_ms), offer.family
    return LeaseView(
        token=token_text(lead.id, lease.token),
        lead=lead_of(engine, lead, data),
        family=family,
        rank=offer.rank,
        overdue=offer.overdue,
        number=f"+{lease.number}",
        started=started,
        expires=expires,
        blocked=offer.blocked,
        why=WhyView(
            family=family,
            rank=offer.rank,
            priority=offer.priority,
            due=Moment(due_ms) if due_ms else None,
            lateness=Span(max(0, lease.started_ms - due_ms)),
            among=UNSET if offer.among is None else offer.among,
        ),
    )


def event_view(engine: Engine, campaign: int, event: Event) -> EventView:
    """A line of the history of a lead of that campaign."""
    return EventView(
        at=Moment(event.at_ms),
        effective=Moment(event.effective_ms),
        actor=event.actor,
        event=event.kind,
        status_before=event.status_before.code,
        status=event.status.code,
        closure=event.closure,
        public_status=status_of(engine, campaign, condition_after(event)),
        owner=owner_view(engine, event.owner),
        cause=event.cause,
        number=f"+{event.number}" if event.number else None,
        note=event.note,
        detail=event.detail,
        rank=event.rank or None,
        priority=event.priority or None,
        due=Moment(event.due_ms) if event.due_ms else None,
        checks=tuple(CheckLine(name, value) for name, value in event.checks),
        activity=_logged(engine, event.logged),
    )


def _logged(engine: Engine, logged: Logged | None) -> LoggedView | None:
    if logged is None:
        return None
    outcome, at = logged.outcome or None, Moment(logged.at_ms)
    agent = _agent_code(engine, logged.agent)
    return LoggedView(logged.interaction, logged.direction, outcome, logged.explanation, at, agent)
