"""`limits`, `explain` and `why-idle`, as a supervisor types them."""

import json
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from conftest import StartNextlead

from nextlead_adapters.cli.client import Client
from nextlead_adapters.cli.explaining import REASONS

Nextlead = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def floor(start_nextlead: StartNextlead, nextlead: Nextlead, tmp_path: Path) -> Nextlead:
    """Monday, 9:00 UTC, 1:00 in California: a campaign with three leads there, and an agent who is logged on."""
    daemon = start_nextlead(
        "serve", "--store", "memory:", "--clock", "manual=2026-03-02T09:00:00Z", NEXTLEAD_ADMIN_TOKEN="t"
    )
    with Client(daemon.url, "t") as client:
        client.put("/v1/campaigns/autumn", {"name": "Autumn"})
        client.put("/v1/agents/maria", {"name": "Maria", "campaigns": ["autumn"]})
        client.put("/v1/agents/maria/session", {"campaigns": ["autumn"]})
        leads = [{"phone": f"+1415555010{at}"} for at in range(3)]
        client.post("/v1/leads", {"campaign": "autumn", "leads": leads})
    return partial(nextlead, cwd=tmp_path, NEXTLEAD_URL=daemon.url, NEXTLEAD_TOKEN="t")


def out(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def facts(text: str) -> dict[str, str]:
    rows = [line.split("  ", 1) for line in text.splitlines() if "\t" not in line]
    return {row[0]: row[-1].strip() for row in rows}


def table(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines() if "\t" in line]


def test_packs_are_listed_shown_and_applied(floor: Nextlead) -> None:
    listed = floor("limits", "list")
    assert ["us-florida", "Florida: commercial telephone solicitation"] in table(out(listed))
    assert listed.stderr == "An example, not legal advice.\n"

    shown = floor("limits", "show", "us-florida")
    said = facts(out(shown))
    assert (said["zone"], said["mon"], said["holidays"]) == ("that of each lead", "08:00-20:00", "none")
    assert said["limit 2"] == "at most 3 calls in 1 day to one lead"
    assert "501.616" in said["source 1"]
    assert said["source 1"].endswith("(noted 2026-11-22)")
    assert shown.stderr == "An example, not legal advice.\n"

    has = facts(out(floor("limits", "apply", "us-debt-collection", "--campaign", "autumn")))
    assert (has["campaign"], has["limit 2"]) == ("autumn", "none for 7 days after a conversation")
    assert has["zone"] == "that of each lead, UTC where none is known"
    uk = facts(out(floor("limits", "apply", "uk", "--campaign", "autumn")))
    assert (uk["sat"], uk["sun"], uk["holidays"], uk["limit 2"]) == ("09:00-21:00", "closed", "GB-ENG", has["limit 2"])


def test_limits_speak_json(floor: Nextlead) -> None:
    names = [pack["name"] for pack in json.loads(out(floor("limits", "list", "--json")))]
    assert names == sorted(names)
    assert json.loads(out(floor("limits", "show", "uk", "--json")))["name"] == "uk"
    applied = json.loads(out(floor("limits", "apply", "uk", "--campaign", "autumn", "--json")))
    assert applied["dialer"]["calling_hours"]["holidays"] == "GB-ENG"


def test_a_pack_that_is_not_there(floor: Nextlead) -> None:
    for command in (("show", "mars"), ("apply", "mars", "--campaign", "autumn"), ("apply", "uk", "--campaign", "c9")):
        done = floor("limits", *command)
        assert (done.returncode, done.stdout) == (1, "")
        assert "refused" in done.stderr


def test_explain(floor: Nextlead) -> None:
    floor("limits", "apply", "us-federal", "--campaign", "autumn")
    said = out(floor("explain", "1", "--agent", "maria"))
    found = facts(said)
    assert (found["lead"], found["agent"], found["eligible"]) == ("1", "maria", "no")
    assert (found["eligible_at"], found["kept_back_by"]) == ("2026-03-02T16:00:00Z", "calling_hours")
    columns, *checks = table(said)
    assert columns == ["rule", "name", "passed", "value", "until"]
    (hours,) = [check for check in checks if check[1] == "calling_hours"]
    assert (hours[0], hours[2], hours[4]) == ("R11.2", "no", "2026-03-02T16:00:00Z")
    assert "01:00 in America/Los_Angeles" in hours[3]
    told = json.loads(out(floor("explain", "1", "--agent", "maria", "--json")))
    assert [[check["rule"], check["name"]] for check in told["checks"]] == [check[:2] for check in checks]


def test_explain_says_when_no_time_is_enough(floor: Nextlead) -> None:  # R14.2
    out(floor("leads", "remove", "1"))
    found = facts(out(floor("explain", "1", "--agent", "maria")))
    assert (found["eligible"], found["eligible_at"], found["kept_back_by"]) == ("no", "not by time alone", "status")
    assert json.loads(out(floor("explain", "1", "--agent", "maria", "--json")))["eligible_at"] is None


def test_a_promise_outside_hours_names_the_next_permitted_time(floor: Nextlead) -> None:  # R4.2
    token = json.loads(out(floor("next", "maria", "--json")))["token"]
    floor("limits", "apply", "us-federal", "--campaign", "autumn")
    redial = ("finish", token, "--redial", "private", "--at", "2026-03-02T10:00:00+00:00")
    done = floor(*redial)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("\n  next permitted: 2026-03-02T16:00:00Z\n")
    assert facts(out(floor(*redial, "--force")))["due"] == "2026-03-02T10:00:00Z"


def test_explain_needs_an_agent_unless_the_token_has_one(floor: Nextlead) -> None:
    done = floor("explain", "1")
    assert done.returncode == 1
    assert "agent: is required" in done.stderr


def test_the_history_says_what_allowed_each_call(floor: Nextlead) -> None:  # R14.4
    out(floor("limits", "apply", "us-florida", "--campaign", "autumn"))
    assert json.loads(out(floor("leads", "history", "1", "--json"))) == []
    out(floor("leads", "add", "--campaign", "autumn", "--phone", "+1 212 555 0199", "--timezone", "Europe/London"))
    lease = json.loads(out(floor("next", "maria", "--json")))
    out(floor("finish", lease["token"], "--redial", "common", "--at", "2026-03-02T10:00:00+00:00", "--note", "busy"))
    columns, offer, redial = table(out(floor("leads", "history", "4")))
    assert columns == ["at", "event", "actor", "status", "public_status", "number", "told"]
    assert offer[:4] == ["2026-03-02T09:00:00Z", "leased", "agent:maria", "unprocessed"]
    assert offer[4:6] == ["Unprocessed", "+12125550199"]
    for words in ("calling_hours: Mon 2026-03-02 09:00 in Europe/London, open", "max: 0 of 3 in 1 day to the number"):
        assert words in offer[6]
    assert redial[6] == "common; due 2026-03-02T10:00:00Z; busy"
    events = json.loads(out(floor("leads", "history", "4", "--json")))
    assert [event["event"] for event in events] == ["leased", "redial"]


def test_why_one_agent_is_idle(floor: Nextlead) -> None:
    floor("limits", "apply", "us-federal", "--campaign", "autumn")
    said = out(floor("why-idle", "maria"))
    assert facts(said)["next_at"] == "2026-03-02T16:00:00Z"
    assert table(said) == [["leads", "reason", "because"], ["3", "calling_hours", REASONS["calling_hours"]]]
    assert json.loads(out(floor("why-idle", "maria", "--json")))["blocked"]["calling_hours"] == 3


def test_why_all_are_idle(floor: Nextlead) -> None:
    floor("limits", "apply", "us-federal", "--campaign", "autumn")
    said = table(out(floor("why-idle")))
    opens = "2026-03-02T16:00:00Z"
    assert ["autumn", "0", opens, "calling_hours 3"] in said
    assert ["maria", "no", "0", opens, "calling_hours 3"] in said
    assert {"campaigns", "agents", "waiting"} <= json.loads(out(floor("why-idle", "--json"))).keys()


def test_nobody_is_idle(floor: Nextlead) -> None:
    out(floor("next", "maria"))
    done = floor("why-idle")
    assert table(out(done))[1:] == [["autumn", "2", "2026-03-02T09:00:00Z", "leased 1"]]
    assert done.stderr == "Nobody who has a session is without a lead.\n"


def test_a_lead_is_entered_with_its_own_zone(floor: Nextlead) -> None:  # R11.1
    number = ("leads", "add", "--campaign", "autumn", "--phone", "+1 415 555 0199")
    out(floor(*number, "--timezone", "Pacific/Honolulu"))
    lead = json.loads(out(floor("leads", "show", "4", "--json")))
    assert (lead["zones"], lead["zone_source"]) == (["Pacific/Honolulu"], "lead")
    bad = floor(*number, "--timezone", "Pacific/Atlantis")
    assert bad.returncode == 1
