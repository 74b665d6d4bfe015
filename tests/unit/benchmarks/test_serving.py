"""The load over HTTP: answers in pieces, times from when a call was due, and a whole measurement, made small."""

import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import pytest
from benchmarks import serving
from benchmarks.clients import Client, LoadFailed, Tally
from benchmarks.figures import Result
from benchmarks.job import Job
from benchmarks.load import Agent, Outcomes, Shift, lease_of
from benchmarks.served import Server

ANSWER = b'HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"token":"a-1"}'


class Heard(Client):
    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[int, bytes]] = []

    def answered(self, status: int, body: bytes) -> None:
        self.answers.append((status, body))


class Line:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(data)


def connected(shift: Shift) -> tuple[Agent, Line]:
    agent, line = shift.agents[0], Line()
    agent.transport = line  # type: ignore[assignment]
    return agent, line


@pytest.mark.parametrize("size", [1, 7, 40, len(ANSWER)])
def test_answers_in_pieces(size: int) -> None:
    heard = Heard()
    for _ in range(2):
        for at in range(0, len(ANSWER), size):
            heard.data_received(ANSWER[at : at + size])
    heard.data_received(b"HTTP/1.1 204 No Content\r\nnextlead-reason: no_lead\r\n\r\n")
    assert heard.answers == [(200, b'{"token":"a-1"}')] * 2 + [(204, b"")]


async def test_a_call_that_had_to_wait_is_late_from_when_it_was_due() -> None:
    shift = Shift(0, 1, seed=1)
    agent, line = connected(shift)
    shift.outstanding = 3
    long_ago_ns = perf_counter_ns() - 5_000_000_000
    agent.come_due(long_ago_ns)
    agent.come_due(long_ago_ns)
    assert len(line.sent) == 1, "it is made when the first is answered"
    agent.data_received(ANSWER)
    agent.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
    assert [sent.split(b" ")[1] for sent in line.sent] == [b"/v1/agents/a000/next", b"/v1/leases/a-1/finish"]
    assert all(ns > 5_000_000_000 for ns in (*shift.tally.next_ns, *shift.tally.finish_ns))


async def test_an_answer_that_should_not_be_ends_the_measurement() -> None:
    shift = Shift(0, 1, seed=1)
    agent, _ = connected(shift)
    shift.outstanding = 2
    agent.come_due(perf_counter_ns())
    agent.data_received(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy")
    with pytest.raises(LoadFailed, match="503: busy"):
        await shift._over


def test_outcomes_are_bodies_of_a_finish() -> None:
    outcomes = Outcomes(seed=1)
    said: list[Any] = [json.loads(outcomes.draw(0).partition(b"\r\n\r\n")[2]) for _ in range(200)]
    assert {each["outcome"] for each in said} == {"unreached", "resolved", "redial"}
    assert {each["kind"] for each in said if "kind" in each} == {"private", "vip", "common"}


def test_where_there_is_no_lease() -> None:
    assert lease_of(b"") == lease_of(b'{"lead":{}}') == b""


def test_a_whole_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "PACED_S", 0.2)
    job, made, said = Job(leads=600, agents=10), tmp_path / "serving.db", list[str]()
    serving.make_serving(job, made, said.append)
    found = serving.measure_http(job, 100, made, said.append)
    assert found["operations"] == 100
    assert found["ratio_bare"] == found["operations_per_s"] / found["bare_operations_per_s"]
    assert found["half_next_p99_ms"] >= found["half_next_p50_ms"] > 0
    assert "the daemon" in said


async def test_a_usual_scrape_is_the_median_and_not_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    times = [5.0, 1.0, 9.0]

    async def scrape(_scraper: serving.Scraper) -> float:
        return times.pop()

    monkeypatch.setattr(serving.Scraper, "scrape", scrape)
    assert await serving.Scraper(Server(0, 0, "")).usual(3) == 5.0


@pytest.mark.parametrize("measure", [serving.measure_late, serving.measure_scrape])
def test_half_of_the_load_is_half_of_what_a_daemon_does_that_has_warmed_up(
    measure: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cold one does less, so that half of it is less than half."""
    worked: list[int] = []
    work = Shift.work

    async def watched(shift: Shift, operations: int) -> Tally:
        worked.append(operations)
        return await work(shift, operations)

    monkeypatch.setattr(Shift, "work", watched)
    for name in ("PACED_S", "LATE_S", "SCRAPE_EVERY_S"):
        monkeypatch.setattr(serving, name, 0.2)
    job, made = Job(leads=600, agents=10), tmp_path / "serving.db"
    serving.make_serving(job, made, lambda _stage: None)
    measure(job, 100, made, lambda _stage: None)
    assert worked == [25, 100]
