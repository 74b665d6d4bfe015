"""`limits list|show|apply`: rule packs of calling hours and contact limits."""

from typing import Annotated, Any

import typer

from nextlead.core.spans import span_in_words

from ..http.times import parse_span
from .client import connect, segment
from .lists import Json
from .output import notes, print_facts, print_json, print_table

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Pack = Annotated[str, typer.Argument(help="The pack's name.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        no_args_is_help=True, rich_markup_mode=None, help="Packs of calling hours and contact limits, with sources."
    )
    group.command("list")(list_packs)
    group.command("show")(show_pack)
    group.command("apply")(apply_pack)
    app.add_typer(group, name="limits")


def list_packs(as_json: Json = False) -> None:
    """The packs that came with the daemon."""
    with connect() as client:
        packs = list(client.items("/v1/limit-packs", 1000))
    if as_json:
        print_json(packs)
        return
    print_table(("name", "title"), [[pack["name"], pack["title"]] for pack in packs])
    for notice in sorted({pack["notice"] for pack in packs}):
        notes.print(notice, markup=False)


def show_pack(pack: Pack, as_json: Json = False) -> None:
    """What a pack says, and where that stands."""
    with connect() as client:
        found = client.get(f"/v1/limit-packs/{segment(pack)}")
    if as_json:
        print_json(found)
        return
    sources = {f"source {at}": _source(source) for at, source in enumerate(found["sources"], 1)}
    print_facts({key: found[key] for key in ("name", "title", "about")} | _in_words(found) | sources)
    notes.print(found["notice"], markup=False)


def apply_pack(
    pack: Pack, campaign: Annotated[str, typer.Option(help="Code of the campaign.")], as_json: Json = False
) -> None:
    """Copy a pack's hours and limits into a campaign. Prints what it has now."""
    with connect() as client:
        found = client.post(f"/v1/campaigns/{segment(campaign)}/limit-pack", {"pack": pack})
    if as_json:
        print_json(found)
    else:
        print_facts({"campaign": found["code"]} | _in_words(found["dialer"]))


def _in_words(settings: dict[str, Any]) -> dict[str, str]:
    """Hours and limits of a pack or a campaign, a line for each day and each limit."""
    facts: dict[str, str] = {}
    hours = settings.get("calling_hours")
    if hours:
        facts["zone"] = _zone(hours["zone"], hours.get("campaign_zone"))
        week = hours.get("windows")
        for day in DAYS:
            windows = [["00:00", "24:00"]] if week is None else week.get(day, [])
            facts[day] = ", ".join("-".join(window) for window in windows) or "closed"
        facts["holidays"] = hours.get("holidays") or "none"
        if hours.get("days_off"):
            facts["days off"] = ", ".join(hours["days_off"])
    for at, limit in enumerate(settings.get("contact_limits") or [], 1):
        facts[f"limit {at}"] = _limit(limit)
    return facts


def _zone(zone: str, else_zone: str | None) -> str:
    if zone != "lead":
        return zone
    return f"that of each lead, {else_zone} where none is known" if else_zone else "that of each lead"


def _source(source: dict[str, str]) -> str:
    return f"{source['law']} {source['section']}: {source['says']} {source['link']} (noted {source['noted']})"


def _limit(limit: dict[str, Any]) -> str:
    if "max" in limit:
        text = f"at most {limit['max']} calls in {_span(limit['per'])} to one {limit.get('scope', 'number')}"
    elif "min_gap" in limit:
        text = f"at least {_span(limit['min_gap'])} between two calls"
    else:
        text = f"none for {_span(limit['pause_after_conversation'])} after a conversation"
    return f"{text}, promised redials too" if limit.get("promised") else text


def _span(iso: str) -> str:
    return span_in_words(parse_span(iso))
