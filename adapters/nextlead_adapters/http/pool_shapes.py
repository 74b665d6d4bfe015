"""Bodies and answers of pools and of leads that come in as JSON."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from .problems import Problem
from .setup_shapes import Code, Name, Priority
from .table import Body, Paging, View
from .values import Moment, Owner

PoolState = Literal["loading", "awaiting_confirmation", "active", "inactive", "failed", "rejected"]
PoolAction = Literal["activate", "deactivate", "confirm", "shuffle", "delete"]
PoolId = Annotated[int, Meta(ge=1, le=2**53)]
Description = Annotated[str, Meta(max_length=10_000)]
Seed = Annotated[int, Meta(ge=0, le=2**62, description="The same seed gives the same order.")]


class DuplicatesShape(Body):
    """Duplicate check and what becomes of duplicates."""

    match: tuple[Literal["phone"], ...] = ("phone",)
    scope: Literal["file", "pool", "campaign", "project", "organisation"] = "campaign"
    among: Literal["open", "all"] = "all"
    action: Literal["skip", "load"] = "skip"


class PoolOptionsBody(Body, kw_only=True):
    """How leads come in: `mapping` is column to field, null leaves one out; no owner is the root team."""

    campaign: Code
    name: Name = ""
    description: Description = ""
    owner: Owner | None = None
    priority: Priority | None = None
    mapping: dict[str, str | None] = field(default_factory=dict)
    duplicates: DuplicatesShape = field(default_factory=DuplicatesShape)
    on_invalid: Literal["file"] = "file"
    active_from: Moment | None = None
    active_until: Moment | None = None


class LeadsBody(PoolOptionsBody, kw_only=True):
    """Leads as JSON: each `{"phone": text or list, "data": {...}, "priority"?, "owner"?, "timezone"?}`.

    A lead that is not right is counted as invalid with its reasons and holds nobody up.
    """

    leads: Annotated[tuple[Any, ...], Meta(min_length=1, max_length=10_000)]


class PoolCountsView(View):
    """`valid`, `invalid` and `duplicates` as they came in; the others as they are now."""

    valid: int
    invalid: int
    duplicates: int
    ready: int
    open: int
    leased: int
    closed: dict[str, int]


class ProgressView(View):
    """How far a file is loaded."""

    rows: int
    done_bytes: int
    total_bytes: int


class PoolView(View):
    """A pool (SPEC R9.12). `unmatched` columns wait for confirmation; `error` says why a pool has failed."""

    id: int
    name: str
    campaign: str
    campaign_name: str
    campaign_id: int
    project: str
    description: str
    state: str
    source: str
    file_name: str
    owner: Owner | None
    priority: int | None
    counts: PoolCountsView
    percent_closed: float
    duplicates: DuplicatesShape
    unmatched: tuple[str, ...]
    error: str
    active_from: Moment | None
    active_until: Moment | None
    uploaded_by: str
    created: Moment
    modified: Moment
    progress: ProgressView | UnsetType = UNSET


class PoolsQuery(Paging):
    """Which pools; `campaign` may name several, with commas between them."""

    campaign: Annotated[str, Meta(max_length=10_000)] | None = None
    state: PoolState | None = None
    q: Annotated[str, Meta(max_length=200, description="Text in name, description or file name.")] | None = None


class PoolPatch(Body):
    """Changes to a pool. A `priority` of null takes the campaign's; null dates are none."""

    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    priority: Priority | UnsetType | None = UNSET
    active_from: Moment | UnsetType | None = UNSET
    active_until: Moment | UnsetType | None = UNSET


class ShuffleBody(Body):
    """Without a seed one is drawn."""

    seed: Seed | UnsetType = UNSET


class DeletedView(View):
    """How many leads were deleted, and how many stayed for which reason (SPEC R9.11)."""

    deleted: int
    kept: dict[str, int]


class BulkBody(Body):
    """One of the buttons for several pools; `seed` goes with shuffle."""

    ids: Annotated[tuple[PoolId, ...], Meta(min_length=1, max_length=1000)]
    action: PoolAction
    seed: Seed | UnsetType = UNSET


class BulkItem(View):
    """What happened to one pool: `pool`, or `deleted`, or the `problem`. In a dry run, the `state` it would get."""

    id: int
    ok: bool
    pool: PoolView | UnsetType = UNSET
    state: str | UnsetType = UNSET
    deleted: DeletedView | UnsetType = UNSET
    problem: Problem | UnsetType = UNSET


class BulkAnswer(View):
    """Per pool, in the order given."""

    items: list[BulkItem]
    next: None = None
