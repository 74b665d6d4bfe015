"""Verbs of do-not-call lists and of forgetting."""

import re
from typing import Final

from .driver import Entry
from .facts import BULK, Facts, Patterns
from .language import Step
from .times import TIME, show_ms
from .verbs import Came, verb
from .world import World

NUMBER: Final = r"(?P<number>\+[\d ]+\d)"
_CHECKED: Final[Patterns] = (
    (r"((?:not )?blocked)", "blocked", lambda m, _: m[1]),
    (r"(by|reason|list) (\S+)", "{0}", lambda m, _: m[2]),
    (rf"at ({TIME})", "at", lambda m, world: show_ms(world.time(m[1]))),
)


def scope_of(m: re.Match[str]) -> str:
    return "global" if m["everywhere"] else "organisation"


@verb(
    rf"(?P<dry>dry run: )?(?P<who>\w+) blocks {NUMBER}(?P<everywhere> everywhere)?(?P<drop> dropping only the number)?"
)
def block(world: World, m: re.Match[str], _: Step) -> Came:
    number = m["number"].replace(" ", "")
    leads = world.driver.block(number, scope_of(m), m["who"], drop=bool(m["drop"]), dry_run=bool(m["dry"]))
    return Came({"leads": str(leads)}, BULK)


@verb(rf"(?P<who>\w+) unblocks {NUMBER}(?P<everywhere> everywhere)?")
def unblock(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.unblock(m["number"].replace(" ", ""), scope_of(m), m["who"])


@verb(rf"(?P<who>\w+) checks {NUMBER}")
def check(world: World, m: re.Match[str], _: Step) -> Came:
    entries = world.driver.check(m["number"].replace(" ", ""), m["who"])
    if entries is None:
        return Came({"blocked": "not blocked"}, _CHECKED)
    return Came({"blocked": "blocked", **(_entry(entries[0]) if entries else {})}, _CHECKED)


def _entry(entry: Entry) -> Facts:
    return {"by": entry.by, "reason": entry.reason, "list": entry.scope, "at": show_ms(entry.at_ms)}


@verb(rf"(?P<dry>dry run: )?admin anonymises (?:lead (?P<lead>\w+)|{NUMBER})")
def anonymise(world: World, m: re.Match[str], _: Step) -> Came:
    """What was seen of histories before may now lack what was personal in it."""
    lead = world.lead(m["lead"]) if m["lead"] else 0
    number = (m["number"] or "").replace(" ", "")
    now, later = world.driver.anonymise(lead=lead, number=number, dry_run=bool(m["dry"]))
    world.histories.clear()
    return Came({"now": str(now), "later": str(later)}, BULK)
