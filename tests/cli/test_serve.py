"""`nextlead serve`: how it starts, refuses to, and ends."""

import asyncio
import os
import pty
import re
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import NEXTLEAD, StartNextlead, environment

from nextlead.core.commands import PutCampaign
from nextlead.core.errors import StorageFailed
from nextlead.ports import DEFAULT
from nextlead.testing import FaultyStore, MemoryDatabase
from nextlead_adapters import bootstrap
from nextlead_adapters.cli.client import Client
from nextlead_adapters.config import parse_config
from nextlead_adapters.server import running, until_over

WAITING = re.compile(r"^nextlead_agents_waiting(\{.*\})? 1(\.0)?$", re.MULTILINE)

Nextlead = Callable[..., "subprocess.CompletedProcess[str]"]


def stderr_of(folder: Path) -> str:
    return (folder / "stderr.txt").read_text()


def test_answers_ends_with_0_and_is_where_it_was(start_nextlead: StartNextlead, tmp_path: Path) -> None:
    daemon = start_nextlead("serve", "--store", "sqlite:///leads.db", until="http://")
    assert httpx.get(f"{daemon.url}/readyz").status_code == 200
    token = (tmp_path / "leads.token").read_text().strip()
    with Client(daemon.url, token) as client:
        client.put("/v1/campaigns/autumn", {"name": "Autumn"})
    assert daemon.stop() == (0, "")

    again = start_nextlead("serve", "--store", "sqlite:///leads.db", until="http://")
    with Client(again.url, token) as client:
        assert client.get("/v1/campaigns/autumn")["name"] == "Autumn"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_waiting_agent_is_answered_at_the_end(start_nextlead: StartNextlead, number: int) -> None:
    daemon = start_nextlead("serve", "--store", "memory:", NEXTLEAD_ADMIN_TOKEN="t")
    with Client(daemon.url, "t") as client, ThreadPoolExecutor(1) as pool:
        client.put("/v1/campaigns/autumn", {"name": "Autumn"})
        client.put("/v1/agents/maria", {"name": "Maria", "campaigns": ["autumn"]})
        client.put("/v1/agents/maria/session", {"campaigns": ["autumn"]})
        waiting = pool.submit(client.call, "POST", "/v1/agents/maria/next", {"wait": 60})
        with Client(daemon.url, "t") as scraper:
            while not WAITING.search(scraper.call("GET", "/metrics").text):
                pass
        code, _ = daemon.stop(number)
        assert waiting.result().status_code == 204
    assert code == 0


def test_the_token_is_in_its_file_and_nowhere_else(start_nextlead: StartNextlead, tmp_path: Path) -> None:
    daemon = start_nextlead("serve", "--store", "sqlite:///leads.db")
    _, said = daemon.stop()
    token = (tmp_path / "leads.token").read_text().strip()
    assert token not in stderr_of(tmp_path) + said + "".join(daemon.said)
    assert "leads.token" in stderr_of(tmp_path)


def test_a_second_serve_on_the_store_names_the_holder(
    start_nextlead: StartNextlead, nextlead: Nextlead, tmp_path: Path
) -> None:
    daemon = start_nextlead("serve", "--store", "sqlite:///leads.db")
    second = nextlead("serve", "--store", "sqlite:///leads.db", "--port", "0", cwd=tmp_path)
    assert second.returncode == 1
    assert f"in use by process {daemon.process.pid}" in second.stderr
    assert httpx.get(f"{daemon.url}/readyz").status_code == 200


