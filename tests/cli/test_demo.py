"""`nextlead demo`: a call centre to look at, which is where it was when it is started again."""

import io
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import httpx
import msgspec
import pytest
from conftest import StartNextlead
from rich.console import Console

from nextlead_adapters.cli.client import Client
from nextlead_adapters.demo.agents import ENDINGS, SimulatedAgent
from nextlead_adapters.demo.organisation import LIST
from nextlead_adapters.demo.screen import Screen
from nextlead_adapters.demo.vocabularies import ORDERS
from nextlead_adapters.scheme_files import shipped_schemes

HERO, LUCKYONLINE, SMARTLISTS = (shipped_schemes()[name] for name in ("hero", "luckyonline", "smartlists"))

Nextlead = Callable[..., "subprocess.CompletedProcess[str]"]


def test_agents_work_and_the_second_start_goes_on(nextlead: Nextlead, tmp_path: Path) -> None:
    arguments = ("demo", "--port", "0", "--seconds", "2", "--pace", "0")
    first = nextlead(*arguments, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "nextlead demo on http://127.0.0.1:" in first.stdout
    assert " -> " in first.stdout  # calls are shown as they happen
    assert "refused:" not in first.stdout
    calls = int(first.stdout.splitlines()[-1].split()[0])
    assert calls > 0

    second = nextlead(*arguments, cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    tokens = [[line for line in run.stdout.splitlines() if "token" in line][:1] for run in (first, second)]
    assert tokens[0] == tokens[1]


def test_the_sample_is_loaded_once(start_nextlead: StartNextlead, tmp_path: Path) -> None:
    def pools() -> list[tuple[str, int, int]]:
        daemon = start_nextlead("demo", "--no-agents", until="Ctrl-C stops it")
        token = (tmp_path / "nextlead-demo" / "nextlead.token").read_text().strip()
        with Client(daemon.url, token) as client:
            found = [(pool["name"], pool["id"], pool["counts"]["valid"]) for pool in client.items("/v1/pools", 10)]
        assert daemon.stop()[0] == 0
        return found

    first = pools()
    assert [name for name, _, _ in first] == ["Sample list", "Renewals of this week", "Orders of today", "Customers"]
    assert pools() == first


def test_three_vocabularies_with_something_in_each(start_nextlead: StartNextlead, tmp_path: Path) -> None:  # R13.1
    daemon = start_nextlead("demo", "--no-agents", until="Ctrl-C stops it")
    token = (tmp_path / "nextlead-demo" / "nextlead.token").read_text().strip()
    schemes = {"spring-offer": "hero", "web-orders": "luckyonline", "phone-shop": "smartlists"}
    with Client(daemon.url, token) as client:
        for campaign, scheme in schemes.items():
            assert client.get(f"/v1/campaigns/{campaign}")["scheme"] == scheme
        shown = {
            campaign: Counter(
                lead["public_status"]["label"] for lead in client.items("/v1/leads", 999, campaign=campaign)
            )
            for campaign in schemes
        }
        smart_lists = {item["name"]: item["count"] for item in client.items("/v1/filters", 99)}
    assert {label.partition(":")[0] for label in shown["web-orders"]} == set(LUCKYONLINE.statuses)
    assert set(shown["phone-shop"]) == set(SMARTLISTS.statuses)
    assert set(shown["spring-offer"]) == {"Unprocessed"}
    assert smart_lists["Who hasn't replied to my last message?"] == shown["phone-shop"]["No SMS Reply"] > 0
    assert all(smart_lists.values())
    said = "\n".join(daemon.said)
    assert "46 leads, 31 open" in said
    assert "Confirmed 2, In Progress 31, Rejected 7, Trash 6" in said
    assert "Unprocessed 387" in said


def test_simulated_agents_know_the_results_of_each_campaign() -> None:
    for campaign, scheme in ((LIST, HERO), (ORDERS, LUCKYONLINE)):
        codes = {result.code for result in scheme.results}
        agent = SimulatedAgent("anna", "t", httpx.AsyncClient(), lambda *_: None, Random(1))
        picked = {agent.ending(campaign)[1].get("result") for _ in range(200)} - {None}
        assert len(picked) == 2
        assert picked <= codes


def test_what_was_changed_stays_changed(start_nextlead: StartNextlead, tmp_path: Path) -> None:
    daemon = start_nextlead("demo", "--no-agents", until="Ctrl-C stops it")
    token = (tmp_path / "nextlead-demo" / "nextlead.token").read_text().strip()
    with Client(daemon.url, token) as client:
        client.put("/v1/campaigns/renewals", {"name": "Mine now"})
        client.put("/v1/agents/anna/session", {"campaigns": ["renewals"]})
    daemon.stop()
    daemon = start_nextlead("demo", "--no-agents", until="Ctrl-C stops it")
    with Client(daemon.url, token) as client:
        assert client.get("/v1/campaigns/renewals")["name"] == "Mine now"
        assert client.get("/v1/agents/anna")["session"]["campaigns"] == ["renewals"]


def test_tokens_of_agents_reach_their_own_and_are_private(start_nextlead: StartNextlead, tmp_path: Path) -> None:
    daemon = start_nextlead("demo", "--no-agents", until="Ctrl-C stops it")
    file = tmp_path / "nextlead-demo" / "agents.token"
    assert file.stat().st_mode & 0o777 == 0o600
    tokens = msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    assert all(token in "\n".join(daemon.said) for token in tokens.values())
    headers = {"Authorization": f"Bearer {tokens['you']}"}
    assert httpx.get(f"{daemon.url}/v1/agents/you/redials", headers=headers).status_code == 200
    assert httpx.get(f"{daemon.url}/v1/agents/anna/redials", headers=headers).status_code == 404


def test_the_screen_shows_the_whole_tally() -> None:
    out = io.StringIO()
    screen = Screen(Console(file=out, force_terminal=True, color_system=None, width=60, soft_wrap=True), ["flora"])
    with screen.shown():
        for place in ("Confirmed", "Rejected: Client refused", "Trash: Invalid phone number", "In Progress"):
            screen.tell("flora", "done", f"+17025550100  said so  -> {place}")
    last = " ".join(out.getvalue().rpartition("4 calls")[2].split())
    assert last.startswith("1 Confirmed, 1 Rejected: Client refused, 1 Trash: Invalid phone number, 1 In Progress")


def test_luck_comes_from_the_seed() -> None:
    def fate(seed: str) -> list[str]:
        agent = SimulatedAgent("anna", "t", httpx.AsyncClient(), lambda *_: None, Random(seed))
        return [str(agent.ending("spring-offer")[1]["outcome"]) for _ in range(50)]

    assert fate("1 anna") == fate("1 anna") != fate("2 anna")


def test_endings_add_up_to_a_hundred() -> None:
    assert sum(share for share, _, _ in ENDINGS) == 100


def test_the_printed_lines_work_when_pasted(start_nextlead: StartNextlead, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("the lines need curl")
    daemon = start_nextlead("demo", "--no-agents", until="Ctrl-C stops it")
    said = "\n".join(daemon.said)
    lines = said[said.index("export NEXTLEAD_URL") : said.index("Ctrl-C stops it")]
    done = subprocess.run(["bash", "-euc", lines], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    finished = json.loads(done.stdout.splitlines()[-1])
    assert (finished["lead"]["status"], finished["lead"]["closure"]) == ("closed", "success")
