"""Statistics as answers, and the question for them."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from .lead_shapes import LeadId
from .setup_shapes import Code, SchemeName
from .table import Body, View
from .values import Moment

By = Annotated[
    Literal["reached", "created"],
    Meta(description="What must have happened in the range: the lead came to its status, or it came in at all."),
]


class StatisticsQuery(Body):
    """Which leads, in which scheme's words, and what range of time: from inclusive, until exclusive."""

    campaign: Code | None = None
    pool: LeadId | None = None
    scheme: SchemeName | None = None
    start: Moment | None = field(name="from", default=None)
    until: Moment | None = None
    by: By = "reached"


class StatisticsItem(View):
    """How many leads are shown so. `ours`: the vocabulary has no word for it, this one is nextlead's."""

    status: str
    reason: str | None
    label: str
    count: int
    ours: bool | UnsetType = UNSET


class StatisticsView(View):
    """Leads by public status and reason, each counted once; nothing is listed that there are none of.

    The question comes first. `scheme` is null when the campaigns have several, and each lead is shown by its own.
    `statuses` are sums over reasons. Both lists are in the order of the scheme.
    """

    campaign: str | None
    pool: int | None
    scheme: str | None
    start: Moment | None = field(name="from")
    until: Moment | None
    by: str
    total: int
    statuses: dict[str, int]
    items: tuple[StatisticsItem, ...]
