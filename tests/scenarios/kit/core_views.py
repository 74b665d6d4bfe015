"""The engine's rows as a scenario sees them."""

from nextlead.core.activity_model import Logged
from nextlead.core.conditions import condition_after
from nextlead.core.model import DIALABLE, Event, Lead
from nextlead.core.replies import Offer
from nextlead.core.setup_model import CallingHours
from nextlead.core.tokens import token_text

from .core_host import CoreHost
from .core_schemes import CoreSchemes
from .driver import Change, Check, LeadView, Offered, PoolView, Refused
from .shown import Which


class CoreViews:
    def __init__(self, host: CoreHost, schemes: CoreSchemes) -> None:
        self._host = host
        self._schemes = schemes

    def row(self, lead: int) -> Lead | None:
        """The engine knows open leads, the record all that were touched."""
        found: Lead | None = self._host.engine.lead(lead)
        return found if found is not None else self._host.record.lead(lead)

    def owner(self, owner: int) -> str:
        engine = self._host.engine
        found = engine.agents.by_no.get(owner) if owner > 0 else engine.teams.by_no.get(-owner)
        kind = "agent" if owner > 0 else "team"
        return f"{kind} {found.code if found else owner}"

    def agent(self, no: int) -> str:
        return self.owner(no).removeprefix("agent ")

    def view(self, lead: Lead, scheme: str = "") -> LeadView:
        pool = self._host.engine.pools[lead.pool]
        campaign = self._host.engine.campaigns.by_no[lead.campaign]
        promise = lead.promise
        zones, zone_source = self._zones(lead, campaign.dialer.calling_hours)
        return LeadView(
            id=lead.id,
            status=lead.status.code,
            closure=lead.closure,
            owner=self.owner(lead.owner),
            original_owner=self.owner(lead.original_owner),
            priority=lead.priority or pool.priority or campaign.dialer.priority or 5,
            attempts=lead.attempts,
            due_ms=(lead.due_ms or pool.first_active_ms) if lead.status in DIALABLE else None,
            promised_ms=promise.at_ms if promise else None,
            released=promise is not None and promise.released_ms is not None,
            leased_by=self.agent(lead.lease.agent) if lead.lease else "",
            master=lead.master or None,
            numbers=tuple(f"+{number}" for number in lead.numbers),
            data=self._host.record.data(lead.id),
            zones=zones,
            zone_source=zone_source,
            shown=self._schemes.of_lead(lead, scheme),
            activity=self._schemes.activity(lead),
            broke=lead.rule,
        )

    def _zones(self, lead: Lead, hours: CallingHours | None) -> tuple[tuple[str, ...], str]:
        row = self._host.engine.zone_sets.get(lead.zones)
        if row is not None:
            return row.zones, "lead" if row.own else "number"
        known = hours or CallingHours()
        return (known.campaign_zone if known.zone == "lead" else known.zone,), "campaign"

    def pool(self, pool: int) -> PoolView:
        row = self._host.engine.pools.get(pool)
        if row is None:
            raise Refused("not_found", f"there is no pool {pool}")
        campaign = self._host.engine.campaigns.by_no[row.campaign]
        counts = self._host.engine.pool_counts(pool, self._host.now_ms)
        closed = sum(counts.closed.values())
        return PoolView(
            id=pool,
            campaign=campaign.code,
            campaign_name=campaign.name,
            campaign_id=campaign.no,
            project=self._host.engine.projects.by_no[campaign.project].code,
            name=row.name,
            description=row.description,
            state=row.state,
            source=row.source,
            valid=row.valid,
            invalid=row.invalid,
            duplicates=row.duplicate,
            ready=counts.ready,
            open=counts.open,
            leased=counts.leased,
            closed=counts.closed,
            priority=row.priority,
            check=Check(row.duplicates.match, row.duplicates.scope, row.duplicates.among, row.duplicates.action),
            unmatched=row.unmatched,
            from_ms=row.active_from_ms,
            until_ms=row.active_until_ms,
            uploaded_by=row.uploaded_by,
            created_ms=row.created_ms,
            modified_ms=row.modified_ms,
            percent_closed=_percent(closed, closed + counts.open),
            percent_used=_percent(counts.used, closed + counts.open),
            public=self._schemes.counts(Which(pool=pool)),
        )

    def offered(self, offer: Offer) -> Offered:
        lease = offer.lead.lease
        assert lease is not None
        return Offered(
            lead=offer.lead.id,
            token=token_text(offer.lead.id, lease.token),
            family=offer.family,
            rank=offer.rank,
            overdue=offer.overdue,
            number=f"+{lease.number}",
            priority=offer.why.priority,
            expires_ms=offer.expires_ms,
            blocked=offer.blocked,
            among=offer.among,
        )

    def history(self, lead: int) -> list[Change]:
        row = self.row(lead)
        return [] if row is None else [self._change(row, event) for event in self._host.record.history(lead)]

    def _change(self, lead: Lead, event: Event) -> Change:
        return Change(
            at_ms=event.at_ms,
            effective_ms=event.effective_ms,
            actor=event.actor,
            before=event.status_before.code,
            after=event.status.code,
            closure=event.closure,
            cause=event.cause,
            note=event.note,
            event=event.kind,
            detail=event.detail,
            checks=event.checks,
            shown=self._schemes.shown(lead.campaign, condition_after(event)),
            logged=said_of(event.logged),
        )


def said_of(logged: Logged | None) -> str:
    """`call out sold`."""
    return "" if logged is None else f"{logged.interaction} {logged.direction} {logged.outcome}".rstrip()


def _percent(some: int, of_all: int) -> float:
    return round(100 * some / of_all, 1) if of_all else 0.0
