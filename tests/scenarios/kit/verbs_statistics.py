"""Verbs of statistics by public status, and of smart lists, which are filters that were saved (SPEC R13.4)."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from .driver import Bulk
from .http_schemes import downloaded, question
from .language import BadStep, Step
from .outside import outside
from .shown import Counts
from .times import TIME
from .verbs import Came, verb
from .verbs_pools import bulk_came
from .verbs_schemes import NAMES, WHICH, compare_names, read_which
from .world import World

_RANGE: Final = rf"(?: from (?P<from>{TIME}))?(?: until (?P<until>{TIME}))?(?: by (?P<by>created|reached))?"


@verb(rf"statistics{WHICH}{_RANGE} are(?P<nothing> nothing)?")
def statistics_are(world: World, m: re.Match[str], step: Step) -> None:
    """Below, a line for each count there is: `2 Trash because Repeated request`."""
    which = replace(
        read_which(world, m),
        from_ms=world.time(m["from"]) if m["from"] else None,
        until_ms=world.time(m["until"]) if m["until"] else None,
        by=m["by"] or "",
    )
    _compare(step, world.driver.statistics(which))


def _compare(step: Step, came: Counts) -> None:
    wanted: dict[str, int] = {}
    for row in step.rows:
        count, _, shown = row.partition(" ")
        if not count.isdigit() or shown in wanted:
            raise BadStep(row)
        wanted[shown] = int(count)
    if wanted != {shown: count for shown, count in came.items() if count}:
        raise step.failed(_show(wanted), _show(came))


def _show(counts: Counts) -> str:
    return "; ".join(f"{count} {shown}" for shown, count in sorted(counts.items())) or "nothing"


@verb(rf'(?P<who>\w+) saves list "(?P<name>[^"]*)" as leads{WHICH}(?P<personal> with "[^"]*"| with number \+[\d ]+)?')
def save_list(world: World, m: re.Match[str], _: Step) -> None:
    which = question(read_which(world, m))
    if m["personal"]:
        key, text = ("phone", m["personal"].split(" ", 3)[3]) if "number" in m["personal"] else ("q", m["personal"])
        which |= {key: text.removeprefix(" with ").strip('"')}
    _call(world, m, "PUT", {"filter": which})


def _call(world: World, m: re.Match[str], method: str, body: dict[str, Any] | None = None, more: str = "") -> Any:
    path = f"filters/{m['name'].replace(' ', '%20').replace('?', '%3F')}{more}"
    answer = outside(world).line.call(method, path, body, who=m.groupdict().get("who") or "")
    return answer.json() if answer.content else None


@verb(rf"download of leads{WHICH} has")
def download_has(world: World, m: re.Match[str], step: Step) -> None:
    """Below, a line for each lead: its name, and what stands in its row, with a bar between."""
    rows = downloaded(outside(world).line, read_which(world, m))
    came = {world.name_of(int(row["id"])): " | ".join(filter(None, row.values())) for row in rows}
    wanted = {name: words for name, *words in (row.split(" | ") for row in step.rows)}
    if list(came) != list(wanted) or not all(_stands(words, came[name]) for name, words in wanted.items()):
        raise step.failed("; ".join(step.rows), "; ".join(f"{name} | {row}" for name, row in came.items()))


def _stands(words: Sequence[str], row: str) -> bool:
    cells = [cell.strip() for cell in row.split(" | ")]
    return all(word.strip() in cells for word in words)


@verb(rf"(?P<dry>dry run: )?admin (?P<action>remove|reopen)s leads{WHICH}")
def act_on_list(world: World, m: re.Match[str], _: Step) -> Came:
    body = {"filter": question(read_which(world, m)), "action": m["action"]}
    answer = outside(world).line.call("POST", f"leads/bulk{'?dry_run=true' if m['dry'] else ''}", body).json()
    return bulk_came(Bulk(answer["done"], answer["refused"]))


@verb(r'(?P<who>\w+) forgets list "(?P<name>[^"]*)"')
def forget_list(world: World, m: re.Match[str], _: Step) -> None:
    _call(world, m, "DELETE")


@verb(rf'list "(?P<name>[^"]*)" has (?:leads? )?{NAMES}')
def list_has(world: World, m: re.Match[str], step: Step) -> None:
    """Its leads, and their number wherever it is told."""
    came = [lead["id"] for lead in _call(world, m, "GET", more="/leads")["items"]]
    compare_names(world, m["leads"], came, step)
    every = {each["name"]: each["count"] for each in outside(world).line.items("filters")}
    told = {_call(world, m, "GET")["count"], every.get(m["name"])}
    if told != {len(came)}:
        raise step.failed(f"{len(came)} leads", f"counts {told}")


@verb(r'lists are (?P<names>nothing|"[^"]*"(?:, "[^"]*")*)')
def lists_are(world: World, m: re.Match[str], step: Step) -> None:
    came = ", ".join(f'"{each["name"]}"' for each in outside(world).line.items("filters")) or "nothing"
    if came != m["names"]:
        raise step.failed(m["names"], came)
