"""`nextlead organisations` against a running daemon."""

import json
import subprocess
from collections.abc import Callable
from functools import partial

import pytest
from conftest import StartNextlead

Nextlead = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def street(start_nextlead: StartNextlead, nextlead: Nextlead) -> Nextlead:
    daemon = start_nextlead(
        "serve", "--store", "memory:", "--clock", "manual=2026-03-02T09:00:00Z", NEXTLEAD_ADMIN_TOKEN="t"
    )
    return partial(nextlead, NEXTLEAD_URL=daemon.url, NEXTLEAD_TOKEN="t")


def said(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    return dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line)


def test_a_second_organisation(street: Nextlead) -> None:
    made = said(street("organisations", "add", "acme", "--name", "Acme Ltd"))
    assert (made["code"], made["name"]) == ("acme", "Acme Ltd")
    assert street("organisations", "rename", "acme", "Acme & Co").returncode == 0
    listed = street("organisations", "list", "--json")
    assert [(each["code"], each["name"]) for each in json.loads(listed.stdout)] == [
        ("default", "Default"),
        ("acme", "Acme & Co"),
    ]
    again = json.loads(street("organisations", "token", "acme", "--json").stdout)
    for token in (made["admin_token"], again["admin_token"]):
        assert "acme" not in street("campaigns", "list", NEXTLEAD_TOKEN=token).stderr
        assert street("organisations", "list", NEXTLEAD_TOKEN=token).returncode == 1


def test_a_code_that_is_taken(street: Nextlead) -> None:
    done = street("organisations", "add", "default")
    assert (done.returncode, done.stdout) == (1, "")
    assert "conflict" in done.stderr


def test_a_lost_token_of_default(street: Nextlead) -> None:
    made = said(street("organisations", "token", "default"))
    assert street("agents", "list", NEXTLEAD_TOKEN=made["admin_token"]).returncode == 0
