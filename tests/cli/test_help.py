"""What `--help` says, with the eyes of somebody who has never seen a command of it."""

import subprocess
from collections.abc import Callable

import pytest

from nextlead_adapters.cli.main import app

Nextlead = Callable[..., "subprocess.CompletedProcess[str]"]
GROUPS = [(), *((str(group.name),) for group in app.registered_groups)]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: " ".join(group) or "nextlead")
def test_each_command_is_told_in_one_line(group: tuple[str, ...], nextlead: Nextlead) -> None:
    said = nextlead(*group, "--help", COLUMNS="80")
    assert said.returncode == 0, said.stderr
    commands = said.stdout[said.stdout.index("Commands:") :].split("\n\n")[0].splitlines()[1:]
    assert len(commands) > 1
    assert [line for line in commands if line.endswith("...") or not line.endswith(".")] == []


def test_the_first_page_says_where_the_daemon_is(nextlead: Nextlead) -> None:
    said = " ".join(nextlead("--help", COLUMNS="80").stdout.split())
    assert "NEXTLEAD_URL" in said
    assert "NEXTLEAD_TOKEN" in said
    assert "nextlead demo" in said
