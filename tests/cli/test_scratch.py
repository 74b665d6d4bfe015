"""Uploads and originals that are worked on lie beside the store, and nothing of them stays (SPEC R10.6)."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import environment

from nextlead_adapters.bootstrap import build
from nextlead_adapters.config import parse_config
from nextlead_adapters.scratch import scratch


def test_it_is_gone_afterwards(tmp_path: Path) -> None:
    with scratch(tmp_path / "leads.db") as folder:
        assert folder is not None
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "nextlead-upload").write_text("Anna")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_daemon_left_is_deleted_and_nothing_else(tmp_path: Path) -> None:  # R10.6
    left = tmp_path / "leads.tmp"
    (left / "nextlead-folder").mkdir(parents=True)
    (left / "nextlead-folder" / "original").write_text("Anna")
    (left / "nextlead-upload").write_text("Anna")
    (left / "somebody else's").write_text("stays")
    with scratch(tmp_path / "leads.db") as folder:
        assert folder is not None
        assert {file.name for file in left.iterdir()} == {"somebody else's", folder.name}
    assert [file.name for file in left.iterdir()] == ["somebody else's"]


def test_what_another_daemon_works_on_is_left_alone(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.write('here'); sys.stdout.flush(); sys.stdin.read()"
    hold = f"from pathlib import Path; from nextlead_adapters.scratch import scratch\nwith scratch(Path('leads.db')): {code}"
    with subprocess.Popen(
        [sys.executable, "-c", hold], cwd=tmp_path, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.read(4) == b"here"
        (theirs,) = (tmp_path / "leads.tmp").iterdir()
        with scratch(tmp_path / "leads.db"):
            assert theirs.is_dir()
        other.kill()
        other.wait()
    assert theirs.is_dir(), "nobody was left to delete it"
    with scratch(tmp_path / "leads.db"):
        assert not theirs.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_keeps_nothing_has_none() -> None:
    with scratch(None) as folder:
        assert folder is None


async def test_the_daemon_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not there"))
    async with build(parse_config(f'[store]\nurl = "sqlite:///{tmp_path}/leads.db"')):
        assert (tmp_path / "leads.tmp").is_dir()
    assert not (tmp_path / "leads.tmp").exists()
