"""The units, and what the daemon tells the service manager."""

import asyncio
import configparser
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, StartNextlead, environment

from nextlead_adapters import systemd

UNITS = sorted((ROOT / "config" / "systemd").glob("*.service"))
HOW = "systemd-analyze is not here; it comes with systemd"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The service manager's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.settimeout(300)
        yield end


def told(manager: socket.socket) -> list[str]:
    return manager.recv(4096).decode().split("\n")


def test_a_daemon_says_how_it_is(manager: socket.socket, tmp_path: Path, start_nextlead: StartNextlead) -> None:
    daemon = start_nextlead(
        "serve", "--store", "memory:", NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000"
    )  # fmt: skip
    heard: list[str] = []
    while "READY=1" not in heard or "WATCHDOG=1" not in heard[heard.index("READY=1") :]:
        heard += told(manager)
    assert f"STATUS=serves on {daemon.url}" in heard
    assert heard.count("WATCHDOG=1") > 1, "from its first moment"
    assert daemon.stop()[0] == 0
    while "STOPPING=1" not in heard:
        heard += told(manager)


def test_a_standby_is_up_and_says_that_it_waits(
    manager: socket.socket, tmp_path: Path, start_nextlead: StartNextlead, postgres_url: str
) -> None:
    owner = start_nextlead("serve", "--store", postgres_url, NEXTLEAD_ADMIN_TOKEN="x")
    notify = str(tmp_path / "notify")
    standby = start_nextlead(
        "serve", "--store", postgres_url, NEXTLEAD_ADMIN_TOKEN="x", NOTIFY_SOCKET=notify, until="standby"
    )  # fmt: skip
    heard: list[str] = []
    while "READY=1" not in heard:
        heard += told(manager)
    assert any(line.startswith("STATUS=waits as a standby") for line in heard)
    assert owner.stop()[0] == 0
    while f"STATUS=serves on {standby.url}" not in heard:
        heard += told(manager)
    assert standby.stop()[0] == 0


def test_without_a_manager_nothing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd.started("serves")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody listens"))
    systemd.stopping()


def test_an_abstract_address(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has abstract addresses")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind("")  # to an abstract address that nobody else has
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{end.getsockname()[1:].decode()}")
        systemd.status("waits\nfor the owner")
        assert end.recv(100) == b"STATUS=waits for the owner"


async def test_the_watchdog_of_another_process_is_not_fed(
    manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "1000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    async with systemd.watchdog():
        for _ in range(5):
            await asyncio.sleep(0)
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(100)


def installed(unit: Path, folder: Path) -> Path:
    """As it would be installed, but for the program, which is not."""
    text = re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text(), flags=re.MULTILINE)
    to = folder / unit.name.replace("@.", "@a.")
    to.write_text(text)
    return to


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_are_understood(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip(HOW)
    done = subprocess.run(
        ["systemd-analyze", "verify", installed(unit, tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if unit.stem.rstrip("@") in line]) == (0, [])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_run_what_there_is(unit: Path) -> None:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text())
    service = dict(parser["Service"])
    program, *arguments = service["ExecStart"].split()
    assert (program, arguments[0]) == ("/opt/nextlead/bin/nextlead", "serve")
    said = subprocess.run(
        [sys.executable, "-m", "nextlead_adapters.cli", "serve", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    ).stdout
    assert all(option in said for option in arguments if option.startswith("--"))
    assert service["Type"] == "notify"
    assert service["StateDirectory"] in service["WorkingDirectory"]
