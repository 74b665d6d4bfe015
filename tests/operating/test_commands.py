"""The operator's commands, as processes: what they say, how they end, and that nothing half-done is left."""

import base64
import hashlib
import json
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from conftest import Daemon, StartNextlead, environment
from contract.build import load
from contract.old_files import written
from contract.test_version_1 import a_file
from operating.kit import a_centre, findings

from nextlead_adapters.backup import migrating
from nextlead_adapters.journalled import bodies
from nextlead_adapters.sqlite import SqliteStore, schema

Nextlead = Callable[..., "subprocess.CompletedProcess[str]"]


def operator(daemon: Daemon, folder: Path, name: str = "leads") -> dict[str, str]:
    """The environment of who may make backups."""
    return {"NEXTLEAD_URL": daemon.url, "NEXTLEAD_TOKEN": (folder / f"{name}.token").read_text().strip()}


def ask(daemon: Daemon, who: dict[str, str], method: str, path: str, body: object = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {who['NEXTLEAD_TOKEN']}"}
    answer = httpx.request(method, daemon.url + path, json=body, headers=headers, timeout=60)
    assert answer.is_success, answer.text
    return answer


def test_from_a_daemon_to_another(start_nextlead: StartNextlead, nextlead: Nextlead, tmp_path: Path) -> None:
    # The whole way: a backup while it runs, verified, restored, served.
    daemon = start_nextlead("serve", "--store", "sqlite:///leads.db")
    who = operator(daemon, tmp_path)
    ask(daemon, who, "PUT", "/v1/campaigns/c1", {"name": "First"})
    leads = [{"phone": f"+1415555010{at}"} for at in range(3)]
    ask(daemon, who, "POST", "/v1/leads", {"campaign": "c1", "leads": leads})
    done = nextlead("backup", "b.db", "--json", cwd=tmp_path, **who)
    assert done.returncode == 0, done.stderr
    (share,) = json.loads(done.stdout)["organisations"]
    assert (share["code"], share["leads"]) == ("default", 3)
    assert (tmp_path / "b.db").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in (tmp_path / "leads.tmp").rglob("*") if file.is_file()] == ["lock"]
    ask(daemon, who, "POST", "/v1/leads", {"campaign": "c1", "leads": [{"phone": "+14155550109"}]})
    assert nextlead("verify", "--store", "sqlite:///b.db", "--deep", cwd=tmp_path).returncode == 0
    assert nextlead("verify", "--store", "sqlite:///leads.db", "--deep", cwd=tmp_path).returncode == 0
    done = nextlead("restore", "b.db", "--store", "sqlite:///new.db", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split("\t")[:2] == ["default", "3"]
    assert "Not in a backup" in done.stderr
    other = start_nextlead("serve", "--store", "sqlite:///new.db")
    found = ask(other, operator(other, tmp_path, "new"), "GET", "/v1/leads").json()["items"]
    assert [lead["phones"] for lead in found] == [[f"+1415555010{at}"] for at in range(3)]
    assert other.stop()[0] == daemon.stop()[0] == 0


def test_what_is_there_is_not_overwritten(start_nextlead: StartNextlead, nextlead: Nextlead, tmp_path: Path) -> None:
    daemon = start_nextlead("serve", "--store", "sqlite:///leads.db")
    who = operator(daemon, tmp_path)
    (tmp_path / "b.db").write_text("mine")
    done = nextlead("backup", "b.db", cwd=tmp_path, **who)
    assert (done.returncode, done.stdout) == (1, "")
    assert "b.db is there already; --force replaces it" in done.stderr
    assert (tmp_path / "b.db").read_text() == "mine"
    assert nextlead("backup", "b.db", "--force", cwd=tmp_path, **who).returncode == 0
    assert (tmp_path / "b.db").read_bytes().startswith(b"SQLite format 3")
    with (tmp_path / "c.db").open("wb") as out:
        subprocess.run(
            [sys.executable, "-m", "nextlead_adapters.cli", "backup", "-"],
            check=True, stdout=out, env=environment(**who),
        )  # fmt: skip
    assert nextlead("verify", "--store", "sqlite:///c.db", cwd=tmp_path).returncode == 0
    assert nextlead("backup", "-", "--json", cwd=tmp_path, **who).returncode == 2
    assert nextlead("backup", "no/such/b.db", cwd=tmp_path, **who).returncode == 1
    daemon.stop()


def test_only_the_operator_may(start_nextlead: StartNextlead, nextlead: Nextlead, tmp_path: Path) -> None:
    daemon = start_nextlead("serve", "--store", "sqlite:///leads.db")
    who = operator(daemon, tmp_path)
    admin = ask(daemon, who, "POST", "/v1/tokens", {"role": "admin"}).json()["token"]
    done = nextlead("backup", "b.db", cwd=tmp_path, NEXTLEAD_URL=daemon.url, NEXTLEAD_TOKEN=admin)
    assert done.returncode == 1
    assert "forbidden" in done.stderr
    assert not list(tmp_path.glob("*b.db*"))
    head = httpx.head(f"{daemon.url}/v1/backup", headers={"Authorization": f"Bearer {who['NEXTLEAD_TOKEN']}"})
    assert (head.status_code, head.headers["content-type"]) == (200, "application/vnd.sqlite3")
    daemon.stop()


def test_a_store_that_keeps_nothing(start_nextlead: StartNextlead, nextlead: Nextlead, tmp_path: Path) -> None:
    daemon = start_nextlead("serve", "--store", "memory:", NEXTLEAD_ADMIN_TOKEN="the-operators")
    done = nextlead("backup", "b.db", cwd=tmp_path, NEXTLEAD_URL=daemon.url, NEXTLEAD_TOKEN="the-operators")
    assert done.returncode == 1
    assert "refused (conflict): this daemon's store keeps nothing" in done.stderr
    daemon.stop()


async def test_without_a_daemon(nextlead: Nextlead, tmp_path: Path) -> None:
    centre = await a_centre(tmp_path / "leads.db", moves=20)
    done = nextlead("backup", "b.db", "--store", "sqlite:///leads.db", cwd=tmp_path)  # it is in use
    assert done.returncode == 0, done.stderr
    await centre.store.close()
    assert await findings(tmp_path / "b.db") == []
    done = nextlead("backup", "c.db", "--store", "sqlite:///gone.db", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "there is no store gone.db\n")
    assert not list(tmp_path.glob("*c.db*"))


class _Answers(BaseHTTPRequestHandler):
    """A daemon that says more than it sends, or another digest."""

    body = b"SQLite format 3\0" + bytes(1000)
    said: int
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", str(self.said))
        self.send_header("repr-digest", f"sha-256=:{self.digest}:")
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def answering(**how: object) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), type("Answers", (_Answers,), how))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("how", [{"said": 5000}, {"said": 1016, "digest": "AAAA"}])
def test_a_backup_that_does_not_come_whole(how: dict[str, object], nextlead: Nextlead, tmp_path: Path) -> None:
    (tmp_path / "b.db").write_text("the one of yesterday")
    with answering(**how) as url:
        done = nextlead("backup", "b.db", "--force", cwd=tmp_path, NEXTLEAD_URL=url, NEXTLEAD_TOKEN="x")
    assert done.returncode == 3, done.stderr
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the one of yesterday"]


