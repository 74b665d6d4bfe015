"""SIGTERM and Ctrl-C at awkward moments: while the store is opened or loaded."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ENDS_WITHIN_S, StartNextlead, environment


@pytest.mark.parametrize(("step", "number"), [("open", signal.SIGINT), ("load", signal.SIGTERM)])
def test_a_daemon_that_is_not_open_yet_ends_at_once_with_0(
    tmp_path: Path, start_nextlead: StartNextlead, step: str, number: int
) -> None:
    assert start_nextlead("serve", "--store", "sqlite:///leads.db").stop() == (0, "")
    slow_start = str(Path(__file__).with_name("slow_start.py"))
    with subprocess.Popen(
        [sys.executable, slow_start, "serve", "--store", "sqlite:///leads.db", "--port", "0"],
        cwd=tmp_path,
        env=environment(SLOW_STEP=step),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "it begins\n"
        process.send_signal(number)
        assert process.communicate(timeout=ENDS_WITHIN_S) == ("", ""), "it was never ready, and nothing is wrong"
    assert process.returncode == 0
    assert start_nextlead("serve", "--store", "sqlite:///leads.db").stop() == (0, "")
