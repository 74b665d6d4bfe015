"""Calls to a daemon, each with the token of who makes it."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import httpx

from .daemon import ADMIN_TOKEN, Daemon
from .driver import Body, Refused
from .http_views import parse_ms, text_of
from .times import START_MS

DEFAULT: Final = "default"


class HttpLine:
    """Names are of agents; `operator` has the daemon's own token, `supervisor` one of that role.

    `admin` is who runs the present organisation: in `default` that is the operator. Any other name is a program or a
    person with an admin's token of its own. Each organisation has its own people, whatever they are called.
    """

    def __init__(self, folder: Path) -> None:
        self.daemon = Daemon(folder, START_MS)
        self.organisation = DEFAULT
        self._tokens: dict[tuple[str, str], str] = {(DEFAULT, "admin"): ADMIN_TOKEN}

    def go_to(self, organisation: str) -> None:
        """All calls are of this organisation from now on; it is made when it is named first."""
        if (organisation, "admin") not in self._tokens:
            made = self.call("POST", "organisations", {"code": organisation}, who="operator").json()
            self._tokens[organisation, "admin"] = made["admin_token"]
        self.organisation = organisation

    def add_agent(self, code: str) -> None:
        if (self.organisation, code) not in self._tokens:
            self._tokens[self.organisation, code] = self._made({"role": "agent", "agent": code})

    def token(self, who: str) -> str:
        if who == "operator":
            return ADMIN_TOKEN
        key = (self.organisation, who or "admin")
        if key not in self._tokens:
            self._tokens[key] = self._made({"role": "supervisor" if who == "supervisor" else "admin"})
        return self._tokens[key]

    def _made(self, body: Body) -> str:
        return str(self.call("POST", "tokens", body).json()["token"])

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, who: str = "") -> httpx.Response:
        """Raises `Refused` for a problem answer that is not our fault."""
        headers = {"Authorization": f"Bearer {self.token(who)}"}
        return self._checked(self.daemon.client.request(method, f"/v1/{path}", json=body, headers=headers))

    def send_file(self, path: str, name: str, content: bytes, options: Body, *, who: str = "") -> httpx.Response:
        """A file with its options."""
        headers = {"Authorization": f"Bearer {self.token(who)}"}
        parts: Any = {"file": (name, content), "options": (None, json.dumps(options), "application/json")}
        return self._checked(self.daemon.client.post(f"/v1/{path}", files=parts, headers=headers))

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> HTTPConnection:
        """Send a request as admin; its answer is read another time, or never."""
        content = None if body is None else json.dumps(body).encode()
        return self._sent(method, path, content, "application/json")

    def ask_file(self, path: str, name: str, content: bytes, options: Body) -> HTTPConnection:
        """The same with a file and its options."""
        parts: Any = {"file": (name, content), "options": (None, json.dumps(options), "application/json")}
        request = self.daemon.client.build_request("POST", f"/v1/{path}", files=parts)
        return self._sent("POST", path, request.read(), request.headers["content-type"])

    def _sent(self, method: str, path: str, content: bytes | None, media: str) -> HTTPConnection:
        call = HTTPConnection(self.daemon.url.host, self.daemon.url.port, timeout=300)
        headers = {"Authorization": f"Bearer {self.token('')}", "Content-Type": media}
        call.request(method, f"/v1/{path}", content, headers)
        return call

    def answer(self, call: HTTPConnection) -> Any:
        """Read the answer of `ask`."""
        response = call.getresponse()
        body = json.loads(response.read())
        call.close()
        assert response.status < 300, body
        return body

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if 400 <= answer.status_code < 500:
            problem = answer.json()
            assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
            errors = "; ".join(f"{each['field']}: {each['message']}" for each in problem.get("errors") or ())
            next_at = problem.get("next_permitted")
            detail = problem["detail"] if errors in problem["detail"] else errors
            field = next((each["field"] for each in problem.get("errors") or ()), "")
            raise Refused(problem["code"], detail, parse_ms(next_at) if next_at else None, field)
        request = f"{answer.request.method} {answer.request.url.path}"
        assert answer.status_code < 300, f"{request}: {answer.status_code} {answer.text}"
        return answer

    def items(self, path: str, *, who: str = "") -> list[Any]:
        page = self.call("GET", path, who=who).json()
        assert page["next"] is None, "scenarios are small"
        return list(page["items"])


def in_text(body: Body) -> dict[str, Any]:
    """Times as docs/http.md writes them: `due_ms: 1772445600000` is `due: 2026-03-02T10:00:00Z`."""
    changed: dict[str, Any] = {}
    for key, value in body.items():
        if isinstance(value, dict):
            changed[key] = {name: known for name, known in in_text(value).items() if known is not None}
        elif key.endswith("_ms"):
            changed[key.removesuffix("_ms")] = None if value is None else text_of(value)
        else:
            changed[key] = value
    return changed
