"""From SQLite to PostgreSQL and back: nothing is lost on the way, and nothing half-done is left."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from conftest import StartNextlead, environment
from operating.kit import a_centre, findings, rows_of
from postgres import Admin, schema_of

from nextlead.core import commands as c
from nextlead.core.engine import Engine
from nextlead.ports import Commit, StoreRefused
from nextlead.runtime.recovery import load
from nextlead_adapters.backup.contents import contents_of
from nextlead_adapters.backup.migrating import migrate, versions
from nextlead_adapters.backup.postgres import TABLES
from nextlead_adapters.backup.restoring import restore_store
from nextlead_adapters.backup.sources import back_up
from nextlead_adapters.postgres import PostgresDatabase, PostgresStore
from nextlead_adapters.postgres.schema import MIGRATIONS
from nextlead_adapters.sqlite import SqliteDatabase, schema
from nextlead_adapters.verify import verify_store

Nextlead = Callable[..., "subprocess.CompletedProcess[str]"]


async def a_file(folder: Path) -> Path:
    """A store with two organisations; all that there is to carry over is in it."""
    centre = await a_centre(folder / "a.db", seed=7, moves=150)
    await centre.store.match_rule("name")  # type: ignore[attr-defined]
    await centre.store.close()
    database = SqliteDatabase(folder / "a.db")
    await database.open()
    await database.claim()
    (default,) = await database.organisations()
    await database.put(type(default)(2, "north", "North", 5))
    other = database.store(2)
    await other.open()
    await other.claim()
    engine = Engine(b"x")
    engine.commit_no = 1
    changes = engine.start(1_772_452_800_000).changes
    changes.merge(engine.apply(c.PutCampaign(code="c1"), 1_772_452_800_000).changes)
    await other.commit(Commit(1, 1_772_452_800_000, changes))
    await other.close()
    await database.close()
    return folder / "a.db"


async def test_there_and_back(tmp_path: Path, postgres_url: str) -> None:
    file = await a_file(tmp_path)
    found = await restore_store(file, postgres_url)
    assert [(share.code, share.commits > 0) for share in found.organisations] == [("default", True), ("north", True)]
    report = await verify_store(postgres_url, deep=True)
    assert (report.findings, report.counts["organisations"]) == ([], 2)
    await back_up(postgres_url, tmp_path / "b.db")
    assert rows_of(tmp_path / "b.db") == rows_of(file)
    assert contents_of(tmp_path / "b.db").organisations == contents_of(file).organisations
    assert await findings(tmp_path / "b.db") == []
    assert (tmp_path / "b.db").stat().st_mode & 0o777 == 0o600


async def test_what_is_restored_can_be_worked_on(tmp_path: Path, postgres_url: str) -> None:
    centre = await a_centre(tmp_path / "a.db")
    await centre.store.close()
    await restore_store(tmp_path / "a.db", postgres_url)
    centre.store = PostgresStore(postgres_url)
    await centre.store.open()
    assert (await centre.store.claim()).commit_no == centre.commits
    engine = Engine(b"the key of these tests", centre.almanac)
    await load(centre.store, engine)
    engine.commit_no = centre.commits + 1
    centre.take(engine.start(centre.now_ms, centre.now_ms))
    centre.engine, before = engine, set(centre.fresh)
    await centre.add_leads()
    await centre.settle()
    assert min(set(centre.fresh) - before) > max(before)
    await centre.store.close()
    assert (await verify_store(postgres_url, deep=True)).findings == []


async def test_under_load_a_copy_has_the_commits_up_to_one_number(tmp_path: Path, postgres_url: str) -> None:
    centre = await a_centre(tmp_path / "a.db", moves=30)
    await centre.store.close()
    await restore_store(tmp_path / "a.db", postgres_url)
    centre.store = PostgresStore(postgres_url)
    await centre.store.open()
    await centre.store.claim()
    copying = asyncio.create_task(back_up(postgres_url, tmp_path / "b.db"))
    while not copying.done():
        await centre.add_leads()
        await centre.commit()
    await copying
    await centre.store.close()
    assert await findings(tmp_path / "b.db") == []
    await back_up(postgres_url, tmp_path / "c.db")
    early, late = (sorted(rows_of(tmp_path / name)["journal"]) for name in ("b.db", "c.db"))
    assert early == late[: len(early)]


async def test_a_database_that_is_not_empty_stays_as_it_is(tmp_path: Path, postgres_url: str) -> None:
    file = await a_file(tmp_path)
    await restore_store(file, postgres_url)
    with pytest.raises(StoreRefused, match="is not empty: it has a store already"):
        await restore_store(file, postgres_url)
    await back_up(postgres_url, tmp_path / "b.db")
    assert rows_of(tmp_path / "b.db") == rows_of(file)


async def test_a_database_with_an_owner_is_refused(tmp_path: Path, postgres_url: str) -> None:
    file = await a_file(tmp_path)
    owner = PostgresDatabase(postgres_url)
    await owner.open()
    await owner.claim()
    with pytest.raises(StoreRefused):
        await restore_store(file, postgres_url)
    await owner.close()


async def test_what_is_refused_half_way_leaves_nothing(
    tmp_path: Path, postgres: Admin, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await a_file(tmp_path)
    told: list[str] = []

    def said(what: str, done: int = 0, total: int | None = None) -> None:
        told.append(what)
        if what == "number":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await restore_store(file, postgres_url, said=said)
    assert "journal" in told
    found = postgres.fetch(f"SELECT count(*) FROM {schema_of(postgres_url)}.journal")
    assert found == [(0,)]


async def test_an_empty_database_has_no_backup(tmp_path: Path, postgres: Admin) -> None:
    with postgres.schema() as url, pytest.raises(StoreRefused, match="has no store"):
        await back_up(url, tmp_path / "b.db")
    assert not list(tmp_path.iterdir())


async def test_damage_in_a_database_is_found(tmp_path: Path, postgres: Admin, postgres_url: str) -> None:
    await restore_store(await a_file(tmp_path), postgres_url)
    postgres.execute(f"DELETE FROM {schema_of(postgres_url)}.lead_data WHERE org = 1 AND lead = 1")
    report = await verify_store(postgres_url)
    assert any("lead 1 " in finding and "data" in finding for finding in report.findings)
    assert "search_path" not in report.store


def test_the_tables_are_the_same() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        schema.migrate(db)
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert names - set(TABLES) == {"owner", "organisation", "schema_version"}
    assert set(TABLES) <= names


async def test_versions_of_a_database(tmp_path: Path, postgres: Admin, postgres_url: str) -> None:
    await restore_store(await a_file(tmp_path), postgres_url)
    assert await versions(postgres_url) == (len(MIGRATIONS), len(MIGRATIONS))
    done = await migrate(postgres_url)
    assert (done.found, done.now, done.steps) == (len(MIGRATIONS), len(MIGRATIONS), [])
    assert "search_path" not in done.store
    with postgres.schema() as url, pytest.raises(StoreRefused, match="has no store"):
        await migrate(url)


def test_the_operators_commands_with_a_daemon(
    tmp_path: Path, postgres_url: str, start_nextlead: StartNextlead, nextlead: Nextlead
) -> None:
    daemon = start_nextlead("serve", "--store", postgres_url, NEXTLEAD_ADMIN_TOKEN="the-operators")
    who = {"NEXTLEAD_URL": daemon.url, "NEXTLEAD_TOKEN": "the-operators"}
    for method, path, body in (
        ("PUT", "/v1/campaigns/c1", {"name": "First"}),
        ("POST", "/v1/leads", {"campaign": "c1", "leads": [{"phone": "+14155550100"}]}),
        ("POST", "/v1/organisations", {"code": "north", "name": "North"}),
    ):
        answer = httpx.request(method, daemon.url + path, json=body, headers={"Authorization": "Bearer the-operators"})
        assert answer.is_success, answer.text
    done = nextlead("backup", "b.db", "--json", cwd=tmp_path, **who)
    assert done.returncode == 0, done.stderr
    shares = json.loads(done.stdout)["organisations"]
    assert [(share["code"], share["leads"]) for share in shares] == [("default", 1), ("north", 0)]
    for store in (postgres_url, "sqlite:///b.db"):
        done = nextlead("verify", "--deep", "--store", store, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    for command in (("migrate",), ("restore", "b.db")):
        done = nextlead(*command, "--store", postgres_url, cwd=tmp_path)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert str(daemon.process.pid) in done.stderr
    assert nextlead("migrate", "--check", "--store", postgres_url).returncode == 0
    assert daemon.stop()[0] == 0
    other = start_nextlead("serve", "--store", "sqlite:///b.db", NEXTLEAD_ADMIN_TOKEN="the-operators")
    found = httpx.get(f"{other.url}/v1/leads", headers={"Authorization": "Bearer the-operators"}).json()["items"]
    assert [lead["phones"] for lead in found] == [["+14155550100"]]
    assert other.stop()[0] == 0


@pytest.mark.parametrize(
    "command", [("verify",), ("migrate",), ("migrate", "--check"), ("backup", "x.db"), ("restore", "a.db")]
)
def test_without_its_driver(command: tuple[str, ...], tmp_path: Path) -> None:
    asyncio.run(a_file(tmp_path))
    hidden = "import sys, runpy; sys.modules['asyncpg'] = None; runpy.run_module('nextlead_adapters.cli', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", hidden, *command, "--store", "postgresql://nobody@127.0.0.1:9/none"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "a PostgreSQL store needs asyncpg: pip install 'nextlead[postgres]'\n"
