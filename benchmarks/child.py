"""One repetition of one measurement, in a process of its own: nothing that an earlier one left behind bears on it.

`python -m benchmarks.child TASK`, the task as JSON; lines of JSON come back, `{"stage": ...}`, the last one
`{"result": ...}`.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import structlog
from msgspec import Struct, json

from .bulk import measure_bulk
from .durable import measure_agents, measure_alone
from .engine import Tell, measure_speed
from .figures import Result
from .job import Job
from .memory import measure_memory
from .restart import measure_restart
from .stores import make_loaded, make_worked

Measure = Literal[
    "speed", "memory", "empty_store", "loaded_store", "worked_store", "agents", "alone", "restart", "bulk"
]


class Task(Struct, frozen=True):
    """What to measure. `folder` is where the stores of durable measurements lie."""

    measure: Measure
    job: Job
    operations: int = 0
    folder: str = ""

    def store(self, name: str) -> Path:
        """The file of a prepared store."""
        return Path(self.folder) / f"{name}.db"


class Line(Struct, omit_defaults=True):
    """A line of the child's output."""

    stage: str = ""
    result: Result | None = None


class ChildFailed(Exception):
    """The process of a measurement ended without a result; what it said is on stderr."""


def _restart(task: Task, tell: Tell) -> Result:
    stores = {name: task.store(name) for name in ("loaded", "worked") if task.store(name).exists()}
    return measure_restart(task.store("empty"), stores, tell)


def _made(make: Callable[[], None]) -> Result:
    make()
    return {}


def _make_empty(task: Task, tell: Tell) -> Result:
    job = Job(leads=0, agents=task.job.agents, seed=task.job.seed)
    return _made(lambda: make_loaded(job, task.store("empty"), tell))


_MEASURES: Final[dict[Measure, Callable[[Task, Tell], Result]]] = {
    "speed": lambda task, tell: measure_speed(task.job, task.operations, tell),
    "memory": lambda task, tell: measure_memory(task.job, tell),
    "empty_store": _make_empty,
    "loaded_store": lambda task, tell: _made(lambda: make_loaded(task.job, task.store("loaded"), tell)),
    "worked_store": lambda task, tell: _made(
        lambda: make_worked(task.job, task.store("loaded"), task.store("worked"), tell)
    ),
    "agents": lambda task, tell: measure_agents(task.job, task.operations, task.store("loaded"), tell),
    "alone": lambda task, tell: measure_alone(task.job, task.operations, task.store("loaded"), tell),
    "restart": _restart,
    "bulk": lambda task, tell: measure_bulk(task.job, task.store("bulk"), tell),
}


def measure(task: Task, tell: Tell) -> Result:
    """Carry out a task in this process."""
    return _MEASURES[task.measure](task, tell)


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


def main() -> None:
    """The child's side."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    task = json.decode(sys.argv[1], type=Task)
    _say(Line(result=measure(task, lambda stage: _say(Line(stage=stage)))))


if __name__ == "__main__":
    main()
