"""A scenario is run: prepared, measured in rounds, and made an outcome of."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from msgspec import to_builtins
from msgspec.structs import replace

from .child import run_child
from .disk import file_system, is_volatile
from .display import Display
from .figures import size_text
from .files import Outcome, outcome_medians
from .rounds import Run, run_steps, warnings_of
from .scenarios.base import Scenario, Wish


class NoDisk(Exception):
    """Nothing would be durable in that folder; the message says on what it is."""


def run_scenario(
    scenario: Scenario,
    wish: Wish,
    folder: Path,
    display: Display,
    *,
    expected_s: float = 0.0,
    later_s: float = 0.0,
    run: Run | None = None,
) -> Outcome:
    """Run a scenario as wished, with stores under `folder` where it needs the disk. Raises `NoDisk`, `ChildFailed`.

    Rivals that can't run here are left out of the wish, and named in what is missing. `expected_s` is about how long
    it should take, `later_s` what comes after it; 0 is not known. `run` does a task: in a process of its own unless
    said otherwise.
    """
    started = monotonic()
    why_not = {name: scenario.rivals[name](wish) for name in wish.rivals}
    wish = replace(wish, rivals=tuple(name for name, why in why_not.items() if not why))
    missing = [f"{name}: {why}" for name, why in why_not.items() if why]
    run = run or run_child
    with _place(scenario, wish, folder) as wish:
        missing += scenario.missing(wish)
        versions = scenario.versions(wish)
        first, steps = scenario.prepare(wish), scenario.steps(wish)
        display.plan(scenario.name, [*first, *list(steps) * wish.repeat], expected_s=expected_s, later_s=later_s)
        run_steps(first, 1, display, run)
        runs, failed = run_steps(steps, wish.repeat, display, run)
    return Outcome(
        scenario=scenario.name,
        title=f"{scenario.help[:1].upper()}{scenario.help[1:]}; {told(wish)}",
        durability=_durability(scenario, folder),
        settings=to_builtins(replace(wish, folder="")),
        figures=scenario.figures(runs, wish),
        warnings=[*([failed] if failed else []), *warnings_of(runs)],
        missing=missing,
        failed=failed,
        took_s=round(monotonic() - started, 1),
        versions=versions,
        plots=scenario.plots(runs, wish),
        medians=outcome_medians(runs),
        repetitions=runs,
    )


def told(wish: Wish) -> str:
    """The wish in a few words."""
    sizes = [size_text(size) for size in wish.sizes]
    leads = " and ".join(filter(None, (", ".join(sizes[:-1]), sizes[-1])))
    operations = f", {wish.operations:,} operations" if wish.operations > 1 else ""
    often = f"{wish.repeat} repetitions" if wish.repeat > 1 else "once"
    return f"{leads} leads, {wish.agents} agents{operations}, seed {wish.seed}, {often}"


@contextmanager
def _place(scenario: Scenario, wish: Wish, folder: Path) -> Iterator[Wish]:
    if not scenario.on_disk:
        yield wish
        return
    folder.mkdir(parents=True, exist_ok=True)
    if is_volatile(folder):
        raise NoDisk(f"{folder} is on {file_system(folder)}: nothing is durable there; use --folder")
    with tempfile.TemporaryDirectory(prefix="stores-", dir=folder) as stores:
        yield replace(wish, folder=stores)


def _durability(scenario: Scenario, folder: Path) -> str:
    return f"{scenario.durability}; {file_system(folder)}" if scenario.on_disk else scenario.durability
