"""Verbs of admins and supervisors on leads, numbers and pools."""

import re
from typing import Any

from .language import Step
from .times import DURATION, TIME
from .verbs import verb
from .verbs_work import promised_ms
from .world import World

_REDIAL = rf"(?P<kind>common|private|vip) (?:at (?P<at>{TIME})|in (?P<in>{DURATION}))(?: for (?P<agent>\w+))?(?P<force> forced)?"


@verb(r"admin sets owner of lead (?P<lead>\w+) to (?P<owner>(?:agent|team) \w+)")
def set_owner(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.edit(world.lead(m["lead"]), {"owner": m["owner"].replace(" ", ":")})


@verb(rf"admin sets due of lead (?P<lead>\w+) to (?P<time>{TIME})")
def set_due(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.edit(world.lead(m["lead"]), {"due_ms": world.time(m["time"])})


@verb(r"admin sets priority of lead (?P<lead>\w+) to (?P<priority>\d+)")
def set_priority(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.edit(world.lead(m["lead"]), {"priority": int(m["priority"])})


def _redial(world: World, m: re.Match[str]) -> dict[str, Any]:
    redial = {"kind": m["kind"], "at_ms": promised_ms(world, m), "agent": m["agent"]}
    return redial | ({"force": True} if m["force"] else {})


@verb(rf"admin sets redial of lead (?P<lead>\w+): {_REDIAL}")
def set_redial(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.edit(world.lead(m["lead"]), {"redial": _redial(world, m)})


@verb(r"admin (?P<action>release|remove)s lead (?P<lead>\w+)")
def act(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.act(world.lead(m["lead"]), m["action"], {})


@verb(rf"admin reopens lead (?P<lead>\w+)(?P<redial> as {_REDIAL})?")
def reopen(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.act(world.lead(m["lead"]), "reopen", {"redial": _redial(world, m)} if m["redial"] else {})


@verb(r"admin releases all of (?P<agent>\w+)")
def release_all(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.release_all(m["agent"])


@verb(rf"admin makes lead (?P<lead>\w+) urgent: (?P<reason>\w+) until (?P<until>{TIME})")
def urgent(world: World, m: re.Match[str], _: Step) -> None:
    body = {"reason": m["reason"], "expires_ms": world.time(m["until"])}
    world.driver.act(world.lead(m["lead"]), "urgent", body)


@verb(r"validation of lead (?P<lead>\w+) (?P<how>passed|failed)")
def validate(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.act(world.lead(m["lead"]), "validate", {"passed": m["how"] == "passed"})
