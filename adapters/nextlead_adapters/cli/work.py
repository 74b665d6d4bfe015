"""`next` and `finish`: an agent's work from a terminal."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from .client import connect, segment
from .output import Exit, fail, notes, print_facts, print_json

Json = Annotated[bool, typer.Option("--json", help="Print the daemon's answer as it is.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("next")(next_lead)
    app.command("finish")(finish)


def next_lead(
    agent: Annotated[str, typer.Argument(help="The agent's code.")],
    wait: Annotated[float, typer.Option(help="Seconds to wait for a lead, 0 to 60.", min=0, max=60)] = 0,
    as_json: Json = False,
) -> None:
    """Lease an agent's next lead. Prints its number, its data, and the token to finish it with."""
    with connect() as client:
        response = client.call("POST", f"/v1/agents/{segment(agent)}/next", {"wait": wait})
    lease = response.json() if response.status_code == 200 else None
    if as_json:
        print_json(lease)
    elif lease is None:
        notes.print(f"no lead: {response.headers.get('Nextlead-Reason', 'no_lead')}", markup=False)
        notes.print(f"why: nextlead why-idle {agent}", style="dim", markup=False)
    else:
        print_lease(lease)


def finish(
    token: Annotated[str, typer.Argument(help="The token that `next` printed.")],
    result: Annotated[str | None, typer.Option(help="Resolved, with this result of the campaign's template.")] = None,
    redial: Annotated[str | None, typer.Option(help="Call again: common, private or vip. Needs --at.")] = None,
    unreached: Annotated[str | None, typer.Option(help="Not reached: no_answer, busy, voicemail, ...")] = None,
    unresolved: Annotated[
        bool, typer.Option("--unresolved", help="Decide later; the lead stays with the agent.")
    ] = False,
    cancelled: Annotated[bool, typer.Option("--cancelled", help="No call was started.")] = False,
    at: Annotated[
        str | None, typer.Option(help="Promised time of the redial: RFC 3339, or local without offset.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Set the redial outside calling hours too.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why it was cancelled.")] = None,
    note: Annotated[str | None, typer.Option(help="Kept in the lead's history.")] = None,
    data: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=VALUE", help="Changes the lead's data; repeatable.")
    ] = None,
    number: Annotated[str | None, typer.Option(help="The number dialled, when it was not the lease's.")] = None,
    go_on: Annotated[bool, typer.Option("--next", help="Lease the next lead in the same step.")] = False,
    as_json: Json = False,
) -> None:
    """End a lease with what happened.

    Exactly one of --result, --redial, --unreached, --unresolved, --cancelled.
    """
    if redial and at is None:
        fail("--redial needs --at", Exit.WRONG_USE)
    outcomes: list[dict[str, Any]] = [
        *([{"outcome": "resolved", "result": result}] if result else []),
        *([{"outcome": "redial", "kind": redial, "at": moment(at)}] if redial and at else []),
        *([{"outcome": "unreached", "cause": unreached}] if unreached else []),
        *([{"outcome": "unresolved"}] if unresolved else []),
        *([{"outcome": "cancelled"}] if cancelled else []),
    ]
    if len(outcomes) != 1:
        fail("give exactly one of --result, --redial, --unreached, --unresolved, --cancelled", Exit.WRONG_USE)
    extras = {"note": note, "number": number, "reason": reason, "data": fields(data or [])}
    flags = {"force": force, "next": go_on}
    body = outcomes[0] | {key: value for key, value in (extras | flags).items() if value}
    with connect() as client:
        done = client.post(f"/v1/leases/{segment(token)}/finish", body)
    if as_json:
        print_json(done)
        return
    print_finished(done)


def moment(text: str, option: str = "--at") -> str:
    """A time for the API: one without an offset is the terminal's own local time.

    A local time that a clock change skips, or makes come twice, is settled as PEP 495 says, and told (SPEC R11.3): the
    skipped one by the clocks of before the change, the other one is the first.
    """
    try:
        given = datetime.fromisoformat(text)
        at = datetime.fromtimestamp(given.timestamp(), UTC)  # astimezone() settles a skipped time otherwise
    except (ValueError, OverflowError):
        fail(f"{option}: {text} is not a time like 2026-03-02T10:00", Exit.WRONG_USE)
    if given.tzinfo is None:
        here = at.astimezone()
        if here.replace(tzinfo=None) != given:
            notes.print(f"the clocks skip {text} here: it is {here.isoformat()}", markup=False)
        elif given.replace(fold=1).timestamp() != given.timestamp():
            notes.print(f"{text} comes twice here: it is the first, {here.isoformat()}", markup=False)
    return at.isoformat()


def fields(pairs: list[str]) -> dict[str, str]:
    """`FIELD=VALUE` as an object."""
    if any("=" not in pair for pair in pairs):
        fail("--data takes FIELD=VALUE", Exit.WRONG_USE)
    return dict(pair.split("=", 1) for pair in pairs)


def print_lease(lease: dict[str, Any]) -> None:
    """What the agent needs to call, and the line to paste afterwards."""
    lead = lease["lead"]
    print_facts(
        {
            "token": lease["token"],
            "number": lease["number"],
            "lead": lead["id"],
            "campaign": lead["campaign"],
            "class": f"{lease['class']}{' (overdue)' if lease.get('overdue') else ''}",
            "attempts": lead["attempts"],
            "expires": lease["expires"],
            **lead.get("data", {}),
        }
    )
    then = f"then: nextlead finish {lease['token']} --unreached no_answer, or another outcome: see its --help"
    notes.print(then, style="dim", markup=False)


def print_finished(done: dict[str, Any]) -> None:
    """Where the lead is now, and the next lease if one was asked for."""
    print_place(done["lead"])
    if done.get("nearby_redials"):
        notes.print(f"{done['nearby_redials']} other promised redials within ten minutes of it", markup=False)
    if done.get("next"):
        print_lease(done["next"])


def print_place(lead: dict[str, Any]) -> None:
    """Where a lead is now, and what that is called."""
    facts = {key: lead.get(key) for key in ("id", "status", "closure")}
    facts["public_status"] = lead["public_status"]["label"]
    facts |= {key: lead.get(key) for key in ("attempts", "due", "owner")}
    print_facts({key: value for key, value in facts.items() if value is not None})
