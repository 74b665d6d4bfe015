"""Run a scenario against a driver, step by step."""

import re
from pathlib import Path

from . import (
    verbs_activities,
    verbs_admin,
    verbs_blocking,
    verbs_checks,
    verbs_downloads,
    verbs_entry,
    verbs_files,
    verbs_hours,
    verbs_large,
    verbs_organisations,
    verbs_outside,
    verbs_pools,
    verbs_reasons,
    verbs_scheme_files,
    verbs_schemes,
    verbs_setup,
    verbs_statistics,
    verbs_work,
)
from .core_driver import CoreDriver
from .driver import Driver, Refused
from .facts import Facts, agrees, lead_facts, read_facts, show
from .language import BadStep, Step, read_scenario
from .times import TIME, duration_ms, show_ms
from .verbs import VERBS, Came
from .world import World

__all__ = [
    "run_scenario",
    "verbs_activities",
    "verbs_admin",
    "verbs_blocking",
    "verbs_checks",
    "verbs_downloads",
    "verbs_entry",
    "verbs_files",
    "verbs_hours",
    "verbs_large",
    "verbs_organisations",
    "verbs_outside",
    "verbs_pools",
    "verbs_reasons",
    "verbs_scheme_files",
    "verbs_schemes",
    "verbs_setup",
    "verbs_statistics",
    "verbs_work",
]


def run_scenario(file: Path, driver: Driver) -> None:
    world = World(driver)
    for step in read_scenario(file):
        try:
            _run_step(world, step)
        except BadStep as mistake:
            raise step.failed("a step as in README.md", str(mistake)) from None
        except Exception as fault:
            fault.add_note(f"{file.name}:{step.line}: {step.text}")
            raise


def _run_step(world: World, step: Step) -> None:
    _move(world, step)
    if not step.action or (step.action.startswith("dry run:") and isinstance(world.driver, CoreDriver)):
        return
    before = _all_leads(world) if (step.expected or "").startswith("refused") else {}
    try:
        came = _do(world, step)
    except Refused as refusal:
        _judge_refusal(world, step, refusal)
        after = _all_leads(world)
        if after != before:
            raise step.failed("nothing changes when a step is refused", f"{before} became {after}") from None
        return
    _judge(world, step, came)


def _move(world: World, step: Step) -> None:
    to_ms = world.now_ms
    if step.at:
        to_ms = world.time(step.at)
    elif step.after:
        to_ms += duration_ms(step.after)
    if to_ms < world.now_ms:
        raise step.failed("time to go forward", step.at)
    if to_ms != world.now_ms:
        world.now_ms = to_ms
        world.driver.move(to_ms)


def _do(world: World, step: Step) -> Came | None:
    for pattern, doing in VERBS:
        match = pattern.fullmatch(step.action)
        if match:
            return doing(world, match, step)
    raise BadStep(f"no verb fits: {step.action}")


def _all_leads(world: World) -> dict[str, Facts]:
    return {name: _lead_or_gone(world, lead) for name, lead in world.leads.items()}


def _lead_or_gone(world: World, lead: int) -> Facts:
    try:
        return lead_facts(world.driver.lead(lead), world)
    except Refused:
        return {"status": "gone"}


def _judge_refusal(world: World, step: Step, refusal: Refused) -> None:
    """`refused`, `refused CODE`, and behind a comma `permitted at TIME`, `never permitted` or `field NAME`."""
    wanted = step.expected or "done"
    head, _, more = wanted.partition(", ")
    code = head.removeprefix("refused").strip()
    next_at = "never permitted" if refusal.next_ms is None else f"permitted at {show_ms(refusal.next_ms)}"
    if m := re.fullmatch(rf"permitted at ({TIME})", more):
        more = f"permitted at {show_ms(world.time(m[1]))}"
    told = ("", next_at, f"field {refusal.field}")
    if not head.startswith("refused") or code not in ("", refusal.code) or more not in told:
        came = f"refused {refusal.code}, {next_at}, field {refusal.field}: {refusal.detail}"
        raise step.failed(wanted, came) from None


def _judge(world: World, step: Step, came: Came | None) -> None:
    if (step.expected or "").startswith("refused"):
        raise step.failed(step.expected or "", f"done: {show(came.facts)}" if came else "done")
    if came is None:
        if step.expected is not None:
            raise step.failed("no arrow: this verb answers nothing", step.expected)
        return
    if step.expected is None:
        if came.must and came.facts.get("lead") == "nothing":
            raise step.failed("a lead", show(came.facts))
        return
    for text, part in _parts(step.expected, came):
        if part is None:
            raise step.failed(text, "no next lease in the answer")
        expected = read_facts(text, part.patterns, world)
        if not agrees(expected, part.facts):
            raise step.failed(text, show(part.facts))


def _parts(expected: str, came: Came) -> list[tuple[str, Came | None]]:
    """What stands before `next` is about the finish, what stands behind it about the next lease."""
    head, found, tail = f", {expected}".partition(", next ")
    head = head.removeprefix(", ")
    parts: list[tuple[str, Came | None]] = [(head, came)] if head else []
    return [*parts, (tail, came.then)] if found else parts
