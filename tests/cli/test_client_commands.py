"""The commands that talk to a running daemon, and the four ways they end."""

import importlib.metadata
import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from conftest import StartNextlead

from nextlead_adapters.cli import loading
from nextlead_adapters.cli.client import Client, Unreachable
from nextlead_adapters.compiled import engine_form

Nextlead = Callable[..., "subprocess.CompletedProcess[str]"]
LIST = "phone,name\n+1 415 555 0100,Books\n+1 415 555 0101,Bakery\n415-555-0100,Books again\nnope,Nobody\n"


@pytest.fixture
def shop(start_nextlead: StartNextlead, nextlead: Nextlead, tmp_path: Path) -> Nextlead:
    """`nextlead` against a daemon that stands on Monday nine o'clock, with a campaign, an agent and a list to import."""
    daemon = start_nextlead(
        "serve", "--store", "memory:", "--clock", "manual=2026-03-02T09:00:00Z", NEXTLEAD_ADMIN_TOKEN="t"
    )
    with Client(daemon.url, "t") as client:
        client.put("/v1/campaigns/autumn", {"name": "Autumn", "template": {"fields": [{"name": "name"}]}})
        client.put("/v1/agents/maria", {"name": "Maria", "campaigns": ["autumn"]})
        client.put("/v1/agents/maria/session", {"campaigns": ["autumn"]})
    (tmp_path / "list.csv").write_text(LIST)
    return partial(nextlead, cwd=tmp_path, NEXTLEAD_URL=daemon.url, NEXTLEAD_TOKEN="t")


def answer(done: "subprocess.CompletedProcess[str]") -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    value: dict[str, object] = json.loads(done.stdout)
    return value


def facts(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    return facts_of(done)


def facts_of(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    rows = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    return {row[0]: row[1] if len(row) > 1 else "" for row in rows}


def test_import_next_finish(shop: Nextlead) -> None:
    loaded = facts(shop("import", "list.csv", "--campaign", "autumn"))
    assert (loaded["valid"], loaded["invalid"], loaded["duplicates"], loaded["state"]) == ("2", "1", "1", "active")

    lease = facts(shop("next", "maria"))
    assert (lease["number"], lease["name"], lease["class"]) == ("+14155550100", "Books", "unprocessed")
    done = facts(shop("finish", lease["token"], "--result", "success", "--note", "glad"))
    assert (done["status"], done["closure"], done["attempts"]) == ("closed", "success", "1")


def test_json_is_the_daemons_own(shop: Nextlead) -> None:
    pool = answer(shop("import", "list.csv", "--campaign", "autumn", "--json"))
    assert pool["campaign"] == "autumn"
    lease = answer(shop("next", "maria", "--json"))
    finished = answer(
        shop(
            "finish",
            str(lease["token"]),
            "--redial",
            "private",
            "--at",
            "2026-03-02T10:00:00+00:00",
            "--next",
            "--json",
        )
    )
    assert finished["lead"]["status"] == "private_redial"  # type: ignore[index]
    assert finished["lead"]["promised"].startswith("2026-03-02T10:00:00")  # type: ignore[index]
    assert finished["next"]["number"] == "+14155550101"  # type: ignore[index]


def test_no_lead_is_no_refusal(shop: Nextlead) -> None:
    done = shop("next", "maria")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "no lead: no_lead\nwhy: nextlead why-idle maria\n"
    assert shop("next", "maria", "--json").stdout == "null\n"


def test_lists_and_shows(shop: Nextlead) -> None:
    shop("import", "list.csv", "--campaign", "autumn", "--name", "October")
    for kind, key in (("campaigns", "autumn"), ("agents", "maria"), ("pools", "October"), ("leads", "+14155550101")):
        table = shop(kind, "list")
        assert table.returncode == 0, table.stderr
        assert key in table.stdout
        assert len(json.loads(shop(kind, "list", "--json").stdout)) >= 1
    assert facts(shop("campaigns", "show", "autumn"))["name"] == "Autumn"
    assert facts(shop("leads", "show", "1"))["status"] == "unprocessed"
    assert len(json.loads(shop("leads", "list", "--limit", "1", "--json").stdout)) == 1
    assert json.loads(shop("leads", "list", "--status", "closed", "--json").stdout) == []


def test_unmatched_columns_wait_for_confirmation(shop: Nextlead, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("phone,name,shoe size\n+1 415 555 0100,Books,9\n")
    waiting = shop("import", "more.csv", "--campaign", "autumn")
    assert facts(waiting)["state"] == "awaiting_confirmation"
    assert "shoe size" in waiting.stderr
    assert facts(shop("pools", "confirm", facts(waiting)["id"]))["state"] == "active"
    confirmed = shop("import", "more.csv", "--campaign", "autumn", "--duplicates", "load", "--confirm")
    assert facts(confirmed)["state"] == "active"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("next", "nobody"), "refused (not_found): there is no agent nobody"),
        (("finish", "1-00000000000000000000000000000000", "--cancelled"), "refused (unknown_lease)"),
        (("campaigns", "show", "winter"), "refused (not_found)"),
        (
            ("import", "list.csv", "--campaign", "winter"),
            "refused (invalid): campaign: there is no campaign 'winter'\n",
        ),
    ],
)
def test_1_is_refused(arguments: tuple[str, ...], message: str, shop: Nextlead) -> None:
    done = shop(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    as_json = shop(*arguments, "--json")
    assert as_json.returncode == 1
    assert {"type", "title", "status", "detail", "code"} <= set(json.loads(as_json.stdout))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("finish", "x"), "give exactly one of"),
        (("finish", "x", "--cancelled", "--result", "success"), "give exactly one of"),
        (("finish", "x", "--redial", "private"), "--redial needs --at"),
        (("finish", "x", "--redial", "private", "--at", "noon"), "noon is not a time"),
        (("finish", "x", "--cancelled", "--data", "name"), "--data takes FIELD=VALUE"),
        (("import", "gone.csv", "--campaign", "x"), "does not exist"),
        (("next", "maria", "--wait", "61"), "Invalid value for '--wait'"),
        (("dance",), "No such command"),
    ],
)
def test_2_is_wrong_use(arguments: tuple[str, ...], message: str, nextlead: Nextlead, tmp_path: Path) -> None:
    done = nextlead(*arguments, cwd=tmp_path, NEXTLEAD_TOKEN="t")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())


