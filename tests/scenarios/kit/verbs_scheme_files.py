"""Verbs of scheme files of one's own, which a daemon reads when it starts (SPEC R13.1)."""

import re
from pathlib import Path
from typing import Final

from .daemon import DaemonDied
from .language import BadStep, Step
from .outside import outside
from .verbs import verb
from .world import World

_SHIPPED: Final = Path(__file__).parents[3] / "config" / "schemes"


@verb(r"daemon starts again with a scheme (?P<name>[\w-]+), which is (?P<like>\w+) but for")
def start_with(world: World, m: re.Match[str], step: Step) -> None:
    """Below: `"Refuse" in place of "Trash"`, `without duplicate`, `duplicate twice`, `with KEY = VALUE` at its top."""
    _put(world, m, step)
    outside(world).crash(world.now_ms)


@verb(r"daemon does not start with a scheme (?P<name>[\w-]+), which is (?P<like>\w+) but for(?: [a-z ]+)?")
def does_not_start(world: World, m: re.Match[str], step: Step) -> None:
    """The same, and in the last line below the words of the error, with a bar between; then it starts without it."""
    *changes, wanted = step.rows
    step.rows = tuple(changes)
    file = _put(world, m, step)
    try:
        outside(world).crash(world.now_ms)
        told = "it started"
    except DaemonDied as died:
        told = str(died).rsplit("Traceback", maxsplit=1)[-1]
        file.unlink()
        outside(world).crash(world.now_ms)
    if not all(word.strip() in told for word in wanted.split(" | ")) or "Traceback" in told:
        raise step.failed(wanted, told)


def _put(world: World, m: re.Match[str], step: Step) -> Path:
    folder = outside(world).line.daemon.schemes
    folder.mkdir(exist_ok=True)
    text = (_SHIPPED / f"{m['like']}.toml").read_text(encoding="utf-8")
    for row in step.rows:
        text = _changed(text, row)
    file = folder / f"{m['name']}.toml"
    file.write_text(text, encoding="utf-8")
    return file


def _changed(text: str, row: str) -> str:
    if m := re.fullmatch(r'("[^"]*") in place of ("[^"]*")', row):
        changed = text.replace(m[2], m[1])
    elif m := re.fullmatch(r"without (\w+)", row):
        changed = re.sub(rf"(?m)^{m[1]} = .*\n", "", text)
    elif m := re.fullmatch(r"(\w+) twice", row):
        changed = re.sub(rf"(?m)^({m[1]} = .*\n)", r"\1\1", text)
    elif m := re.fullmatch(r"with (\w+ = .+)", row):
        changed = f"{m[1]}\n{text}"
    else:
        raise BadStep(row)
    if changed == text:
        raise BadStep(f"nothing to change: {row}")
    return changed
