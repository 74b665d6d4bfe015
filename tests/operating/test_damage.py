"""Each kind of damage is found, and named. Each is planted in a store that was sound."""

import asyncio
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace
from operating.kit import a_centre, findings

from nextlead.core import commands as c
from nextlead.core.model import Closures, Lead
from nextlead.core.setup_model import Duplicates, Sequences
from nextlead.ports import StoreRefused
from nextlead_adapters import verify as verifying
from nextlead_adapters.journalled import bodies
from nextlead_adapters.journalled.codec import decode_lead, decode_row, encode
from nextlead_adapters.sqlite import SqliteStore
from nextlead_adapters.verify import verify_store

Plant = Callable[[sqlite3.Connection], object]
TOUCHED = "(SELECT min(id) FROM state WHERE erased = 0)"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file with leads of all kinds, rejected rows, a kept file, clones, a duplicate rule, folded as a whole."""
    path = tmp_path_factory.mktemp("sound") / "a.db"
    asyncio.run(_build(path))
    return path.read_bytes()


async def _build(path: Path) -> None:
    centre = await a_centre(path, seed=7, moves=150)
    file = (await centre.do(c.AddFile())).id
    await centre.do(c.AddFilePart(file=file, body=b"phone\n"))
    twins = Duplicates(match=("phone",), action="clone")
    pool = await centre.do(c.OpenPool(campaign="c1", duplicates=twins, file=file, file_bytes=6))
    rows = tuple(c.IntakeRow(row, (14155550199,), b'{"name":"Ada"}') for row in (1, 2))
    rejects = (c.IntakeReject(3, ("no",), numbers=(14155550198,)),)
    await centre.do(c.LoadRows(pool=pool.id, rows=rows, rejects=rejects))
    await centre.do(c.ClosePool(pool=pool.id))
    await centre.work_off()
    store = centre.store
    assert isinstance(store, SqliteStore)
    await store.match_rule("name")
    await store.close()
    assert await findings(path) == []


def body(db: sqlite3.Connection, table: str, which: str, change: Callable[[Lead], Lead]) -> None:
    """Another row in the place of one, its columns as they were."""
    found = db.execute(f"SELECT rowid_, body FROM (SELECT id AS rowid_, body FROM {table} WHERE id = {which})")
    id_, old = found.fetchone()
    db.execute(f"UPDATE {table} SET body = ? WHERE id = ?", (encode(change(decode_lead(old))), id_))


def row(db: sqlite3.Connection, table: str, change: Callable[[object], object]) -> None:
    """Another row of set-up in the place of the first."""
    key, old = db.execute("SELECT key, body FROM row WHERE tbl = ? ORDER BY key LIMIT 1", (table,)).fetchone()
    new = encode(change(decode_row(table, old)))
    db.execute("UPDATE row SET body = ? WHERE tbl = ? AND key = ?", (new, table, key))


def commit(db: sqlite3.Connection, change: Callable[[bodies.Whole], None], which: str = "events") -> None:
    """Another body of the last commit that has some of these."""
    for no, old in db.execute("SELECT no, body FROM journal ORDER BY no DESC").fetchall():
        whole = bodies.whole(old)
        if getattr(whole, which):
            change(whole)
            db.execute("UPDATE journal SET body = ? WHERE no = ?", (bodies.pack_whole(whole), no))
            return


def _other_event(whole: bodies.Whole) -> None:
    whole.events = [replace(event, previous=max(0, event.previous - 1) or 1) for event in whole.events]


def _other_lead(whole: bodies.Whole) -> None:
    whole.leads = [replace(lead, attempts=lead.attempts + 7) for lead in whole.leads]


def _counted_otherwise(closures: object) -> object:
    assert isinstance(closures, Closures)
    return replace(closures, counts={**closures.counts, "success": closures.counts.get("success", 0) + 3})


def _run(statement: str) -> Plant:
    return lambda db: db.execute(statement)


DAMAGE: dict[str, tuple[Plant, str, bool]] = {
    "a commit is missing": (_run("DELETE FROM journal WHERE no = 5"), "commit 5 is missing from the journal", False),
    "several are": (_run("DELETE FROM journal WHERE no IN (5, 6)"), "commit 5 to 6 is missing", False),
    "the last ones are": (
        _run("DELETE FROM journal WHERE no > (SELECT max(no) - 3 FROM journal)"), "the journal ends at", False,
    ),
    "time falls": (_run("UPDATE journal SET at_ms = 5 WHERE no = 9"), "commit 9 is of an earlier time", False),
    "a commit can't be read": (_run("UPDATE journal SET body = x'c1' WHERE no = 5"), "commit 5 can't be read", True),
    "an event leads elsewhere": (lambda db: commit(db, _other_event), "the history of lead", False),
    "a row is not the journal's": (lambda db: commit(db, _other_lead, "leads"), "is not as the journal left it", True),
    "a status was changed": (
        lambda db: (
            body(db, "state", "(SELECT min(id) FROM state WHERE status = 2)", lambda lead: replace(lead, status=3)),
            db.execute("UPDATE state SET status = 3 WHERE id = (SELECT min(id) FROM state WHERE status = 2)"),
        ),
        "does not hang together", False,
    ),
    "a counter": (lambda db: row(db, "closures", _counted_otherwise), "its closed leads are counted as", False),
    "unshown leads": (
        lambda db: row(db, "closures", lambda old: replace(old, unshown=99)), "99 closed leads that nobody saw", False,
    ),
    "clones": (lambda db: row(db, "clones", lambda old: replace(old, count=5)), "5 clones are counted", False),
    "clones' way": (_run("DELETE FROM clone"), "is not found as a clone of lead", False),
    "an untouched lead is gone": (
        _run("DELETE FROM lead WHERE id = (SELECT max(id) FROM lead)"), "leads, of which 0 were deleted, but has", False,
    ),
    "ids would be given twice": (
        lambda db: row(db, "sequences", lambda _: Sequences(record=99, pool=99, lead=3)),
        "the next lead would get the number 3", False,
    ),
    "numbers of pools, too": (
        lambda db: row(db, "sequences", lambda _: Sequences(record=99, pool=1, lead=999)),
        "the next pool would get the number 1", False,
    ),
    "a number leads nowhere": (
        _run(f"DELETE FROM number WHERE lead = {TOUCHED}"), "is not found by its number", False,
    ),
    "data are lost": (_run("DELETE FROM lead_data WHERE lead = (SELECT min(id) FROM lead)"), "has lost its data", False),
    "data can't be read": (
        _run("UPDATE lead_data SET body = x'7b22ff' WHERE lead = (SELECT min(lead) FROM match_key)"),
        "can't be read", True,
    ),
    "a lead can't be read, and its duplicates neither": (
        _run("UPDATE lead SET body = x'c1' WHERE id IN (SELECT lead FROM match_key)"),
        "is found by the duplicate rule name, though it does not match", True,
    ),
    "rows of nobody": (
        _run("INSERT INTO number VALUES (9, 14155550100, 1, 1)"),
        "table number has rows of organisation 9, which there is not", False,
    ),
    "an erased lead has data": (
        _run("DELETE FROM row WHERE tbl = 'erasure'"),
        "was erased, but there is data of it", False,
    ),
    "a rejected row is not found": (_run("DELETE FROM reject_number"), "is not found by number", False),
    "a rejected row can't be read": (_run("UPDATE reject SET body = x'c1'"), "can't be read", False),
    "a file lost a part": (_run("DELETE FROM file_part"), "has 0 parts, should have 1", False),
    "a duplicate rule misses a lead": (
        _run("DELETE FROM match_key WHERE lead = (SELECT min(lead) FROM match_key)"),
        "is not found by the duplicate rule name", True,
    ),
    "a duplicate rule has one too many": (
        _run("INSERT INTO match_key VALUES (1, 1, x'00', 1)"), "though it does not match", True,
    ),
    "a lead can't be read": (_run(f"UPDATE state SET body = x'c1' WHERE id = {TOUCHED}"), "can't be read", False),
    "a column differs": (_run(f"UPDATE state SET owner = 77 WHERE id = {TOUCHED}"), "its columns are", False),
    "an untouched lead's column": (
        _run("UPDATE lead SET owner = 77 WHERE id = (SELECT min(id) FROM lead)"), "its columns are", False,
    ),
    "a touched lead is gone": (
        _run(f"DELETE FROM state WHERE id = {TOUCHED}"), "is in the journal, but not in the tables", True,
    ),
    "a lead is in two tables": (
        _run(f"INSERT INTO lead SELECT org, pool, 1, id, owner, body FROM state WHERE id = {TOUCHED}"),
        "is among the untouched and among the touched", False,
    ),
    "a pool is not there": (_run("DELETE FROM row WHERE tbl = 'pool' AND key = 1"), "its pool 1 is not there", False),
    "a row stands under another's key": (
        _run("UPDATE row SET key = 98 WHERE tbl = 'agent' AND key = (SELECT min(key) FROM row WHERE tbl = 'agent')"),
        "row agent 98 says that it is", False,
    ),
    "a row can't be read": (_run("UPDATE row SET body = x'c1' WHERE tbl = 'team'"), "row team", False),
    "a row was changed": (
        lambda db: row(db, "campaign", lambda old: replace(old, name="other")),
        "is not as the journal left it", True,
    ),
    "a number's commit is not found": (_run("DELETE FROM mention"), "is not found by the number", True),
    "the tables are of no commit": (_run("UPDATE owner SET folded_to = 99999"), "the tables are at commit 99999", False),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGE)
async def test_damage_is_found(what: str, sound: bytes, tmp_path: Path) -> None:
    plant, words, deep = DAMAGE[what]
    path = tmp_path / "a.db"
    path.write_bytes(sound)
    with closing(sqlite3.connect(path)) as db, db:
        plant(db)
    found = await findings(path, deep=deep)
    assert any(words in finding for finding in found), found
    if deep:
        assert not any(words in finding for finding in await findings(path, deep=False))


async def test_an_index_that_lost_an_entry_is_found(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(sound)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_schema SET sql = replace(sql, 'status <> 8', 'status = 8') WHERE name = 'state_open'")
    found = await findings(path)
    assert any("the file is damaged: " in finding and "state_open" in finding for finding in found), found


async def test_what_can_not_be_loaded_is_a_finding_too(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(sound)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM row WHERE tbl = 'pool'")
    report = await verify_store(f"sqlite:///{path}")
    assert any("is not there" in finding for finding in report.findings)
    assert any("a daemon could not load it" in finding for finding in report.findings)


async def test_what_a_daemon_would_refuse_is_said_in_its_words(
    sound: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(sound)

    async def refuse(_store: object, _engine: object) -> None:
        raise StoreRefused("commit 7 is missing from the journal")

    monkeypatch.setattr(verifying, "load", refuse)
    report = await verify_store(f"sqlite:///{path}")
    assert report.findings == ["a daemon could not load it: commit 7 is missing from the journal"]


async def test_many_findings_of_one_kind_are_counted(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(sound)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM lead_data")
        db.execute("DELETE FROM number")
    found = await findings(path, deep=False)
    assert len(found) <= 30
    assert any("more of the kind" in finding for finding in found)


async def test_each_organisation_is_looked_at(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(sound)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO organisation VALUES (2, 'north', 'North', 0)")
        db.execute("INSERT INTO owner VALUES (2, 1, 0, 3)")
    assert await findings(path) == ["organisation north: the tables are at commit 3, the journal ends at 0"]


@pytest.mark.parametrize("seed", range(25))
async def test_bytes_that_were_changed_are_a_finding_or_a_refusal(seed: int, sound: bytes, tmp_path: Path) -> None:
    """Never an error of our own; what was changed may also be a free byte, or a letter of a name."""
    dice, path = random.Random(seed), tmp_path / "a.db"
    changed = bytearray(sound)
    for _ in range(dice.choice((1, 3, 20))):
        changed[dice.randrange(100, len(changed))] = dice.randrange(256)
    if seed % 5 == 0:
        changed = changed[: dice.randrange(4096, len(changed))]
    path.write_bytes(changed)
    try:
        found = (await verify_store(f"sqlite:///{path}", deep=seed % 2 == 0)).findings
    except StoreRefused as refusal:
        found = [str(refusal)]
    assert seed % 5 or found, "half of it is missing"
