"""The driver over HTTP: a daemon process, reached as people outside reach it.

Agents call with tokens of their own, everything else is done with the admin's.
"""

from collections.abc import Sequence
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from .driver import (
    AS_CAMPAIGN,
    Body,
    Bulk,
    Change,
    Check,
    Deleted,
    Entered,
    Entry,
    Finish,
    LeadView,
    NewLead,
    NewPool,
    Nothing,
    Offered,
    PoolView,
)
from .http_line import HttpLine, in_text
from .http_reasons import all_idle, explained, hours_body, idle
from .http_schemes import question, statistics
from .http_views import change, entry, lead_view, offered, parse_ms, pool_view, text_of
from .http_waits import HttpWaits, ask, was_answered
from .reasons import AllIdle, Explained, Hours, Idle
from .shown import Counts, Which

_REASON: Final = "nextlead-reason"


class HttpDriver:
    """Implements `Driver`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.line = HttpLine(folder)
        self._waits = HttpWaits()
        self._asked: dict[int, HTTPConnection] = {}
        self._numbers = count(1)
        self._seen: set[tuple[str, int]] = set()

    # -- time and the daemon

    def move(self, now_ms: int) -> None:
        self.line.call("POST", "clock", {"now": text_of(now_ms)}, who="operator")

    def crash(self, now_ms: int, *, frozen: bool = False) -> None:
        """`frozen`: it does nothing from this moment on, and is killed then."""
        if frozen:
            self.line.daemon.freeze()
        self.line.daemon.kill()
        self._restart(now_ms)

    def _restart(self, now_ms: int) -> None:
        self._waits.clear()
        self.line.daemon.start(now_ms)
        assert parse_ms(self.line.call("GET", "clock", who="operator").json()["now"]) == now_ms
        self.move(now_ms)  # answered when the chores of the start are done: retention erases what came due meanwhile

    def crash_before_answer(self, agent: str, calls: int) -> int:
        """The process is stopped first, so that it can't commit, then asked, then killed."""
        now_ms = parse_ms(self.line.call("GET", "clock", who="operator").json()["now"])
        self.line.daemon.freeze()
        asked = [ask(self.line.daemon, agent, self.line.token(agent), 0) for _ in range(calls)]
        self.line.daemon.kill()
        answered = sum(map(was_answered, asked))
        self._restart(now_ms)
        return answered

    def close(self) -> None:
        """The orderly end; the daemon's last look before a lease must never have had to stop one (R14.4)."""
        self._waits.clear()
        faults = self.line.daemon.metric("nextlead_faults_total") if self.line.daemon.lives else 0
        self.line.daemon.stop()
        assert faults == 0, "a lead was about to be offered that a rule forbids"

    # -- set-up

    def put_team(self, code: str, parent: str | None) -> None:
        self.line.call("PUT", f"teams/{code}", {"name": code, "parent": parent})

    def put_agent(self, code: str, fields: Body) -> None:
        self.line.call("PUT", f"agents/{code}", fields)
        self.line.add_agent(code)

    def put_campaign(self, code: str, dialer: Body, results: Sequence[Body], scheme: str = "") -> None:
        body: dict[str, Any] = {"dialer": in_text(dialer)} if dialer else {}
        body |= {"scheme": scheme} if scheme else {}
        if results:
            body["template"] = {"results": [*_FOUR_RESULTS, *results]}
        self.line.call("PUT", f"campaigns/{code}", body)

    def put_scheme(self, campaign: str, scheme: str) -> None:
        self.line.call("PATCH", f"campaigns/{campaign}", {"scheme": scheme})

    def put_results(self, campaign: str, results: Sequence[Body]) -> None:
        self.line.call("PATCH", f"campaigns/{campaign}", {"template": {"results": list(results)}})

    def results(self, campaign: str) -> list[str]:
        known = self.line.call("GET", f"campaigns/{campaign}").json()["template"]["results"]
        return [result["code"] for result in known]

    def switch_campaign(self, code: str, active: bool) -> tuple[dict[str, int], dict[str, int]]:
        if active:
            self.line.call("POST", f"campaigns/{code}/activate")
            return {}, {}
        promised = self.line.call("POST", f"campaigns/{code}/deactivate").json()["promised_redials"]
        return promised["dialable"], promised["withheld"]

    def put_settings(self, settings: Body) -> None:
        self.line.call("PATCH", "settings", settings)

    def delete(self, kind: str, code: str) -> None:
        self.line.call("DELETE", f"{kind}s/{code}")

    def put_project(self, code: str, campaigns: Sequence[str]) -> None:
        self.line.call("PUT", f"projects/{code}", {"name": code})
        for campaign in campaigns:
            self.line.call("PATCH", f"campaigns/{campaign}", {"project": code})

    def put_fields(self, campaign: str, fields: Sequence[Body]) -> None:
        self.line.call("PATCH", f"campaigns/{campaign}", {"template": {"fields": list(fields)}})

    def put_hours(self, campaign: str, hours: Hours | None) -> None:
        self.line.call("PATCH", f"campaigns/{campaign}", {"dialer": {"calling_hours": hours_body(hours)}})

    def put_limits(self, campaign: str, limits: Sequence[Body]) -> None:
        if campaign:
            self.line.call("PATCH", f"campaigns/{campaign}", {"dialer": {"contact_limits": list(limits)}})
        else:
            self.line.call("PATCH", "settings", {"contact_limits": list(limits)})

    def load(self, pool: NewPool) -> Entered:
        return self.enter(pool, "admin", by_hand=False)

    def enter(self, pool: NewPool, who: str, *, by_hand: bool) -> Entered:
        """An entry by someone; without a name it may share a pool."""
        body = {**entry_options(pool), "leads": [new_lead(lead) for lead in pool.leads]}
        body |= {"source": "manual"} if by_hand else {}
        return self.came(self.line.call("POST", "leads", body, who=who).json()["id"])

    def came(self, pool: int) -> Entered:
        """The pool, and its leads that were not told before."""
        here = self.line.organisation
        found = self.line.items(f"leads?pool={pool}&limit=1000")
        leads = [lead for lead in found if (here, lead["id"]) not in self._seen]
        self._seen |= {(here, lead["id"]) for lead in leads}
        return Entered(self.pool(pool), tuple(map(lead_view, leads)))

    # -- work

    def session(self, agent: str, campaigns: Sequence[str], cross: bool | None) -> None:
        body: dict[str, Any] = {"campaigns": list(campaigns)}
        body |= {} if cross is None else {"cross_campaign_redials": cross}
        self.line.call("PUT", f"agents/{agent}/session", body, who=agent)

    def log_off(self, agent: str) -> None:
        self.line.call("DELETE", f"agents/{agent}/session", who=agent)

    def next(self, agent: str) -> Offered | Nothing:
        answer = self.line.call("POST", f"agents/{agent}/next", {}, who=agent)
        return Nothing(answer.headers[_REASON]) if answer.status_code == 204 else offered(answer.json())

    def next_explained(self, agent: str) -> Offered | Idle:
        answer = self.line.call("POST", f"agents/{agent}/next?explain=true", {}, who=agent).json()
        return idle(answer["why_idle"]) if "why_idle" in answer else offered(answer)

    def wait(self, agent: str) -> int:
        number = next(self._numbers)
        self._asked[number] = self._waits.start(self.line.daemon, agent, self.line.token(agent))
        return number

    def answer(self, wait: int) -> Offered | Nothing | None:
        call = self._asked[wait]
        if not self._waits.settled(self.line.daemon, call):
            return None
        self._waits.taken(call)
        response = call.getresponse()
        raw = httpx.Response(response.status, content=response.read())
        call.close()
        assert raw.status_code < 300, raw.text
        return Nothing(response.headers[_REASON]) if raw.status_code == 204 else offered(raw.json())

    def hang_up(self, wait: int) -> None:
        self._waits.forget(self.line.daemon, self._asked.pop(wait))

    def take(self, agent: str, lead: int, override: bool) -> Offered:
        body = {"lead": lead, "override": True} if override else {"lead": lead}
        return offered(self.line.call("POST", f"agents/{agent}/take", body, who="" if override else agent).json())

    def finish(self, agent: str, token: str, body: Body) -> Finish:
        answer = self.line.call("POST", f"leases/{token}/finish", in_text(body), who=agent).json()
        following: Offered | Nothing | None = None
        if body.get("next"):
            following = offered(answer["next"]) if answer["next"] else Nothing(answer["next_reason"])
        return Finish(lead_view(answer["lead"]), answer.get("nearby_redials"), following)

    def heartbeat(self, agent: str, token: str) -> int:
        return parse_ms(self.line.call("POST", f"leases/{token}/heartbeat", who=agent).json()["expires"])

    def end_lease(self, token: str, outcome: str) -> None:
        self.line.call("POST", f"leases/{token}/end", {"outcome": outcome})

    def resolve(self, lead: int, agent: str | None, body: Body) -> LeadView:
        answer = self.line.call("POST", f"leads/{lead}/resolve", in_text(body), who=agent or "").json()
        return lead_view(answer["lead"])

    def log(self, lead: int, who: str, body: Body) -> LeadView:
        return lead_view(self.line.call("POST", f"leads/{lead}/activities", in_text(body), who=who).json())

    # -- leads and pools

    def edit(self, lead: int, changes: Body) -> None:
        self.line.call("PATCH", f"leads/{lead}", in_text(changes))

    def act(self, lead: int, action: str, body: Body) -> None:
        self.line.call("POST", f"leads/{lead}/{action}", in_text(body) if body or action == "reopen" else None)

    def release_all(self, agent: str) -> None:
        self.line.call("POST", f"agents/{agent}/release-all")

    def edit_many(self, leads: Sequence[int], action: str, body: Body, *, dry_run: bool = False) -> Bulk:
        answer = self.line.call("POST", _dry("leads/bulk", dry_run), {"ids": list(leads), "action": action, **body})
        return Bulk(answer.json()["done"], answer.json()["refused"])

    def block(self, number: str, scope: str, who: str, *, drop: bool = False, dry_run: bool = False) -> int:
        body = {"reason": "asked", "scope": scope, "drop_number": drop}
        if dry_run:
            answer = self.line.call("POST", "do-not-call/import?dry_run=true", {"numbers": [number], **body}, who=who)
        else:
            answer = self.line.call("POST", "do-not-call", {"number": number, **body}, who=who)
        return int(answer.json()["leads"])

    def unblock(self, number: str, scope: str, who: str) -> None:
        self.line.call("DELETE", f"do-not-call?number={number.replace('+', '%2B')}&scope={scope}", who=who)

    def check(self, number: str, who: str) -> list[Entry] | None:
        answer = self.line.call("GET", f"do-not-call/{number}", who=who).json()
        return list(map(entry, answer["entries"])) if answer["blocked"] else None

    def anonymise(self, *, lead: int = 0, number: str = "", dry_run: bool = False) -> tuple[int, int]:
        if lead:
            answer = self.line.call("POST", _dry(f"leads/{lead}/anonymize", dry_run)).json()
        else:
            answer = self.line.call("POST", _dry("anonymize", dry_run), {"phone": number}).json()
        return answer["closed"], answer["marked"]

    def pool(self, pool: int) -> PoolView:
        return pool_view(self.line.call("GET", f"pools/{pool}").json())

    def pool_action(self, pool: int, action: str, seed: int | None) -> None:
        body = ({} if seed is None else {"seed": seed}) if action == "shuffle" else None
        self.line.call("POST", f"pools/{pool}/{action}", body)

    def delete_pool(self, pool: int, *, dry_run: bool = False) -> Deleted:
        answer = self.line.call("DELETE", _dry(f"pools/{pool}", dry_run)).json()
        return Deleted(answer["deleted"], answer["kept"])

    def edit_pool(self, pool: int, changes: Body) -> None:
        self.line.call("PATCH", f"pools/{pool}", in_text(changes))

    # -- reads

    def lead(self, lead: int, scheme: str = "") -> LeadView:
        path = f"leads/{lead}?scheme={scheme}" if scheme else f"leads/{lead}"
        return lead_view(self.line.call("GET", path).json())

    def leads_shown(self, which: Which) -> list[int]:
        path = f"leads?{urlencode({**question(which), 'limit': 1000})}"
        return [lead["id"] for lead in self.line.items(path)]

    def statistics(self, which: Which) -> Counts:
        return statistics(self.line, which)

    def history(self, lead: int) -> list[Change]:
        return [change(event) for event in self.line.items(f"leads/{lead}/history?limit=1000")]

    def leases(self, agent: str) -> list[Offered]:
        return [offered(lease) for lease in self.line.items(f"agents/{agent}/lease", who=agent)]

    def redials(self, agent: str) -> list[int]:
        return [lead["id"] for lead in self.line.items(f"agents/{agent}/redials", who=agent)]

    def unresolved(self, agent: str) -> list[int]:
        return [lead["id"] for lead in self.line.items(f"agents/{agent}/unresolved", who=agent)]

    def explain(self, lead: int, agent: str) -> Explained:
        return explained(self.line.call("GET", f"leads/{lead}/explain?agent={agent}").json())

    def why_idle(self, agent: str) -> Idle:
        return idle(self.line.call("GET", f"agents/{agent}/why-idle", who=agent).json())

    def why_all_idle(self) -> AllIdle:
        return all_idle(self.line.call("GET", "why-idle", who="supervisor").json())


