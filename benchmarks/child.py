"""One repetition of one measurement, in a process of its own: nothing that an earlier one left behind bears on it.

`python -m benchmarks.child TASK`, the task as JSON; lines of JSON come back, `{"stage": ...}`, the last one
`{"result": ...}`.
"""

import logging
import os
import signal
import subprocess
import sys

import structlog
from msgspec import Struct, json

from .engine import Tell
from .figures import Result
from .scenarios import MEASURES
from .scenarios.base import Task


class Line(Struct, omit_defaults=True):
    """A line of the child's output."""

    stage: str = ""
    result: Result | None = None


class ChildFailed(Exception):
    """The process of a measurement ended without a result; what it said is on stderr."""


def measure(task: Task, tell: Tell) -> Result:
    """Carry out a task in this process."""
    return MEASURES[task.measure](task, tell)


def run_child(task: Task, tell: Tell) -> Result:
    """Carry out a task in a process of its own. Raises `ChildFailed`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
    command = [sys.executable, "-m", "benchmarks.child", json.encode(task).decode()]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            for text in process.stdout:
                line = json.decode(text, type=Line)
                if line.result is not None:
                    return line.result
                tell(line.stage)
        except BaseException:
            process.terminate()
            raise
    raise ChildFailed(f"{task.measure} ended with {process.returncode}")


def _say(line: Line) -> None:
    sys.stdout.buffer.write(json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def _end(*_: object) -> None:
    """End as after an error, so that servers are stopped and folders go; whoever asks again waits for that."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(1)


def main() -> None:
    """The child's side."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    task = json.decode(sys.argv[1], type=Task)
    _say(Line(result=measure(task, lambda stage: _say(Line(stage=stage)))))


if __name__ == "__main__":
    main()
