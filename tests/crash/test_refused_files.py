"""Files that can't be trusted or written are refused by the daemon as a process: it ends with 1, says why, and leaves
every byte as it is.
"""

import os
import random
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from crash.floor import NUMBERS, TOKEN, running
from processes.start import ENDS_WITHIN_S, NEXTLEAD, environment, run

pytestmark = pytest.mark.slow

SERVE = ("serve", "--store", "sqlite:///leads.db", "--port", "0")


def make(folder: Path, *, kill: bool) -> None:
    """A store with some commits in the folder: all in the database, or as a kill leaves them, in the log."""
    with running(folder) as daemon:
        with httpx.Client(base_url=daemon.url, headers={"Authorization": f"Bearer {TOKEN}"}) as http:
            for no in range(9):
                assert http.put(f"/v1/campaigns/c{no}", json={"name": "C"}).is_success
            leads = [{"phone": number} for number in NUMBERS[:300]]
            assert http.post("/v1/leads", json={"campaign": "c1", "leads": leads}).is_success
        if kill:
            daemon.process.kill()
            daemon.process.wait()
        else:
            assert daemon.stop() == (0, "")


def contents(folder: Path) -> dict[str, bytes]:
    """All that matters: not SQLite's index of the log, nor an empty log, nor who held the lock last."""
    unimportant = ("-shm", ".lock", "stderr.txt")
    files = (file for file in folder.iterdir() if file.is_file() and not file.name.endswith(unimportant))
    found = {file.name: file.read_bytes() for file in files}
    return {name: content for name, content in found.items() if content or not name.endswith("-wal")}


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def overwrite(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:100] + random.Random(7).randbytes(len(data) - 100))


def other_bytes(path: Path) -> None:
    path.write_text("name,phone\n" * 1_000)


def without_a_commit(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE owner SET folded_to = 4")
        db.execute("DELETE FROM journal WHERE no = 7")


def of_the_future(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO schema_version VALUES (1000, '2031-01-01')")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (cut, "leads.db is damaged: its header promises"),
        (overwrite, "leads.db can't be used"),
        (other_bytes, "leads.db is not a database"),
        (without_a_commit, "commit 7 is missing"),
        (of_the_future, "version 1000"),
    ],
)
def test_a_damaged_database_is_refused_and_left_alone(
    tmp_path: Path, harm: Callable[[Path], None], message: str
) -> None:
    make(tmp_path, kill=False)
    harm(tmp_path / "leads.db")
    before = contents(tmp_path)
    done = run(SERVE, tmp_path, environment())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("nextlead: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(tmp_path) == before
    assert run(("verify", "--store", "sqlite:///leads.db"), tmp_path, environment()).returncode == 1


def test_a_database_that_is_gone_but_for_its_log_is_refused(tmp_path: Path) -> None:
    """Not a new one: it would be empty, and SQLite would delete the log that has the last commits."""
    make(tmp_path, kill=True)
    (tmp_path / "leads.db").unlink()
    before = contents(tmp_path)
    assert before["leads.db-wal"]
    done = run(SERVE, tmp_path, environment())
    assert (done.returncode, done.stdout) == (1, "")
    assert "leads.db is damaged: it is empty, but it has a log" in done.stderr
    assert contents(tmp_path) == {"leads.db": b""} | before


@pytest.mark.parametrize("harm", [cut, overwrite, Path.unlink])
def test_a_log_that_lacks_what_was_acknowledged_is_refused(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    """SQLite would read it up to the damage, as after a loss of power in the middle of a write, and say nothing."""
    make(tmp_path, kill=True)
    harm(tmp_path / "leads.db-wal")
    before = contents(tmp_path)
    for _ in range(2):
        done = run(SERVE, tmp_path, environment())
        assert (done.returncode, done.stdout) == (1, "")
        assert "its log, leads.db-wal, is damaged or missing" in done.stderr, done.stderr
        assert "commits, but 14 were acknowledged" in done.stderr
        assert contents(tmp_path) == before
    (tmp_path / "leads.db.lock").unlink()
    with running(tmp_path) as daemon:  # somebody decided to go on with what is there
        assert daemon.stop() == (0, "")
    assert run(("verify", "--store", "sqlite:///leads.db"), tmp_path, environment()).returncode == 0


def test_a_database_that_is_gone_is_not_begun_anew(tmp_path: Path) -> None:
    make(tmp_path, kill=False)
    (tmp_path / "leads.db").unlink()
    done = run(SERVE, tmp_path, environment())
    assert (done.returncode, done.stdout) == (1, "")
    assert "leads.db has 0 commits, but 14 were acknowledged" in done.stderr


# -- who may not write ----------------------------------------------------------------------------------------------


def powerless(folder: Path) -> "subprocess.CompletedProcess[str]":
    """The daemon, held by permissions even where it is root's: it lacks what lets root pass over them."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if drop and not shutil.which("setpriv"):
        pytest.skip("as root this needs setpriv (Debian: apt-get install util-linux)")
    return subprocess.run(
        [*drop, *NEXTLEAD, *SERVE],
        cwd=folder,
        env=environment(NEXTLEAD_ADMIN_TOKEN="t"),
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
        check=False,
    )


@pytest.mark.parametrize("kill", [False, True])
def test_a_database_that_may_only_be_read_is_refused(tmp_path: Path, kill: bool) -> None:
    make(tmp_path, kill=kill)
    for file in tmp_path.glob("leads.db*"):
        file.chmod(0o444)
    before = contents(tmp_path)
    done = powerless(tmp_path)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("nextlead: leads.db can't be used: "), done.stderr
    assert "Traceback" not in done.stderr
    assert contents(tmp_path) == before


def test_a_folder_that_may_only_be_read_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    done = powerless(tmp_path)
    tmp_path.chmod(0o755)
    assert (done.returncode, done.stderr) == (1, "nextlead: leads.db can't be made: Permission denied\n")
    assert not list(tmp_path.iterdir())


def test_no_room_at_the_start(tmp_path: Path) -> None:
    """With no room the daemon does not start, and says why; with room it does."""
    make(tmp_path, kill=True)
    env = environment(NEXTLEAD_ADMIN_TOKEN="t")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, resource.RLIM_INFINITY))  # noqa: E731
    done = subprocess.run(
        [*NEXTLEAD, *SERVE], cwd=tmp_path, env=env, preexec_fn=limit, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("nextlead: leads.db can't be used: "), done.stderr
    with running(tmp_path) as daemon:
        assert daemon.stop() == (0, "")
