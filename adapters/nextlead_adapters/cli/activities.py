"""`activity`: log a call, a text, an e-mail or a visit, and what came of it (SPEC R13.3, R13.5)."""

from typing import Annotated

import typer

from .choosing import chosen
from .client import connect, segment
from .lists import Json
from .output import Exit, fail, print_json
from .work import fields, moment, print_place


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("activity")(log_activity)


def log_activity(
    lead: Annotated[int, typer.Argument(metavar="LEAD", help="The lead's id.")],
    interaction: Annotated[str, typer.Option(help="call, sms, email or in-store.")],
    direction: Annotated[
        str | None, typer.Option(help="in: the customer called or wrote; out: you did. An sms needs it; else out.")
    ] = None,
    outcome: Annotated[
        str | None,
        typer.Option(help="sale-in-progress, no-sale, sold; of calls also no-answer, left-a-voicemail, wrong-number."),
    ] = None,
    explanation: Annotated[str | None, typer.Option(help="Why; no-sale because of 'satisfied' is Satisfied.")] = None,
    at: Annotated[str | None, typer.Option(help="When it was, if not now: RFC 3339, or local without offset.")] = None,
    agent: Annotated[str | None, typer.Option(help="Code of who did it; with an agent's token that agent.")] = None,
    redial: Annotated[
        str | None,
        typer.Option(metavar="KIND@TIME", help="With sale-in-progress: call again, as private@2026-03-02T10:00."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Set the redial outside calling hours too.")] = False,
    number: Annotated[
        str | None, typer.Option(help="The number called, when it was not the lead's present one.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="Kept in the lead's history.")] = None,
    data: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=VALUE", help="Changes the lead's data; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Log what was said to a lead, or by it. A text is only noted; an outcome settles what comes next for the lead."""
    body = chosen(
        interaction=_code(interaction),
        direction=direction,
        outcome=_code(outcome) if outcome else None,
        explanation=explanation,
        at=moment(at) if at else None,
        agent=agent,
        redial=_redial(redial, force=force),
        number=number,
        note=note,
        data=fields(data) if data else None,
    )
    with connect() as client:
        now = client.post(f"/v1/leads/{segment(lead)}/activities", body)
    if as_json:
        print_json(now)
    else:
        print_place(now)


def _code(words: str) -> str:
    """`in-store` as the API has it; what there is and what there is not, the daemon says."""
    return words.strip().casefold().replace("-", "_").replace(" ", "_")


def _redial(text: str | None, *, force: bool) -> dict[str, object] | None:
    if text is None:
        if force:
            fail("--force goes with --redial", Exit.WRONG_USE)
        return None
    kind, at_sign, time = text.partition("@")
    if not at_sign:
        fail("--redial takes KIND@TIME, such as private@2026-03-02T10:00", Exit.WRONG_USE)
    redial: dict[str, object] = {"kind": kind, "at": moment(time, "--redial")}
    return redial | ({"force": True} if force else {})
