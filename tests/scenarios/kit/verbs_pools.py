"""Verbs on pools: their buttons, their settings, their details."""

import re
from typing import Final

from .driver import Body, Bulk, Deleted, Refused
from .facts import BULK, POOL, Facts, pool_facts
from .language import Step
from .times import TIME
from .verbs import Came, verb
from .world import World

ROUNDS: Final = 20_000
"""Looks before giving up on something that goes on by itself."""


@verb(r"admin (?P<action>activate|deactivate|shuffle|confirm|reject)s pool (?P<pool>\w+)(?: with seed (?P<seed>\d+))?")
def pool_action(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.pool_action(world.pool(m["pool"]), m["action"], int(m["seed"]) if m["seed"] else None)


@verb(r"(?P<dry>dry run: )?admin deletes pool (?P<pool>\w+)")
def delete_pool(world: World, m: re.Match[str], _: Step) -> Came:
    return Came(deleted_facts(world.driver.delete_pool(world.pool(m["pool"]), dry_run=bool(m["dry"]))), BULK)


def deleted_facts(deleted: Deleted) -> Facts:
    facts = {"gone": str(deleted.gone), "kept": str(sum(deleted.kept.values()))}
    return facts | {f"kept {reason}": str(count) for reason, count in deleted.kept.items()}


@verb(r"admin sets priority of pool (?P<pool>\w+) to (?P<priority>\d+)")
def pool_priority(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.edit_pool(world.pool(m["pool"]), {"priority": int(m["priority"])})


@verb(r'admin sets (?P<what>name|description) of pool (?P<pool>\w+) to "(?P<text>[^"]*)"')
def pool_text(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.edit_pool(world.pool(m["pool"]), {m["what"]: m["text"]})


@verb(rf"admin sets dates of pool (?P<pool>\w+): from (?P<from>{TIME}|open) until (?P<until>{TIME}|open)")
def pool_dates(world: World, m: re.Match[str], _: Step) -> None:
    dates = {f"active_{key}_ms": None if m[key] == "open" else world.time(m[key]) for key in ("from", "until")}
    world.driver.edit_pool(world.pool(m["pool"]), dates)


@verb(r"pool (?P<pool>\w+) is gone(?P<later> in the end)?")
def pool_is_gone(world: World, m: re.Match[str], step: Step) -> None:
    for _ in range(ROUNDS if m["later"] else 1):
        try:
            world.driver.pool(world.pool(m["pool"]))
        except Refused as refusal:
            if refusal.code != "not_found":
                raise
            return
    raise step.failed("no such pool any more", "it is there")


@verb(r"pool (?P<pool>\w+) is (?P<facts>.+)")
def pool_is(world: World, m: re.Match[str], step: Step) -> Came:
    step.expected = m["facts"]
    return Came(pool_facts(world.driver.pool(world.pool(m["pool"]))), POOL)


@verb(r"(?P<dry>dry run: )?admin (?P<action>remove|release|reopen)s leads (?P<leads>\w+(?:, \w+)*)")
def edit_many(world: World, m: re.Match[str], _: Step) -> Came:
    return _bulk(world, m, m["action"], {})


@verb(r"(?P<dry>dry run: )?admin sets (?P<what>priority|owner) of leads (?P<leads>\w+(?:, \w+)*) to (?P<to>.+)")
def set_many(world: World, m: re.Match[str], _: Step) -> Came:
    body: Body = {"priority": int(m["to"])} if m["what"] == "priority" else {"owner": m["to"].replace(" ", ":")}
    return _bulk(world, m, m["what"], body)


def _bulk(world: World, m: re.Match[str], action: str, body: Body) -> Came:
    leads = [world.lead(name) for name in m["leads"].split(", ")]
    return bulk_came(world.driver.edit_many(leads, action, body, dry_run=bool(m["dry"])))


def bulk_came(bulk: Bulk) -> Came:
    facts = {"done": str(bulk.done)}
    return Came(facts | {f"refused {code}": str(count) for code, count in bulk.refused.items()}, BULK)
