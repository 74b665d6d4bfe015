"""What a scenario is: the steps it runs, the figures it makes of them, and what the command line says about it.

Code that measures lies in the modules of `benchmarks/`; a module here only says what is run and what becomes a row, a
plot or a warning. Every process of a measurement imports all scenarios, so a module here, and what it imports at its
top, must not need what only `pip install nextlead[dev]` or a server brings (a driver, a plotting library): import
such a thing where it is used. `Task` and `Wish` are imported from here, not from `child.py`, which imports all this.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from ..engine import Tell
from ..figures import Result, Runs
from ..job import Job, Scene
from ..plots import Plot
from ..report import Figure

MILLION: Final = 1_000_000
"""Targets are held against figures of this size only, where TARGETS names it."""


class Task(Struct, frozen=True):
    """What a process of its own measures: `measure` is a name in a scenario's `measures`.

    `folder` is where stores lie meanwhile, `options` what else the measurement wants to know.
    """

    measure: str
    job: Job
    operations: int = 0
    folder: str = ""
    options: dict[str, str] = field(default_factory=dict)

    def store(self, name: str) -> Path:
        """The file of a prepared store."""
        return Path(self.folder) / f"{name}.db"


class Wish(Struct, frozen=True):
    """What was asked for on the command line.

    `only` names targets; empty is all. `rivals` are those to run, of which each can run here. `options` are the
    scenario's own.
    """

    sizes: tuple[int, ...]
    operations: int
    agents: int
    seed: int
    repeat: int
    only: tuple[str, ...] = ()
    folder: str = ""
    rivals: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)

    def wants(self, target: str) -> bool:
        """Whether a target is to be measured."""
        return not self.only or target in self.only

    def job(self, leads: int, scene: Scene = "plain") -> Job:
        """The job of a size."""
        return Job(leads, self.agents, self.seed, scene)

    @property
    def main_size(self) -> int:
        """The size for what is measured at one size only."""
        return max((size for size in self.sizes if size <= MILLION), default=min(self.sizes))

    @property
    def rated(self) -> bool:
        """Whether targets can be held against what is measured at the main size."""
        return self.main_size == MILLION

    @property
    def blocked_operations(self) -> int:
        """Operations with nine of ten leads blocked: what is left lasts for so many."""
        return min(self.operations, self.main_size // 10)


Steps = dict[str, Task]
"""What is run, by the name that the progress and the file show."""
Measure = Callable[[Task, Tell], Result]


class Option(Struct, frozen=True):
    """An option of a scenario's command, `--name`; its value, as text, comes as `Wish.options[name]`."""

    name: str
    default: str
    help: str
    choices: tuple[str, ...] = ()


class Short(Struct, frozen=True):
    """What `short` runs of a scenario, once each; `seconds` is about how long that takes on two cores."""

    leads: tuple[str, ...]
    operations: str
    seconds: int
    only: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)


def no_steps(_wish: Wish) -> Steps:
    """Nothing to prepare."""
    return {}


def no_plots(_runs: Runs, _wish: Wish) -> list[Plot]:
    """Nothing to draw."""
    return []


def nothing_missing(_wish: Wish) -> list[str]:
    """All of it can run here."""
    return []


def no_versions(_wish: Wish) -> dict[str, str]:
    """Nothing is measured but what `surroundings` names anyway."""
    return {}


class Scenario(Struct, frozen=True):
    """A subcommand: what it runs and what it makes of the results.

    `name` is the subcommand, `help` one phrase for it, `targets` what `--only` may name. `measures` is what a process
    of its own can be asked for; names are unique over all scenarios (the same function may go by the same name in
    two). `steps` are measured, `repeat` times in turn, each time in a process of its own; `prepare` runs once before
    and is not measured. `figures` are the rows of the table, with targets only at the size that TARGETS names.
    `rivals` are the choices of `--rivals`: each function says why its rival can't run as wished, or "" when it can.
    `missing` says what else can't be run here, and why; `versions` names the versions of servers measured. Who works
    `on_disk` gets a folder of its own under `--folder` (`Wish.folder`), and is refused where that is no disk.
    The last five are defaults of options; `many_sizes` lets `--leads` take several.
    """

    name: str
    help: str
    targets: tuple[str, ...]
    measures: Mapping[str, Measure]
    steps: Callable[[Wish], Steps]
    figures: Callable[[Runs, Wish], list[Figure]]
    prepare: Callable[[Wish], Steps] = no_steps
    plots: Callable[[Runs, Wish], list[Plot]] = no_plots
    missing: Callable[[Wish], list[str]] = nothing_missing
    versions: Callable[[Wish], dict[str, str]] = no_versions
    rivals: Mapping[str, Callable[[Wish], str]] = {}
    options: tuple[Option, ...] = ()
    short: Short | None = None
    durability: str = "none: memory only"
    on_disk: bool = False
    leads: str = "1M"
    operations: str = "100k"
    many_sizes: bool = False
