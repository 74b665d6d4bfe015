"""`explain`, `why-idle`, `leads history`: why this lead, why not that one, when then; and what allowed each call."""

import sys
from typing import Annotated, Any

import typer

from .client import connect, segment
from .lists import Json
from .output import notes, print_facts, print_json, print_table

REASONS = {
    "campaign": "its campaign is switched off, or not the agent's",
    "inactive_pool": "its pool is switched off, not confirmed, or not in its dates",
    "other_owner": "it belongs to another agent or team",
    "unresolved": "its last call is not settled yet",
    "pending_validation": "somebody has to check its result",
    "leased": "an agent has it now",
    "number_leased": "an agent is calling its number for another lead",
    "not_due": "its time has not come",
    "calling_hours": "it is outside calling hours where the lead is",
    "contact_limit": "it was called as often as the limits allow",
    "cancel_pause": "this agent cancelled it a moment ago",
    "max_unresolved": "the agent has too many unresolved leads",
    "reserved": "the agent is kept free for a promised redial",
}
"""Why a lead is kept back, for people; the keys are those of the daemon's answers."""


def register(app: typer.Typer, leads: typer.Typer) -> None:
    """Add the commands; the history is one of the group of leads."""
    app.command("explain")(explain)
    app.command("why-idle")(why_idle)
    leads.command("history")(history)


def explain(
    lead: Annotated[int, typer.Argument(metavar="LEAD", help="The lead's id.")],
    agent: Annotated[str | None, typer.Option(help="For this agent; left out: the agent of the token.")] = None,
    as_json: Json = False,
) -> None:
    """Why an agent gets a lead or not, and when. Names every rule that bears on it."""
    with connect() as client:
        found = client.get(f"/v1/leads/{segment(lead)}/explain", agent=agent)
    if as_json:
        print_json(found)
        return
    blocking = [check["name"] for check in found["checks"] if not check["passed"]]
    facts = {key: found[key] for key in ("lead", "agent", "eligible", "eligible_at", "rank")}
    facts["eligible_at"] = facts["eligible_at"] or "not by time alone"
    print_facts(facts | {"kept_back_by": blocking})
    columns = ("rule", "name", "passed", "value", "until")
    _parted(columns, [[check[column] for column in columns] for check in found["checks"]])


def why_idle(
    agent: Annotated[str | None, typer.Argument(help="The agent's code; left out: all of them.")] = None,
    as_json: Json = False,
) -> None:
    """Why an agent, or anybody, has nothing to call.

    How many leads each rule keeps back, and when the next one opens.
    """
    path = "/v1/why-idle" if agent is None else f"/v1/agents/{segment(agent)}/why-idle"
    with connect() as client:
        found = client.get(path)
    if as_json:
        print_json(found)
    elif agent is None:
        _print_all(found)
    else:
        print_facts({key: found[key] for key in ("agent", "ready", "next_at")})
        rows = [[count, reason, REASONS.get(reason, "")] for reason, count in _by_count(found["blocked"])]
        _parted(("leads", "reason", "because"), rows)


def history(
    lead: Annotated[int, typer.Argument(metavar="LEAD", help="The lead's id.")],
    as_json: Json = False,
) -> None:
    """What happened to a lead, oldest first.

    With what it was called then, what was logged, and, for each offer, what hours and limits said at that moment.
    """
    with connect() as client:
        lines = list(client.items(f"/v1/leads/{segment(lead)}/history", sys.maxsize))
    if as_json:
        print_json(lines)
        return
    columns = ("at", "event", "actor", "status", "public_status", "number", "told")
    print_table(columns, [[_history_cell(line, column) for column in columns] for line in lines])


def _history_cell(line: dict[str, Any], column: str) -> object:
    match column:
        case "public_status":
            return line[column]["label"]
        case "told":
            return _told_of(line)
        case _:
            return line[column]


def _told_of(line: dict[str, Any]) -> str:
    """What a line of history has beside its columns: cause, closure and due time, then words and checks."""
    due = line["due"] and f"due {line['due']}"
    checks = (f"{check['name']}: {check['value']}" for check in line["checks"])
    words = (line["cause"], line["closure"], due, _activity(line), line["detail"], line["note"])
    return "; ".join(dict.fromkeys(filter(None, (*words, *checks))))


def _activity(line: dict[str, Any]) -> str:
    """An activity in words: `sms in`, `call out by ann: no_sale, satisfied`.

    Whose it was if somebody else logged it, and when it was if that was later.
    """
    logged = line["activity"]
    if logged is None:
        return ""
    at = None if logged["at"] == line["at"] else f"at {logged['at']}"
    rest = ", ".join(filter(None, (logged["outcome"], logged["explanation"], at)))
    agent = logged["agent"]
    whose = f" by {agent}" if agent and line["actor"] != f"agent:{agent}" else ""
    first = f"{logged['interaction']} {logged['direction']}{whose}"
    return f"{first}: {rest}" if rest else first


def _print_all(found: dict[str, Any]) -> None:
    """Campaigns and agents, each on a line with the reasons that keep most leads back first."""
    campaigns = [[each["campaign"], each["ready"], each["next_at"], _told(each)] for each in found["campaigns"]]
    print_table(("campaign", "ready", "next_at", "kept back"), campaigns)
    if not found["agents"]:
        notes.print("Nobody who has a session is without a lead.")
        return
    waiting = set(found["waiting"])
    agents = [
        [each["agent"], each["agent"] in waiting, each["ready"], each["next_at"], _told(each)]
        for each in found["agents"]
    ]
    _parted(("agent", "waits", "ready", "next_at", "kept back"), agents)


def _parted(columns: tuple[str, ...], rows: list[list[object]]) -> None:
    """A table below what is there already."""
    if rows:
        typer.echo()
        print_table(columns, rows)


def _told(each: dict[str, Any]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in _by_count(each["blocked"]))


def _by_count(blocked: dict[str, int]) -> list[tuple[str, int]]:
    """Most leads first; reasons that keep none back are left out."""
    return sorted(((reason, count) for reason, count in blocked.items() if count), key=lambda pair: (-pair[1], pair[0]))
