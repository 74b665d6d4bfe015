"""Loading that is broken off, and loading that goes on after a restart (R9.1, R9.5)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from nextlead.core.commands import IntakeRow, LoadRows, OpenPool, PutCampaign, SwapFile
from nextlead.core.errors import Conflict, NotFound, NotReady
from nextlead.core.model import Pool
from nextlead.core.setup_model import FieldRule, Template, TemplateField, UploadRules
from nextlead.ports import NumberUse, StoreError
from nextlead.runtime.dialer import Dialer
from nextlead.testing import MemoryStore
from nextlead.testing.clock import FakeClock
from nextlead_adapters.intake import loading, service
from nextlead_adapters.intake.kept import keep
from nextlead_adapters.intake.matches import with_originals
from nextlead_adapters.intake.options import DuplicateOptions, PoolOptions
from nextlead_adapters.intake.service import Intake
from nextlead_adapters.intake.worker import IntakeFailed, Limits

from .conftest import OPTIONS, Write

ADMIN = "admin"
ROWS = 3_000


def text_of(rows: int = ROWS) -> str:
    """Of every ten rows one is invalid and one a duplicate."""
    lines = ["phone,name"]
    for no in range(rows):
        number = "" if no % 10 == 3 else f"+1212555{no - no % 10 if no % 10 == 7 else no:04d}"
        lines.append(f"{number},Bakery {no}")
    return "\n".join(lines) + "\n"


def counts(pool: Pool) -> tuple[int, int, int]:
    return pool.valid, pool.invalid, pool.duplicate


WHOLE = (8 * ROWS // 10, ROWS // 10, ROWS // 10)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def dialer(store: MemoryStore, clock: FakeClock) -> AsyncIterator[Dialer]:
    dialer = await Dialer.open(store, clock)
    await dialer.submit(PutCampaign(code="c1", template=Template(fields=(TemplateField("name"),))))
    yield dialer
    await dialer.close()


async def until_rows(intake: Intake, pool: int, rows: int) -> None:
    """Wait until so many rows are in."""
    while (progress := intake.progress(pool)) is not None and progress.rows < rows:
        await asyncio.sleep(0)


async def cut_off(dialer: Dialer, path: Path, rows: int, options: PoolOptions = OPTIONS) -> Pool:
    """A pool that stopped loading after some rows."""
    large = Intake(dialer, small_bytes=0)
    pool = await large.upload(path, "list.csv", options, ADMIN, remove=True)
    await until_rows(large, pool.id, rows)
    await large.close()
    pool = dialer.engine.pools[pool.id]
    assert pool.state == "loading"
    return pool


async def gone_on(dialer: Dialer, pool: Pool) -> Pool:
    again = Intake(dialer)
    await again.start()
    await again.idle()
    return dialer.engine.pools[pool.id]


# -- going on ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [0, 1, 500, 2_600])
async def test_a_file_that_was_cut_off_goes_on_behind_its_rows(dialer: Dialer, write: Write, rows: int) -> None:
    pool = await cut_off(dialer, write(text_of()), rows)
    assert rows <= sum(counts(pool)) < ROWS
    pool = await gone_on(dialer, pool)
    assert (pool.state, counts(pool)) == ("active", WHOLE)
    invalid = await dialer.archive.rejects(pool.id, "invalid")
    assert [reject.row for reject in invalid] == list(range(5, ROWS + 2, 10))
    duplicates = await dialer.archive.rejects(pool.id, "duplicate")
    assert [reject.row for reject in duplicates] == list(range(9, ROWS + 2, 10))
    log = await dialer.archive.rejects(pool.id, "log")
    assert [line.reasons for line in log] == [("loading was cut off, and went on",)]


async def test_it_goes_on_after_a_crash_of_the_daemon(store: MemoryStore, clock: FakeClock, write: Write) -> None:
    dialer = await Dialer.open(store, clock)
    await dialer.submit(PutCampaign(code="c1", template=Template(fields=(TemplateField("name"),))))
    pool = await cut_off(dialer, write(text_of()), 700)
    store.crash()
    async with await Dialer.open(store, clock) as second:
        pool = await gone_on(second, pool)
        assert (pool.state, counts(pool)) == ("active", WHOLE)
        stored = await second.archive.data(range(1, pool.ordinals + 1))
        assert len(set(stored.values())) == WHOLE[0]


async def test_it_goes_on_as_the_file_was_sent(dialer: Dialer, write: Write) -> None:
    """Mapping and rules are the upload's, whatever the campaign has become."""
    rules = UploadRules(fields=(FieldRule("name", prohibited=("Bakery 2999",)),))
    await dialer.submit(PutCampaign(code="c1", upload_rules=rules))
    options = replace(OPTIONS, mapping={"tel": "phone"}, duplicates=DuplicateOptions(scope="file"))
    text = text_of().replace("phone", "tel", 1)
    pool = await cut_off(dialer, write(text), 300, options)
    fields = Template(fields=(TemplateField("other"),))
    await dialer.submit(PutCampaign(code="c1", template=fields, upload_rules=UploadRules()))
    pool = await gone_on(dialer, pool)
    assert pool.state == "active"
    assert counts(pool) == (WHOLE[0] - 1, WHOLE[1] + 1, WHOLE[2])


