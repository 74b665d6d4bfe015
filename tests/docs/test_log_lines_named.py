"""Every line that the daemon may log is in the operator's page, with what to do about it."""

import re

from conftest import ROOT

LOGGED = re.compile(r"""_log\.(?:info|warning|error|critical)\(\s*"([^"]+)"|"event": "([a-z_]+)", "level\"""")
PAGE = ROOT / "docs" / "operating.md"
TABLE = re.compile(r"^\| line \(`event`\).*?\n\n", re.MULTILINE | re.DOTALL)


def logged() -> set[str]:
    sources = [*(ROOT / "engine").rglob("*.py"), *(ROOT / "adapters").rglob("*.py")]
    return {name or other for source in sources for name, other in LOGGED.findall(source.read_text())}


def named() -> set[str]:
    (table,) = TABLE.findall(PAGE.read_text())
    firsts = [line.split("|")[1] for line in table.splitlines()[2:] if line]
    return {name for first in firsts for name in re.findall("`([^`]+)`", first)}


def test_each_line_is_named_and_no_other() -> None:
    assert named() == logged()


def test_some_are_found() -> None:
    assert {"commit_failed", "offer_stopped", "log_lines_lost"} <= logged()
