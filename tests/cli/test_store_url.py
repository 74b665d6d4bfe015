"""Stores by their URLs: which are taken, what they name, and what is shown of them."""

from pathlib import Path

import pytest

from nextlead import open_dialer
from nextlead.core.commands import PutCampaign
from nextlead_adapters.store_url import BadUrl, postgres_url, shown_url, sqlite_path, without_secrets


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///leads.db", Path("leads.db")),
        ("sqlite:///data/leads.db", Path("data/leads.db")),
        ("sqlite:////var/lib/leads.db", Path("/var/lib/leads.db")),
        ("sqlite:///my%20leads.db", Path("my leads.db")),
        ("memory:", None),
        ("postgresql://desk@db.example/leads", None),
    ],
)
def test_urls_that_name_a_store(url: str, path: Path | None) -> None:
    assert sqlite_path(url) == path


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("leads.db", "use sqlite:///FILE"),
        ("sqlite://leads.db", "use sqlite:///FILE"),
        ("sqlite:leads.db", "use sqlite:///FILE"),
        ("sqlite:///", "the file is missing"),
        ("sqlite:///leads.db?mode=ro", "has no options"),
        ("mysql:///leads", "use sqlite:///FILE"),
        ("", "use sqlite:///FILE"),
        ("postgresql://desk@db.example", "the database is missing"),
        ("postgresql:leads", "two slashes"),
        ("postgresql://desk@db.example:first/leads", "the port must be a number"),
        ("postgresql://desk@db.example:65536/leads", "the port must be a number"),
    ],
)
def test_urls_that_name_none(url: str, message: str) -> None:
    with pytest.raises(BadUrl, match=message):
        sqlite_path(url)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_postgresql_url_is_left_as_it_is(scheme: str) -> None:
    url = f"{scheme}://desk:secret@db.example:5433/leads?sslmode=verify-full"
    assert postgres_url(url) == url
    assert shown_url(url) == "postgresql://db.example:5433/leads"
    assert postgres_url("sqlite:///leads.db") is None
    assert postgres_url("memory:") is None


@pytest.mark.parametrize("password", ["hush#hush", "hush/hush", "hush?hush", "hush@hush"])
def test_a_password_that_is_not_escaped_is_named_as_such_and_not_said(password: str) -> None:
    with pytest.raises(BadUrl, match="%23 for #") as found:
        postgres_url(f"postgresql://desk:{password}@db.example/leads")
    assert "hush" not in str(found.value)


def test_no_message_says_a_password() -> None:
    with pytest.raises(BadUrl) as found:
        sqlite_path("mysql://desk:hush@db.example/leads")
    assert "hush" not in str(found.value)
    url = "postgresql://desk:h%40sh@db.example/leads?password=quiet"
    assert without_secrets(url, "h%40sh, h@sh or quiet for desk") == "***, *** or *** for desk"


async def test_open_dialer_keeps_what_it_was_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/leads.db"
    async with await open_dialer(url) as dialer:
        await dialer.submit(PutCampaign(code="autumn", name="Autumn"))
    async with await open_dialer(url) as dialer:
        assert await dialer.read(lambda engine: engine.campaigns.by_code["autumn"].name) == "Autumn"


async def test_memory_keeps_nothing() -> None:
    async with await open_dialer("memory:") as dialer:
        await dialer.submit(PutCampaign(code="autumn", name="Autumn"))
    async with await open_dialer("memory:") as dialer:
        assert "autumn" not in dialer.engine.campaigns.by_code
