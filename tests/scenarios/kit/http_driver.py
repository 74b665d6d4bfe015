"""The driver over HTTP: a daemon process, reached as people outside reach it.

Agents call with tokens of their own, everything else is done with the admin's.
"""

from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx

from .daemon import ADMIN_TOKEN, Daemon
from .driver import Body, Change, Finish, LeadView, NewLead, NewPool, Nothing, Offered, Refused
from .http_views import change, lead_view, offered, parse_ms, text_of
from .http_waits import HttpWaits, ask, was_answered
from .times import START_MS

_REASON: Final = "nextlead-reason"


class HttpDriver:
    """Implements `Driver`."""

    def __init__(self, folder: Path) -> None:
        self._daemon = Daemon(folder, START_MS)
        self._tokens: dict[str, str] = {}
        self._waits = HttpWaits()
        self._calls: dict[int, HTTPConnection] = {}
        self._numbers = count(1)

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, agent: str = ""
    ) -> httpx.Response:
        """As the agent if one is named, else as admin. Raises `Refused` for a problem answer that is not our fault."""
        headers = {"Authorization": f"Bearer {self._tokens[agent] if agent else ADMIN_TOKEN}"}
        answer = self._daemon.client.request(method, f"/v1/{path}", json=body, headers=headers)
        if 400 <= answer.status_code < 500:
            problem = answer.json()
            assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
            raise Refused(problem["code"], problem["detail"])
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def _items(self, path: str, *, agent: str = "") -> list[Any]:
        page = self._call("GET", path, agent=agent).json()
        assert page["next"] is None, "scenarios are small"
        return list(page["items"])

    # -- time and the daemon

    def move(self, now_ms: int) -> None:
        self._call("POST", "clock", {"now": text_of(now_ms)})

    def crash(self, now_ms: int) -> None:
        self._daemon.kill()
        self._restart(now_ms)

    def _restart(self, now_ms: int) -> None:
        self._waits.clear()
        self._daemon.start(now_ms)
        assert parse_ms(self._call("GET", "clock").json()["now"]) == now_ms

    def crash_before_answer(self, agent: str, calls: int) -> int:
        """The process is stopped first, so that it can't commit, then asked, then killed."""
        now_ms = parse_ms(self._call("GET", "clock").json()["now"])
        self._daemon.freeze()
        asked = [ask(self._daemon, agent, self._tokens[agent], 0) for _ in range(calls)]
        self._daemon.kill()
        answered = sum(map(was_answered, asked))
        self._restart(now_ms)
        return answered

    def close(self) -> None:
        self._waits.clear()
        self._daemon.stop()

    # -- set-up

    def put_team(self, code: str, parent: str | None) -> None:
        self._call("PUT", f"teams/{code}", {"name": code, "parent": parent})

    def put_agent(self, code: str, fields: Body) -> None:
        self._call("PUT", f"agents/{code}", fields)
        if code not in self._tokens:
            self._tokens[code] = self._call("POST", "tokens", {"role": "agent", "agent": code}).json()["token"]

    def put_campaign(self, code: str, dialer: Body, results: Sequence[Body]) -> None:
        body: dict[str, Any] = {"dialer": dialer} if dialer else {}
        if results:
            body["template"] = {"results": [*_FOUR_RESULTS, *results]}
        self._call("PUT", f"campaigns/{code}", body)

    def switch_campaign(self, code: str, active: bool) -> tuple[dict[str, int], dict[str, int]]:
        if active:
            self._call("POST", f"campaigns/{code}/activate")
            return {}, {}
        promised = self._call("POST", f"campaigns/{code}/deactivate").json()["promised_redials"]
        return promised["dialable"], promised["withheld"]

    def put_settings(self, settings: Body) -> None:
        self._call("PATCH", "settings", settings)

    def delete(self, kind: str, code: str) -> None:
        self._call("DELETE", f"{kind}s/{code}")

    def load(self, pool: NewPool) -> tuple[int, list[int]]:
        body: dict[str, Any] = {
            "campaign": pool.campaign,
            "name": pool.name,
            "leads": [_new_lead(lead) for lead in pool.leads],
            "duplicates": {"action": "load"},
        }
        body |= {"owner": pool.owner} if pool.owner else {}
        body |= {"priority": pool.priority} if pool.priority else {}
        body |= {"active_from": text_of(pool.from_ms)} if pool.from_ms is not None else {}
        body |= {"active_until": text_of(pool.until_ms)} if pool.until_ms is not None else {}
        made = self._call("POST", "leads", body).json()
        ids = [lead["id"] for lead in self._items(f"leads?pool={made['id']}&limit=1000")]
        assert len(ids) == len(pool.leads), f"{made['counts']}"
        return made["id"], ids

    # -- work

    def session(self, agent: str, campaigns: Sequence[str], cross: bool | None) -> None:
        body: dict[str, Any] = {"campaigns": list(campaigns)}
        body |= {} if cross is None else {"cross_campaign_redials": cross}
        self._call("PUT", f"agents/{agent}/session", body, agent=agent)

    def log_off(self, agent: str) -> None:
        self._call("DELETE", f"agents/{agent}/session", agent=agent)

    def next(self, agent: str) -> Offered | Nothing:
        answer = self._call("POST", f"agents/{agent}/next", {}, agent=agent)
        return Nothing(answer.headers[_REASON]) if answer.status_code == 204 else offered(answer.json())

    def wait(self, agent: str) -> int:
        number = next(self._numbers)
        self._calls[number] = self._waits.start(self._daemon, agent, self._tokens[agent])
        return number

    def answer(self, wait: int) -> Offered | Nothing | None:
        call = self._calls[wait]
        if not self._waits.settled(self._daemon, call):
            return None
        self._waits.taken(call)
        response = call.getresponse()
        raw = httpx.Response(response.status, content=response.read())
        call.close()
        assert raw.status_code < 300, raw.text
        return Nothing(response.headers[_REASON]) if raw.status_code == 204 else offered(raw.json())

    def hang_up(self, wait: int) -> None:
        self._waits.forget(self._daemon, self._calls.pop(wait))

    def take(self, agent: str, lead: int, override: bool) -> Offered:
        body = {"lead": lead, "override": True} if override else {"lead": lead}
        return offered(self._call("POST", f"agents/{agent}/take", body, agent="" if override else agent).json())

    def finish(self, agent: str, token: str, body: Body) -> Finish:
        answer = self._call("POST", f"leases/{token}/finish", _in_text(body), agent=agent).json()
        following: Offered | Nothing | None = None
        if body.get("next"):
            following = offered(answer["next"]) if answer["next"] else Nothing(answer["next_reason"])
        return Finish(lead_view(answer["lead"]), answer.get("nearby_redials"), following)

    def heartbeat(self, agent: str, token: str) -> int:
        return parse_ms(self._call("POST", f"leases/{token}/heartbeat", agent=agent).json()["expires"])

    def end_lease(self, token: str, outcome: str) -> None:
        self._call("POST", f"leases/{token}/end", {"outcome": outcome})

    def resolve(self, lead: int, agent: str | None, body: Body) -> LeadView:
        answer = self._call("POST", f"leads/{lead}/resolve", _in_text(body), agent=agent or "").json()
        return lead_view(answer["lead"])

    # -- leads and pools

    def edit(self, lead: int, changes: Body) -> None:
        self._call("PATCH", f"leads/{lead}", _in_text(changes))

    def act(self, lead: int, action: str, body: Body) -> None:
        self._call("POST", f"leads/{lead}/{action}", _in_text(body) if body or action == "reopen" else None)

    def release_all(self, agent: str) -> None:
        self._call("POST", f"agents/{agent}/release-all")

    def block(self, number: str) -> None:
        self._call("POST", "do-not-call", {"number": number, "reason": "asked"})

    def unblock(self, number: str) -> None:
        self._call("DELETE", f"do-not-call?number={number.replace('+', '%2B')}")

    def pool_action(self, pool: int, action: str, seed: int | None) -> tuple[int, int]:
        if action == "delete":
            answer = self._call("DELETE", f"pools/{pool}").json()
            return answer["deleted"], sum(answer["kept"].values())
        body = ({} if seed is None else {"seed": seed}) if action == "shuffle" else None
        self._call("POST", f"pools/{pool}/{action}", body)
        return 0, 0

    def edit_pool(self, pool: int, changes: Body) -> None:
        self._call("PATCH", f"pools/{pool}", _in_text(changes))

    # -- reads

    def lead(self, lead: int) -> LeadView:
        return lead_view(self._call("GET", f"leads/{lead}").json())

    def history(self, lead: int) -> list[Change]:
        return [change(event) for event in self._items(f"leads/{lead}/history?limit=1000")]

    def leases(self, agent: str) -> list[Offered]:
        return [offered(lease) for lease in self._items(f"agents/{agent}/lease", agent=agent)]

    def redials(self, agent: str) -> list[int]:
        return [lead["id"] for lead in self._items(f"agents/{agent}/redials", agent=agent)]

    def unresolved(self, agent: str) -> list[int]:
        return [lead["id"] for lead in self._items(f"agents/{agent}/unresolved", agent=agent)]


_FOUR_RESULTS: Final = (
    {"code": "success", "label": "Success", "category": "success"},
    {"code": "not_interested", "label": "Not interested", "category": "negative"},
    {"code": "invalid", "label": "Invalid", "category": "invalid"},
    {"code": "unqualified", "label": "Unqualified", "category": "negative"},
)


def _new_lead(lead: NewLead) -> dict[str, Any]:
    body: dict[str, Any] = {"phone": lead.phones[0] if len(lead.phones) == 1 else list(lead.phones)}
    body |= {"priority": lead.priority} if lead.priority else {}
    return body | ({"owner": lead.owner} if lead.owner else {})


def _in_text(body: Body) -> dict[str, Any]:
    """Times as docs/http.md writes them: `due_ms: 1772445600000` is `due: 2026-03-02T10:00:00Z`."""
    changed: dict[str, Any] = {}
    for key, value in body.items():
        if isinstance(value, dict):
            changed[key] = {name: known for name, known in _in_text(value).items() if known is not None}
        elif key.endswith("_ms"):
            changed[key.removesuffix("_ms")] = None if value is None else text_of(value)
        else:
            changed[key] = value
    return changed
