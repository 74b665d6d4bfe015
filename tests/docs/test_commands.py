"""Every command of the README and of `docs/` works when it is pasted, in order, from top to bottom."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Daemon, StartNextlead, environment

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTED_URL = "http://127.0.0.1:8700"

STARTS = {
    "README.md": ["make demo"],
    "getting-started.md": [
        "python3 -m venv ~/nextlead && ~/nextlead/bin/pip install .\n~/nextlead/bin/nextlead demo",
        "nextlead serve --store sqlite:///nextlead.db",
    ],
}
"""Blocks that start what the others talk to; `start` does the same. The wheel's test does the installation."""


def blocks(page: Path, language: str) -> list[str]:
    return [text.strip() for kind, text in BLOCK.findall(page.read_text()) if kind == language]


def start(page: Path, start_nextlead: StartNextlead) -> Daemon:
    if page.name == "getting-started.md":
        return start_nextlead("serve", "--store", "sqlite:///nextlead.db")
    return start_nextlead("demo", "--no-agents", "--clock", "manual", until="Ctrl-C stops it")


def tools(folder: Path) -> str:
    """A PATH on which `nextlead` is this checkout's, and `python3` the one that runs the tests."""
    folder.mkdir()
    for name, rest in (("nextlead", " -m nextlead_adapters.cli"), ("python3", "")):
        shim = folder / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}"{rest} "$@"\n')
        shim.chmod(0o755)
    return os.pathsep.join([str(folder), os.environ["PATH"]])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_work_when_pasted(page: Path, start_nextlead: StartNextlead, tmp_path: Path) -> None:
    commands = [block for block in blocks(page, "sh") if block not in STARTS.get(page.name, [])]
    if not commands:
        assert blocks(page, "sh") == STARTS.get(page.name, [])
        return
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("the commands need curl and bash")
    daemon = start(page, start_nextlead)
    token = next(tmp_path.rglob("nextlead.token")).read_text().strip()
    script = "\n".join(["set -euo pipefail", *commands]).replace(PRINTED_URL, daemon.url)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment(PATH=tools(tmp_path / "bin"), NEXTLEAD_URL=daemon.url, NEXTLEAD_TOKEN=token),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_every_start_is_still_in_its_page() -> None:
    for name, starts in STARTS.items():
        page = next(page for page in PAGES if page.name == name)
        assert set(starts) <= set(blocks(page, "sh"))


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_python_examples_run(page: Path, tmp_path: Path) -> None:
    for block in blocks(page, "python"):
        subprocess.run([sys.executable, "-c", block], env=environment(), cwd=tmp_path, check=True)
