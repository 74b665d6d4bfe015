"""Status schemes on the command line, and a daemon that is started with some of one's own."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import StartNextlead

from nextlead.core.commands import PutCampaign
from nextlead.core.schemes import NO_SCHEMES
from nextlead_adapters.bootstrap import build, open_dialer
from nextlead_adapters.cli.client import Client
from nextlead_adapters.config import Config, SchemesConfig, StoreConfig
from nextlead_adapters.resources import resource
from nextlead_adapters.scheme_files import SchemeError, read_schemes, shipped_schemes
from nextlead_adapters.server import REFUSALS

Nextlead = Callable[..., "subprocess.CompletedProcess[str]"]
MINE = resource("schemes/smartlists.toml").read_text().replace('"Sold"', '"Verkauft"')
BROKEN = MINE.replace('sold = { status = "Verkauft" }', 'sold = { status = "Sold" }')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one scheme, and a configuration that names it."""
    schemes = tmp_path / "words"
    schemes.mkdir()
    (schemes / "mine.toml").write_text(MINE)
    (tmp_path / "nextlead.toml").write_text('[store]\nurl = "sqlite:///leads.db"\n[schemes]\nfolder = "words"\n')
    return schemes


def test_a_daemon_speaks_the_schemes_of_its_folder(
    folder: Path, start_nextlead: StartNextlead, nextlead: Nextlead
) -> None:  # R13.1
    daemon = start_nextlead("serve", "--config", "nextlead.toml", NEXTLEAD_ADMIN_TOKEN="t")
    here = {"NEXTLEAD_URL": daemon.url, "NEXTLEAD_TOKEN": "t"}
    listed = nextlead("schemes", "list", **here)
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == [
        "name", "hero", "luckyonline", "mine", "smartlists",
    ]  # fmt: skip
    shown = nextlead("schemes", "show", "mine", **here)
    rows = [line.split("\t") for line in shown.stdout.splitlines() if "\t" in line]
    assert rows[0] == ["what", "in the engine", "shown as", "reason or label"]
    assert ["result", "success", "Verkauft", ""] in rows
    assert ["activity", "left_a_voicemail", "Left a Voicemail", ""] in rows
    assert ["closure", "expired (over activities)", "No Sale", "Expired *"] in rows
    assert ["closure", "invalid_phone_number", "Wrong Number", ""] in rows
    assert "duplicates    skip those with the same phone among all leads of the campaign" in shown.stdout
    assert "has no word for it" in shown.stderr
    hero = nextlead("schemes", "show", "hero", **here).stdout
    assert "closure\tmax_call_attempts\tmax_call_attempts\tMax. call attempts" in hero.splitlines()
    assert nextlead("schemes", "show", "mine", "--json", **here).stdout.lstrip().startswith("{")
    gone = nextlead("schemes", "show", "mars", **here)
    assert (gone.returncode, gone.stdout) == (1, "")
    assert "there is no status scheme mars" in gone.stderr


def test_it_does_not_start_with_one_that_it_cannot_use(folder: Path, nextlead: Nextlead) -> None:  # R13.1
    (folder / "mine.toml").write_text(BROKEN)
    line = BROKEN.splitlines().index('sold = { status = "Sold" }') + 1
    wanted = f"words/mine.toml:{line}: activities.sold.status: Sold is not in statuses"
    for command in (("serve", "--port", "0"), ("verify",)):
        ended = nextlead(*command, "--config", "nextlead.toml", cwd=folder.parent)
        assert ended.returncode == 1
        assert wanted in ended.stderr
        assert "Traceback" not in ended.stderr
        assert not (folder.parent / "leads.db").exists()


def test_it_does_not_start_when_a_campaigns_scheme_is_gone(
    folder: Path, start_nextlead: StartNextlead, nextlead: Nextlead
) -> None:
    daemon = start_nextlead("serve", "--config", "nextlead.toml", NEXTLEAD_ADMIN_TOKEN="t")
    with Client(daemon.url, "t") as client:
        client.put("/v1/campaigns/autumn", {"scheme": "mine"})
    daemon.stop()
    (folder / "mine.toml").unlink()
    ended = nextlead("serve", "--config", "nextlead.toml", "--port", "0", cwd=folder.parent)
    assert ended.returncode == 1
    assert "nextlead: campaign autumn has the scheme mine, and there is none of that name" in ended.stderr
    (found,) = json.loads(nextlead("verify", "--store", "sqlite:///leads.db", "--json", cwd=folder.parent).stdout)[
        "findings"
    ]
    assert found.startswith("campaign autumn has the scheme mine")
    assert "--config" in found
    (folder / "mine.toml").write_text(MINE)
    again = start_nextlead("serve", "--config", "nextlead.toml", NEXTLEAD_ADMIN_TOKEN="t")
    with Client(again.url, "t") as client:
        assert client.get("/v1/campaigns/autumn")["scheme"] == "mine"


def test_files_are_checked_without_a_daemon(folder: Path, nextlead: Nextlead) -> None:
    good = nextlead("schemes", "check", "words/mine.toml", cwd=folder.parent)
    assert (good.returncode, good.stdout) == (0, "words/mine.toml: the scheme mine can be used\n")
    (folder / "bad.toml").write_text(BROKEN)
    mixed = nextlead("schemes", "check", "words/bad.toml", "words/mine.toml", "words/none.toml", cwd=folder.parent)
    assert (mixed.returncode, mixed.stdout) == (1, good.stdout)
    assert "activities.sold.status: Sold is not in statuses" in mixed.stderr
    assert "words/none.toml: can't be read: No such file or directory" in mixed.stderr
    assert "2 of 3 can't be used" in mixed.stderr


async def test_a_folder_that_is_not_there_is_a_refusal() -> None:
    config = Config(store=StoreConfig(url="memory:"), schemes=SchemesConfig(folder="/nowhere/at/all"))
    with pytest.raises(REFUSALS, match=r"^/nowhere/at/all: the folder of schemes can't be read: "):
        async with build(config):
            pass


async def test_a_library_has_the_shipped_schemes_unless_it_brings_its_own(folder: Path) -> None:
    async with await open_dialer("memory:") as dialer:
        assert dialer.engine.schemes == shipped_schemes()
        assert (await dialer.submit(PutCampaign(code="a", scheme="luckyonline"))).scheme == "luckyonline"
    async with await open_dialer("memory:", schemes=read_schemes(str(folder))) as dialer:
        assert (await dialer.submit(PutCampaign(code="a", scheme="mine"))).scheme == "mine"


async def test_a_library_is_refused_a_store_whose_scheme_it_did_not_bring(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/leads.db"
    async with await open_dialer(url, schemes=read_schemes(str(folder))) as dialer:
        await dialer.submit(PutCampaign(code="autumn", scheme="mine"))
    for schemes in (None, NO_SCHEMES):
        with pytest.raises(SchemeError, match="campaign autumn has the scheme mine"):
            await open_dialer(url, schemes=schemes)
    async with await open_dialer(url, schemes=read_schemes(str(folder))) as dialer:
        assert dialer.engine.campaigns.need("autumn").scheme == "mine"  # it was closed in good order, and opens again
