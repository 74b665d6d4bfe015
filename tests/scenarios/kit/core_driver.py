"""The driver over the engine in this process."""

import zlib
from collections.abc import Sequence
from itertools import count
from typing import Any, Literal, cast

import msgspec

from nextlead.core import commands as c
from nextlead.core.errors import Invalid, NextleadError, UnknownLease
from nextlead.core.model import Status
from nextlead.core.replies import Finished, NoLead, Offer, Stranded, Waiting
from nextlead.core.setup_model import DEFAULT_RESULTS as FOUR_RESULTS
from nextlead.core.setup_model import Dialer, Template, TemplateField, TemplateResult
from nextlead.core.tokens import parse_token, token_text
from nextlead.core.work import lease_with

from .core_entry import enter, to_number
from .core_host import CoreHost
from .core_persons import person
from .core_reasons import check_answer, eligible_leads, explained, hours_row, idle, limit_rows
from .core_schemes import CoreSchemes
from .core_views import CoreViews
from .driver import (
    Body,
    Bulk,
    Change,
    Deleted,
    Entered,
    Entry,
    Finish,
    LeadView,
    NewPool,
    Nothing,
    Offered,
    PoolView,
    Refused,
)
from .reasons import AllIdle, Explained, Hours, Idle
from .shown import Counts, Which
from .times import START_MS, duration_ms


