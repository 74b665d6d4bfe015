"""Files made to do harm, through the whole intake: a clear refusal, or a whole pool, and no hang (R9.5, R9.8)."""

import asyncio
import csv
import io
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nextlead.core.commands import PutCampaign
from nextlead.core.setup_model import Template
from nextlead.runtime.dialer import Dialer
from nextlead.testing import MemoryStore
from nextlead.testing.clock import FakeClock
from nextlead_adapters.intake import kept
from nextlead_adapters.intake.options import DuplicateOptions, PoolOptions
from nextlead_adapters.intake.service import Intake
from nextlead_adapters.intake.worker import UnreadableFile

from .conftest import FIELDS, OPTIONS, Write

ADMIN = "admin"
MILLION = 1_000_000


# -- rows without end -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "phone" + ",x" * MILLION + "\n4155550100\n",
        "phone\n".rjust(MILLION, ","),
        '"' * MILLION,
        "phone,name\n".encode("utf-16") * 200_000 + b"\n",
        "x" * 30 * MILLION,
    ],
)
async def test_a_header_without_end_is_refused(
    dialer: Dialer, intake: Intake, write: Write, content: str | bytes
) -> None:
    with pytest.raises(UnreadableFile) as refusal:
        await intake.upload(write(content), "list.csv", OPTIONS, ADMIN)
    assert len(str(refusal.value)) < 2_000
    assert not dialer.engine.pools


@pytest.mark.parametrize("line", [",x" * MILLION, '"' * MILLION, "x" * 3 * MILLION, ",\n" * 100_000, '"\n' * 50_000])
async def test_a_row_without_end_costs_itself_only(dialer: Dialer, intake: Intake, write: Write, line: str) -> None:
    text = f"phone,name\n4155550100,a\n{line}\n4155550101,b\n"
    pool = await intake.upload(write(text), "list.csv", OPTIONS, ADMIN)
    await intake.idle()
    pool = dialer.engine.pools[pool.id]
    assert (pool.state, pool.valid) == ("active", 2)
    rejects = await dialer.archive.rejects(pool.id, "invalid")
    assert len(rejects) == pool.invalid > 0
    assert all(reject.reasons and sum(map(len, reject.cells)) <= 100_000 for reject in rejects)


async def test_columns_without_end_in_utf_16_without_a_mark(intake: Intake, write: Write) -> None:
    text = "phone,name\r\n4155550100,Ωmega\r\n" + "4155550101,x" + ",y" * 2_000 + "\r\n"
    for codec in ("utf-16-le", "utf-16-be"):
        pool = await intake.upload(write(text.encode(codec)), "list.csv", replace(OPTIONS, name=codec), ADMIN)
        assert pool.valid + pool.duplicate == 1
        assert pool.invalid == 1


# -- anything at all --------------------------------------------------------------------------------------------------

ROW = st.tuples(
    st.sampled_from(["4155550100", "+1 415 555 0101", "(415) 555-0102", "7", "", '"415']),
    st.sampled_from(["Acme", "acme ", "Bäcker", '"', 'x"y', "a\nb", ""]),
)


def _written(rows: list[tuple[str, str]], separator: str, end: str, quoting: Literal[0, 1]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerows([("phone", "name"), *rows])
    return out.getvalue()


TEXT = st.builds(
    _written,
    st.lists(ROW, max_size=15),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
PIECE = st.builds(
    lambda text, codec: text.encode(codec, "replace"),
    TEXT,
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252"]),
)
CONTENT = st.lists(PIECE | st.binary(max_size=40), min_size=1, max_size=3).map(b"".join)
OPTION = st.builds(
    lambda match, action, on_invalid: replace(
        OPTIONS, on_invalid=on_invalid, duplicates=DuplicateOptions(match=match, action=action)
    ),
    st.sampled_from([("phone",), ("name",), ("phone", "name+city"), ("phone+name",), ()]),
    st.sampled_from(["skip", "load", "update", "replace", "clone", "close"]),
    st.sampled_from(["file", "close"]),
)


async def _upload_twice(content: bytes, path: Path, options: PoolOptions) -> None:
    path.write_bytes(content)
    async with await Dialer.open(MemoryStore(), FakeClock()) as dialer:
        await dialer.submit(PutCampaign(code="c1", template=Template(fields=FIELDS)))
        intake = Intake(dialer)
        for _ in range(2):
            await _upload_once(dialer, intake, path, content, options)
        await intake.close()


async def _upload_once(dialer: Dialer, intake: Intake, path: Path, content: bytes, options: PoolOptions) -> None:
    before = len(dialer.engine.pools)
    try:
        pool = await intake.upload(path, path.name, options, ADMIN)
    except UnreadableFile as refusal:
        assert refusal.rule  # noqa: PT017 - either way is right
        assert len(dialer.engine.pools) == before
        assert not dialer.engine.state.files
        return
    assert pool.state in ("active", "awaiting_confirmation")
    rejects = [len(await dialer.archive.rejects(pool.id, kind)) for kind in ("invalid", "duplicate")]
    assert rejects == [pool.invalid, pool.duplicate]
    assert b"".join([body async for body in kept.parts(dialer.archive, pool.file)]) == content
    assert not dialer.engine.verify()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=CONTENT, options=OPTION)
def test_any_file_is_a_whole_pool_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, options: PoolOptions
) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.csv"
    asyncio.run(_upload_twice(content, path, options))
