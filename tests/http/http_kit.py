"""What the tests of the HTTP face use: callers by token, and the names of the little call centre they call."""

from typing import Any

import httpx
from starlette.types import ASGIApp

from nextlead.testing import FaultyStore
from nextlead_adapters.http.tenants import OneOrganisation

OPERATOR = "the-operators-token-of-these-tests"
START = "2026-03-02T09:00:00Z"
BODY_MAX = 64 * 1024
UPLOAD_MAX = 256 * 1024
NUMBERS = ("+14155550100", "+14155550101", "+14155550102", "+14155550103")


class House:
    """The parts, and callers by their tokens."""

    def __init__(self, tenants: OneOrganisation, app: ASGIApp, store: FaultyStore | None = None) -> None:
        self._store = store
        self.tenants = tenants
        self.dialer = tenants.default.dialer
        self.intake = tenants.default.intake
        self.privacy = tenants.default.privacy
        self.app = app

    @property
    def store(self) -> FaultyStore:
        assert self._store is not None
        return self._store

    def caller(self, token: str | None = OPERATOR, **headers: str) -> "Caller":
        return Caller(self.app, token, headers)


class Caller:
    """Calls with one token, checking the status; no socket between."""

    def __init__(self, app: ASGIApp, token: str | None, headers: dict[str, str]) -> None:
        if token is not None:
            headers = {"Authorization": f"Bearer {token}", **headers}
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=True), base_url="http://nextlead", headers=headers
        )

    async def call(self, method: str, path: str, body: object = None, **more: Any) -> httpx.Response:
        if body is not None:
            more["json"] = body
        return await self.http.request(method, path, **more)

    async def ok(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        answer = await self.call(method, path, body, **more)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def no(self, status: int, method: str, path: str, body: object = None, **more: Any) -> dict[str, Any]:
        """The problem; its shape is checked with every refusal (RFC 9457)."""
        answer = await self.call(method, path, body, **more)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = answer.json()
        assert problem["status"] == status
        assert all(isinstance(problem[key], str) and problem[key] for key in ("type", "title", "detail", "code"))
        return problem


async def token_of(admin: Caller, role: str, agent: str | None = None) -> str:
    body = {"role": role} | ({"agent": agent} if agent else {})
    return str((await admin.ok("POST", "/v1/tokens", body))["token"])
