"""Bodies and answers of pools and of leads that come in as JSON."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from .problems import Problem
from .setup_shapes import (
    Code,
    DuplicateAction,
    DuplicateRule,
    DuplicateScope,
    DuplicatesShape,
    Name,
    OnInvalid,
    Priority,
)
from .table import Body, Paging, View
from .values import Moment, Owner

PoolState = Literal["loading", "awaiting_confirmation", "active", "inactive", "failed", "rejected"]
PoolAction = Literal["activate", "deactivate", "confirm", "shuffle", "delete"]
PoolId = Annotated[int, Meta(ge=1, le=2**53)]
Description = Annotated[str, Meta(max_length=10_000)]
Seed = Annotated[int, Meta(ge=0, le=2**62, description="The same seed gives the same order.")]


class DuplicatesBody(Body):
    """Duplicate check and processing of an upload. What is left out is as the campaign's upload rules have it."""

    match: Annotated[tuple[DuplicateRule, ...], Meta(max_length=20)] | None = None
    scope: DuplicateScope | None = None
    among: Literal["open", "all"] | None = None
    action: DuplicateAction | None = None


class EntryOptions(Body, kw_only=True):
    """How leads come in: `mapping` is column to field, null leaves one out; no owner is the root team.

    `on_invalid` of null, and what `duplicates` leaves out, are as the campaign's upload rules have it.
    """

    campaign: Code
    name: Name = ""
    description: Description = ""
    owner: Owner | None = None
    priority: Priority | None = None
    mapping: dict[str, str | None] = field(default_factory=dict)
    duplicates: DuplicatesBody = field(default_factory=DuplicatesBody)
    on_invalid: OnInvalid | None = None
    active_from: Moment | None = None
    active_until: Moment | None = None


class PoolOptionsBody(EntryOptions, kw_only=True):
    """How a file is loaded; `sheet` is of an Excel file, the first if it is not said."""

    sheet: Annotated[str, Meta(max_length=200)] = ""


class LeadsBody(EntryOptions, kw_only=True):
    """Leads as JSON: each `{"phone": text or list, "data": {...}, "priority"?, "owner"?, "timezone"?}`.

    A lead that is not right is counted as invalid with its reasons and holds nobody up. `source` is `manual` for leads
    that a person types in; the entries of one token share a pool as other calls do.
    """

    source: Literal["api", "manual"] = "api"

    leads: Annotated[tuple[Any, ...], Meta(min_length=1, max_length=10_000)]


class PublicCount(View):
    """How many leads are shown so. An anonymised one counts as what it was before (SPEC R10.6)."""

    status: str
    reason: str | None
    label: str
    count: int


class PoolCountsView(View):
    """`valid`, `invalid` and `duplicates` as they came in; the others as they are now.

    `public` are all leads of the pool by what they are shown as, in the order of the campaign's status scheme.
    """

    valid: int
    invalid: int
    duplicates: int
    ready: int
    open: int
    leased: int
    closed: dict[str, int]
    public: tuple[PublicCount, ...]


class ProgressView(View):
    """How far a file is loaded."""

    rows: int
    done_bytes: int
    total_bytes: int


class OriginalView(View):
    """The file that was uploaded. `erased_rows` of it were taken out since, because a person was forgotten."""

    name: str
    bytes: int
    erased_rows: int


class PoolView(View):
    """A pool (SPEC R9.12). `unmatched` columns wait for confirmation; `error` says why a pool has failed.

    `active`: whether its leads are offered now, so not outside its dates, and not when it has expired. `modified` is
    the pool's, not its leads'. `percent_used` counts leads that an agent has seen, `deleted` those that were deleted
    with the pool's button. `original` is null when there is no file to download. `work` is what goes on with the
    pool's leads at this moment: `shuffle`, `delete`, `drop`, `expire`.
    """

    id: int
    name: str
    campaign: str
    campaign_name: str
    campaign_id: int
    project: str
    description: str
    state: str
    active: bool
    source: str
    file_name: str
    owner: Owner | None
    priority: int | None
    counts: PoolCountsView
    percent_closed: float
    percent_used: float
    deleted: int
    duplicates: DuplicatesShape
    on_invalid: str
    unmatched: tuple[str, ...]
    error: str
    active_from: Moment | None
    active_until: Moment | None
    uploaded_by: str
    created: Moment
    modified: Moment
    loaded: Moment | None
    expired: Moment | None
    shuffle_seed: int | None
    original: OriginalView | None
    work: tuple[str, ...]
    progress: ProgressView | UnsetType = UNSET


class EnteredCounts(View):
    """How the leads of one call were counted."""

    valid: int
    invalid: int
    duplicates: int


class EnteredView(PoolView, kw_only=True):
    """The pool that the leads of a call went to, which may have had others before, and what became of these.

    Why one is invalid, or which lead it repeats, is in the pool's downloads.
    """

    entered: EnteredCounts


class PoolsQuery(Paging):
    """Which pools; `campaign` may name several, with commas between them.

    `active`: whether leads of it may be offered now: it is switched on, within its dates, and not expired.
    """

    campaign: Annotated[str, Meta(max_length=10_000)] | None = None
    state: PoolState | None = None
    active: bool | None = None
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
    """How many leads were deleted, and how many stayed for which reason; none: the pool is gone too (SPEC R9.11)."""

    deleted: int
    kept: dict[str, int]


class PoolsBulkBody(Body):
    """One of the buttons for several pools; `seed` goes with shuffle."""

    ids: Annotated[tuple[PoolId, ...], Meta(min_length=1, max_length=1000)]
    action: PoolAction
    seed: Seed | UnsetType = UNSET


class PoolsBulkItem(View):
    """What happened to one pool: `pool`, or `deleted`, or the `problem`. In a dry run, the `state` it would get."""

    id: int
    ok: bool
    pool: PoolView | UnsetType = UNSET
    state: str | UnsetType = UNSET
    deleted: DeletedView | UnsetType = UNSET
    problem: Problem | UnsetType = UNSET


class PoolsBulkAnswer(View):
    """Per pool, in the order given."""

    items: list[PoolsBulkItem]
    next: None = None
