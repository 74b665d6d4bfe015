"""Verbs that only look: a lead, its history, an agent's lists."""

import re
from typing import Final

from .driver import Change, Refused
from .facts import lead_facts, show
from .language import BadStep, Step
from .times import TIME, show_ms
from .verbs import Came, lead_came, verb
from .world import World

_CHANGE: Final = re.compile(
    rf"(?:(?P<before>\w+) to )?(?P<after>\w+)(?:: (?P<closure>\w+))?"
    rf"(?: by (?P<actor>[\w:]+))?(?: at (?P<at>{TIME}))?(?: effective (?P<effective>{TIME}))?(?: cause (?P<cause>\w+))?"
    r"(?: showing (?P<shown>.+?))?(?: logging (?P<logged>\w+ (?:in|out)(?: \w+)?))?(?: saying (?P<detail>.+?))?(?: noting (?P<note>.+))?"
)


@verb(r"lead (?P<lead>\w+) is gone")
def lead_is_gone(world: World, m: re.Match[str], step: Step) -> None:
    try:
        came = show(lead_facts(world.driver.lead(world.lead(m["lead"])), world))
    except Refused as refusal:
        came = refusal.code
    if came != "not_found":
        raise step.failed("no such lead any more", came)


@verb(r"lead (?P<lead>\w+) is (?P<facts>.+)")
def lead_is(world: World, m: re.Match[str], step: Step) -> Came:
    step.expected = m["facts"]
    return lead_came(lead_facts(world.driver.lead(world.lead(m["lead"])), world))


@verb(r"history of lead (?P<lead>\w+) (?P<part>has|ends with) (?P<changes>.+)")
def history(world: World, m: re.Match[str], step: Step) -> None:
    """Changes are set apart by `;`; `has` wants them in this order, others between them. What was seen of a history before must still be there (SPEC R1.3)."""
    lead = world.lead(m["lead"])
    came = world.driver.history(lead)
    before = world.histories.get(lead, [])
    if came[: len(before)] != before:
        raise step.failed("a history that only grows", _show_all(came))
    world.histories[lead] = came
    wanted = [part.strip() for part in m["changes"].split(";")]
    left = iter(came if m["part"] == "has" else came[-len(wanted) :])
    if not all(any(_like(world, want, change) for change in left) for want in wanted):
        raise step.failed(m["changes"], _show_all(came))


@verb(r"history of lead (?P<lead>\w+) never says (?P<text>.+)")
def history_is_silent(world: World, m: re.Match[str], step: Step) -> None:
    came = world.driver.history(world.lead(m["lead"]))
    if not came or m["text"] in repr(came):
        raise step.failed(f"a history without {m['text']}", _show_all(came))


def _like(world: World, wanted: str, came: Change) -> bool:
    m = _CHANGE.fullmatch(wanted)
    if m is None:
        raise BadStep(wanted)
    pairs = [
        (m["before"], came.before),
        (m["after"], came.after),
        (m["closure"], came.closure),
        (m["cause"], came.cause),
        (m["at"] and world.time(m["at"]), came.at_ms),
        (m["effective"] and world.time(m["effective"]), came.effective_ms),
        (m["shown"], came.shown.text),
        (m["logged"], came.logged),
    ]
    who = m["actor"] is None or came.actor == m["actor"] or came.actor.startswith(f"{m['actor']}:")
    noted = m["note"] is None or m["note"] in came.note
    told = m["detail"] is None or m["detail"] in came.detail or any(m["detail"] in value for _, value in came.checks)
    return who and noted and told and all(wanted is None or wanted == real for wanted, real in pairs)


def _show_all(changes: list[Change]) -> str:
    return "; ".join(_show(change) for change in changes) or "no history"


def _show(change: Change) -> str:
    closure = f": {change.closure}" if change.closure else ""
    effective = f" effective {show_ms(change.effective_ms)}" if change.effective_ms != change.at_ms else ""
    cause = f" cause {change.cause}" if change.cause else ""
    note = f" showing {change.shown.text}" if change.shown.status else ""
    note += f" logging {change.logged}" if change.logged else ""
    note += f" saying {change.detail}" if change.detail else ""
    note += f" noting {change.note}" if change.note else ""
    at = show_ms(change.at_ms)
    return f"{change.before} to {change.after}{closure} by {change.actor} at {at}{effective}{cause}{note}"


@verb(r"(?P<agent>\w+) holds (?P<leads>nothing|leads? \w+(?:, \w+)*)")
def holds(world: World, m: re.Match[str], step: Step) -> None:
    offers = world.driver.leases(m["agent"])
    for offer in offers:
        world.seen(m["agent"], offer.lead, offer.token)
    _compare(world, m["leads"], [offer.lead for offer in offers], step)


@verb(r"(?P<agent>\w+) has (?P<what>redials|unresolved) (?P<leads>nothing|leads? \w+(?:, \w+)*)")
def has(world: World, m: re.Match[str], step: Step) -> None:
    driver = world.driver
    came = driver.redials(m["agent"]) if m["what"] == "redials" else driver.unresolved(m["agent"])
    _compare(world, m["leads"], came, step)


def _compare(world: World, wanted: str, came: list[int], step: Step) -> None:
    names = [] if wanted == "nothing" else re.sub(r"^leads? ", "", wanted).split(", ")
    if sorted(names) != sorted(world.name_of(lead) for lead in came):
        raise step.failed(wanted, ", ".join(world.name_of(lead) for lead in came) or "nothing")