def test_nobody_answers(nextlead: Nextlead, tmp_path: Path) -> None:
    done = nextlead("backup", "b.db", cwd=tmp_path, NEXTLEAD_URL="http://127.0.0.1:9", NEXTLEAD_TOKEN="x")
    assert done.returncode == 3
    assert not list(tmp_path.iterdir())


# -- migrate --------------------------------------------------------------------------------------------------------

NOW = len(schema.MIGRATIONS)
OLD_LEADS = {"automatic_redial": 2, "closed": 4, "private_redial": 1, "unprocessed": 3}


def old(version: int, folder: Path) -> Path:
    """A file of an older version."""
    if version == 1:
        a_file(folder / "a.db")
        return folder / "a.db"
    return written(folder, f"version_{version}.sql")


def test_every_step_has_words() -> None:
    assert set(migrating.STEPS) == set(range(2, NOW + 1))


@pytest.mark.parametrize("version", range(1, NOW))
def test_an_older_store_is_brought_up(version: int, nextlead: Nextlead, tmp_path: Path) -> None:
    path = old(version, tmp_path)
    before = path.read_bytes()
    told = nextlead("migrate", "--store", "sqlite:///a.db", "--check", cwd=tmp_path)
    assert told.returncode == 1
    assert f"the store is of version {version}, this program writes version {NOW}" in told.stderr
    told = nextlead("migrate", "--store", "sqlite:///a.db", "--check", "--json", cwd=tmp_path)
    looked = json.loads(told.stdout)
    assert (told.returncode, looked["found"], looked["now"], looked["steps"]) == (1, version, version, [])
    assert path.read_bytes() == before
    refused = nextlead("verify", "--store", "sqlite:///a.db", cwd=tmp_path)
    assert (refused.returncode, "migrate it first" in refused.stderr) == (1, True)
    done = nextlead("migrate", "--store", "sqlite:///a.db", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["found"], report["now"], len(report["steps"])) == (version, NOW, NOW - version)
    told = nextlead("migrate", "--store", "sqlite:///a.db", "--check", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "the store is up to date\n")