_FOUR_RESULTS: Final = (
    {"code": "success", "label": "Success", "category": "success"},
    {"code": "not_interested", "label": "Not interested", "category": "negative"},
    {"code": "invalid", "label": "Invalid", "category": "invalid"},
    {"code": "unqualified", "label": "Unqualified", "category": "negative"},
)


def _dry(path: str, dry_run: bool) -> str:
    return f"{path}?dry_run=true" if dry_run else path


def entry_options(pool: NewPool) -> dict[str, Any]:
    """What an upload and an entry say alike."""
    body: dict[str, Any] = {"campaign": pool.campaign}
    body |= {} if pool.check == AS_CAMPAIGN else {"duplicates": duplicates(pool.check)}
    body |= {"name": pool.name} if pool.name else {}
    body |= {"description": pool.description} if pool.description else {}
    body |= {"owner": pool.owner} if pool.owner else {}
    body |= {"priority": pool.priority} if pool.priority else {}
    body |= {"on_invalid": pool.on_invalid} if pool.on_invalid else {}
    body |= {"active_from": text_of(pool.from_ms)} if pool.from_ms is not None else {}
    return body | ({"active_until": text_of(pool.until_ms)} if pool.until_ms is not None else {})


def duplicates(check: Check) -> dict[str, Any]:
    return {"match": check.match, "scope": check.scope, "among": check.among, "action": check.action}


def new_lead(lead: NewLead) -> dict[str, Any]:
    body: dict[str, Any] = {"phone": lead.phones[0] if len(lead.phones) == 1 else list(lead.phones)}
    body |= {"priority": lead.priority} if lead.priority else {}
    body |= {"data": lead.data} if lead.data else {}
    body |= {"timezone": lead.timezone} if lead.timezone else {}
    return body | ({"owner": lead.owner} if lead.owner else {})
