"""Verbs of status schemes: which one a campaign has, and what leads are shown as (SPEC 13)."""

import re
from typing import Any, Final

from .driver import LeadView
from .language import BadStep, Step
from .shown import Which
from .verbs import verb
from .world import World

SHOWN: Final = r"(?P<status>[\w -]+?)(?: because (?P<reason>.+?)| without a reason)?(?: in scheme (?P<scheme>\w+))?"
NAMES: Final = r"(?P<leads>nothing|\w+(?:, \w+)*)"
_RESULT: Final = re.compile(
    r'(?P<code>\w+) (?P<category>success|negative|invalid)(?: "(?P<label>[^"]*)")?'
    r"(?P<validation> validated)?(?P<do_not_call> do-not-call)?"
)


@verb(r"admin sets scheme of (?P<campaign>\w+) to (?P<scheme>\w+)")
def put_scheme(world: World, m: re.Match[str], _: Step) -> None:
    world.driver.put_scheme(m["campaign"], m["scheme"])


@verb(r"results of (?P<campaign>\w+): (?P<results>.+)")
def put_results(world: World, m: re.Match[str], _: Step) -> None:
    """All of them: `bought success, rude negative "Rude" do-not-call, sold success validated`."""
    world.driver.put_results(m["campaign"], [_result(text.strip()) for text in m["results"].split(",")])


def _result(text: str) -> dict[str, Any]:
    m = _RESULT.fullmatch(text)
    if m is None:
        raise BadStep(text)
    body: dict[str, Any] = {"code": m["code"], "category": m["category"], "label": m["label"] or m["code"]}
    return body | {flag: True for flag in ("validation", "do_not_call") if m[flag]}


@verb(r"results of (?P<campaign>\w+) are (?P<results>.+)")
def results_are(world: World, m: re.Match[str], step: Step) -> None:
    came = ", ".join(world.driver.results(m["campaign"]))
    if came != m["results"]:
        raise step.failed(m["results"], came)


@verb(rf"leads? (?P<names>\w+(?:, \w+)*) shows? as {SHOWN}")
def shows_as(world: World, m: re.Match[str], step: Step) -> None:
    for name in m["names"].split(", "):
        view = world.driver.lead(world.lead(name), m["scheme"] or "")
        if not _fits(m, step, view):
            raise step.failed(f"{name} as {m['status']}", f"{view.shown.text!r}; {view.status}: {view.closure}")


def _fits(m: re.Match[str], step: Step, view: LeadView) -> bool:
    """A reason that is not named is not looked at; `without a reason` wants none."""
    came = view.shown
    reason = came.reason == m["reason"] if m["reason"] else "without a reason" not in step.action or not came.reason
    return came.status == m["status"] and reason and _is_labelled(view)


def _is_labelled(view: LeadView) -> bool:
    """The label says both, in one line."""
    return bool(view.shown.label) and "\n" not in view.shown.label


WHICH: Final = (
    r"(?: of (?:pool (?P<pool>\w+)|(?P<campaign>\w+)))?(?: shown as (?P<status>.+?))?(?: because (?P<reason>.+?))?"
    r"(?: in scheme (?P<scheme>\w+))?(?: last by (?P<last_by>\w+))?"
)


def read_which(world: World, m: re.Match[str]) -> Which:
    return Which(
        campaign=m["campaign"] or "",
        pool=world.pool(m["pool"]) if m["pool"] else 0,
        scheme=m["scheme"] or "",
        status=m["status"] or "",
        reason=m["reason"] or "",
        last_by=m["last_by"] or "",
    )


@verb(rf"leads{WHICH} are {NAMES}")
def leads_shown(world: World, m: re.Match[str], step: Step) -> None:
    compare_names(world, m["leads"], world.driver.leads_shown(read_which(world, m)), step)


def compare_names(world: World, wanted: str, came: list[int], step: Step) -> None:
    names = [] if wanted == "nothing" else wanted.split(", ")
    if names != [world.name_of(lead) for lead in came]:
        raise step.failed(wanted, ", ".join(map(world.name_of, came)) or "nothing")
