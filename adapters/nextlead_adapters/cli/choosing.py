"""Which leads are meant: the options that commands on leads share, under the names that the API has for them."""

from typing import Annotated

import typer

Campaign = Annotated[str | None, typer.Option(help="Of this campaign.")]
Pool = Annotated[int | None, typer.Option(help="Of this pool.")]
Status = Annotated[str | None, typer.Option(help="In this status of the engine: unprocessed, closed, ...")]
Closure = Annotated[str | None, typer.Option(help="Closed so: success, abandoned, ...")]
Owner = Annotated[str | None, typer.Option(help="Owned by agent:CODE or team:CODE.")]
Phone = Annotated[str | None, typer.Option(help="With this number.")]
Text = Annotated[str | None, typer.Option(help="With this text in a data field.")]
Scheme = Annotated[str | None, typer.Option(help="In the words of this scheme; left out: each campaign's own.")]
PublicStatus = Annotated[str | None, typer.Option(help="Shown as this: 'In Progress', 'No SMS Reply', ...")]
Reason = Annotated[str | None, typer.Option(help="Shown with this reason: 'Repeated request', ...")]
LastBy = Annotated[str | None, typer.Option(help="Whose latest activity was agent:CODE's.")]


def chosen(**options: object) -> dict[str, object]:
    """The options that were given, by the names of the API."""
    return {key: value for key, value in options.items() if value is not None}
