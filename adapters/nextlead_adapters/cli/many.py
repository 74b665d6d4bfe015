"""One action for many leads: `leads remove|release|reopen|priority|owner`; `leads add`, `leads anonymize`."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from .choosing import Closure, LastBy, Owner, Phone, Pool, PublicStatus, Reason, Scheme, Status, Text, chosen
from .client import connect, segment
from .lists import Json
from .loading import advise
from .output import Exit, fail, notes, print_facts, print_json

ACTIONS = {
    "remove": "Close leads as removed.",
    "release": "Give private and VIP redials back to their original owners.",
    "reopen": "Open closed leads again.",
    "priority": "Give leads a priority of their own; 0 takes it away.",
    "owner": "Give leads another owner.",
}

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would do, and do nothing.")]


def register(group: typer.Typer) -> None:
    """Add the commands to the group of leads."""
    for action, about in ACTIONS.items():
        group.command(action, help=about)(_command(action))
    group.command("add")(add)
    group.command("anonymize")(anonymise_lead)


def _command(action: str) -> Any:
    def command(
        ids: Annotated[list[int] | None, typer.Argument(metavar="[ID...]", help="These leads.")] = None,
        campaign: Annotated[str | None, typer.Option(help="Or all of this campaign.")] = None,
        pool: Pool = None,
        status: Status = None,
        closure: Closure = None,
        owner: Owner = None,
        phone: Phone = None,
        text: Text = None,
        scheme: Scheme = None,
        public_status: PublicStatus = None,
        reason: Reason = None,
        last_by: LastBy = None,
        file: Annotated[
            Path | None, typer.Option(exists=True, dir_okay=False, help="Or those that a file lists.")
        ] = None,
        by: Annotated[str, typer.Option(help="What the file lists: id or phone.")] = "id",
        to: Annotated[
            str | None, typer.Option(help="For priority: the number; for owner: agent:CODE or team:CODE.")
        ] = None,
        dry_run: DryRun = False,
        as_json: Json = False,
    ) -> None:
        wanted = chosen(campaign=campaign, pool=pool, status=status, closure=closure, owner=owner, phone=phone, q=text)
        wanted |= chosen(scheme=scheme, public_status=public_status, reason=reason, last_by=last_by)
        if sum((bool(ids), bool(wanted) and file is None, file is not None)) != 1:
            fail("say which leads in one way: by ID, by options such as --pool, or by --file", Exit.WRONG_USE)
        body = {"action": action} | _value(action, to)
        path = "/v1/leads/bulk" + ("?dry_run=true" if dry_run else "")
        with connect() as client:
            if file is not None:
                options = msgspec.json.encode(body | wanted | {"by": by})
                with file.open("rb") as source:
                    sent = client.call("POST", path, data={"options": options}, files={"file": (file.name, source)})
                answer = sent.json()
            else:
                answer = client.post(path, body | ({"ids": ids} if ids else {"filter": wanted}))
        report(answer, as_json=as_json)

    return command


def _value(action: str, to: str | None) -> dict[str, object]:
    if action not in ("priority", "owner"):
        if to is not None:
            fail(f"--to does not go with leads {action}", Exit.WRONG_USE)
        return {}
    if to is None:
        fail(f"leads {action} needs --to", Exit.WRONG_USE)
    if action == "owner":
        kind, _, code = to.partition(":")
        if kind not in ("agent", "team") or not code:
            fail("--to is agent:CODE or team:CODE", Exit.WRONG_USE)
        return {"owner": {kind: code}}
    if not to.isdigit():
        fail("--to is a number from 1 to 1000, or 0", Exit.WRONG_USE)
    return {"priority": int(to) or None}


def report(answer: dict[str, Any], *, as_json: bool) -> None:
    """What became of it: counts, and the rows of a file that were not understood."""
    if as_json:
        print_json(answer)
        return
    errors = answer.pop("errors", [])
    print_facts(answer)
    for error in errors:
        notes.print(f"row {error['row']}: {error['reason']}", markup=False)


def add(
    campaign: Annotated[str, typer.Option(help="Code of the campaign.")],
    phone: Annotated[list[str], typer.Option(help="A number; repeatable, in the order they are to be tried.")],
    field: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A field of the lead; repeatable.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="agent:CODE or team:CODE.")] = None,
    priority: Annotated[int | None, typer.Option(min=1, max=1000, help="1 is called first.")] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA zone of the lead; left out: that of its number.")] = None,
    as_json: Json = False,
) -> None:
    """Enter a lead by hand. Those of one user that follow each other closely share a pool."""
    if any("=" not in pair for pair in field or []):
        fail("--field takes NAME=VALUE", Exit.WRONG_USE)
    lead: dict[str, object] = {"phone": phone, "data": dict(pair.split("=", 1) for pair in field or [])}
    given = {"owner": owner, "priority": priority, "timezone": timezone}
    lead |= {key: value for key, value in given.items() if value is not None}
    with connect() as client:
        pool = client.post("/v1/leads", {"campaign": campaign, "source": "manual", "leads": [lead]})
    if as_json:
        print_json(pool)
    else:
        print_facts({key: pool[key] for key in ("id", "name", "campaign", "state")} | pool["entered"])
    if pool["state"] == "awaiting_confirmation":
        advise(pool)
    skipped = pool["entered"]["duplicates"] and pool["duplicates"]["action"] == "skip"
    if pool["entered"]["invalid"] or skipped:
        what, where = ("repeats a lead that is there", "duplicates.csv") if skipped else ("is invalid", "invalid.csv")
        fail(f"the lead {what}; which and why: nextlead pools download {pool['id']} {where}")


def anonymise_lead(
    lead: Annotated[int, typer.Argument(metavar="ID")], dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Forget the person of a lead, for good.

    All its numbers, every lead that has one of them, files and history.
    """
    with connect() as client:
        path = f"/v1/leads/{segment(lead)}/anonymize" + ("?dry_run=true" if dry_run else "")
        report(client.post(path), as_json=as_json)