class CoreDriver:
    """Implements `Driver`."""

    def __init__(self) -> None:
        self._host = CoreHost(START_MS)
        self._schemes = CoreSchemes(self._host)
        self._views = CoreViews(self._host, self._schemes)
        self._waiters = count(1)
        self._waiting: dict[int, str] = {}

    def _do(self, command: c.Command) -> Any:
        try:
            return self._host.apply(command)
        except NextleadError as refusal:
            raise _refused(refusal) from refusal

    # -- time and the daemon

    def move(self, now_ms: int) -> None:
        self._host.move(now_ms)

    def crash(self, now_ms: int) -> None:
        self._host.restart(now_ms)

    def crash_before_answer(self, agent: str, calls: int) -> int:
        for _ in range(calls):
            self._host.apply_uncommitted(c.Next(agent=agent, token=self._host.token(), by=f"agent:{agent}"))
        self._host.restart(self._host.now_ms)
        return 0

    def close(self) -> None:
        pass

    # -- set-up

    def put_team(self, code: str, parent: str | None) -> None:
        self._do(c.PutTeam(code=code, name=code, parent=parent, by="admin"))

    def put_agent(self, code: str, fields: Body) -> None:
        known: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        }
        self._do(c.PutAgent(code=code, by="admin", **known))

    def put_campaign(self, code: str, dialer: Body, results: Sequence[Body], scheme: str = "") -> None:
        known = self._host.engine.campaigns.by_code.get(code)
        changed = _dialer(known.dialer if known else Dialer(), dialer)
        template: Any = msgspec.UNSET
        if results:
            template = Template(results=FOUR_RESULTS + tuple(TemplateResult(**result) for result in results))
        named: Any = scheme or msgspec.UNSET
        self._do(c.PutCampaign(code=code, dialer=changed, template=template, scheme=named, by="admin"))

    def put_scheme(self, campaign: str, scheme: str) -> None:
        self._do(c.PutCampaign(code=campaign, scheme=scheme, by="admin"))

    def put_results(self, campaign: str, results: Sequence[Body]) -> None:
        known = self._host.engine.campaigns.by_code[campaign].template
        named = tuple(TemplateResult(**result) for result in results)
        self._do(c.PutCampaign(code=campaign, template=msgspec.structs.replace(known, results=named), by="admin"))

    def results(self, campaign: str) -> list[str]:
        return [result.code for result in self._host.engine.campaigns.by_code[campaign].template.results]

    def switch_campaign(self, code: str, active: bool) -> tuple[dict[str, int], dict[str, int]]:
        reply = self._do(c.PutCampaign(code=code, active=active, by="admin"))
        return (reply.dialable, reply.withheld) if isinstance(reply, Stranded) else ({}, {})

    def put_settings(self, settings: Body) -> None:
        self._do(c.PutSettings(by="admin", **_in_ms(settings, c.PutSettings)))

    def delete(self, kind: str, code: str) -> None:
        self._do(c.Delete(kind=cast("Literal['team']", kind), code=code, by="admin"))

    def put_project(self, code: str, campaigns: Sequence[str]) -> None:
        self._do(c.PutProject(code=code, by="admin"))
        for campaign in campaigns:
            self._do(c.PutCampaign(code=campaign, project=code, by="admin"))

    def put_fields(self, campaign: str, fields: Sequence[Body]) -> None:
        known = self._host.engine.campaigns.by_code[campaign].template
        named = tuple(TemplateField(**field) for field in fields)
        self._do(c.PutCampaign(code=campaign, template=msgspec.structs.replace(known, fields=named), by="admin"))

    def put_hours(self, campaign: str, hours: Hours | None) -> None:
        known = self._host.engine.campaigns.by_code[campaign].dialer
        changed = msgspec.structs.replace(known, calling_hours=hours_row(hours))
        self._do(c.PutCampaign(code=campaign, dialer=changed, by="admin"))

    def put_limits(self, campaign: str, limits: Sequence[Body]) -> None:
        rows = limit_rows(limits)
        if not campaign:
            self._do(c.PutSettings(contact_limits=rows, by="admin"))
            return
        known = self._host.engine.campaigns.by_code[campaign].dialer
        changed = msgspec.structs.replace(known, contact_limits=rows)
        self._do(c.PutCampaign(code=campaign, dialer=changed, by="admin"))

    def load(self, pool: NewPool) -> Entered:
        before = self._host.record.newest_lead()
        pool_id = enter(self._host.engine, self._host.record, self._do, pool)
        leads = [self.lead(lead) for lead in self._host.record.leads_after(before)]
        return Entered(self.pool(pool_id), tuple(leads))

    # -- work

    def session(self, agent: str, campaigns: Sequence[str], cross: bool | None) -> None:
        self._do(c.PutSession(agent=agent, campaigns=tuple(campaigns), cross=cross, by=f"agent:{agent}"))

    def log_off(self, agent: str) -> None:
        self._do(c.EndSession(agent=agent, by=f"agent:{agent}"))

    def next(self, agent: str) -> Offered | Nothing:
        eligible = eligible_leads(self._host.engine, self._host.record.leads_after(0), agent)
        answer = self._do(c.Next(agent=agent, token=self._host.token(), by=f"agent:{agent}"))
        check_answer(answer, eligible)
        return self._offer(answer)

    def next_explained(self, agent: str) -> Offered | Idle:
        command = c.Next(agent=agent, token=self._host.token(), count=True, by=f"agent:{agent}")
        answer = self._offer(self._do(command))
        return answer if isinstance(answer, Offered) else self.why_idle(agent)

    def wait(self, agent: str) -> int:
        waiter = next(self._waiters)
        self._waiting[waiter] = agent
        reply = self._do(c.Next(agent=agent, token=self._host.token(), wait=True, waiter=waiter, by=f"agent:{agent}"))
        if not isinstance(reply, Waiting):
            self._host.answers[waiter] = reply
        return waiter

    def answer(self, wait: int) -> Offered | Nothing | None:
        answer = self._host.answers.get(wait)
        return None if answer is None else self._offer(answer)

    def hang_up(self, wait: int) -> None:
        self._do(c.StopWaiting(agent=self._waiting[wait], waiter=wait))

    def take(self, agent: str, lead: int, override: bool) -> Offered:
        by = "admin" if override else f"agent:{agent}"
        offer = self._offer(
            self._do(c.Take(agent=agent, lead=lead, token=self._host.token(), override=override, by=by))
        )
        assert isinstance(offer, Offered)
        return offer

    def finish(self, agent: str, token: str, body: Body) -> Finish:
        fields = {key: value for key, value in body.items() if key not in ("next", "number")}
        if "number" in body:
            fields["number"] = to_number(body["number"])
        if body.get("next"):
            fields["next_token"] = self._host.token()
        digest = zlib.crc32(repr(sorted(body.items())).encode()) + 1
        command = c.Finish(token=token, digest=digest, by=f"agent:{agent}", **fields)
        try:
            reply = self._host.apply(command)
        except UnknownLease:
            return self._first_answer(command)
        except NextleadError as refusal:
            raise _refused(refusal) from None
        assert isinstance(reply, Finished)
        lead = self._host.record.lead_at(reply.commit_no, reply.lead.id) if reply.commit_no else reply.lead
        following = None if reply.next is None else self._offer(reply.next)
        return Finish(self._views.view(lead), reply.nearby_redials, following)

    def _first_answer(self, command: c.Finish) -> Finish:
        """Of a lead that closed, and so left the engine: as the dialer finds it in the archive."""
        lead_id, token = parse_token(command.token)
        lead = self._host.record.lead(lead_id)
        ended = lead.ended if lead else None
        if lead is None or ended is None or ended.token != token:
            raise Refused("unknown_lease", command.token)
        if ended.digest != command.digest:
            raise Refused("lease_ended", f"lead {lead_id} is {lead.status.code}")
        following = lease_with(self._host.engine.state, ended.next)
        return Finish(
            self._views.view(self._host.record.lead_at(ended.commit_no, lead_id)),
            ended.nearby,
            None if following is None else self._offer(following),
        )

    def heartbeat(self, agent: str, token: str) -> int:
        self._do(c.Heartbeat(token=token, by=f"agent:{agent}"))
        return next(
            offer.expires_ms
            for offer in self._host.engine.leases_of(agent)
            if offer.lead.lease and token_text(offer.lead.id, offer.lead.lease.token) == token
        )

    def end_lease(self, token: str, outcome: str) -> None:
        self._do(c.EndLease(token=token, outcome=cast("Literal['cancelled']", outcome), by="admin"))

    def resolve(self, lead: int, agent: str | None, body: Body) -> LeadView:
        self._do(c.Resolve(lead=lead, agent=agent, by=f"agent:{agent}" if agent else "admin", **body))
        return self.lead(lead)

    def log(self, lead: int, who: str, body: Body) -> LeadView:
        is_agent = who in self._host.engine.agents.by_code
        self._do(self._schemes.log(lead, who, is_agent=is_agent, body=body))
        return self.lead(lead)

    # -- leads and pools

    def edit(self, lead: int, changes: Body) -> None:
        fields = _with_redial(changes)
        if "timezone" in fields:
            fields["zone"] = fields.pop("timezone")
        self._do(c.EditLead(lead=lead, by="admin", **fields))

    def act(self, lead: int, action: str, body: Body) -> None:
        match action:
            case "release":
                self._do(c.Release(lead=lead, by="admin"))
            case "remove":
                self._do(c.Remove(lead=lead, by="admin"))
            case "urgent":
                self._do(c.MakeUrgent(lead=lead, by="admin", **body))
            case "validate":
                self._do(c.Validate(lead=lead, by="admin", **body))
            case "reopen":
                row = self._host.record.lead(lead)
                self._do(c.Reopen(lead=lead, row=row, by="admin", **_with_redial(body)))
            case _:
                raise AssertionError(action)

    def release_all(self, agent: str) -> None:
        self._do(c.ReleaseAll(agent=agent, by="admin"))

    def edit_many(self, leads: Sequence[int], action: str, body: Body, *, dry_run: bool = False) -> Bulk:
        assert not dry_run
        rows = tuple(row for lead in leads if (row := self._host.record.lead(lead)) is not None)
        command = c.EditLeads(
            leads=tuple(leads),
            action=cast("Literal['remove']", action),
            rows=rows if action == "reopen" else (),
            by="admin",
            **body,
        )
        reply = self._do(command)
        return Bulk(reply.done, reply.refused)

    def block(self, number: str, scope: str, who: str, *, drop: bool = False, dry_run: bool = False) -> int:
        assert not dry_run
        reply = self._do(
            c.Block(numbers=(to_number(number),), reason="asked", scope=_scope(scope), drop_number=drop, by=_actor(who))
        )
        return int(reply.count)

    def unblock(self, number: str, scope: str, who: str) -> None:
        self._do(c.Unblock(number=to_number(number), scope=_scope(scope), by=_actor(who)))

    def check(self, number: str, who: str) -> list[Entry] | None:
        engine = self._host.engine
        lists = (("global", engine.blocked_globally), ("organisation", engine.blocked))
        found = [(name, rows[to_number(number)]) for name, rows in lists if to_number(number) in rows]
        if not found and engine.refusal_of(to_number(number)) is None:
            return None
        return [Entry(name, row.reason, row.at_ms, row.by) for name, row in found]

    def anonymise(self, *, lead: int = 0, number: str = "", dry_run: bool = False) -> tuple[int, int]:
        assert not dry_run
        leads, numbers = person(self._host.record, lead, to_number(number) if number else 0)
        rows = tuple(row for one in leads if (row := self._host.record.lead(one)) and row.status is Status.CLOSED)
        reply = self._do(c.Anonymise(leads=tuple(leads), numbers=tuple(numbers), rows=rows, by="admin"))
        return reply.closed, reply.marked

    def pool(self, pool: int) -> PoolView:
        return self._views.pool(pool)

    def pool_action(self, pool: int, action: str, seed: int | None) -> None:
        self._do(c.ActOnPool(pool=pool, action=cast("Literal['confirm']", action), seed=seed or 0, by="admin"))

    def delete_pool(self, pool: int, *, dry_run: bool = False) -> Deleted:
        assert not dry_run
        reply = self._do(c.ActOnPool(pool=pool, action="delete", by="admin"))
        return Deleted(reply.deleted, reply.kept)

    def edit_pool(self, pool: int, changes: Body) -> None:
        self._do(c.EditPool(pool=pool, by="admin", **changes))

    # -- reads

    def lead(self, lead: int, scheme: str = "") -> LeadView:
        row = self._views.row(lead)
        if row is None:
            raise Refused("not_found", f"there is no lead {lead}")
        return self._views.view(row, scheme)

    def leads_shown(self, which: Which) -> list[int]:
        return self._schemes.leads(which)

    def statistics(self, which: Which) -> Counts:
        return self._schemes.counts(which)

    def history(self, lead: int) -> list[Change]:
        return self._views.history(lead)

    def leases(self, agent: str) -> list[Offered]:
        return [self._views.offered(offer) for offer in self._host.engine.leases_of(agent)]

    def redials(self, agent: str) -> list[int]:
        return [lead.id for lead in self._host.engine.redials_of(agent)]

    def unresolved(self, agent: str) -> list[int]:
        return [lead.id for lead in self._host.engine.unresolved_of(agent)]

    def explain(self, lead: int, agent: str) -> Explained:
        row = None if self._host.engine.lead(lead) is not None else self._host.record.lead(lead)
        return explained(self._do(c.Explain(lead=lead, agent=agent, row=row, by="admin")))

    def why_idle(self, agent: str) -> Idle:
        return idle(self._do(c.WhyIdle(agent=agent, by=f"agent:{agent}")))

    def why_all_idle(self) -> AllIdle:
        reply = self._do(c.WhyAllIdle(by="supervisor"))
        return AllIdle(
            {each.campaign: idle(each) for each in reply.campaigns},
            {each.agent: idle(each) for each in reply.agents},
            reply.waiting,
        )

    def _offer(self, answer: object) -> Offered | Nothing:
        if isinstance(answer, NoLead):
            return Nothing(answer.reason)
        assert isinstance(answer, Offer), answer
        return self._views.offered(answer)


