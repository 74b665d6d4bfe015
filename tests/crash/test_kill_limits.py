"""A daemon killed with SIGKILL after an answer: the attempt that it counted still limits others (SPEC R12.1, R5.1)."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Daemon, StartNextlead

TOKEN = "t" * 32
FINISHES: tuple[dict[str, Any], ...] = (
    {"outcome": "resolved", "result": "success"},
    {"outcome": "unreached", "cause": "no_answer"},
    {"outcome": "unreached", "cause": "invalid_number"},
    {"outcome": "unresolved"},
)
"""How calls end, one life each: the lead closes, stays, stays without the number, waits for its agent."""


class Shop:
    """Two campaigns with leads of the same people: ann works on the first, others look at the second."""

    def __init__(self, start: StartNextlead) -> None:
        self.start = start
        self.lookers = 0
        self.http: httpx.Client

    def open(self) -> Daemon:
        daemon = self.start("serve", "--store", "sqlite:///leads.db", NEXTLEAD_ADMIN_TOKEN=TOKEN)
        self.http = httpx.Client(base_url=daemon.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=300)
        return daemon

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def set_up(self) -> None:
        self.ok("PATCH", "/v1/settings", {"contact_limits": [{"max": 1, "per": "P2D"}]})
        for campaign in ("c1", "c2"):
            self.ok("PUT", f"/v1/campaigns/{campaign}", {"name": campaign})
        self.hire("ann", "c1")
        self.load("c1", [{"phone": [number(life), number(life + 50)]} for life in range(len(FINISHES))])
        self.load("c2", [{"phone": number(life)} for life in range(len(FINISHES))])

    def hire(self, agent: str, campaign: str) -> None:
        self.ok("PUT", f"/v1/agents/{agent}", {"name": agent, "campaigns": [campaign]})
        self.ok("PUT", f"/v1/agents/{agent}/session", {"campaigns": [campaign]})

    def load(self, campaign: str, leads: list[dict[str, Any]]) -> None:
        self.ok("POST", "/v1/leads", {"campaign": campaign, "leads": leads, "duplicates": {"action": "load"}})

    def next(self, agent: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.ok("POST", f"/v1/agents/{agent}/next", {"wait": 0})
        return found

    def left_in_the_second(self) -> list[str]:
        """The numbers that may be called there, by taking them all; none of these calls is counted."""
        self.lookers += 1
        agent = f"looker{self.lookers}"  # a new one: pauses after `cancelled` would hide what is free
        self.hire(agent, "c2")
        found = []
        while (offer := self.next(agent)) is not None:
            found.append(offer["number"])
            self.ok("POST", f"/v1/leases/{offer['token']}/finish", {"outcome": "cancelled"})
        return sorted(found)


def number(index: int) -> str:
    return f"+1415555{100 + index:04}"


@pytest.mark.slow
def test_attempts_still_count_after_a_kill(start_nextlead: StartNextlead, tmp_path: Path) -> None:
    shop = Shop(start_nextlead)
    daemon = shop.open()
    shop.set_up()
    for life, finish in enumerate(FINISHES):
        offer = shop.ok("POST", "/v1/agents/ann/take", {"lead": life + 1})
        assert offer["number"] == number(life)
        shop.ok("POST", f"/v1/leases/{offer['token']}/finish", finish)
        daemon.process.kill()
        daemon.process.wait()
        daemon = shop.open()
        assert shop.left_in_the_second() == [number(left) for left in range(life + 1, len(FINISHES))]
    assert daemon.stop()[0] == 0
    daemon = shop.open()  # from the tables, with an empty journal
    assert shop.left_in_the_second() == []
    shop.ok("PATCH", "/v1/settings", {"contact_limits": []})
    assert shop.left_in_the_second() == [number(life) for life in range(len(FINISHES))]
    assert daemon.stop()[0] == 0