def test_2_without_a_token_says_where_to_find_one(nextlead: Nextlead) -> None:
    done = nextlead("next", "maria")
    assert done.returncode == 2
    assert "NEXTLEAD_TOKEN is not set" in done.stderr


def test_3_is_nobody_there(nextlead: Nextlead) -> None:
    done = nextlead("next", "maria", NEXTLEAD_TOKEN="t", NEXTLEAD_URL="http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (3, "")
    assert "no daemon answers at http://127.0.0.1:9" in done.stderr


def test_version(nextlead: Nextlead) -> None:
    try:
        version = importlib.metadata.version("nextlead")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("nextlead is on the path, not installed")
    done = nextlead("--version")
    assert done.returncode == 0
    assert done.stdout == f"nextlead {version} (engine: {engine_form()})\n"


def test_an_import_that_loses_the_daemon_says_what_becomes_of_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # R9.5
    monkeypatch.setattr(loading, "sleep", lambda _: None)

    class Gone(Client):
        def get(self, path: str, **params: object) -> object:
            raise Unreachable("no daemon answers")

    with Gone("http://127.0.0.1:1", "t") as client, pytest.raises(Unreachable):
        loading._settled(client, {"id": 7, "state": "loading"})
    assert "goes on loading pool 7" in capsys.readouterr().err


def test_pools_are_changed_and_downloaded(shop: Nextlead, tmp_path: Path) -> None:  # R9.9, R9.11, R9.12, R9.14
    for _ in range(2):
        shop("import", "list.csv", "--campaign", "autumn", "--duplicates", "load")
    off = shop("pools", "deactivate", "1", "2")
    assert [line.split("\t") for line in off.stdout.splitlines()[1:]] == [
        ["1", "yes", "inactive"],
        ["2", "yes", "inactive"],
    ]
    assert shop("pools", "list", "--active").stdout.count("\n") == 1
    assert shop("pools", "list", "--state", "inactive").stdout.count("\n") == 3
    edited = facts(
        shop("pools", "edit", "1", "--name", "Old", "--priority", "3", "--active-from", "2026-03-03T09:00:00Z")
    )
    assert (edited["name"], edited["priority"], edited["active_from"]) == ("Old", "3", "2026-03-03T09:00:00Z")
    assert facts(shop("pools", "edit", "1", "--active-from", "none"))["active_from"] == ""
    assert shop("pools", "edit", "1").returncode == 2

    assert "nope" in shop("pools", "download", "1", "invalid.csv").stdout
    shop("pools", "download", "1", "original", "--to", "back.csv")
    assert (tmp_path / "back.csv").read_text() == LIST
    assert shop("pools", "download", "1", "log").stdout == ""
    assert shop("pools", "download", "1", "everything").returncode == 2
    assert shop("pools", "download", "9", "log").returncode == 1

    shown = facts(shop("pools", "shuffle", "1", "--seed", "7"))
    assert (shown["shuffle_seed"], shown["counts.valid"], shown["duplicates.action"]) == ("7", "2", "load")
    would = facts(shop("pools", "delete", "2", "--dry-run"))
    gone = shop("pools", "delete", "2")
    assert (would["deleted"], facts(gone)["deleted"]) == ("3", "3")
    assert "the pool goes too" in gone.stderr
    assert shop("pools", "show", "2").returncode == 1
    refused = shop("pools", "confirm", "1", "9")
    assert (refused.returncode, refused.stdout.count("\tno\t")) == (1, 2)


def test_one_action_for_many_leads(shop: Nextlead, tmp_path: Path) -> None:  # R10.1
    shop("import", "list.csv", "--campaign", "autumn")
    assert answer(shop("leads", "priority", "1", "--to", "2", "--json"))["done"] == 1
    assert answer(shop("leads", "show", "1", "--json"))["priority"] == 2
    assert shop("leads", "priority", "1").returncode == 2
    assert "--to does not go with" in shop("leads", "remove", "1", "--to", "2").stderr
    assert shop("leads", "list", "--text", "bakery").stdout.count("\n") == 2
    short = shop("leads", "list", "--limit", "1")
    assert (short.stdout.count("\n"), "more than these 1" in short.stderr) == (2, True)
    assert shop("leads", "remove").returncode == 2
    assert facts(shop("leads", "remove", "--campaign", "autumn", "--dry-run"))["done"] == "2"
    (tmp_path / "go.csv").write_text("phone\n+1 415 555 0100\nnope\n")
    gone = shop("leads", "remove", "--file", "go.csv", "--by", "phone")
    assert (facts(gone)["done"], facts(gone)["invalid"]) == ("1", "1")
    assert "row 3" in gone.stderr
    assert answer(shop("leads", "show", "1", "--json"))["closure"] == "removed"
    assert facts(shop("leads", "reopen", "1"))["done"] == "1"
    added = facts(shop("leads", "add", "--campaign", "autumn", "--phone", "+1 415 555 0199", "--field", "name=Inn"))
    assert (added["valid"], added["invalid"]) == ("1", "0")
    again = shop("leads", "add", "--campaign", "autumn", "--phone", "+1 415 555 0199")
    assert (again.returncode, facts_of(again)["duplicates"], "repeats a lead" in again.stderr) == (1, "1", True)
    bad = shop("leads", "add", "--campaign", "autumn", "--phone", "abc")
    assert (bad.returncode, facts_of(bad)["invalid"], f"pools download {added['id']} invalid.csv" in bad.stderr) == (
        1,
        "1",
        True,
    )
    assert answer(shop("pools", "show", added["id"], "--json"))["source"] == "manual"


def test_do_not_call_and_anonymize(shop: Nextlead, tmp_path: Path) -> None:  # R10.2, R10.6
    shop("import", "list.csv", "--campaign", "autumn")
    assert facts(shop("do-not-call", "add", "+1 415 555 0100", "--reason", "asked"))["leads"] == "1"
    assert shop("do-not-call", "check", "+1 415 555 0100").returncode == 1
    assert shop("do-not-call", "check", "+1 415 555 0101").returncode == 0
    (tmp_path / "stop.csv").write_text("phone,reason\n+1 415 555 0102,letter\nnope,x\n")
    came = shop("do-not-call", "import", "stop.csv", "--global")
    assert (facts(came)["added"], facts(came)["invalid"]) == ("1", "1")
    assert shop("do-not-call", "list").stdout.count("\n") == 3
    assert shop("do-not-call", "remove", "+1 415 555 0102", "--global").returncode == 0
    assert facts(shop("anonymize", "+1 415 555 0101", "--dry-run"))["leads"] == "1"
    assert facts(shop("anonymize", "+1 415 555 0101"))["closed"] == "1"
    assert answer(shop("leads", "show", "2", "--json"))["closure"] == "anonymized"
    assert facts(shop("leads", "anonymize", "1"))["leads"] == "1"
    assert shop("do-not-call", "check", "+1 415 555 0100").returncode == 1
