"""Verbs of agents at work: sessions, next, waiting, finish, heartbeat, resolve."""

import re
from typing import Any

from .driver import Finish, Nothing, Offered
from .facts import finish_facts, lead_facts, offer_facts
from .language import BadStep, Step
from .times import DURATION, TIME, duration_ms, show_ms
from .verbs import Came, lead_came, offer_came, verb
from .world import World

_WHEN = rf"(?:at (?P<at>{TIME})|in (?P<in>{DURATION}))"
_REDIAL = rf"redial (?P<kind>common|private|vip) {_WHEN}(?P<force> forced)?"
_OUTCOME = re.compile(
    rf"(?:resolved (?P<result>\w+)|{_REDIAL}|unreached (?P<cause>\w+)|unresolved|cancelled(?: because (?P<reason>.+?))?)"
    r"(?:, number (?P<number>\+[\d ]+\d))?(?:, note (?P<note>.+?))?(?P<next> and next)?"
)


@verb(r"(?P<agents>\w+(?:, \w+)*) works? (?P<codes>\w+(?:, \w+)*)(?P<box> with box| without box)?")
def work(world: World, m: re.Match[str], _: Step) -> None:
    cross = None if m["box"] is None else m["box"].strip() == "with box"
    for agent in m["agents"].split(", "):
        world.driver.session(agent, m["codes"].split(", "), cross)


@verb(r"(?P<agent>\w+) logs off")
def log_off(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.log_off(m["agent"])


def offer_or_nothing(world: World, agent: str, answer: Offered | Nothing) -> Came:
    """What an agent was answered."""
    known = isinstance(answer, Offered) and world.seen(agent, answer.lead, answer.token)
    return offer_came(offer_facts(answer, world, known=known))


@verb(r"(?P<agent>\w+) next")
def ask_next(world: World, m: re.Match[str], _: Step) -> Came:
    return offer_or_nothing(world, m["agent"], world.driver.next(m["agent"]))


@verb(r"(?P<agent>\w+) waits")
def start_waiting(world: World, m: re.Match[str], _: Step) -> None:
    world.waits.setdefault(m["agent"], []).append(world.driver.wait(m["agent"]))


@verb(r"(?P<agent>\w+) gets (?P<facts>.+)")
def get_answer(world: World, m: re.Match[str], step: Step) -> Came:
    """The oldest unanswered wait of the agent."""
    answer = world.driver.answer(_oldest_wait(world, m["agent"]))
    step.expected = m["facts"]
    if answer is None:
        raise step.failed(m["facts"], "no answer, still waiting")
    world.waits[m["agent"]].pop(0)
    return offer_or_nothing(world, m["agent"], answer)


def _oldest_wait(world: World, agent: str) -> int:
    if not world.waits.get(agent):
        raise BadStep(f"{agent} does not wait")
    return world.waits[agent][0]


@verb(r"(?P<agent>\w+) still waits")
def still_waits(world: World, m: re.Match[str], step: Step) -> None:
    answer = world.driver.answer(_oldest_wait(world, m["agent"]))
    if answer is not None:
        raise step.failed("no answer yet", repr(answer))


@verb(r"(?P<agent>\w+) hangs up")
def hang_up(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.hang_up(world.waits[m["agent"]].pop())


@verb(r"(?P<agent>\w+) takes lead (?P<lead>\w+)")
def take(world: World, m: re.Match[str], _: Step) -> Came:
    return offer_or_nothing(world, m["agent"], world.driver.take(m["agent"], world.lead(m["lead"]), override=False))


@verb(r"supervisor gives lead (?P<lead>\w+) to (?P<agent>\w+)")
def give(world: World, m: re.Match[str], _: Step) -> Came:
    return offer_or_nothing(world, m["agent"], world.driver.take(m["agent"], world.lead(m["lead"]), override=True))


@verb(r"(?P<agent>\w+) finishes (?:lead (?P<lead>\w+)|it)(?P<foreign> with a made-up token)? (?P<outcome>.+)")
def finish(world: World, m: re.Match[str], _: Step) -> Came:
    agent = m["agent"]
    lead = world.lead(m["lead"]) if m["lead"] else world.offered[agent]
    token = f"{lead:x}-{'0' * 32}" if m["foreign"] else world.token(agent, lead)
    answer = world.driver.finish(agent, token, read_outcome(world, m["outcome"]))
    first = world.firsts.setdefault(token, answer)
    return lead_came(finish_facts(answer, first if first is not answer else None, world), _after(world, agent, answer))


def _after(world: World, agent: str, answer: Finish) -> Came | None:
    return None if answer.next is None else offer_or_nothing(world, agent, answer.next)


def read_outcome(world: World, text: str) -> dict[str, Any]:
    """The body of a finish or resolve."""
    m = _OUTCOME.fullmatch(text)
    if m is None:
        raise BadStep(text)
    body: dict[str, Any] = {"outcome": text.split(maxsplit=1)[0].rstrip(",")}
    body |= {key: m[key] for key in ("result", "kind", "cause", "reason", "note") if m[key]}
    if m["kind"]:
        body["at_ms"] = promised_ms(world, m)
    if m["number"]:
        body["number"] = m["number"].replace(" ", "")
    if m["force"]:
        body["force"] = True
    if m["next"]:
        body["next"] = True
    return body


def promised_ms(world: World, m: re.Match[str]) -> int:
    return world.now_ms + duration_ms(m["in"]) if m["in"] else world.time(m["at"])


@verb(r"(?P<agent>\w+) heartbeats lead (?P<lead>\w+)")
def heartbeat(world: World, m: re.Match[str], _: Step) -> Came:
    expires_ms = world.driver.heartbeat(m["agent"], world.token(m["agent"], world.lead(m["lead"])))
    return offer_came({"lead": m["lead"], "until": show_ms(expires_ms)})


@verb(r"supervisor ends the lease of lead (?P<lead>\w+) as (?P<outcome>cancelled|unresolved)")
def end_lease(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.end_lease(world.last_token[world.lead(m["lead"])], m["outcome"])


@verb(r"(?P<who>\w+) resolves lead (?P<lead>\w+) (?P<outcome>.+)")
def resolve(world: World, m: re.Match[str], _: Step) -> Came:
    agent = None if m["who"] == "supervisor" else m["who"]
    view = world.driver.resolve(world.lead(m["lead"]), agent, read_outcome(world, m["outcome"]))
    return lead_came(lead_facts(view, world))


@verb(r"(?P<agent>\w+) asks twice and the daemon crashes before it answers")
def crash_before_answer(world: World, m: re.Match[str], step: Step) -> None:
    answered = world.driver.crash_before_answer(m["agent"], 2)
    if answered:
        raise step.failed("no answer to either", f"{answered} answered")


@verb(r"daemon crashes")
def crash(world: World, _m: re.Match[str], _s: Step) -> None:
    world.driver.crash(world.now_ms)
    world.waits.clear()


@verb(rf"daemon is down until (?P<until>{TIME})")
def down(world: World, m: re.Match[str], _: Step) -> None:
    world.now_ms = world.time(m["until"])
    world.driver.crash(world.now_ms)
    world.waits.clear()
