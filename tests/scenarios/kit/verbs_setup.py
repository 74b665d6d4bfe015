"""Verbs that set things up and change settings: teams, agents, campaigns, the organisation, leads."""

import re
from typing import Any

from .language import BadStep, Step
from .times import DURATION, TIME, time_ms
from .verbs import Came, verb
from .world import World

_DURATIONS = rf"{DURATION}(?: {DURATION})*"


@verb(r"team (?P<code>\w+)(?: under (?P<parent>\w+))?")
def put_team(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.put_team(m["code"], m["parent"])


@verb(r"agents? (?P<codes>\w+(?:, \w+)*) in (?P<team>\w+)(?P<rest>(?:,.*)?)")
def put_agents(world: World, m: re.Match[str], _: Step) -> None:
    fields: dict[str, Any] = {"team": m["team"]}
    for part in (p.strip() for p in m["rest"].split(",") if p.strip()):
        if part.startswith("permission "):
            fields["campaigns"] = part.split()[1:]
        elif part.startswith("may set "):
            fields["may_set"] = [kind for kind in part.split()[2:] if kind != "nothing"]
        else:
            raise BadStep(part)
    for code in m["codes"].split(", "):
        world.permissions[code] = list(fields.get("campaigns", []))
        world.driver.put_agent(code, fields)


@verb(r"campaigns? (?P<codes>\w+(?:, \w+)*)(?: with (?P<settings>.*))?")
def put_campaign(world: World, m: re.Match[str], _: Step) -> None:
    settings, results = _settings(m["settings"] or "", world.now_ms)
    scheme = settings.pop("scheme", "")
    for code in m["codes"].split(", "):
        world.driver.put_campaign(code, settings, results, scheme)


@verb(r"organisation with (?P<settings>.*)")
def put_settings(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.put_settings(_settings(m["settings"], world.now_ms)[0])


def _settings(text: str, now_ms: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Settings by docs/http.md's names, and results that the template has besides the four it always has."""
    settings: dict[str, Any] = {}
    results: list[dict[str, Any]] = []
    for part in (p.strip() for p in text.split(",") if p.strip()):
        if m := re.fullmatch(rf"retry (\w+) ({_DURATIONS})", part):
            settings.setdefault("retry", {})[m[1]] = m[2].split()
        elif m := re.fullmatch(rf"retention (\w+) ({DURATION})", part):
            settings.setdefault("retention", {})[m[1]] = m[2]
        elif m := re.fullmatch(rf"expires_at ({TIME})", part):
            settings["expires_at_ms"] = time_ms(m[1], now_ms)
        elif m := re.fullmatch(r"validated result (\w+)", part):
            results.append({"code": m[1], "label": m[1], "category": "success", "validation": True})
        elif m := re.fullmatch(r"do-not-call result (\w+)", part):
            results.append({"code": m[1], "label": m[1], "category": "negative", "do_not_call": True})
        elif m := re.fullmatch(r"scheme (\w+)", part):
            settings["scheme"] = m[1]
        elif m := re.fullmatch(r"(\w+) (\S+)", part):
            settings[m[1]] = _value(m[2])
        else:
            raise BadStep(part)
    return settings, results


def _value(text: str) -> Any:
    if text in ("on", "off"):
        return text == "on"
    if text in ("never", "none"):
        return None
    if re.fullmatch(DURATION, text):
        return text
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise BadStep(text)
    return float(text) if "." in text else int(text)


@verb(r"(?:admin )?(?P<do>activates|deactivates) campaign (?P<code>\w+)")
def switch_campaign(world: World, m: re.Match[str], _: Step) -> Came:
    dialable, withheld = world.driver.switch_campaign(m["code"], m["do"] == "activates")
    facts = {f"dialable {agent}": str(n) for agent, n in dialable.items()}
    facts |= {f"withheld {agent}": str(n) for agent, n in withheld.items()}
    patterns = [
        (rf"{what} {agent} (\d+)", f"{what} {agent}", lambda found, _: found[1])
        for what in ("dialable", "withheld")
        for agent in world.permissions
    ]
    return Came(facts, patterns)


@verb(r"admin gives (?P<agent>\w+) permission (?P<campaign>\w+)")
def give_permission(world: World, m: re.Match[str], _: Step) -> None:
    world.permissions[m["agent"]].append(m["campaign"])
    world.driver.put_agent(m["agent"], {"campaigns": world.permissions[m["agent"]]})


@verb(r"admin takes permission (?P<campaign>\w+) from (?P<agent>\w+)")
def take_permission(world: World, m: re.Match[str], _: Step) -> None:
    world.permissions[m["agent"]].remove(m["campaign"])
    world.driver.put_agent(m["agent"], {"campaigns": world.permissions[m["agent"]]})


@verb(r"admin (?P<do>enables|disables) agent (?P<agent>\w+)")
def switch_agent(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.put_agent(m["agent"], {"enabled": m["do"] == "enables"})


@verb(r"admin moves agent (?P<agent>\w+) to team (?P<team>\w+)")
def move_agent(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.put_agent(m["agent"], {"team": m["team"]})


@verb(r"admin deletes (?P<kind>agent|team|campaign) (?P<code>\w+)")
def delete(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.delete(m["kind"], m["code"])
