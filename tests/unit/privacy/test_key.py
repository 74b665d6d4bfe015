"""The key of forgotten numbers: one for ever, in a file of its own (SPEC R10.6)."""

import os
from pathlib import Path

import pytest
import structlog

from nextlead.core.commands import Anonymise
from nextlead.ports import StoreRefused
from nextlead_adapters.bootstrap import build, open_dialer
from nextlead_adapters.config import parse_config
from nextlead_adapters.privacy.key import find_key, settle_key

NUMBER = 14155550100


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/leads.db"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "leads.key"


async def forget_a_number(url: str) -> None:
    async with await open_dialer(url) as dialer:
        await dialer.submit(Anonymise(by="admin", leads=(), numbers=(NUMBER,)))


async def test_the_first_start_makes_it_and_later_ones_find_it(url: str, key: Path) -> None:  # R10.6
    await forget_a_number(url)
    made = key.read_bytes()
    assert len(made) == 32
    assert key.stat().st_mode & 0o777 == 0o600
    async with await open_dialer(url) as dialer:
        assert dialer.engine.refusal_of(NUMBER) == "anonymized"
    assert key.read_bytes() == made


async def test_one_that_another_daemon_made_meanwhile_is_not_replaced(key: Path) -> None:  # R10.6
    """Two that share a folder, each with a database of its own: the first one's would be lost for ever."""
    first, second = find_key(key), find_key(key)
    settle_key(first, [])
    with pytest.raises(StoreRefused, match="made by another daemon meanwhile"):
        settle_key(second, [])
    assert find_key(key).secret == first.secret


async def test_it_is_not_in_the_store(url: str, key: Path, tmp_path: Path) -> None:  # R10.6
    await forget_a_number(url)
    others = [file for file in tmp_path.iterdir() if file != key]
    assert others
    assert not any(key.read_bytes() in file.read_bytes() for file in others)


async def test_two_stores_have_two_keys(tmp_path: Path) -> None:
    for name in ("a", "b"):
        await forget_a_number(f"sqlite:///{tmp_path}/{name}.db")
    assert (tmp_path / "a.key").read_bytes() != (tmp_path / "b.key").read_bytes()


async def test_a_lost_key_is_told_and_the_old_one_put_back_works(url: str, key: Path) -> None:  # R10.6
    await forget_a_number(url)
    kept = key.rename(key.with_name("elsewhere"))
    with pytest.raises(StoreRefused, match=r"leads\.key is missing: 1 forgotten number"):
        await open_dialer(url)
    assert not key.exists()
    kept.rename(key)
    await forget_a_number(url)


async def test_another_key_is_told(url: str, key: Path) -> None:  # R10.6
    await forget_a_number(url)
    key.write_bytes(os.urandom(32))
    with pytest.raises(StoreRefused, match="is not the key of this store"):
        await open_dialer(url)


async def test_a_lost_key_that_nothing_was_hashed_with_is_made_anew(url: str, key: Path) -> None:
    async with await open_dialer(url):
        first = key.read_bytes()
    key.unlink()
    async with await open_dialer(url):
        assert key.read_bytes() != first


async def test_a_file_that_is_no_key_is_told(url: str, key: Path) -> None:
    key.write_text("too short")
    with pytest.raises(StoreRefused, match="9 bytes and not 32"):
        await open_dialer(url)
    key.unlink()
    key.mkdir()
    with pytest.raises(StoreRefused, match="can't be read"):
        await open_dialer(url)


async def test_others_can_no_longer_read_it(url: str, key: Path) -> None:  # R10.6
    await forget_a_number(url)
    key.chmod(0o644)
    with structlog.testing.capture_logs() as logs:
        await forget_a_number(url)
    assert key.stat().st_mode & 0o777 == 0o600
    assert [line["event"] for line in logs if "secret" in line["event"]] == ["secret_was_readable"]


async def test_it_lies_where_the_configuration_says(tmp_path: Path, key: Path) -> None:
    safe = tmp_path / "safe"
    safe.mkdir()
    text = f'[store]\nurl = "sqlite:///{tmp_path}/leads.db"\n[privacy]\nkey_file = "{safe}/our.key"'
    async with build(parse_config(text)):
        assert len((safe / "our.key").read_bytes()) == 32
    assert not key.exists()


async def test_a_place_that_cant_be_written_is_told(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreRefused, match="can't be written"):
        await open_dialer(url, key_file=tmp_path / "no such folder" / "leads.key")
    async with await open_dialer(url):
        pass  # and the store was given back


async def test_a_store_in_memory_has_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with await open_dialer("memory:") as dialer:
        assert len(dialer.engine.state.secret) == 32
    assert list(tmp_path.iterdir()) == []


async def test_a_library_user_needs_the_key_that_a_daemon_used_the_database_with(  # R10.6
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with build(parse_config(f'[store]\nurl = "{postgres_url}"')):
        pass
    async with await open_dialer(postgres_url):
        pass
    with pytest.raises(StoreRefused, match=r"other\.key is missing: copy the owner's here"):
        await open_dialer(postgres_url, key_file=tmp_path / "other.key")
    assert not (tmp_path / "other.key").exists()