def _refused(refusal: NextleadError) -> Refused:
    next_ms = refusal.facts.get("next_permitted_ms")
    field = refusal.field if isinstance(refusal, Invalid) else ""
    return Refused(refusal.code, refusal.detail, next_ms if isinstance(next_ms, int) else None, field)


def _actor(who: str) -> str:
    """The operator's own calls count as the admin's."""
    return "admin" if who == "operator" else who


def _scope(scope: str) -> c.Scope:
    return "global" if scope == "global" else "organisation"


def _with_redial(body: Body) -> dict[str, Any]:
    redial = body.get("redial")
    return {**body, "redial": c.RedialEdit(**redial)} if redial else dict(body)


def _dialer(known: Dialer, settings: Body) -> Dialer:
    changes = _in_ms(settings, Dialer)
    if "retry" in changes:
        retry = {cause: tuple(map(duration_ms, steps)) for cause, steps in changes["retry"].items()}
        changes["retry"] = {**known.retry, **retry}
    if "retention_ms" in changes:
        changes["retention_ms"] = {closure: duration_ms(kept) for closure, kept in changes["retention_ms"].items()}
    return msgspec.structs.replace(known, **changes)


def _in_ms(settings: Body, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """docs/http.md's names and durations as the engine's fields: `lease_timeout: 1h` is `lease_timeout_ms`."""
    fields = {field.name for field in msgspec.structs.fields(kind)}
    changes: dict[str, Any] = {}
    for name, value in settings.items():
        own = next(n for n in (name, f"{name}_ms", f"{name.removesuffix('_after')}_ms") if n in fields)
        changes[own] = duration_ms(value) if isinstance(value, str) else value
    return changes
