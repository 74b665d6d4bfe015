from pathlib import Path

import pytest

from nextlead_adapters.secret_file import admin_token, write_private


@pytest.fixture(autouse=True)
def no_token_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEXTLEAD_ADMIN_TOKEN", raising=False)


def test_first_start_makes_a_token_that_only_its_user_can_read(tmp_path: Path) -> None:
    file = tmp_path / "leads.token"
    token, made = admin_token(file)
    assert made
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().strip() == token
    assert len(token) >= 43  # 256 bits in base64


def test_later_starts_find_it(tmp_path: Path) -> None:
    first, _ = admin_token(tmp_path / "leads.token")
    assert admin_token(tmp_path / "leads.token") == (first, False)


def test_the_environment_wins_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTLEAD_ADMIN_TOKEN", "from-a-vault")
    assert admin_token(tmp_path / "leads.token") == ("from-a-vault", False)
    assert list(tmp_path.iterdir()) == []


def test_two_stores_have_two_tokens(tmp_path: Path) -> None:
    assert admin_token(tmp_path / "a.token") != admin_token(tmp_path / "b.token")


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "x.token"
    file.write_text("a longer text than the new one")
    file.chmod(0o644)
    write_private(file, b"new")
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.token"]
