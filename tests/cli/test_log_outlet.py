"""A log never stops what it tells about: a stream that is full, broken or read by nobody costs lines, nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ENDS_WITHIN_S, environment

from nextlead_adapters import log_outlet
from nextlead_adapters.log_outlet import Outlet


def lost(count: int) -> str:
    return f"{count} are lost\n"


def test_lines_come_out_in_their_order_and_all_of_them_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with file.open("w", encoding="utf-8") as stream:
        outlet = Outlet(stream, lost)
        for no in range(3_000):
            outlet.write(f"line {no} \u00e9 \udc80\n")
        outlet.close()
    assert file.read_text().splitlines() == [f"line {no} \u00e9 \\udc80" for no in range(3_000)]


def test_nobody_reads_and_then_somebody_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_outlet, "LINES_MAX", 5)
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream, os.fdopen(reader) as read:
        outlet = Outlet(stream, lost)
        for _ in range(100):
            outlet.write("x" * 100_000 + "\n")  # more than a pipe holds
        while "lost" not in (line := read.readline()):
            outlet.write("after\n")
        assert int(line.split()[0]) >= 90
        outlet.close()


def test_what_can_not_be_written_is_lost_and_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "log"
    with file.open("w") as stream, Path("/dev/full").open("w") as full:
        outlet = Outlet(stream, lost)
        fd, outlet._fd = outlet._fd, full.fileno()
        outlet.write("one\n")
        outlet.write("two\n")
        while outlet._missing < 2:
            pass
        outlet._fd = fd
        outlet.write("three\n")
        outlet.close()
    assert file.read_text() == "2 are lost\nthree\n"


def test_a_process_ends_although_nobody_reads_its_log() -> None:
    code = """
from nextlead_adapters.logs import configure_logs
import structlog
configure_logs("json")
for _ in range(20_000):
    structlog.get_logger().error("nobody reads this")
print("done")
"""
    reader, writer = os.pipe()
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment(), stdout=subprocess.PIPE, stderr=writer, timeout=ENDS_WITHIN_S, check=True
    )
    assert done.stdout == b"done\n"
    os.close(writer)
    with os.fdopen(reader, "rb") as read:
        assert read.read().startswith(b'{"event": "nobody reads this"')
