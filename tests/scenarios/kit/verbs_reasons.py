"""Verbs that ask why: explain, why idle, what an offer was allowed by."""

import re
from collections.abc import Sequence
from typing import Final

from .facts import Facts
from .language import BadStep, Step
from .reasons import Explained, Idle, Told
from .times import TIME, show_ms
from .verbs import Came, verb
from .verbs_work import offer_or_nothing
from .world import World

_SAYS: Final = re.compile(rf"(\w+) (?:(passes|blocks)(?: until ({TIME})| with no end)?|says (.+))")
_IDLE: Final = (rf"next at ({TIME})", r"ready (\d+)", r"(\w+) (\d+)")


@verb(r"explain lead (?P<lead>\w+) for (?P<agent>\w+)")
def explain(world: World, m: re.Match[str], step: Step) -> None:
    """Facts: `eligible`, `not eligible`, `eligible at TIME`, `never eligible`, `rank N`, and of a rule by its name that it
    `passes`, `blocks until TIME`, `blocks with no end`, or `says` words. What is not named is not looked at."""
    came = world.driver.explain(world.lead(m["lead"]), m["agent"])
    wanted, step.expected = _parts(step), None
    for part in wanted:
        if not _explained(world, part, came):
            raise step.failed(part, _show_explained(came))


def _parts(step: Step) -> list[str]:
    """What stands behind the arrow, and on the lines below."""
    text = ", ".join([step.expected or "", *step.rows])
    return [part.strip() for part in text.split(",") if part.strip()]


def _explained(world: World, wanted: str, came: Explained) -> bool:
    if wanted in ("eligible", "not eligible"):
        return came.eligible == (wanted == "eligible")
    if wanted == "never eligible":
        return not came.eligible and came.eligible_ms is None
    if m := re.fullmatch(rf"eligible at ({TIME})", wanted):
        return came.eligible_ms == world.time(m[1])
    if m := re.fullmatch(r"rank (\d+)", wanted):
        return came.rank == int(m[1])
    if m := _SAYS.fullmatch(wanted):
        return any(_told(world, m, check) for check in came.checks if m[1] in (check.name, check.rule))
    raise BadStep(wanted)


def _told(world: World, wanted: re.Match[str], check: Told) -> bool:
    if wanted[4]:
        return wanted[4] in check.value
    if check.passed is not (wanted[2] == "passes"):
        return False
    if wanted[3]:
        return check.until_ms == world.time(wanted[3])
    return not wanted[0].endswith("with no end") or check.until_ms is None


def _show_explained(came: Explained) -> str:
    at = "no time" if came.eligible_ms is None else show_ms(came.eligible_ms)
    head = f"{'eligible' if came.eligible else 'not eligible'}, at {at}, rank {came.rank}"
    return "\n              ".join([head, *map(_show_told, came.checks)])


def _show_told(check: Told) -> str:
    until = "" if check.until_ms is None else f" until {show_ms(check.until_ms)}"
    return f"{check.rule} {check.name} {'passes' if check.passed else 'blocks'}{until} says {check.value}"


@verb(r"why is (?P<agent>\w+) idle")
def why_idle(world: World, m: re.Match[str], step: Step) -> None:
    _judge_idle(world, world.driver.why_idle(m["agent"]), step)


@verb(r"why is (?:campaign (?P<campaign>\w+)|(?P<agent>\w+)) idle, asks the supervisor")
def why_all_idle(world: World, m: re.Match[str], step: Step) -> None:
    came = world.driver.why_all_idle()
    of = came.campaigns.get(m["campaign"]) if m["campaign"] else came.agents.get(m["agent"])
    if of is None:
        raise step.failed(m["campaign"] or m["agent"], f"campaigns {[*came.campaigns]}, agents {[*came.agents]}")
    _judge_idle(world, of, step)


@verb(r"(?P<agents>nobody|\w+(?:, \w+)*) (?:is|are) idle(?:, (?P<waiting>\w+(?: \w+)*) waits?)?")
def idle_agents(world: World, m: re.Match[str], step: Step) -> None:
    came = world.driver.why_all_idle()
    wanted = [] if m["agents"] == "nobody" else sorted(m["agents"].split(", "))
    waiting = sorted((m["waiting"] or "").split())
    if (wanted, waiting) != (sorted(came.agents), sorted(came.waiting)):
        raise step.failed(step.action, f"idle {', '.join(came.agents) or 'nobody'}, waiting {' '.join(came.waiting)}")


@verb(r"(?P<agent>\w+) next explained")
def next_explained(world: World, m: re.Match[str], step: Step) -> Came | None:
    """The lease with `chosen from N`; or why there is none, as `why is A idle` says it."""
    came = world.driver.next_explained(m["agent"])
    if isinstance(came, Idle):
        _judge_idle(world, came, step)
        return None
    return offer_or_nothing(world, m["agent"], came)


def _judge_idle(world: World, came: Idle, step: Step) -> None:
    """All leads that are kept back must be named; `ready` and the next opening need not be."""
    wanted: Facts = {}
    for part in _parts(step):
        if part == "no next":
            wanted["next"] = ""
        elif m := re.fullmatch(_IDLE[0], part):
            wanted["next"] = show_ms(world.time(m[1]))
        elif m := re.fullmatch(_IDLE[2], part):
            wanted[m[1]] = m[2]
        elif part != "nothing":
            raise BadStep(part)
    facts = {reason: str(count) for reason, count in came.blocked.items() if count}
    ready, next_at = str(came.ready), "" if came.next_ms is None else show_ms(came.next_ms)
    if wanted != facts | {key: value for key, value in (("ready", ready), ("next", next_at)) if key in wanted}:
        shown = ", ".join(f"{reason} {count}" for reason, count in facts.items()) or "nothing"
        raise step.failed(step.expected or "", f"{shown}, ready {ready}, next at {next_at or 'no time'}")
    step.expected = None


@verb(rf"offer of lead (?P<lead>\w+) at (?P<at>{TIME}) proves")
def proves(world: World, m: re.Match[str], step: Step) -> None:
    """Each line below: the name of a rule, then words that its value in the lead's history has; `no NAME`: nothing of it."""
    at_ms = world.time(m["at"])
    offers = [change for change in world.driver.history(world.lead(m["lead"])) if change.at_ms == at_ms]
    checks = [check for change in offers if change.event == "leased" for check in change.checks]
    for row in step.rows:
        name, _, words = row.partition(" ")
        if name == "no":
            fits = all(words not in known for known, _ in checks)
        else:
            fits = any(name == known and all(w.strip() in value for w in words.split("|")) for known, value in checks)
        if not fits:
            raise step.failed(row, _show_checks(checks))


def _show_checks(checks: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{name} {value}" for name, value in checks) or "no checks"
