"""`smart-lists`: questions that are saved by name, with how many leads answer them at the moment."""

import io
import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from conftest import StartNextlead
from rich.console import Console

from nextlead_adapters.cli import output, smart_lists
from nextlead_adapters.cli.client import Client

Nextlead = Callable[..., "subprocess.CompletedProcess[str]"]
QUESTION = "Who hasn't replied to my last message?"


@pytest.fixture
def shop(start_nextlead: StartNextlead, nextlead: Nextlead, tmp_path: Path) -> Nextlead:
    """A campaign with three customers, of whom the first two were texted, the first by the agent maria."""
    daemon = start_nextlead("serve", "--store", "memory:", NEXTLEAD_ADMIN_TOKEN="t")
    with Client(daemon.url, "t") as client:
        client.put("/v1/campaigns/shop", {"name": "Shop", "scheme": "smartlists"})
        client.put("/v1/agents/maria", {"name": "Maria", "campaigns": ["shop"]})
        client.post("/v1/leads", {"campaign": "shop", "leads": [{"phone": f"+1415555010{at}"} for at in range(3)]})
        text = {"interaction": "sms", "direction": "out"}
        client.post("/v1/leads/1/activities", text | {"agent": "maria"})
        client.post("/v1/leads/2/activities", text)
    return partial(nextlead, cwd=tmp_path, NEXTLEAD_URL=daemon.url, NEXTLEAD_TOKEN="t")


