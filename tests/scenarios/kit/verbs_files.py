"""Verbs by which leads come in over HTTP only: files, entries that may share a pool, what rows must be."""

import re
from dataclasses import replace
from typing import Any

from .driver import Entered, LeadView
from .files import Sheet
from .http_driver import duplicates, entry_options
from .language import BadStep, Step
from .outside import outside
from .verbs import Came, verb
from .verbs_entry import ENTRY, check_of, entered, name_rows, read_entry, read_options
from .world import World


@verb(rf"(?P<who>\w+) enters {ENTRY}")
def enter(world: World, m: re.Match[str], step: Step) -> Came:
    """`pool NAME` behind the arrow is a pool of that name, or gives the name to a pool that has none yet."""
    names, pool = read_entry(world, m, step)
    came = outside(world).enter(pool, m["who"], by_hand=m["options"].startswith(" by hand"))
    wanted = re.search(r"\bpool (\w+)", step.expected or "")
    if wanted and wanted[1] not in world.pools and came.pool.id not in world.pools.values():
        world.pools[wanted[1]] = came.pool.id
    name_rows(world, names, pool.leads, came.leads)
    return entered(world, came)


@verb(r"upload rules of (?P<campaign>\w+):")
def put_rules(world: World, m: re.Match[str], step: Step) -> None:
    rules: dict[str, Any] = {"fields": {}}
    for row in step.rows:
        if found := re.fullmatch(r"countries (.+)", row):
            rules["countries"] = found[1].split()
        elif found := re.fullmatch(r"number types (.+)", row):
            rules["number_types"] = found[1].split()
        elif found := re.fullmatch(r"on invalid (\w+)", row):
            rules["on_invalid"] = found[1]
        elif check := check_of(row):
            rules["duplicates"] = duplicates(check)
        elif found := re.fullmatch(r"(\w+) (only|not|like|from) (.+)", row):
            rules["fields"].setdefault(found[1], {}).update(_rule(found[2], found[3]))
        else:
            raise BadStep(row)
    outside(world).line.call("PATCH", f"campaigns/{m['campaign']}", {"upload_rules": rules})


def _rule(kind: str, text: str) -> dict[str, Any]:
    if kind == "like":
        return {"pattern": text}
    if kind == "from":
        low, _, high = text.partition(" to ")
        return {"min": _bound(low), "max": _bound(high)}
    return {"allowed" if kind == "only" else "prohibited": [value.strip() for value in text.split("/")]}


def _bound(text: str) -> float | str:
    return float(text) if re.fullmatch(r"[\d.]+", text) else text


@verb(r"region of (?P<campaign>\w+) is (?P<region>[A-Z]{2})")
def put_region(world: World, m: re.Match[str], _: Step) -> None:
    outside(world).line.call("PATCH", f"campaigns/{m['campaign']}", {"default_region": m["region"]})


@verb(r"admin uploads to (?P<campaign>\w+)(?P<options>(?:, .+)?)")
def upload(world: World, m: re.Match[str], step: Step) -> Came:
    """A lead of a file is called by the last two digits of its number; of two with the same, the second is `NAMEb`."""
    pool, others = read_options(world, m["campaign"], m["options"])
    if not re.search(r"\bduplicates\b|as the campaign has it", m["options"]):
        pool = replace(pool, check=replace(pool.check, action="skip", scope="file"))
    options = entry_options(pool)
    sheet = Sheet(step.rows)
    for option in others:
        if found := re.fullmatch(r"mapping (.+) to (\w+)", option):
            options.setdefault("mapping", {})[found[1]] = None if found[2] == "nothing" else found[2]
        elif found := re.fullmatch(r"sheet (\w+)", option):
            options["sheet"] = sheet.sheet = found[1]
        elif option == "without saying the sheet":
            del options["sheet"]
        elif option == "duplicates as the campaign has it":
            del options["duplicates"]
        else:
            sheet.set(option)
    came = send(world, sheet.name, sheet.content(), options)
    for lead in came.leads:
        _name_by_number(world, lead)
    return entered(world, came)


def send(world: World, name: str, content: bytes, options: dict[str, Any]) -> Entered:
    driver = outside(world)
    made = driver.line.send_file("pools", name, content, options).json()
    world.pools[options["name"]] = made["id"]
    world.files[options["name"]] = content
    return driver.came(made["id"]) if made["counts"]["valid"] < 1000 else Entered(driver.pool(made["id"]), ())


def _name_by_number(world: World, lead: LeadView) -> None:
    number = next((number for number in lead.numbers if re.fullmatch(r"\+1\d{3}55501\d\d", number)), None)
    if number is None:
        return
    name = str(int(number[-2:]))
    taken = sum(known in world.leads for known in (name, f"{name}b", f"{name}c", f"{name}d"))
    world.leads[name + ("", "b", "c", "d")[taken]] = lead.id


@verb(r"pool (?P<pool>\w+) has leads? (?P<names>\w+(?:, \w+)*)")
def name_leads(world: World, m: re.Match[str], step: Step) -> None:
    """All of the pool's leads get these names, in the order they came."""
    leads = outside(world).line.items(f"leads?pool={world.pool(m['pool'])}&limit=1000")
    names = m["names"].split(", ")
    if len(names) != len(leads):
        raise step.failed(f"{len(names)} leads", f"{len(leads)}")
    world.leads.update((name, lead["id"]) for name, lead in zip(names, leads, strict=True))
