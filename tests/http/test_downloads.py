"""Downloads of a pool: what is in them, that they are safe to open, that they cost no memory (SPEC R9.12)."""

import asyncio
import csv
import io
import json
from typing import Any
from urllib.parse import unquote

import pytest
from http_kit import OPERATOR, Caller, House
from hypothesis import given
from hypothesis import strategies as st

from nextlead.core.commands import AddFile, AddFilePart, ClosePool, IntakeReject, IntakeRow, LoadRows, OpenPool
from nextlead_adapters.http.cells import csv_lines, one_line, safe_cell
from nextlead_adapters.http.downloads import disposition

FILE = b"phone;name\r\n+14155550160;Ann\r\n12;=1+1\r\n+14155550160;Dan\r\n"
HEADERS = ("cache-control", "x-content-type-options")


async def upload(caller: Caller, file: bytes = FILE, name: str = "list.csv") -> int:
    parts = {"file": (name, file), "options": (None, json.dumps({"campaign": "c1"}))}
    answer = await caller.call("POST", "/v1/pools", files=parts)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


async def test_invalid_rows_with_reasons_and_cells_as_they_were(centre: Caller) -> None:  # R9.4, R9.12
    pool = await upload(centre)
    answer = await centre.call("GET", f"/v1/pools/{pool}/invalid.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="pool-{pool}-invalid.csv"')
    assert [answer.headers[name] for name in HEADERS] == ["no-store", "nosniff"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    head, row = rows(answer.content.decode("utf-8-sig"))
    assert head == ["row", "reasons", "phone", "name"]
    assert (row[0], row[2:]) == ("3", ["12", "'=1+1"])
    assert "short" in row[1]


async def test_duplicates_with_original_and_action(centre: Caller) -> None:  # R9.8, R9.12
    pool = await upload(centre)
    (lead,) = (await centre.ok("GET", f"/v1/leads?pool={pool}"))["items"]
    head, row = rows((await centre.call("GET", f"/v1/pools/{pool}/duplicates.csv")).content.decode("utf-8-sig"))
    assert head == ["row", "original", "action", "phone", "name"]
    assert row == ["4", str(lead["id"]), "skip", "+14155550160", "Dan"]


async def test_rejects_of_json_leads_are_one_cell(centre: Caller) -> None:
    made = await centre.ok("POST", "/v1/leads", {"campaign": "c1", "leads": [{"phone": "12", "data": {"name": "x"}}]})
    head, row = rows((await centre.call("GET", f"/v1/pools/{made['id']}/invalid.csv")).content.decode("utf-8-sig"))
    assert head == ["row", "reasons", "lead"]
    assert json.loads(row[2]) == {"phone": "12", "data": {"name": "x"}}


async def open_pool(house: House, **more: Any) -> int:
    pool = await house.dialer.submit(OpenPool(campaign="c1", name="x", columns=("phone", "name"), **more))
    return int(pool.id)


async def test_the_log_is_empty_when_all_went_well(house: House, centre: Caller) -> None:  # R9.12
    pool = await upload(centre, b"phone\n+14155550161\n")
    answer = await centre.call("GET", f"/v1/pools/{pool}/log")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_the_log_has_a_line_for_each_and_none_can_be_forged(house: House, centre: Caller) -> None:
    pool = await open_pool(house)
    log = ((0, "a sheet was left out"), (3, "number dropped\r\nrow 9: all is well"))
    await house.dialer.submit(LoadRows(pool=pool, rows=(), log=log))
    await house.dialer.submit(ClosePool(pool=pool, error="it broke\noff"))
    text = (await centre.call("GET", f"/v1/pools/{pool}/log")).text
    assert text.splitlines() == [
        "the pool failed: it broke off",
        "a sheet was left out",
        "row 3: number dropped row 9: all is well",
    ]


async def test_statistics_are_those_of_the_pool(centre: Caller) -> None:  # R9.12
    pool = await upload(centre)
    text = (await centre.call("GET", f"/v1/pools/{pool}/statistics.csv")).content.decode("utf-8-sig")
    found = dict(rows(text))
    assert found.pop("statistic") == "value"
    names = ("rows", "valid", "invalid", "duplicates", "open", "percent_closed")
    assert [found[name] for name in names] == ["3", "1", "1", "1", "1", "0.0"]
    await centre.ok("POST", "/v1/leads/bulk", {"filter": {"pool": pool}, "action": "remove"})
    text = (await centre.call("GET", f"/v1/pools/{pool}/statistics.csv")).content.decode("utf-8-sig")
    assert dict(rows(text))["closed.removed"] == "1"


async def keep(house: House, parts: list[bytes], name: str) -> int:
    """A pool whose original is kept in these parts."""
    file = (await house.dialer.submit(AddFile())).id
    for body in parts:
        await house.dialer.submit(AddFilePart(file=file, body=body))
    return await open_pool(house, file=file, file_bytes=sum(map(len, parts)), file_name=name)


async def test_the_original_comes_back_byte_for_byte(house: House, centre: Caller) -> None:  # R9.12
    parts = [b"\xff\xfe\x00", b"=1+1\r\n" * 1000, bytes(range(256))]
    pool = await keep(house, parts, "l.csv")
    answer = await centre.call("GET", f"/v1/pools/{pool}/original")
    assert answer.content == b"".join(parts)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["nextlead-erased-rows"] == "0"
    view = await centre.ok("GET", f"/v1/pools/{pool}")
    assert view["original"] == {"name": "l.csv", "bytes": len(answer.content), "erased_rows": 0}


async def test_what_was_entered_has_no_original(centre: Caller) -> None:
    assert (await centre.ok("GET", "/v1/pools/1"))["original"] is None
    assert (await centre.no(404, "GET", "/v1/pools/1/original"))["code"] == "not_found"


@pytest.mark.parametrize("name", ["invalid.csv", "duplicates.csv", "log", "statistics.csv", "original"])
async def test_a_pool_that_is_not_there(centre: Caller, name: str) -> None:
    await centre.no(404, "GET", f"/v1/pools/99/{name}")
    await centre.no(404, "GET", f"/v1/pools/x/{name}")


async def test_a_head_has_no_body(centre: Caller) -> None:
    pool = await upload(centre)
    answer = await centre.call("HEAD", f"/v1/pools/{pool}/invalid.csv")
    assert (answer.status_code, answer.content) == (200, b"")


NAMES = [
    "list.csv",
    'a"; filename="evil.exe',
    "a\r\nSet-Cookie: x=1",
    "Größe €.csv",
    "..\\..\\x",
    "\u202egpj.exe",
    "",
    "a;b,c%41",
]


@pytest.mark.parametrize("name", NAMES)
async def test_a_file_name_can_not_break_out_of_its_header(house: House, centre: Caller, name: str) -> None:
    pool = await keep(house, [b"x"], name)
    header = (await centre.call("GET", f"/v1/pools/{pool}/original")).headers["content-disposition"]
    plain, encoded = header.removeprefix('attachment; filename="').split("\"; filename*=UTF-8''")
    assert all(char.isascii() and (char.isalnum() or char in " ._-()") for char in plain)
    assert unquote(encoded) == (name or f"pool-{pool}")
    assert '"' not in plain + encoded


@given(st.text())
def test_no_name_puts_anything_but_safe_ascii_into_the_header(name: str) -> None:
    header = disposition(name.encode("utf-8", "replace").decode())
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert header.count(";") == 2


CELLS = [
    ("=1+1", "'=1+1"),
    ("+cmd", "'+cmd"),
    ("-2+3", "'-2+3"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("\t=1", "'\t'=1"),
    ("\r", "'\r"),
    (" =1", "' =1"),
    ('"=1', "'\"=1"),
    ("a;=1", "a;'=1"),
    ("a\n=1", "a\n'=1"),
    ("＝1", "'＝1"),
    ("-5", "-5"),
    ("-5.25", "-5.25"),
    ("-5,25", "-5,25"),
    ("+14155550100", "+14155550100"),
    ("+1 415 555 0100", "+1 415 555 0100"),
    ("+1-415-555-0100", "'+1-415-555-0100"),
    ("Ann-Marie", "Ann-Marie"),
    ("a=b", "a=b"),
    ("", ""),
    (7, "7"),
    (-7.5, "-7.5"),
]


@pytest.mark.parametrize(("given", "safe"), CELLS)
def test_cells_that_would_run_as_formulas_are_neutralised(given: object, safe: str) -> None:
    assert safe_cell(given) == safe


@given(st.lists(st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00")), min_size=1)))
def test_no_cell_begins_a_formula_by_comma_or_semicolon(table: list[list[str]]) -> None:
    text = csv_lines(table).decode()
    for separator in ",;":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            for cell in row:
                plain = cell.lstrip(" \"'")
                assert not plain.startswith("=") or cell.lstrip(' "').startswith("'"), (cell, separator)


def test_a_line_stays_one_line() -> None:
    assert one_line("a\r\nb\x00\u2028c\x85d") == "a b c d"


# -- as streams -----------------------------------------------------------------------------------------------------


async def many_rejects(house: House, count: int) -> int:
    pool = await open_pool(house)
    for start in range(0, count, 500):
        rejects = tuple(IntakeReject(row, ("no number",), (f"cell {row}", "x")) for row in range(start, start + 500))
        await house.dialer.submit(LoadRows(pool=pool, rows=(), rejects=rejects))
    return pool


async def _run(app: Any, scope: Any, receive: Any, send: Any) -> None:
    await app(scope, receive, send)


class Download:
    """A client of a download, straight to the application; it may take its time or go."""

    def __init__(self, house: House, path: str) -> None:
        self.messages: list[Any] = []
        self.room = asyncio.Semaphore(0)
        self.gone = asyncio.Event()
        self.came = asyncio.Event()
        self._asked = False
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": b"",
            "headers": [(b"authorization", f"Bearer {OPERATOR}".encode())],
        }
        self.task: asyncio.Task[None] = asyncio.create_task(_run(house.app, scope, self._receive, self._send))

    async def _receive(self) -> Any:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.messages.append(message)
        self.came.set()
        await self.room.acquire()


async def test_a_slow_client_holds_no_more_than_a_page(house: House, centre: Caller) -> None:
    pool = await many_rejects(house, 2000)
    reads: list[int] = []
    archive: Any = house.dialer.archive
    read = archive.rejects_after

    async def counted(*asked: Any) -> Any:
        reads.append(asked[2])
        return await read(*asked)

    archive.rejects_after = counted
    client = Download(house, f"/v1/pools/{pool}/invalid.csv")
    client.room.release()
    while len(client.messages) < 2:
        client.came.clear()
        await client.came.wait()
    assert len(reads) <= 2
    for _ in range(100):
        client.room.release()
    await client.task
    body = b"".join(message.get("body", b"") for message in client.messages)
    assert len(rows(body.decode("utf-8-sig"))) == 2001
    assert len(reads) >= 4


async def test_a_client_that_goes_ends_the_reading(house: House, centre: Caller) -> None:
    pool = await many_rejects(house, 2000)
    client = Download(house, f"/v1/pools/{pool}/invalid.csv")
    client.room.release()
    while len(client.messages) < 2:
        client.came.clear()
        await client.came.wait()
    client.gone.set()
    for _ in range(10):
        client.room.release()
    await client.task
    body = b"".join(message.get("body", b"") for message in client.messages)
    assert len(rows(body.decode("utf-8-sig"))) < 2001


async def test_an_original_that_is_cut_short_is_not_taken_for_whole(house: House, centre: Caller) -> None:
    file = (await house.dialer.submit(AddFile())).id
    await house.dialer.submit(AddFilePart(file=file, body=b"half"))
    pool = await open_pool(house, file=file, file_bytes=8, file_name="x")
    client = Download(house, f"/v1/pools/{pool}/original")
    for _ in range(10):
        client.room.release()
    with pytest.raises(BaseExceptionGroup):
        await client.task
    assert client.messages[-1].get("more_body") is True


async def test_cells_of_leads_that_lost_a_number_are_in_the_log_not_among_the_invalid(
    house: House, centre: Caller
) -> None:
    pool = await open_pool(house)
    row = IntakeRow(2, (14155550162,), dropped=("12 is too short",))
    await house.dialer.submit(LoadRows(pool=pool, rows=(row,)))
    assert (await centre.call("GET", f"/v1/pools/{pool}/log")).text == "row 2: 12 is too short\n"
    assert len(rows((await centre.call("GET", f"/v1/pools/{pool}/invalid.csv")).text)) == 1
