"""`activity`, and what `leads` say of it, as a person at a terminal types them."""

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from conftest import StartNextlead

from nextlead_adapters.cli.client import Client

Nextlead = Callable[..., "subprocess.CompletedProcess[str]"]
SMS_OUT = ("--interaction", "sms", "--direction", "out", "--agent", "maria")


@pytest.fixture
def shop(start_nextlead: StartNextlead, nextlead: Nextlead, tmp_path: Path) -> Nextlead:
    """Monday, 9:00 UTC: a campaign with three customers, and an agent who is logged on."""
    daemon = start_nextlead(
        "serve", "--store", "memory:", "--clock", "manual=2026-03-02T09:00:00Z", NEXTLEAD_ADMIN_TOKEN="t"
    )
    with Client(daemon.url, "t") as client:
        template = {"fields": [{"name": "name"}]}
        client.put("/v1/campaigns/shop", {"name": "Shop", "scheme": "smartlists", "template": template})
        client.put("/v1/agents/maria", {"name": "Maria", "campaigns": ["shop"]})
        client.put("/v1/agents/maria/session", {"campaigns": ["shop"]})
        leads = [{"phone": f"+1415555010{at}", "data": {"name": f"=C{at}"}} for at in range(3)]
        client.post("/v1/leads", {"campaign": "shop", "leads": leads})
    return partial(nextlead, cwd=tmp_path, NEXTLEAD_URL=daemon.url, NEXTLEAD_TOKEN="t")


def out(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def facts(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    rows = [line.split(maxsplit=1) for line in out(done).splitlines()]
    return {row[0]: row[1] if len(row) > 1 else "" for row in rows}


def test_texts_flip_and_are_in_the_history(shop: Nextlead) -> None:  # R13.3
    assert facts(shop("activity", "1", *SMS_OUT))["public_status"] == "No SMS Reply"
    assert (
        facts(shop("activity", "1", "--interaction", "sms", "--direction", "in"))["public_status"] == "SMS in Progress"
    )
    texted = facts(shop("activity", "1", *SMS_OUT, "--note", "offered the new plan"))
    assert (texted["status"], texted["public_status"], texted["attempts"]) == ("unprocessed", "No SMS Reply", "0")
    columns, *lines = [line.split("\t") for line in out(shop("leads", "history", "1")).splitlines()]
    assert [line[columns.index("public_status")] for line in lines] == [
        "No SMS Reply",
        "SMS in Progress",
        "No SMS Reply",
    ]
    told = [line[columns.index("told")] for line in lines]
    assert told[1] == "sms in"
    assert told[2] == "sms out by maria; offered the new plan"
    assert json.loads(out(shop("leads", "show", "1", "--json")))["activity"]["kind"] == "sms_out"


def test_an_outcome_settles_what_comes_next(shop: Nextlead) -> None:  # R13.3, R13.5
    left = facts(shop("activity", "1", "--interaction", "call", "--outcome", "left-a-voicemail", "--agent", "maria"))
    assert (left["status"], left["public_status"], left["attempts"]) == ("automatic_redial", "Left a Voicemail", "0")
    agreed = facts(
        shop(
            *("activity", "1", "--interaction", "in-store", "--direction", "in", "--outcome", "sale-in-progress"),
            *("--agent", "maria", "--redial", "private@2026-03-03T10:00:00+00:00", "--data", "name=Ann"),
        )
    )
    assert (agreed["status"], agreed["due"], agreed["owner"]) == (
        "private_redial",
        "2026-03-03T10:00:00Z",
        "agent maria",
    )
    content = ("activity", "1", "--interaction", "EMAIL", "--outcome", "No Sale", "--explanation", "satisfied")
    done = json.loads(out(shop(*content, "--at", "2026-03-02T08:59:00+00:00", "--json")))
    assert (done["status"], done["closure"], done["data"]["name"]) == ("closed", "not_interested", "Ann")
    history = json.loads(out(shop("leads", "history", "1", "--json")))
    assert history[-1]["activity"]["at"] == "2026-03-02T08:59:00Z"
    told = out(shop("leads", "history", "1")).splitlines()[-1].split("\t")[-1]
    assert "email out: no_sale, satisfied, at 2026-03-02T08:59:00Z" in told


def test_a_logged_outcome_ends_the_call_of_its_agent(shop: Nextlead) -> None:  # R13.5
    lease = json.loads(out(shop("next", "maria", "--json")))
    sold = facts(shop("activity", str(lease["lead"]["id"]), "--interaction", "call", "--outcome", "sold"))
    assert (sold["status"], sold["closure"], sold["public_status"], sold["attempts"]) == (
        "closed",
        "success",
        "Sold",
        "1",
    )
    again = shop("finish", lease["token"], "--unreached", "busy")
    assert (again.returncode, again.stdout) == (1, "")


REFUSED = (
    (("--interaction", "sms"), "direction"),
    (("--interaction", "sms", "--direction", "out", "--outcome", "no-answer"), "outcome"),
    (("--interaction", "pigeon"), "interaction"),
    (("--interaction", "call", "--outcome", "sold", "--at", "2026-03-02T09:00:01Z"), "at: "),
)


def test_1_is_refused_with_the_field(shop: Nextlead) -> None:  # R13.3
    for arguments, message in REFUSED:
        done = shop("activity", "1", *arguments)
        assert (done.returncode, done.stdout) == (1, ""), arguments
        assert done.stderr.startswith("refused (")
        assert message in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing option '--interaction'"),
        (("--interaction", "call", "--outcome", "sold", "--redial", "private"), "--redial takes KIND@TIME"),
        (("--interaction", "call", "--redial", "private@noon"), "--redial: noon is not a time"),
        (("--interaction", "call", "--at", "noon"), "--at: noon is not a time"),
        (("--interaction", "call", "--force"), "--force goes with --redial"),
        (("--interaction", "call", "--data", "name"), "--data takes FIELD=VALUE"),
    ],
)
def test_2_is_wrong_use(arguments: tuple[str, ...], message: str, nextlead: Nextlead) -> None:
    done = nextlead("activity", "1", *arguments, NEXTLEAD_TOKEN="t")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())