def drop_forgotten(path: Path) -> None:
    """Their key did not come with the dump."""
    with closing(sqlite3.connect(path)) as db, db:
        for no, body in db.execute("SELECT no, body FROM journal").fetchall():
            whole = bodies.whole(body)
            whole.rows = {key: row for key, row in whole.rows.items() if key[0] != "forgotten"}
            db.execute("UPDATE journal SET body = ? WHERE no = ?", (bodies.pack_whole(whole), no))


def test_an_old_store_serves_once_it_is_brought_up(
    start_nextlead: StartNextlead, nextlead: Nextlead, tmp_path: Path
) -> None:
    old(2, tmp_path)
    assert nextlead("migrate", "--store", "sqlite:///a.db", cwd=tmp_path).returncode == 0
    done = nextlead("verify", "--store", "sqlite:///a.db", "--deep", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    drop_forgotten(tmp_path / "a.db")
    daemon = start_nextlead("serve", "--store", "sqlite:///a.db")
    leads = ask(daemon, operator(daemon, tmp_path, "a"), "GET", "/v1/leads").json()["items"]
    assert Counter(lead["status"] for lead in leads) == OLD_LEADS
    daemon.stop()


async def test_leads_of_version_1_are_there_once_it_is_brought_up(nextlead: Nextlead, tmp_path: Path) -> None:
    path = old(1, tmp_path)
    assert nextlead("migrate", "--store", "sqlite:///a.db", cwd=tmp_path).returncode == 0
    store = SqliteStore(path, read_only=True)
    await store.open()
    whole = await load(store)
    assert ([lead.id for lead in whole.leads], [lead.id for lead in whole.fresh]) == ([1], [4])
    assert [event.kind for event in await store.history(1)] == ["leased", "finished"]
    await store.close()


def test_a_store_in_use_is_not_migrated(start_nextlead: StartNextlead, nextlead: Nextlead, tmp_path: Path) -> None:
    daemon = start_nextlead("serve", "--store", "sqlite:///leads.db")
    done = nextlead("migrate", "--store", "sqlite:///leads.db", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, f"leads.db is in use by process {daemon.process.pid}\n")
    assert nextlead("migrate", "--check", "--store", "sqlite:///leads.db", cwd=tmp_path).returncode == 0
    daemon.stop()


@pytest.mark.parametrize(
    ("url", "message"), [("sqlite:///no.db", "there is no store no.db"), ("memory:", "memory: keeps nothing")]
)
def test_what_can_not_be_migrated(url: str, message: str, nextlead: Nextlead, tmp_path: Path) -> None:
    done = nextlead("migrate", "--store", url, cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert not list(tmp_path.iterdir())


# -- no room --------------------------------------------------------------------------------------------------------

_SMALL = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))
sys.argv[0] = "nextlead"
runpy.run_module("nextlead_adapters.cli", run_name="__main__", alter_sys=False)
"""


def where_files_are_small(*arguments: str, cwd: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    """A command that can't write files of more than 64 KiB: as on a disk that is full."""
    return subprocess.run(
        [sys.executable, "-c", _SMALL, *arguments],
        cwd=cwd, env=environment(**more), capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_disk_that_is_full(start_nextlead: StartNextlead, tmp_path: Path) -> None:
    daemon = start_nextlead("serve", "--store", "sqlite:///leads.db")
    before = {path.name for path in tmp_path.iterdir()}
    for done in (
        where_files_are_small("backup", "b.db", cwd=tmp_path, **operator(daemon, tmp_path)),
        where_files_are_small("backup", "b.db", "--store", "sqlite:///leads.db", cwd=tmp_path),
        where_files_are_small("restore", "leads.db", "--store", "sqlite:///b.db", cwd=tmp_path),
    ):
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert {path.name for path in tmp_path.iterdir()} == before
    daemon.stop()
