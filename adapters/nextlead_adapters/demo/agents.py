"""Simulated agents: each asks for a lead, talks for a while, says what came of it, and asks again. Over HTTP only.

Their luck comes from a seed, so two runs of the same demo differ only in who was quicker.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import anyio
import httpx

from .vocabularies import ORDERS

WAIT_S = 10

ENDINGS: tuple[tuple[int, str, dict[str, Any]], ...] = (
    (38, "no answer", {"outcome": "unreached", "cause": "no_answer"}),
    (9, "busy", {"outcome": "unreached", "cause": "busy"}),
    (9, "voicemail", {"outcome": "unreached", "cause": "voicemail"}),
    (14, "sold", {"outcome": "resolved", "result": "success"}),
    (14, "not interested", {"outcome": "resolved", "result": "not_interested"}),
    (8, "call me back", {"outcome": "redial", "kind": "private"}),
    (3, "call me back, VIP", {"outcome": "redial", "kind": "vip"}),
    (3, "somebody call back", {"outcome": "redial", "kind": "common"}),
    (2, "does not exist", {"outcome": "unreached", "cause": "invalid_number"}),
)
"""How often in a hundred, what people call it, what the API is told."""

ORDER_RESULTS = {"success": "confirmed", "not_interested": "client_refused"}
"""What the results of `ENDINGS` are called in the campaign of orders, whose scheme has its own."""

Tell = Callable[[str, str, str], None]
"""What an agent tells the watchers: its code, a state (idle, call, done), and words."""


class SimulatedAgent:
    """One of them. `pace` stretches the time of talking; 0 does not talk at all."""

    def __init__(
        self, code: str, token: str, client: httpx.AsyncClient, tell: Tell, luck: Random, pace: float = 1.0
    ) -> None:
        self._code = code
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"}
        self._tell = tell
        self._luck = luck
        self._pace = pace

    async def work(self) -> None:
        """Work until cancelled, or until the daemon is gone."""
        try:
            while True:
                await self.one_call()
        except httpx.TransportError:
            self._tell(self._code, "idle", "the daemon has gone")

    async def one_call(self) -> None:
        """A lead, if there is one, from `next` to `finish`."""
        answer = await self._post(f"/v1/agents/{self._code}/next", {"wait": WAIT_S})
        if answer.status_code != httpx.codes.OK:
            await self._rest(answer)
            return
        lease = answer.json()
        self._tell(self._code, "call", describe(lease))
        await anyio.sleep(self._luck.uniform(0.8, 3.5) * self._pace)
        words, body = self.ending(lease["lead"]["campaign"])
        done = await self._post(f"/v1/leases/{lease['token']}/finish", body)
        self._tell(self._code, "done", _outcome(lease, words, done))

    def ending(self, campaign: str) -> tuple[str, dict[str, Any]]:
        """How a call of that campaign ends, in words and for the API."""
        words, body = self._luck.choices([ending[1:] for ending in ENDINGS], [ending[0] for ending in ENDINGS])[0]
        if body["outcome"] == "redial":
            at = datetime.now(UTC) + timedelta(seconds=self._luck.randint(15, 60))
            return f"{words} at {at:%H:%M:%S}", body | {"at": at.isoformat()}
        if campaign == ORDERS and "result" in body:
            return words, body | {"result": ORDER_RESULTS[body["result"]]}
        return words, body

    async def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return await self._client.post(path, json=body, headers=self._headers)

    async def _rest(self, answer: httpx.Response) -> None:
        if answer.status_code == httpx.codes.NO_CONTENT:
            self._tell(self._code, "idle", f"waits: {answer.headers.get('Nextlead-Reason', 'no lead')}")
            return
        self._tell(self._code, "idle", f"was refused: {answer.status_code} {answer.json().get('detail', '')}")
        await anyio.sleep(1)


def describe(lease: dict[str, Any]) -> str:
    """The call in one line."""
    lead = lease["lead"]
    data = lead.get("data", {})
    name = data.get("company") or data.get("name") or f"lead {lead['id']}"
    late = ", overdue" if lease.get("overdue") else ""
    return f"{lease['number']}  {name}  ({lease['class'].replace('_', ' ')}{late})"


def _outcome(lease: dict[str, Any], words: str, done: httpx.Response) -> str:
    lead = done.json().get("lead", {})
    place = lead.get("public_status", {}).get("label") or f"refused: {done.json().get('detail', done.status_code)}"
    return f"{lease['number']}  {words}  -> {place.replace('_', ' ')}"
