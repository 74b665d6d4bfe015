"""Faults of the daemon itself: said and logged, without a secret; a failing store is a 503."""

import errno
import tempfile
from pathlib import Path

import pytest
import structlog
from http_kit import OPERATOR, Caller, House

from nextlead.ports import StoreError
from nextlead_adapters.http import uploads


async def test_a_fault_is_a_problem_and_a_log_line_without_secrets(
    house: House, centre: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_look: object) -> object:
        secret = OPERATOR
        raise RuntimeError(f"something of {len(secret)} characters is broken")

    monkeypatch.setattr(house.dialer, "read", broken)
    with structlog.testing.capture_logs() as lines:
        problem = await centre.no(500, "GET", "/v1/agents/ann?")
    assert problem["code"] == "internal_error"
    assert "broken" not in str(problem)
    (line,) = lines
    assert (line["log_level"], line["method"], line["path"]) == ("error", "GET", "/v1/agents/{code}")
    assert line["organisation"] == "default"
    assert "is broken" in line["trace"]
    assert OPERATOR not in str(line)


async def test_no_request_is_logged(centre: Caller) -> None:
    with structlog.testing.capture_logs() as lines:
        await centre.ok("POST", "/v1/agents/ann/next")
        await centre.no(404, "GET", "/v1/teams/nowhere")
        await centre.no(400, "PUT", "/v1/teams/x", {"nam": 1})
    assert lines == []


async def test_a_store_that_fails_is_a_503_that_says_when_to_come_again(house: House, centre: Caller) -> None:
    house.store.fail()
    answer = await centre.call("PUT", "/v1/teams/new", {})
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_failed")
    assert answer.headers["retry-after"] == "1"
    assert (await centre.call("GET", "/readyz")).status_code == 503
    assert (await centre.call("GET", "/healthz")).status_code == 200
    assert (await centre.call("GET", "/v1/teams")).status_code == 503
    assert len((await centre.ok("GET", "/v1/leads?status=unprocessed"))["items"]) == 4
    assert (await centre.call("GET", "/v1/leads.csv")).status_code == 200


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("/v1/leads.csv", "leads"),
        ("/v1/leads", "leads"),
        ("/v1/pools/1/invalid.csv", "rejects_after"),
        ("/v1/pools/1/log", "rejects_after"),
        ("/v1/statistics.csv?until=2026-03-02T12:00:00Z", "commit_before"),
    ],
)
async def test_what_can_not_be_read_is_a_503_and_no_file_that_breaks_off(
    house: House, centre: Caller, path: str, read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await centre.call("GET", path)).status_code == 200

    async def broken(*_: object) -> None:
        raise StoreError("disk I/O error")

    monkeypatch.setattr(house.dialer.archive, read, broken)
    assert (await centre.no(503, "GET", path))["code"] == "storage_failed"


async def test_a_503_is_not_remembered(house: House, centre: Caller) -> None:
    key = {"Idempotency-Key": "k"}
    house.store.fail()
    block = {"number": "+14155550199"}
    first = await centre.call("POST", "/v1/do-not-call", block, headers=key)
    again = await centre.call("POST", "/v1/do-not-call", block, headers=key)
    assert (first.status_code, again.status_code) == (503, 503)
    assert "nextlead-repeated" not in again.headers


async def test_an_upload_that_the_disk_does_not_take_is_a_503(
    centre: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(uploads._Parts, "on_part_data", full)
    parts = {"file": ("list.csv", b"phone\n"), "options": (None, b"{}", "application/json")}
    answer = await centre.call("POST", "/v1/pools", files=parts)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_failed")
    assert list(tmp_path.iterdir()) == []