async def test_a_chunk_that_was_half_taken_is_gone_on_with_exactly(
    dialer: Dialer, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R9.6: the original of a row in the middle changed, and the daemon stopped before it was looked up again."""
    await Intake(dialer).upload(write("phone,name\n4155550100,BAKERY 100\n"), "first.csv", OPTIONS, ADMIN)
    looked_up: list[int] = []

    async def changed(dialer: Dialer, pool: Pool, rows: tuple[IntakeRow, ...]) -> tuple[IntakeRow, ...]:
        looked_up.append(rows[0].row)
        if len(looked_up) > 1:
            raise asyncio.CancelledError
        rows = await with_originals(dialer, pool, rows)
        return tuple(replace(row, original=replace(row.original, version=99)) if row.original else row for row in rows)

    with monkeypatch.context() as patch:
        patch.setattr(loading, "with_originals", changed)
        large = Intake(dialer, small_bytes=0)
        by_name = replace(OPTIONS, duplicates=DuplicateOptions(match=("name",)))
        pool = await large.upload(write(text_of(400)), "list.csv", by_name, ADMIN)
        await large.idle()
    assert looked_up == [2, 102]
    half = dialer.engine.pools[pool.id]
    assert (half.state, half.invalid, half.valid + half.duplicate) == ("loading", 25, 90)
    pool = await gone_on(dialer, pool)
    assert (pool.state, counts(pool)) == ("active", (359, 40, 1))
    assert [reject.row for reject in await dialer.archive.rejects(pool.id, "invalid")] == list(range(5, 402, 10))
    stored = await dialer.archive.data(range(1, 1_000))
    assert len(set(stored.values())) == len(stored) == 360


async def test_a_pool_whose_original_lost_rows_can_not_be_gone_on_with(dialer: Dialer, write: Write) -> None:
    # R10.6: row numbers are not what they were.
    pool = await cut_off(dialer, write(text_of()), 300)
    other = await keep(dialer, write("phone,name\n4155550100,a\n"), ADMIN)
    swap = SwapFile(pool=pool.id, file=other.file, file_bytes=other.size_bytes, erased=1)
    await dialer.submit(swap)
    pool = await gone_on(dialer, pool)
    assert (pool.state, pool.error.split(";")[0]) == (
        "failed", "personal data in it was erased while it was loaded",
    )  # fmt: skip


async def test_an_original_that_is_not_whole_fails_its_pool(
    dialer: Dialer, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = await cut_off(dialer, write(text_of()), 300)

    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(dialer.archive, "file_part", nothing)
    pool = await gone_on(dialer, pool)
    assert (pool.state, pool.error) == ("failed", "its original is not whole any more; send it again")


async def test_a_storage_that_can_not_be_read_fails_the_pool_and_says_so(
    dialer: Dialer, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> list[NumberUse]:
        raise StoreError("disk gone")

    monkeypatch.setattr(dialer.archive, "numbers", fail)
    with pytest.raises(StoreError):
        await Intake(dialer).upload(write(text_of()), "list.csv", OPTIONS, ADMIN)
    assert dialer.engine.pools[1].error == "the storage failed: disk gone"


async def test_a_file_that_can_not_be_read_again_fails_its_pool(dialer: Dialer, write: Write) -> None:
    pool = await cut_off(dialer, write(text_of()), 300)
    again = Intake(dialer, Limits(memory_bytes=1 << 20))
    await again.start()
    await again.idle()
    pool = dialer.engine.pools[pool.id]
    assert (pool.state, pool.valid > 0) == ("failed", True)
    assert "memory" in pool.error
    assert not await dialer.archive.numbers([12125550000])


@pytest.mark.parametrize(
    "problem", [OSError(28, "No space left on device"), NotReady("no process"), StoreError("gone")]
)
async def test_what_can_not_go_on_now_stays_and_is_resumed(
    dialer: Dialer, write: Write, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    pool = await cut_off(dialer, write(text_of()), 300)

    async def fail(*_: object) -> int:
        raise problem

    with monkeypatch.context() as patch:
        patch.setattr(service, "fetch", fail)
        assert (await gone_on(dialer, pool)).state == "loading"
    intake = Intake(dialer)
    await intake.resume(pool.id, ADMIN)
    await intake.idle()
    assert counts(dialer.engine.pools[pool.id]) == WHOLE


async def test_entries_that_were_cut_off_fail(dialer: Dialer) -> None:
    pool = await dialer.submit(OpenPool(campaign="c1", source="api", entry_key="k"))
    await dialer.submit(LoadRows(pool=pool.id, rows=()))
    pool = await gone_on(dialer, pool)
    assert pool.state == "failed"
    assert "send it again" in pool.error


async def test_resume_is_for_pools_that_nobody_fills(dialer: Dialer, write: Write) -> None:
    intake = Intake(dialer, small_bytes=0)
    with pytest.raises(NotFound):
        await intake.resume(7, ADMIN)
    pool = await cut_off(dialer, write(text_of()), 300)
    assert (await intake.resume(pool.id, ADMIN)).state == "loading"
    with pytest.raises(Conflict, match="is being loaded"):
        await intake.resume(pool.id, ADMIN)
    assert intake.progress(pool.id) is not None
    await intake.idle()
    assert counts(dialer.engine.pools[pool.id]) == WHOLE
    with pytest.raises(Conflict, match="is active"):
        await intake.resume(pool.id, ADMIN)
    unkept = await dialer.submit(OpenPool(campaign="c1"))
    with pytest.raises(Conflict, match="not kept"):
        await intake.resume(unkept.id, ADMIN)


# -- breaking off -----------------------------------------------------------------------------------------------------


async def test_a_large_file_is_cancelled(dialer: Dialer, write: Write) -> None:
    # R9.5
    intake = Intake(dialer, small_bytes=0)
    path = write(text_of())
    pool = await intake.upload(path, "list.csv", OPTIONS, ADMIN, remove=True)
    await until_rows(intake, pool.id, 500)
    ended = await intake.cancel(pool.id, "admin")
    assert (ended.state, ended.error) == ("failed", "cancelled")
    assert intake.progress(pool.id) is None
    await dialer.submit(PutCampaign(code="c1"))
    assert not await dialer.archive.numbers([12125550000])
    assert not path.exists()
    with pytest.raises(Conflict, match="is failed"):
        await intake.cancel(pool.id, ADMIN)
    with pytest.raises(NotFound):
        await intake.cancel(99, ADMIN)
    await intake.idle()


async def test_the_caller_of_a_small_file_is_told_that_it_was_cancelled(dialer: Dialer, write: Write) -> None:
    intake = Intake(dialer)
    caller = asyncio.create_task(intake.upload(write(text_of()), "list.csv", OPTIONS, ADMIN))
    while not intake.progress(1):
        await asyncio.sleep(0)
    assert (await intake.cancel(1, ADMIN)).error == "cancelled"
    with pytest.raises(IntakeFailed, match="cancelled"):
        await caller


async def test_what_goes_on_after_a_restart_is_cancelled_too(dialer: Dialer, write: Write) -> None:
    pool = await cut_off(dialer, write(text_of()), 300)
    again = Intake(dialer)
    await again.start()
    assert (await again.cancel(pool.id, ADMIN)).error == "cancelled"
    await again.idle()


async def test_a_pool_that_nobody_fills_is_cancelled(dialer: Dialer, write: Write) -> None:
    pool = await cut_off(dialer, write(text_of()), 300)
    assert (await Intake(dialer).cancel(pool.id, ADMIN)).error == "cancelled"


async def test_cancelling_when_the_store_takes_nothing(
    dialer: Dialer, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = Intake(dialer, small_bytes=0)
    pool = await intake.upload(write(text_of()), "list.csv", OPTIONS, ADMIN)
    await until_rows(intake, pool.id, 300)

    async def refuse(*_: object, **__: object) -> Pool:
        raise NotReady

    with monkeypatch.context() as patch:
        patch.setattr(intake._loader, "close", refuse)
        with pytest.raises(NotReady):
            await intake.cancel(pool.id, ADMIN)
    assert (await intake.cancel(pool.id, ADMIN)).error == "cancelled"
