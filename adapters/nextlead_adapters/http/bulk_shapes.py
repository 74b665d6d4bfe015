"""Bodies and answers of calls for many leads, and for many numbers."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from .lead_shapes import LeadFilterBody, LeadId
from .setup_shapes import Code, Priority
from .table import Body, View
from .values import Owner

ERRORS_SHOWN = 100
LeadAction = Literal["remove", "release", "reopen", "priority", "owner"]


class LeadActionBody(Body, kw_only=True):
    """What to do: `priority` and `owner` go with the actions of that name. A `priority` of null inherits."""

    action: LeadAction
    priority: Priority | UnsetType | None = UNSET
    owner: Owner | UnsetType = UNSET


class LeadsBulkBody(LeadActionBody, kw_only=True):
    """With which leads: either those of a `filter`, or `ids`."""

    filter: LeadFilterBody | UnsetType = UNSET
    ids: Annotated[tuple[LeadId, ...], Meta(min_length=1, max_length=100_000)] | UnsetType = UNSET


class LeadsBulkForm(LeadActionBody, kw_only=True):
    """With the leads that the file names: by `id`, or by `phone`, then all that have the number.

    By number, `reopen` takes the closed ones and everything else the open ones; `campaign` leaves out the others'.
    """

    by: Literal["id", "phone"] = "id"
    campaign: Code | None = None


class RowError(View):
    """A row that was not understood: its line in the file, or its place in the list from 1, and why."""

    row: int
    reason: str


class LeadsBulkAnswer(View):
    """`matched` leads were looked at; it was `done` to some, the others were `refused`, counted by the refusal's code.

    `invalid` rows of a file were not understood; `errors` says why of the first hundred.
    """

    matched: int
    done: int
    refused: dict[str, int]
    invalid: int = 0
    errors: list[RowError] = field(default_factory=list)
