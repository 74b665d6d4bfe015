"""`nextlead verify`: a look at a store that changes nothing, beside the daemon or without it."""

import json
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import StartNextlead

from nextlead.core.commands import IntakeRow, LoadRows, OpenPool, PutCampaign
from nextlead_adapters import verify as verifying
from nextlead_adapters.bootstrap import open_dialer
from nextlead_adapters.verify import verify_store

Nextlead = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
async def store(tmp_path: Path) -> Path:
    """A store with a campaign and three untouched leads."""
    async with await open_dialer(f"sqlite:///{tmp_path}/leads.db") as dialer:
        await dialer.submit(PutCampaign(code="autumn", name="Autumn"))
        pool = await dialer.submit(OpenPool(campaign="autumn", source="api"))
        rows = tuple(IntakeRow(row=n, numbers=(14155550100 + n,)) for n in range(3))
        await dialer.submit(LoadRows(pool=pool.id, rows=rows))
    return tmp_path / "leads.db"


SOUND = "the store is sound: a rebuild from its rows gives the same queues, counters and timers"


def test_a_sound_store(store: Path, nextlead: Nextlead) -> None:
    before = sha256(store.read_bytes()).digest()
    done = nextlead("verify", "--store", f"sqlite:///{store}")
    assert done.returncode == 0, done.stderr
    rows = dict(line.split("\t") for line in done.stdout.splitlines())
    assert (rows["campaigns"], rows["pools"]) == ("1", "1")
    report = json.loads(nextlead("verify", "--store", f"sqlite:///{store}", "--json").stdout)
    assert report["findings"] == []
    assert done.stderr == f"{SOUND}\n"
    done = nextlead("verify", "--store", f"sqlite:///{store}", "--deep")
    assert done.stderr == f"{SOUND}, and its whole history the same rows\n"
    assert sha256(store.read_bytes()).digest() == before


def test_beside_the_daemon(start_nextlead: StartNextlead, nextlead: Nextlead, tmp_path: Path) -> None:
    start_nextlead("serve", "--store", "sqlite:///leads.db")
    done = nextlead("verify", "--store", "sqlite:///leads.db", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


async def test_findings_are_told(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying.Engine, "verify", lambda _: ["lead 1 stands in two queues"])
    report = await verify_store(f"sqlite:///{store}")
    assert report.findings == ["lead 1 stands in two queues"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "there is no store"),
        (lambda file: file.write_bytes(b""), "is empty"),
        (lambda file: file.write_bytes(b"not a database at all" * 100), "is not a database"),
    ],
)
def test_what_is_no_store(make: Callable[[Path], None], message: str, nextlead: Nextlead, tmp_path: Path) -> None:
    make(tmp_path / "x.db")
    done = nextlead("verify", "--store", "sqlite:///x.db", cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert len(list(tmp_path.iterdir())) <= 1  # it made nothing


def test_memory_has_nothing_to_verify(nextlead: Nextlead) -> None:
    done = nextlead("verify", "--store", "memory:")
    assert done.returncode == 1
    assert "keeps nothing" in done.stderr
