"""The verb of activities: what was said to a lead, or by it (SPEC R13.3, R13.5)."""

import re
from typing import Any, Final

from .facts import lead_facts
from .language import BadStep, Step
from .times import DURATION, TIME
from .verbs import Came, lead_came, verb
from .verbs_work import promised_ms
from .world import World

_WORDS: Final = {"text": "sms", "e-mail": "email", "visit in store": "in_store"}
_REDIAL: Final = re.compile(
    rf"redial (?P<kind>\w+) (?:at (?P<at>{TIME})|in (?P<in>{DURATION}))(?: for (?P<agent>\w+))?(?P<force> forced)?"
)
_PLAIN: Final = (
    (re.compile(r"for (\w+)"), "agent"),
    (re.compile(r"number (\+[\d ]+\d)"), "number"),
    (re.compile(r"note (.+)"), "note"),
)


@verb(
    r"(?P<who>\w+) logs an? (?P<what>visit in store|[\w-]+)(?: (?P<direction>in|out|sideways))? on lead (?P<lead>\w+)"
    r"(?:: (?P<outcome>[a-z ]+?)(?: explained as (?P<explanation>[^,]+))?)?(?P<rest>(?:, .+)?)"
)
def log(world: World, m: re.Match[str], _: Step) -> Came:
    body: dict[str, Any] = {"interaction": _WORDS.get(m["what"], m["what"])}
    body |= {"direction": m["direction"]} if m["direction"] else {}
    body |= {"outcome": m["outcome"].replace(" ", "_")} if m["outcome"] else {}
    body |= {"explanation": m["explanation"]} if m["explanation"] else {}
    for part in (part.strip() for part in m["rest"].split(",") if part.strip()):
        body |= _read(world, part)
    return lead_came(lead_facts(world.driver.log(world.lead(m["lead"]), m["who"], body), world))


def _read(world: World, part: str) -> dict[str, Any]:
    if m := re.fullmatch(rf"at ({TIME})", part):
        return {"at_ms": world.time(m[1])}
    if m := _REDIAL.fullmatch(part):
        redial: dict[str, Any] = {"kind": m["kind"], "at_ms": promised_ms(world, m)}
        redial |= {"agent": m["agent"]} if m["agent"] else {}
        return {"redial": redial | ({"force": True} if m["force"] else {})}
    for pattern, key in _PLAIN:
        if m := pattern.fullmatch(part):
            return {key: m[1].replace(" ", "") if key == "number" else m[1]}
    raise BadStep(part)
