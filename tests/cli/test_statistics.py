"""`nextlead statistics`, as a supervisor types it."""

import csv
import io
import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from conftest import StartNextlead

from nextlead_adapters.cli.client import Client
from nextlead_adapters.cli.output import console
from nextlead_adapters.cli.statistics import statistics

Nextlead = Callable[..., "subprocess.CompletedProcess[str]"]
NINE, TEN, ELEVEN = (f"2026-03-02T{hour}:00:00Z" for hour in ("09", "10", "11"))


@pytest.fixture
def url(start_nextlead: StartNextlead) -> str:
    """At nine three requests came, one of them twice; at ten one of them was confirmed; it is eleven."""
    daemon = start_nextlead("serve", "--store", "memory:", "--clock", f"manual={NINE}", NEXTLEAD_ADMIN_TOKEN="t")
    with Client(daemon.url, "t") as client:
        client.put("/v1/campaigns/shop", {"name": "Shop", "scheme": "luckyonline"})
        client.put("/v1/agents/maria", {"name": "Maria", "campaigns": ["shop"]})
        client.put("/v1/agents/maria/session", {"campaigns": ["shop"]})
        leads = [{"phone": f"+1415555010{at}"} for at in (0, 1, 2, 2)]
        client.post("/v1/leads", {"campaign": "shop", "leads": leads})
        client.post("/v1/clock", {"now": TEN})
        lease = client.post("/v1/agents/maria/next")
        client.post(f"/v1/leases/{lease['token']}/finish", {"outcome": "resolved", "result": "confirmed"})
        client.post("/v1/clock", {"now": ELEVEN})
    return daemon.url


@pytest.fixture
def shop(url: str, nextlead: Nextlead, tmp_path: Path) -> Nextlead:
    return partial(nextlead, "statistics", cwd=tmp_path, NEXTLEAD_URL=url, NEXTLEAD_TOKEN="t", TZ="America/New_York")


def out(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def table(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


HEAD = ["status", "reason", "leads"]
CONFIRMED = ["Confirmed", "", "1"]


def test_now(shop: Nextlead) -> None:  # R13.4
    rows = [HEAD, CONFIRMED, ["In Progress", "", "2"], ["Trash", "Repeated request", "1"]]
    assert table(out(shop())) == rows
    assert table(out(shop("--campaign", "shop", "--pool", "1"))) == rows
    assert table(out(shop("--scheme", "smartlists")))[1] == ["New Account", "", "2"]
    assert table(out(shop("--scheme", "hero")))[1:3] == [["Unprocessed", "", "2"], ["Duplicate", "", "1"]]


def test_a_range_in_local_time(shop: Nextlead) -> None:  # R13.4
    assert table(out(shop("--from", TEN, "--until", ELEVEN))) == [HEAD, CONFIRMED]
    assert table(out(shop("--from", "2026-03-02T05:00", "--until", "2026-03-02T06:00"))) == [HEAD, CONFIRMED]
    assert table(out(shop("--until", TEN)))[1] == ["In Progress", "", "3"]
    assert table(out(shop("--from", NINE, "--until", TEN, "--by", "created")))[1] == CONFIRMED
    assert table(out(shop("--from", ELEVEN))) == [HEAD]


def test_as_json_and_as_csv(shop: Nextlead, tmp_path: Path) -> None:
    found = json.loads(out(shop("--campaign", "shop", "--json")))
    assert (found["scheme"], found["total"]) == ("luckyonline", 4)
    assert out(shop("--campaign", "shop", "--from", TEN, "--csv", "day.csv")) == ""
    rows = list(csv.reader(io.StringIO((tmp_path / "day.csv").read_bytes().decode("utf-8-sig"), newline="")))
    assert rows == [["status", "reason", "label", "count"], ["Confirmed", "", "Confirmed", "1"]]
    assert "campaign,status,reason,label,count" in out(shop("--csv", "-"))


def test_what_can_not_be_asked(shop: Nextlead, tmp_path: Path) -> None:
    backwards = ("--from", ELEVEN, "--until", NINE)
    for arguments, code, said in (
        (("--by", "luck"), 2, "--by is reached or created"),
        (("--from", "noon"), 2, "--from: noon is not a time"),
        (("--until", "noon"), 2, "--until: noon is not a time"),
        (("--csv", "a.csv", "--json"), 2, "either --csv or --json"),
        (backwards, 1, "until: must be after from"),
        ((*backwards, "--csv", "a.csv"), 1, "until: must be after from"),
    ):
        done = shop(*arguments)
        assert (done.returncode, done.stdout) == (code, ""), arguments
        assert said in done.stderr
    assert not list(tmp_path.glob("a.csv*"))


def test_in_a_terminal_with_bars(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTLEAD_URL", url)
    monkeypatch.setenv("NEXTLEAD_TOKEN", "t")
    screen = io.StringIO()
    monkeypatch.setattr(console, "_force_terminal", True)
    monkeypatch.setattr(console, "_color_system", None)
    with Client(url, "t") as client:
        client.post("/v1/leads/2/remove")
    monkeypatch.setattr(console, "file", screen)
    statistics()
    lines = [line.split() for line in screen.getvalue().splitlines()]
    assert lines[1] == ["Confirmed", "1", "25.0", "%", "█" * 16]
    assert lines[3] == ["Rejected", "Removed", "1", "25.0", "%", "█" * 16]
