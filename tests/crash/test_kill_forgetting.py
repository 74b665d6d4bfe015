"""A daemon killed with SIGKILL while it forgets somebody: asked again after the restart, nothing is left (SPEC R10.6)."""

import json
import random
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from conftest import Daemon, StartNextlead

TOKEN = "t" * 32
ROWS = 1500
PATIENCE_S = (0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""How long a caller waits before the plug is pulled, one life each: in the decision, in the file, in the store."""


class Shop:
    """A daemon's files, and what is asked of it. Every life has persons of its own."""

    def __init__(self, start: StartNextlead, folder: Path) -> None:
        self.start = start
        self.folder = folder

    def open(self) -> Daemon:
        daemon = self.start("serve", "--store", "sqlite:///leads.db", NEXTLEAD_ADMIN_TOKEN=TOKEN)
        self.http = httpx.Client(base_url=daemon.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=300)
        return daemon

    def load(self, life: int) -> None:
        """A list of many rows, of which a third are the person's."""
        assert self.http.put("/v1/campaigns/c1", json={"name": "First"}).is_success
        options = {"campaign": "c1", "duplicates": {"action": "load"}, "name": f"List {life}"}
        lines = ["phone,name", *(f"{number(life, row)},{name(life, row)}" for row in range(ROWS))]
        parts = {"file": ("list.csv", "\n".join(lines).encode()), "options": (None, json.dumps(options))}
        assert self.http.post("/v1/pools", files=parts).status_code == 201

    def forget(self, life: int, timeout_s: float = 300) -> httpx.Response:
        return self.http.post("/v1/anonymize", json={"phone": number(life, 0)}, timeout=timeout_s)

    def left(self, life: int) -> list[str]:
        phone = number(life, 0)
        needles = [name(life, 0).encode(), phone.encode()[2:], int(phone).to_bytes(5, "big")]
        files = [file for file in self.folder.rglob("*") if file.is_file()]
        return [f"{file.name}: {needle!r}" for file in files for needle in needles if needle in file.read_bytes()]

    def stays(self, life: int) -> bool:
        return bool(self.http.get("/v1/leads", params={"phone": number(life, 1)}).json()["items"])


def number(life: int, row: int) -> str:
    return f"+1{212 + life}5550{100 if row % 3 == 0 else 101 + row % 99}"


def name(life: int, row: int) -> str:
    return f"Vergissmeinnicht{life}" if row % 3 == 0 else f"Stays {row}"


@pytest.mark.slow
def test_it_is_begun_again_wherever_it_was_broken_off(start_nextlead: StartNextlead, tmp_path: Path) -> None:
    shop = Shop(start_nextlead, tmp_path)
    dice = random.Random(7)
    daemon = shop.open()
    for life, patience_s in enumerate(PATIENCE_S):
        shop.load(life)
        assert shop.left(life)
        with suppress(httpx.TimeoutException):
            shop.forget(life, timeout_s=patience_s * dice.uniform(0.7, 1.3))
        daemon.process.kill()
        daemon.process.wait()
        daemon = shop.open()
        answer = shop.forget(life)
        assert answer.is_success, answer.text
        assert shop.left(life) == []
        assert shop.stays(life)
    assert daemon.stop()[0] == 0
