"""The file of a run: everything that was measured, with each repetition, and what it was measured on."""

from pathlib import Path
from typing import Final

from msgspec import DecodeError, Struct, field, json

from .figures import Result, Runs, medians
from .plots import Plot
from .report import Figure, table_rows

BUSY_LOAD: Final = 0.5
"""Of each core."""


class NotMeasured(Exception):
    """This is no file of a run; the message says why."""


class Outcome(Struct):
    """What became of one scenario. `settings` are those of the command line; `missing` says what did not run, and why.

    `failed` says what ended the run early; figures are then of the rounds before. `medians` are those of `repetitions`,
    by step; `took_s` is all of it, with what was prepared.
    """

    scenario: str
    title: str
    durability: str
    settings: dict[str, object]
    figures: list[Figure]
    warnings: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    failed: str = ""
    took_s: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    plots: list[Plot] = field(default_factory=list)
    medians: dict[str, Result] = field(default_factory=dict)
    repetitions: Runs = field(default_factory=dict)


class About(Struct):
    """What it was measured on; `surroundings` takes it before anything is measured."""

    at: str
    command: str
    commit: str
    changed_files: int
    machine: dict[str, str | int | float | None]
    versions: dict[str, str]


class Measured(Struct):
    """A whole file."""

    about: About
    outcomes: list[Outcome]


def write_file(path: Path, measured: Measured) -> None:
    """Write it for people too: indented; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json.format(json.encode(measured), indent=2) + b"\n")


def read_file(path: Path) -> Measured:
    """Read what `write_file` wrote. Raises `NotMeasured` for anything else."""
    try:
        return json.decode(path.read_bytes(), type=Measured)
    except (OSError, DecodeError) as error:
        raise NotMeasured(f"{path}: {error}") from error


def outcome_medians(runs: Runs) -> dict[str, Result]:
    """The median of each figure of each step."""
    return {step: medians(results) for step, results in runs.items()}


def weaknesses(about: About, run: str = "this run") -> list[str]:
    """What makes everything in a file say less: a checkout that nobody else has, a machine with other things to do."""
    found = []
    if not about.commit:
        found.append(f"{run} was of a checkout without a commit")
    elif about.changed_files:
        found.append(f"{run} was of a checkout with changes that are not in commit {about.commit[:10]}")
    load, cores = about.machine.get("load_average"), about.machine.get("cores")
    if isinstance(load, float | int) and isinstance(cores, int) and load > BUSY_LOAD * cores:
        found.append(f"the machine was busy before {run}: load {load} on {cores} cores")
    return found


def about_lines(about: About) -> list[str]:
    """When, on what and of what version, as sentences."""
    machine, versions = about.machine, {name: text for name, text in about.versions.items() if text}
    changed = f" and {about.changed_files} changed files" if about.changed_files else ""
    load = f"load {machine['load_average']} before it began"
    return [
        f"Measured {about.at}, commit `{about.commit[:10]}`{changed}, {load}, by `{about.command}`.",
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB; {machine['system']}.",
        f"Versions: {', '.join(f'{name} {text}' for name, text in versions.items())}.",
    ]


def markdown(path: Path) -> str:
    """A file as tables in Markdown, with what it was measured on above them."""
    measured = read_file(path)
    lines = about_lines(measured.about)
    for outcome in measured.outcomes:
        lines += ["", f"{outcome.title}.", f"Durability: {outcome.durability}."]
        lines += [*outcome.warnings, *outcome.missing, "", *table_rows(outcome.figures)]
    return "\n".join(lines)