def test_an_address_that_is_taken_is_named(start_nextlead: StartNextlead, nextlead: Nextlead) -> None:
    daemon = start_nextlead("serve", "--store", "memory:", NEXTLEAD_ADMIN_TOKEN="t")
    port = daemon.url.rpartition(":")[2]
    second = nextlead("serve", "--store", "memory:", "--port", port, NEXTLEAD_ADMIN_TOKEN="t")
    assert second.returncode == 1
    assert f"can't listen on 127.0.0.1 port {port}: Address already in use" in second.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--store", "postgresql://a:hidden@127.0.0.1:1/leads"), 1, "postgresql://127.0.0.1:1/leads can't be used"),
        (("--store", "leads.db"), 1, "use sqlite:///FILE"),
        (("--store", ""), 1, "use sqlite:///FILE"),
        (("--store", "memory:", "--clock", "sundial"), 2, "it is 'manual' or 'manual=TIME'"),
        (("--store", "memory:", "--clock", "manual=2026-03-02T09:00"), 2, "the time needs an offset"),
        (("--store", "memory:", "--clock", "manual=noon"), 2, "that is no time such as"),
        (("--config", "gone.toml"), 2, "gone.toml: can't be read"),
        (("--port", "70000"), 2, "Invalid value for '--port'"),
    ],
)
def test_wrong_use_is_told(arguments: tuple[str, ...], code: int, message: str, nextlead: Nextlead) -> None:
    done = nextlead("serve", "--port", "0", *arguments)
    assert done.returncode == code
    assert message in " ".join(done.stderr.split())


def test_configuration_file_with_an_option_over_it(start_nextlead: StartNextlead, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text('[store]\nurl = "sqlite:///other.db"\n[http]\nport = 1\nbody_max_bytes = 60\n')
    daemon = start_nextlead("serve", "--config", "my.toml")  # port 0 is given on the command line
    token = (tmp_path / "other.token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.put(f"{daemon.url}/v1/campaigns/x", json={"name": "x" * 100}, headers=headers)
    assert answer.status_code == 413


def test_manual_clock_starts_where_it_is_told(start_nextlead: StartNextlead) -> None:
    daemon = start_nextlead(
        "serve", "--store", "memory:", "--clock", "manual=2026-03-02T09:00:00Z", NEXTLEAD_ADMIN_TOKEN="t"
    )
    with Client(daemon.url, "t") as client:
        assert client.get("/v1/clock")["now"].startswith("2026-03-02T09:00:00")
        assert client.post("/v1/clock", {"advance": "PT1H"})["now"].startswith("2026-03-02T10:00:00")


def test_a_terminal_gets_the_token(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*NEXTLEAD, "serve", "--store", "sqlite:///leads.db", "--port", "0"],
        cwd=tmp_path, env=environment(), stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    with os.fdopen(ours) as screen:
        assert screen.readline().startswith("nextlead serves on http://")
        token = (tmp_path / "leads.token").read_text().strip()
        assert screen.readline().strip() == f"admin token (kept in leads.token): {token}"
        process.terminate()
        assert process.wait() == 0


class FaultyDatabase(MemoryDatabase):
    """Its only store fails when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.faulty = FaultyStore(super().store(DEFAULT.no))
        self.taken_over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def store(self, no: int) -> Any:
        assert no == DEFAULT.no
        return self.faulty

    async def lost(self) -> str:
        return await self.taken_over


@pytest.fixture
async def database(monkeypatch: pytest.MonkeyPatch) -> FaultyDatabase:
    made = FaultyDatabase()
    monkeypatch.setattr(bootstrap, "_database", lambda _url: made)
    return made


MEMORY = parse_config('[store]\nurl = "memory:"\n[http]\nport = 0\n[commit]\nretry_for_s = 0\n')


async def test_a_store_that_stays_failed_ends_it_with_1(
    database: FaultyDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(MEMORY) as daemon:
        database.faulty.fail(2)
        with pytest.raises(StorageFailed):
            await daemon.built.dialer.submit(PutCampaign(code="x"))
        assert await until_over(daemon) == 1


async def test_another_owner_of_the_database_ends_it_with_1(
    database: FaultyDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(MEMORY) as daemon:
        database.taken_over.set_result("it was taken over by process 7")
        assert await until_over(daemon) == 1
        with pytest.raises(StorageFailed):
            await daemon.built.dialer.submit(PutCampaign(code="x"))
