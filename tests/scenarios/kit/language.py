"""Reading a scenario file into steps: where, when, what, and what is expected."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .times import DURATION, TIME

_WHEN: Final = re.compile(rf"(?:at (?P<time>{TIME})|after (?P<duration>{DURATION}))(?:\s+(?P<rest>.*))?$")


class BadStep(Exception):
    """A step that can't be read, or that names something the scenario did not set up."""


class ScenarioFailed(AssertionError):
    """The message has file, line, step, what was expected and what came."""


@dataclass
class Step:
    """`at` is a time, `after` a duration, `rows` the indented lines below the step."""

    file: Path
    line: int
    text: str
    at: str = ""
    after: str = ""
    action: str = ""
    expected: str | None = None
    rows: tuple[str, ...] = ()

    def failed(self, expected: str, came: str) -> ScenarioFailed:
        return ScenarioFailed(
            f"{self.file.name}:{self.line}: {self.text}\n    expected: {expected}\n    came:     {came}"
        )


def read_scenario(file: Path) -> list[Step]:
    steps: list[Step] = []
    for no, raw in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        text = raw.split("#", 1)[0].rstrip()
        if not text:
            continue
        if raw[0].isspace():
            steps[-1].rows += (text.strip(),)
        else:
            steps.append(_read_step(file, no, text))
    return steps


def _read_step(file: Path, no: int, text: str) -> Step:
    action, arrow, expected = text.partition("->")
    step = Step(file, no, text, action=action.strip(), expected=expected.strip() if arrow else None)
    when = _WHEN.match(step.action)
    if when:
        step.at = when["time"] or ""
        step.after = when["duration"] or ""
        step.action = when["rest"] or ""
    return step
