"""Verbs by which leads come in as entries: what a campaign's rows must be, and leads with numbers and fields."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from .driver import AS_CAMPAIGN, Check, Entered, LeadView, NewLead, NewPool
from .facts import POOL, Facts, pool_facts
from .language import BadStep, Step
from .times import TIME
from .verbs import Came, verb
from .world import World

_AUTOMATIC: Final = "+1 415 555 01"
_CHECK: Final = re.compile(
    r"duplicates (?P<action>\w+)(?: by (?P<match>.+?))?(?: in (?P<scope>\w+))?(?: among (?P<among>\w+))?"
)
ENTRY: Final = r"leads?(?: (?P<names>\w+(?:, \w+)*))? in (?P<campaign>\w+)(?P<options>(?: by hand)?(?:, .+)?)"
_OPTION: Final = re.compile(r'(?:[^,"]|"[^"]*")+')


@verb(r"project (?P<code>\w+) with campaigns (?P<campaigns>\w+(?:, \w+)*)")
def put_project(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.put_project(m["code"], m["campaigns"].split(", "))


@verb(r"fields of (?P<campaign>\w+): (?P<fields>.+)")
def put_fields(world: World, m: re.Match[str], _: Step) -> None:
    """`name, city required, amount number`."""
    fields: list[dict[str, Any]] = []
    for text in m["fields"].split(","):
        name, *words = text.split()
        types = [word for word in words if word != "required"]
        fields.append({"name": name, "type": types[0] if types else "text", "required": "required" in words})
    world.driver.put_fields(m["campaign"], fields)


@verb(ENTRY)
def put_leads(world: World, m: re.Match[str], step: Step) -> Came:
    names, pool = read_entry(world, m, step)
    pool = replace(pool, name=pool.name or f"pool of {names[0]}")
    came = world.driver.load(pool)
    world.pools[pool.name] = came.pool.id
    name_rows(world, names, pool.leads, came.leads)
    if step.expected is None and any(name not in world.leads for name in names):
        raise step.failed("all rows become leads", f"{pool_facts(came.pool)}")
    return entered(world, came)


def entered(world: World, came: Entered) -> Came:
    facts: Facts = {**pool_facts(came.pool), "pool": world.pool_name(came.pool.id)}
    return Came(facts, POOL)


def read_entry(world: World, m: re.Match[str], step: Step) -> tuple[list[str], NewPool]:
    """The rows' names, and the pool as it is asked for."""
    rows = list(step.rows) + [name.strip() for name in (m["names"] or "").split(",") if name]
    names = [row.split()[0].rstrip(",") for row in rows]
    pool, others = read_options(world, m["campaign"], m["options"])
    if others:
        raise BadStep(others[0])
    return names, replace(pool, leads=tuple(_lead(row) for row in rows))


def read_options(world: World, campaign: str, text: str) -> tuple[NewPool, list[str]]:
    """What every way of bringing leads in may say, and the parts that belong to one way only."""
    pool = NewPool(campaign, "")
    others: list[str] = []
    for part in (part.strip() for part in _OPTION.findall(text.removeprefix(" by hand"))):
        if m := re.fullmatch(r"pool (\w+)", part):
            pool = replace(pool, name=m[1])
        elif m := re.fullmatch(r"owned by ((?:team|agent) \w+)", part):
            pool = replace(pool, owner=m[1].replace(" ", ":"))
        elif m := re.fullmatch(r"priority (\d+)", part):
            pool = replace(pool, priority=int(m[1]))
        elif m := re.fullmatch(rf"(from|until) ({TIME})", part):
            at_ms = world.time(m[2])
            pool = replace(pool, from_ms=at_ms) if m[1] == "from" else replace(pool, until_ms=at_ms)
        elif m := re.fullmatch(r"on invalid (file|close)", part):
            pool = replace(pool, on_invalid=m[1])
        elif m := re.fullmatch(r'described as "(.*)"', part):
            pool = replace(pool, description=m[1])
        elif part == "as the campaign has it":
            pool = replace(pool, check=AS_CAMPAIGN)
        elif m := _CHECK.fullmatch(part):
            pool = replace(pool, check=read_check(m))
        else:
            others.append(part)
    return pool, others


def read_check(m: re.Match[str]) -> Check:
    match = tuple(re.split(r" or ", m["match"] or "phone"))
    return Check(match, m["scope"] or "campaign", m["among"] or "all", m["action"])


def check_of(text: str) -> Check | None:
    m = _CHECK.fullmatch(text)
    return read_check(m) if m else None


def _lead(row: str) -> NewLead:
    """`1`, or `1 +1 415 555 0101 / +1 415 555 0102, priority 2, owned by agent A, city "Boston"`."""
    head, *options = [part.strip() for part in _OPTION.findall(row)]
    name, _, numbers = head.partition(" ")
    phones = tuple(n.strip() for n in numbers.split("/")) if numbers.strip() else (f"{_AUTOMATIC}{int(name):02}",)
    lead = NewLead(phones)
    for option in options:
        if m := re.fullmatch(r"priority (\d+)", option):
            lead = replace(lead, priority=int(m[1]))
        elif m := re.fullmatch(r"owned by ((?:team|agent) \w+)", option):
            lead = replace(lead, owner=m[1].replace(" ", ":"))
        elif m := re.fullmatch(r"timezone (\S+)", option):
            lead = replace(lead, timezone=m[1])
        elif m := re.fullmatch(r'(\w+) "([^"]*)"', option):
            lead = replace(lead, data={**lead.data, m[1]: m[2]})
        else:
            raise BadStep(option)
    return lead


def name_rows(world: World, names: Sequence[str], rows: Sequence[NewLead], leads: Sequence[LeadView]) -> None:
    """Which lead came of which row: leads are in row order, and have what their row has."""
    left = iter(zip(names, rows, strict=True))
    for lead in leads:
        for name, row in left:
            if _came_of(lead, row):
                world.leads[name] = lead.id
                break


def _came_of(lead: LeadView, row: NewLead) -> bool:
    theirs = {re.sub(r"[ ()-]", "", phone) for phone in row.phones}
    if lead.numbers:
        return theirs.issuperset(lead.numbers)
    return all(lead.data.get(name) == value for name, value in row.data.items())
