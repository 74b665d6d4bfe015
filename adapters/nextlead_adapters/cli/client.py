"""The daemon, as the command line sees it: one call, one answer, or one of two errors.

`NEXTLEAD_URL` says where it is, `NEXTLEAD_TOKEN` who asks.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import msgspec

from .output import Exit, fail

if TYPE_CHECKING:
    import httpx

DEFAULT_URL = "http://127.0.0.1:8700"
PAGE = 1000
_SLOWEST_ANSWER_S = 90.0
_CONNECT_S = 5.0


class Refusal(Exception):
    """The daemon said no: `status` and its problem document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(_sentence(status, problem))
        self.status = status
        self.problem = problem


class Unreachable(Exception):
    """Nobody answered at the daemon's address."""


class Client:
    """Calls to one daemon with one token."""

    def __init__(self, url: str, token: str, transport: "httpx.BaseTransport | None" = None) -> None:
        import httpx  # a tenth of the time in which the daemon starts, which has no use for it

        self.url = url.rstrip("/")
        self._lost = httpx.TransportError
        self._patient = httpx.Timeout(None, connect=_CONNECT_S)
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(_SLOWEST_ANSWER_S, connect=_CONNECT_S),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: object = None, **more: Any) -> "httpx.Response":
        """The answer, when it is a 2xx. Raises `Refusal` and `Unreachable`; a body is sent as JSON."""
        if body is not None:
            more["content"] = msgspec.json.encode(body)
            more["headers"] = {"Content-Type": "application/json"}
        try:
            response = self._http.request(method, path, **more)
        except self._lost as error:
            raise Unreachable(f"no daemon answers at {self.url}: {error or type(error).__name__}") from None
        if response.is_success:
            return response
        raise Refusal(response.status_code, _problem(response))

    def get(self, path: str, **params: Any) -> Any:
        """The JSON of a GET; parameters of None are left out."""
        return self.call("GET", path, params=_given(params) or None).json()

    def post(self, path: str, body: object = None) -> Any:
        """The JSON of a POST, None when there is none."""
        response = self.call("POST", path, {} if body is None else body)
        return response.json() if response.content else None

    def put(self, path: str, body: object) -> Any:
        """The JSON of a PUT, None when there is none."""
        response = self.call("PUT", path, body)
        return response.json() if response.content else None

    def pieces(self, path: str, **params: Any) -> Iterator[bytes]:
        """The body of a GET as it comes. Raises `Refusal` and `Unreachable`, also in the middle."""
        try:
            with self._http.stream("GET", path, params=_given(params) or None) as response:
                if not response.is_success:
                    response.read()
                    raise Refusal(response.status_code, _problem(response))
                yield from response.iter_bytes()
        except self._lost as error:
            raise Unreachable(f"no daemon answers at {self.url}: {error or type(error).__name__}") from None

    @contextmanager
    def download(self, path: str) -> "Iterator[httpx.Response]":
        """An answer whose body is read as it comes, and that may take long to begin.

        Raises `Refusal` and `Unreachable`, also while the block reads on.
        """
        try:
            with self._http.stream("GET", path, timeout=self._patient) as response:
                if not response.is_success:
                    response.read()
                    raise Refusal(response.status_code, _problem(response))
                yield response
        except self._lost as error:
            raise Unreachable(f"no daemon answers at {self.url}: {error or type(error).__name__}") from None

    def items(self, path: str, limit: int, **params: Any) -> Iterator[dict[str, Any]]:
        """The first `limit` things of a list, page by page."""
        after: str | None = None
        while limit > 0:
            page = self.get(path, limit=min(limit, PAGE), after=after, **params)
            yield from page["items"][:limit]
            limit -= len(page["items"])
            after = page["next"]
            if after is None:
                return


def connect() -> Client:
    """A client as the environment says; ends the command with advice when there is no token."""
    token = os.environ.get("NEXTLEAD_TOKEN", "")
    if not token:
        fail(
            "NEXTLEAD_TOKEN is not set. The daemon's first start wrote a token into a file beside its store:\n"
            '    export NEXTLEAD_TOKEN="$(cat nextlead.token)"',
            Exit.WRONG_USE,
        )
    return Client(os.environ.get("NEXTLEAD_URL") or DEFAULT_URL, token)


def segment(value: object) -> str:
    """A code or id as one segment of a path."""
    return quote(str(value), safe="")


def _given(params: dict[str, Any]) -> dict[str, Any]:
    return {key: _spelt(value) for key, value in params.items() if value is not None}


def _spelt(value: object) -> object:
    """As an address has it: an owner, which answers have as `{"agent": "anna"}`, is `agent:anna`."""
    return ":".join(*value.items()) if isinstance(value, dict) else value


def _problem(response: "httpx.Response") -> dict[str, Any]:
    try:
        problem = response.json()
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {"title": response.reason_phrase, "status": response.status_code}


def _sentence(status: int, problem: dict[str, Any]) -> str:
    said = problem.get("detail") or problem.get("title") or "no reason given"
    named = [f"{entry.get('field')}: {entry.get('message')}" for entry in problem.get("errors") or ()]
    fields = "".join(f"\n  {name}" for name in named if name != said)
    opens = f"\n  next permitted: {problem['next_permitted']}" if problem.get("next_permitted") else ""
    return f"refused ({problem.get('code') or status}): {said}{fields}{opens}"
