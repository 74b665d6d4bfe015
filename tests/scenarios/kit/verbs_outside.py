"""Verbs on lists of pools, of leads and of numbers, over HTTP only."""

import re
from typing import Any

from .driver import Bulk
from .facts import BULK, Patterns
from .language import Step
from .outside import outside
from .verbs import Came, verb
from .verbs_blocking import scope_of
from .verbs_pools import bulk_came
from .world import World


@verb(
    r"pools(?: of campaigns (?P<campaigns>\w+(?: \w+)*))?(?:, (?P<state>active|inactive))?"
    r'(?:, with "(?P<text>[^"]*)")? are (?P<pools>.+)'
)
def list_pools(world: World, m: re.Match[str], step: Step) -> None:
    query = [f"campaign={m['campaigns'].replace(' ', ',')}"] if m["campaigns"] else []
    query += [f"active={'true' if m['state'] == 'active' else 'false'}"] if m["state"] else []
    query += [f"q={m['text']}"] if m["text"] is not None else []
    came = [world.pool_name(pool["id"]) for pool in outside(world).line.items(f"pools?{'&'.join(query)}")]
    if came != ([] if m["pools"] == "nothing" else m["pools"].split(", ")):
        raise step.failed(m["pools"], ", ".join(came) or "nothing")


@verb(
    r"(?P<dry>dry run: )?admin (?P<action>activate|deactivate|confirm|shuffle|delete)s pools "
    r"(?P<pools>\w+(?:, \w+)*)(?: with seed (?P<seed>\d+))?"
)
def press(world: World, m: re.Match[str], _: Step) -> Came:
    names = m["pools"].split(", ")
    body: dict[str, Any] = {"ids": [world.pool(name) for name in names], "action": m["action"]}
    body |= {"seed": int(m["seed"])} if m["seed"] else {}
    answer = outside(world).line.call("POST", f"pools/bulk{'?dry_run=true' if m['dry'] else ''}", body).json()
    facts = {world.pool_name(item["id"]): _pressed(item) for item in answer["items"]}
    patterns: Patterns = [(rf"{name} (\d+ gone|\w+)", name, lambda f, _: f[1]) for name in names]
    return Came(facts, patterns)


def _pressed(item: dict[str, Any]) -> str:
    if not item["ok"]:
        return "refused"
    if item.get("deleted"):
        return f"{item['deleted']['deleted']} gone"
    return str(item["pool"]["state"] if item.get("pool") else item["state"])


@verb(
    r"(?P<dry>dry run: )?admin removes every lead of (?:pool (?P<pool>\w+)|campaign (?P<campaign>\w+))"
    r'(?:, (?P<status>\w+))?(?:, with "(?P<text>[^"]*)")?'
)
def remove_by_filter(world: World, m: re.Match[str], _: Step) -> Came:
    which: dict[str, Any] = {"pool": world.pool(m["pool"])} if m["pool"] else {"campaign": m["campaign"]}
    which |= {"status": m["status"]} if m["status"] else {}
    which |= {"q": m["text"]} if m["text"] else {}
    body = {"filter": which, "action": "remove"}
    answer = outside(world).line.call("POST", f"leads/bulk{'?dry_run=true' if m['dry'] else ''}", body).json()
    return bulk_came(Bulk(answer["done"], answer["refused"]))


@verb(r"(?P<dry>dry run: )?admin removes the leads of this file")
def remove_by_file(world: World, m: re.Match[str], step: Step) -> Came:
    content = "".join(f"{world.lead(name)}\n" for name in step.rows).encode()
    path = f"leads/bulk{'?dry_run=true' if m['dry'] else ''}"
    answer = outside(world).line.send_file(path, "ids.txt", content, {"action": "remove"}).json()
    return bulk_came(Bulk(answer["done"], answer["refused"]))


@verb(r"(?P<dry>dry run: )?(?P<who>\w+) imports numbers to block(?P<everywhere> everywhere)?")
def import_numbers(world: World, m: re.Match[str], step: Step) -> Came:
    content = "".join(f"{row}\n" for row in step.rows).encode()
    path = f"do-not-call/import{'?dry_run=true' if m['dry'] else ''}"
    options = {"scope": scope_of(m), "reason": "imported"}
    answer = outside(world).line.send_file(path, "numbers.txt", content, options, who=m["who"]).json()
    return Came({key: str(answer[key]) for key in ("added", "invalid", "leads")}, BULK)


@verb(r"(?P<everywhere>global )?do-not-call list has (?P<numbers>.+)")
def list_has(world: World, m: re.Match[str], step: Step) -> None:
    came = ", ".join(entry["number"] for entry in outside(world).line.items(f"do-not-call?scope={scope_of(m)}"))
    if came != m["numbers"].replace(" ", "").replace(",", ", ").replace("nothing", ""):
        raise step.failed(m["numbers"], came or "nothing")


@verb(r'admin sets (?P<field>\w+) of lead (?P<lead>\w+) to "(?P<value>[^"]*)"')
def set_field(world: World, m: re.Match[str], _: Step) -> None:
    outside(world).line.call("PATCH", f"leads/{world.lead(m['lead'])}", {"data": {m["field"]: m["value"]}})