def out(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def table(done: "subprocess.CompletedProcess[str]") -> list[list[str]]:
    return [line.split("\t") for line in out(done).splitlines()]


def facts(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    return {line.split("  ", 1)[0]: line.split("  ", 1)[-1].strip() for line in out(done).splitlines()}


def test_a_smart_list_from_its_beginning_to_its_end(shop: Nextlead, tmp_path: Path) -> None:  # R13.4
    saved = facts(
        shop("smart-lists", "save", QUESTION, "--public-status", "No SMS Reply", "--description", "nudge them")
    )
    assert (saved["name"], saved["filter.public_status"], saved["count"]) == (QUESTION, "No SMS Reply", "2")
    assert "filter.campaign" not in saved
    assert table(shop("smart-lists", "list")) == [["name", "leads", "description"], [QUESTION, "2", "nudge them"]]
    assert [row[0] for row in table(shop("smart-lists", "leads", QUESTION))] == ["id", "1", "2"]

    out(shop("activity", "2", "--interaction", "sms", "--direction", "in"))  # live: nobody saved it anew
    assert table(shop("smart-lists", "list"))[1][1] == "1"
    assert [lead["id"] for lead in json.loads(out(shop("smart-lists", "leads", QUESTION, "--json")))] == [1]
    out(shop("smart-lists", "leads", QUESTION, "--csv", "them.csv"))
    assert len((tmp_path / "them.csv").read_text().splitlines()) == 2

    again = facts(shop("smart-lists", "save", QUESTION, "--scheme", "hero", "--status", "unprocessed"))
    assert (again["count"], again["description"]) == ("3", "nudge them")
    assert "filter.public_status" not in again
    renamed = facts(shop("smart-lists", "save", QUESTION, "--description", "all of them"))
    assert (renamed["count"], renamed["filter.status"], renamed["description"]) == ("3", "unprocessed", "all of them")
    out(shop("smart-lists", "delete", QUESTION))
    assert shop("smart-lists", "show", QUESTION).returncode == 1
    assert json.loads(out(shop("smart-lists", "list", "--json"))) == []


def test_who_was_last_is_a_question_too(shop: Nextlead) -> None:  # R13.4
    out(shop("smart-lists", "save", "hers", "--public-status", "No SMS Reply", "--last-by", "agent:maria"))
    assert json.loads(out(shop("smart-lists", "show", "hers", "--json")))["count"] == 1


def test_whatever_is_asked_can_be_downloaded(shop: Nextlead, tmp_path: Path) -> None:
    everything = ("--campaign", "shop", "--pool", "1", "--status", "unprocessed", "--owner", "team:root")
    words = ("--scheme", "luckyonline", "--public-status", "In Progress", "--last-by", "agent:maria")
    out(shop("smart-lists", "save", "all of it", *everything, *words))
    assert [row[0] for row in table(shop("smart-lists", "leads", "all of it"))] == ["id", "1"]
    out(shop("smart-lists", "leads", "all of it", "--csv", "them.csv"))
    assert [line.partition(",")[0] for line in (tmp_path / "them.csv").read_text("utf-8-sig").splitlines()] == [
        "id",
        "1",
    ]


def test_a_download_is_no_json(shop: Nextlead, tmp_path: Path) -> None:
    out(shop("smart-lists", "save", "mine", "--campaign", "shop"))
    for command in (("smart-lists", "leads", "mine"), ("leads", "list")):
        done = shop(*command, "--csv", "them.csv", "--json")
        assert (done.returncode, done.stdout, "--csv" in done.stderr) == (2, "", True)
    assert not (tmp_path / "them.csv").exists()


def test_a_list_that_names_what_is_gone_says_so(shop: partial["subprocess.CompletedProcess[str]"]) -> None:
    with Client(shop.keywords["NEXTLEAD_URL"], "t") as client:
        client.put("/v1/campaigns/old", {"name": "Old"})
        out(shop("smart-lists", "save", "old ones", "--campaign", "old"))
        out(shop("smart-lists", "save", "texted", "--public-status", "No SMS Reply"))
        client.call("DELETE", "/v1/campaigns/old")
    listed = shop("smart-lists", "list")
    assert [row[:2] for row in table(listed)[1:]] == [["old ones", ""], ["texted", "2"]]
    assert listed.stderr.startswith("old ones: ")


REFUSED = (
    (("save", "x", "--public-status", "Sould"), "public_status"),
    (("save", "x", "--scheme", "mars"), "scheme"),
    (("save", "x", "--description", "of nobody"), "filter"),
    (("save", "a\nb", "--status", "closed"), "name"),
    (("show", "nobody saved it"), "not_found"),
    (("leads", "nobody saved it"), "not_found"),
    (("delete", "nobody saved it"), "not_found"),
)


def test_1_is_refused(shop: Nextlead) -> None:
    for arguments, message in REFUSED:
        done = shop("smart-lists", *arguments)
        assert (done.returncode, done.stdout) == (1, ""), arguments
        assert message in done.stderr


def test_2_is_wrong_use(nextlead: Nextlead) -> None:  # a list of everybody is no question
    done = nextlead("smart-lists", "save", "all", NEXTLEAD_TOKEN="t")
    assert done.returncode == 2
    assert "say which leads" in done.stderr
    by_number = nextlead("smart-lists", "save", "ann", "--phone", "+14155550100", NEXTLEAD_TOKEN="t")
    assert by_number.returncode == 2  # R10.6: it would keep a person's number


def test_a_terminal_shows_bars(
    shop: partial["subprocess.CompletedProcess[str]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    out(shop("smart-lists", "save", "everybody", "--campaign", "shop"))
    out(shop("smart-lists", "save", "nobody", "--closure", "removed"))
    out(shop("smart-lists", "save", "texted", "--public-status", "No SMS Reply"))
    for name in ("NEXTLEAD_URL", "NEXTLEAD_TOKEN"):
        monkeypatch.setenv(name, shop.keywords[name])
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, color_system=None, width=80)
    for module in (output, smart_lists):
        monkeypatch.setattr(module, "console", terminal)
    smart_lists.list_all()
    lines = [line.split() for line in screen.getvalue().splitlines()[1:]]
    assert lines == [["everybody", "3", "█" * 16], ["nobody", "0"], ["texted", "2", "█" * 10 + "▋"]]


def test_bars_are_as_long_as_counts() -> None:
    assert [smart_lists.bar(count, 40, 5) for count in (0, 1, 8, 12, 40)] == ["", "▏", "█", "█▌", "█████"]
    assert smart_lists.bar(1, 1_000_000, 5) == "▏"
