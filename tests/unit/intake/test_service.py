"""Uploads into a dialer (R9.1 to R9.6)."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import json
from msgspec.structs import replace

from nextlead.core.commands import (
    ActOnPool,
    Block,
    ClosePool,
    Command,
    Finish,
    IntakeRow,
    LoadRows,
    OpenPool,
    PutSession,
    PutSettings,
)
from nextlead.core.errors import Invalid, Overloaded
from nextlead.core.model import Pool
from nextlead.core.replies import NoLead, Offer
from nextlead.core.tokens import token_text
from nextlead.ports import NumberUse
from nextlead.runtime.desk import Then
from nextlead.runtime.dialer import Dialer
from nextlead_adapters.intake import loading, worker
from nextlead_adapters.intake.loading import CHUNK_ROWS, Loader
from nextlead_adapters.intake.options import DuplicateOptions, PoolOptions
from nextlead_adapters.intake.service import Intake
from nextlead_adapters.intake.worker import IntakeFailed, Limits, UnreadableFile

from .conftest import OPTIONS, Write

ADMIN = "admin"


def counts(pool: Pool) -> tuple[int, int, int]:
    return pool.valid, pool.invalid, pool.duplicate


async def next_lead(dialer: Dialer, agent: str = "ann") -> Offer | NoLead:
    await dialer.submit(PutSession(agent=agent, campaigns=("c1", "c2")))
    return await dialer.next(agent)


async def close_lead(dialer: Dialer) -> int:
    """Ann takes the best lead and closes it; its number."""
    offer = await next_lead(dialer)
    assert isinstance(offer, Offer)
    assert offer.lead.lease is not None
    token = token_text(offer.lead.id, offer.lead.lease.token)
    await dialer.finish(Finish(token=token, outcome="resolved", result="success", by="agent:ann"))
    return offer.lead.numbers[0]


async def test_a_file_becomes_a_pool_of_leads(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.1, R9.2
    path = write("phone,name,priority,owner\n4155550100,Bakery 1,3,agent:ann\n4155550101,Bakery 2,,\n")
    pool = await intake.upload(path, "list.csv", OPTIONS, ADMIN)
    assert (pool.state, pool.name, pool.file_name, pool.source, pool.uploaded_by) == (
        "active", "list.csv", "list.csv", "file", ADMIN,
    )  # fmt: skip
    assert counts(pool) == (2, 0, 0)
    offer = await next_lead(dialer)
    assert isinstance(offer, Offer)
    ann = dialer.engine.agents.by_code["ann"].no
    assert (offer.lead.numbers, offer.lead.priority, offer.lead.owner) == ((14155550100,), 3, ann)
    assert json.decode((await dialer.archive.data([offer.lead.id]))[offer.lead.id]) == {"name": "Bakery 1"}
    assert path.exists()


async def test_bad_rows_and_duplicates_are_counted_and_kept(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.4, R9.5, R9.6
    text = 'phone,name\n4155550100,a\n,b\n(415) 555-0100,c\n4155550101,d,e\n4155550102,f\n7,"g\n'
    pool = await intake.upload(write(text), "list.csv", OPTIONS, ADMIN)
    assert counts(pool) == (2, 3, 1)
    invalid = await dialer.archive.rejects(pool.id, "invalid")
    assert [(reject.row, reject.reasons, reject.cells) for reject in invalid] == [
        (3, ("no phone number",), ("", "b")),
        (5, ("row has 3 cells where the header has 2",), ("4155550101", "d", "e")),
        (7, ("row has a quote that is not closed",), ('7,"g',)),
    ]
    duplicates = await dialer.archive.rejects(pool.id, "duplicate")
    assert [(reject.row, reject.cells) for reject in duplicates] == [(4, ("(415) 555-0100", "c"))]


async def test_unmatched_columns_hold_the_pool(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.3
    pool = await intake.upload(write("phone,name,fax\n4155550100,a,1\n"), "list.csv", OPTIONS, ADMIN)
    assert (pool.state, pool.unmatched, counts(pool)) == ("awaiting_confirmation", ("fax",), (1, 0, 0))
    assert isinstance(await next_lead(dialer), NoLead)
    await dialer.submit(ActOnPool(pool=pool.id, action="confirm"))
    offer = await next_lead(dialer)
    assert isinstance(offer, Offer)
    assert json.decode((await dialer.archive.data([offer.lead.id]))[offer.lead.id]) == {"name": "a"}


async def test_a_column_left_out_on_purpose_does_not(intake: Intake, write: Write) -> None:
    options = replace(OPTIONS, mapping={"fax": None, "tel": "phone"})
    pool = await intake.upload(write("tel,name,fax\n4155550100,a,1\n"), "list.csv", options, ADMIN)
    assert pool.state == "active"


async def test_options_reach_the_pool(intake: Intake, write: Write) -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    options = PoolOptions(
        campaign="c2", name=" Spring ", description="d", owner="team:north", priority=7,
        duplicates=DuplicateOptions(scope="project", among="open", action="load"),
        active_from=start, active_until=start + timedelta(days=1),
    )  # fmt: skip
    pool = await intake.upload(write("phone,name\n4155550100,a\n4155550100,b\n"), "list.csv", options, ADMIN)
    assert (pool.name, pool.description, pool.priority, pool.owner < 0) == ("Spring", "d", 7, True)
    assert pool.active_from_ms is not None
    assert pool.active_until_ms == pool.active_from_ms + 86_400_000
    assert (pool.duplicates.scope, pool.duplicates.among, pool.duplicates.action) == ("project", "open", "load")
    assert counts(pool) == (1, 0, 1)
    assert pool.ordinals == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"campaign": "nowhere"}, "campaign"),
        ({"owner": "agent:bob"}, "owner"),
        ({"owner": "ann"}, "owner"),
        ({"priority": 0}, "priority"),
        ({"priority": 1001}, "priority"),
        ({"mapping": {"phone": "fax"}}, "mapping.phone"),
        ({"mapping": {"tel": "phone"}}, "mapping.tel"),
        ({"on_invalid": "burn"}, "on_invalid"),
        ({"sheet": "Leads"}, "sheet"),
        ({"duplicates": DuplicateOptions(match=("email",))}, "duplicates.match"),
        ({"duplicates": DuplicateOptions(match=("name+",))}, "duplicates.match"),
        ({"duplicates": DuplicateOptions(match=("name+Name",))}, "duplicates.match"),
        ({"duplicates": DuplicateOptions(match=("name",) * 9)}, "duplicates.match"),
        ({"duplicates": DuplicateOptions(scope="planet")}, "duplicates.scope"),
        ({"duplicates": DuplicateOptions(among="some")}, "duplicates.among"),
        ({"duplicates": DuplicateOptions(action="burn")}, "duplicates.action"),
        ({"active_from": datetime(2026, 3, 2)}, "active_from"),  # noqa: DTZ001 - the point
        (
            {"active_from": datetime(2026, 3, 2, tzinfo=UTC), "active_until": datetime(2026, 3, 2, tzinfo=UTC)},
            "active_until",
        ),
    ],
)
async def test_a_wrong_option_is_named_and_nothing_happens(
    dialer: Dialer, intake: Intake, write: Write, change: dict[str, object], field: str
) -> None:
    path = write("phone,name\n4155550100,a\n")
    with pytest.raises(Invalid) as refusal:
        await intake.upload(path, "list.csv", replace(OPTIONS, **change), ADMIN, remove=True)
    assert refusal.value.field == field
    assert not dialer.engine.pools
    assert not path.exists()


async def test_a_file_that_cannot_be_read_changes_nothing(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.5
    path = write(b"PK\x03\x04 a spreadsheet")
    with pytest.raises(UnreadableFile, match="Excel"):
        await intake.upload(path, "list.csv", OPTIONS, ADMIN, remove=True)
    assert not dialer.engine.pools
    assert not path.exists()


async def test_the_campaigns_region_reads_numbers_else_the_organisations(
    dialer: Dialer, intake: Intake, write: Write
) -> None:
    # R9.4
    text = "phone,name\n020 7946 0018,a\n"
    assert counts(await intake.upload(write(text), "us.csv", OPTIONS, ADMIN)) == (0, 1, 0)
    await dialer.submit(PutSettings(default_region="GB"))
    assert counts(await intake.upload(write(text), "gb.csv", OPTIONS, ADMIN)) == (1, 0, 0)


@pytest.mark.parametrize(
    ("campaign", "scope", "among", "duplicates"),
    [
        ("c1", "campaign", "all", 2), ("c1", "campaign", "open", 1), ("c1", "pool", "all", 0), ("c1", "file", "all", 0),
        ("c2", "campaign", "all", 0), ("c2", "project", "all", 2), ("c2", "project", "open", 1),
        ("c2", "organisation", "all", 2),
    ],
)  # fmt: skip
async def test_duplicates_among_open_and_closed_leads_of_a_scope(
    dialer: Dialer, intake: Intake, write: Write, campaign: str, scope: str, among: str, duplicates: int
) -> None:
    # R9.6
    await intake.upload(write("phone,name\n4155550100,a\n4155550101,b\n"), "first.csv", OPTIONS, ADMIN)
    assert await close_lead(dialer) == 14155550100
    options = PoolOptions(campaign=campaign, duplicates=DuplicateOptions(scope=scope, among=among))
    again = write("phone,name\n+1 415 555 0100,x\n4155550101,y\n4155550102,z\n")
    assert counts(await intake.upload(again, "again.csv", options, ADMIN)) == (3 - duplicates, 0, duplicates)


async def test_a_lead_closed_while_the_archive_is_asked_still_counts(
    dialer: Dialer, intake: Intake, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    # R9.6: the archive saw it open, the engine has it no more.
    path = write("phone,name\n4155550100,a\n")
    await intake.upload(path, "first.csv", OPTIONS, ADMIN)
    numbers = dialer.archive.numbers

    async def numbers_then_close(asked: Sequence[int]) -> list[NumberUse]:
        found = await numbers(asked)
        monkeypatch.setattr(dialer.archive, "numbers", numbers)
        await close_lead(dialer)
        return found

    monkeypatch.setattr(dialer.archive, "numbers", numbers_then_close)
    assert counts(await intake.upload(path, "again.csv", OPTIONS, ADMIN)) == (0, 0, 1)


async def test_two_uploads_at_once_are_decided_as_if_one_came_first(
    dialer: Dialer, intake: Intake, tmp_path: Path
) -> None:
    # R9.6
    paths = [tmp_path / f"{no}.csv" for no in range(3)]
    for path in paths:
        path.write_text("phone,name\n" + "".join(f"(212) 555-{no:04d},n\n" for no in range(600)))
    pools = await asyncio.gather(*(intake.upload(path, path.name, OPTIONS, ADMIN) for path in paths))
    assert sum(pool.valid for pool in pools) == 600
    assert all(pool.valid + pool.duplicate == 600 for pool in pools)


async def test_asking_the_archive_and_loading_are_one_step(dialer: Dialer, monkeypatch: pytest.MonkeyPatch) -> None:
    # R9.6: a lead could come and be closed in between, seen by neither.
    steps: list[str] = []
    numbers, submit = dialer.archive.numbers, dialer.submit

    async def asked(wanted: Sequence[int]) -> list[NumberUse]:
        steps.append("ask")
        await asyncio.sleep(0)
        return await numbers(wanted)

    async def loaded(command: Command, then: Then | None = None, **more: Any) -> object:
        reply = await submit(command, then, **more)
        if isinstance(command, LoadRows):
            steps.append("load")
        return reply

    monkeypatch.setattr(dialer.archive, "numbers", asked)
    monkeypatch.setattr(dialer, "submit", loaded)
    loader = Loader(dialer)
    pools = [await loader.open(OpenPool(campaign="c1")) for _ in range(3)]
    rows = [IntakeRow(no, (14155550000 + no,)) for no in range(2 * CHUNK_ROWS)]
    await asyncio.gather(*(loader.load(pool.id, rows, (), ADMIN) for pool in pools))
    assert steps == ["ask", "load"] * 6


# -- large files ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def large(dialer: Dialer) -> AsyncIterator[Intake]:
    """An intake to which every file is large."""
    intake = Intake(dialer, small_bytes=0)
    yield intake
    await intake.close()


def long_text(rows: int = 5_000) -> str:
    return "phone,name\n" + "".join(f"+1212555{no:04d},Bakery {no}\n" for no in range(rows))


async def test_a_large_file_goes_on_behind_the_answer(dialer: Dialer, large: Intake, write: Write) -> None:
    path = write(long_text())
    pool = await large.upload(path, "list.csv", OPTIONS, ADMIN, remove=True)
    assert pool.state == "loading"
    progress = large.progress(pool.id)
    assert progress is not None
    assert progress.total_bytes == path.stat().st_size
    assert isinstance(await next_lead(dialer), NoLead)
    await large.idle()
    pool = dialer.engine.pools[pool.id]
    assert (pool.state, counts(pool)) == ("active", (5_000, 0, 0))
    assert large.progress(pool.id) is None
    assert not path.exists()


async def test_progress_rises(large: Intake, write: Write) -> None:
    seen: list[int] = []
    pool = await large.upload(write(long_text()), "list.csv", OPTIONS, ADMIN)
    while (progress := large.progress(pool.id)) is not None:
        if not seen or progress.rows != seen[-1]:
            seen.append(progress.rows)
        await asyncio.sleep(0)
    assert seen == sorted(seen)
    assert len(seen) > 3
    assert seen[-1] == 5_000


async def test_a_worker_that_dies_fails_the_pool(
    dialer: Dialer, large: Intake, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids: list[int] = []
    begun = worker.Worker.header

    async def header(self: worker.Worker) -> object:
        pids.append(self.pid)
        return await begun(self)

    monkeypatch.setattr(worker.Worker, "header", header)
    pool = await large.upload(write(long_text(50_000)), "list.csv", OPTIONS, ADMIN)
    os.kill(pids[0], signal.SIGKILL)
    await large.idle()
    pool = dialer.engine.pools[pool.id]
    assert pool.state == "failed"
    assert "SIGKILL" in pool.error
    assert isinstance(await next_lead(dialer), NoLead)


async def test_a_worker_that_dies_under_a_small_file_changes_nothing(dialer: Dialer, write: Write) -> None:
    intake = Intake(dialer, Limits(silence_s=0.0))
    path = write(long_text(20_000))
    with pytest.raises(IntakeFailed):
        await intake.upload(path, "list.csv", OPTIONS, ADMIN)
    assert not dialer.engine.pools


async def test_closing_leaves_what_is_half_loaded_for_the_next_start(
    dialer: Dialer, large: Intake, write: Write
) -> None:
    pool = await large.upload(write(long_text()), "list.csv", OPTIONS, ADMIN)
    await large.close()
    assert dialer.engine.pools[pool.id].state == "loading"
    assert isinstance(await next_lead(dialer), NoLead)


async def test_a_pool_left_loading_is_failed_at_the_start(dialer: Dialer) -> None:
    pool = await dialer.submit(OpenPool(campaign="c1"))
    assert isinstance(pool, Pool)
    await Intake(dialer).start()
    assert dialer.engine.pools[pool.id].state == "failed"
    assert "send it again" in dialer.engine.pools[pool.id].error


async def test_an_upload_goes_on_when_its_caller_has_gone(
    dialer: Dialer, intake: Intake, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = asyncio.Event()
    submit = dialer.submit

    async def told(command: Command, then: Then | None = None, **more: Any) -> object:
        if isinstance(command, OpenPool):
            opened.set()
        return await submit(command, then, **more)

    monkeypatch.setattr(dialer, "submit", told)
    caller = asyncio.create_task(intake.upload(write(long_text()), "list.csv", OPTIONS, ADMIN))
    await opened.wait()
    caller.cancel()
    await intake.idle()
    assert caller.cancelled()
    assert [counts(pool) for pool in dialer.engine.pools.values()] == [(5_000, 0, 0)]


async def test_loading_that_is_cancelled_before_it_begins_leaves_nothing(
    intake: Intake, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, readers = write("phone\n4155550100\n"), list[worker.Worker]()
    spawn, start = intake._spawn, worker.Worker._start

    def cancelled(work: Coroutine[Any, Any, Pool]) -> "asyncio.Task[Pool]":
        task = spawn(work)
        task.cancel()
        return task

    async def started(reader: worker.Worker) -> None:
        readers.append(reader)
        await start(reader)

    monkeypatch.setattr(intake, "_spawn", cancelled)
    monkeypatch.setattr(worker.Worker, "_start", started)
    with pytest.raises(asyncio.CancelledError):
        await intake.upload(path, "list.csv", OPTIONS, ADMIN, remove=True)
    assert not path.exists()
    [reader] = readers
    with pytest.raises(ProcessLookupError):
        os.kill(reader.pid, 0)


async def test_a_number_on_the_do_not_call_list_is_never_loaded(dialer: Dialer, intake: Intake, write: Write) -> None:
    # R9.7
    await dialer.submit(Block(numbers=(14155550100,)))
    pool = await intake.upload(write("phone,name\n4155550100,a\n4155550101,b\n"), "list.csv", OPTIONS, ADMIN)
    assert counts(pool) == (1, 1, 0)


async def test_a_file_waits_when_the_dialer_can_take_nothing_for_a_moment(
    dialer: Dialer, intake: Intake, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    # R9.5: entries are refused meanwhile.
    monkeypatch.setattr(loading, "_PATIENCE_S", 0.0)
    submit = dialer.submit
    refused = iter([True, True, False, True, False, True])

    async def at_times(command: Command, then: Then | None = None, **more: Any) -> object:
        if isinstance(command, LoadRows | ClosePool) and next(refused, False):
            raise Overloaded
        return await submit(command, then, **more)

    monkeypatch.setattr(dialer, "submit", at_times)
    pool = await intake.upload(write(long_text(600)), "list.csv", OPTIONS, ADMIN)
    assert (pool.state, counts(pool)) == ("active", (600, 0, 0))
    refused = iter([True])
    with pytest.raises(Overloaded):
        await intake.add_leads([{"phone": "4155550100"}], OPTIONS, ADMIN)


async def test_a_file_does_not_wait_for_ever(
    dialer: Dialer, intake: Intake, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_PATIENCE_S", 0.0)
    submit = dialer.submit

    async def never(command: Command, then: Then | None = None, **more: Any) -> object:
        if isinstance(command, LoadRows):
            raise Overloaded
        return await submit(command, then, **more)

    monkeypatch.setattr(dialer, "submit", never)
    with pytest.raises(Overloaded):
        await intake.upload(write(long_text(600)), "list.csv", OPTIONS, ADMIN)
    assert dialer.engine.pools[1].state == "failed"