def test_leads_are_found_by_what_they_are_shown_as(shop: Nextlead, tmp_path: Path) -> None:  # R13.4
    out(shop("activity", "2", *SMS_OUT))
    rows = [line.split("\t") for line in out(shop("leads", "list", "--public-status", "no sms reply")).splitlines()]
    assert [row[0] for row in rows] == ["id", "2"]
    assert rows[1][rows[0].index("public_status")] == "No SMS Reply"
    by_her = json.loads(out(shop("leads", "list", "--last-by", "agent:maria", "--json")))
    assert [lead["id"] for lead in by_her] == [2]
    as_hero = json.loads(out(shop("leads", "list", "--scheme", "hero", "--public-status", "unprocessed", "--json")))
    assert {lead["public_status"]["label"] for lead in as_hero} == {"Unprocessed"}
    assert len(as_hero) == 3
    nothing = shop("leads", "list", "--public-status", "Confirmed")
    assert (nothing.returncode, "public_status" in nothing.stderr) == (1, True)
    assert facts(shop("leads", "priority", "--public-status", "No SMS Reply", "--to", "1", "--dry-run"))["done"] == "1"


def test_leads_are_saved_as_csv(shop: Nextlead, tmp_path: Path) -> None:  # R13.4
    out(shop("activity", "2", *SMS_OUT))
    assert out(shop("leads", "list", "--public-status", "No SMS Reply", "--csv", "texted.csv")) == ""
    header, *rows = (tmp_path / "texted.csv").read_text(encoding="utf-8-sig").splitlines()
    assert "public_status" in header
    assert len(rows) == 1
    assert "'=C1" in rows[0]
    everybody = out(shop("leads", "list", "--limit", "1", "--csv", "-"))
    assert len(everybody.splitlines()) == 4
    unknown = shop("leads", "list", "--scheme", "mars", "--csv", "mars.csv")
    assert (unknown.returncode, (tmp_path / "mars.csv").exists()) == (1, False)
