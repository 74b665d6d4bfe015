from pathlib import Path

import pytest

from nextlead import open_dialer
from nextlead.core.commands import PutCampaign
from nextlead_adapters.store_url import BadUrl, sqlite_path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///leads.db", Path("leads.db")),
        ("sqlite:///data/leads.db", Path("data/leads.db")),
        ("sqlite:////var/lib/leads.db", Path("/var/lib/leads.db")),
        ("sqlite:///my%20leads.db", Path("my leads.db")),
        ("memory:", None),
    ],
)
def test_urls_that_name_a_store(url: str, path: Path | None) -> None:
    assert sqlite_path(url) == path


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://db/leads", "PostgreSQL store is not there yet"),
        ("postgres://db/leads", "PostgreSQL store is not there yet"),
        ("leads.db", "use sqlite:///FILE"),
        ("sqlite://leads.db", "use sqlite:///FILE"),
        ("sqlite:leads.db", "use sqlite:///FILE"),
        ("sqlite:///", "the file is missing"),
        ("sqlite:///leads.db?mode=ro", "has no options"),
        ("mysql:///leads", "use sqlite:///FILE"),
        ("", "use sqlite:///FILE"),
    ],
)
def test_urls_that_name_none(url: str, message: str) -> None:
    with pytest.raises(BadUrl, match=message):
        sqlite_path(url)


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
