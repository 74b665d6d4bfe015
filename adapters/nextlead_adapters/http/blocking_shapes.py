"""Bodies and answers of the do-not-call lists."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from .bulk_shapes import RowError
from .lead_shapes import PhoneText
from .table import Body, Paging, View
from .values import Moment

Scope = Literal["organisation", "global"]
REASON_CHARS_MAX = 1000
Reason = Annotated[str, Meta(max_length=REASON_CHARS_MAX)]


class BlockQuery(Body):
    """Which list; the body may say it too. The global one is for the operator to change.

    With `dry_run` nothing happens; the leads that would close are counted.
    """

    scope: Scope | UnsetType = UNSET
    dry_run: bool = False


class BlocksQuery(Paging):
    """Which list; `all` is both."""

    scope: Literal["organisation", "global", "all"] = "all"


class UnblockQuery(Body):
    """Which number, on which list."""

    number: PhoneText
    scope: Scope = "organisation"


class BlockOptions(Body, kw_only=True):
    """Why, on which list, and what becomes of leads that have another number.

    With `drop_number` such a lead only loses this one, else it closes.
    """

    reason: Reason = ""
    scope: Scope | UnsetType = UNSET
    drop_number: bool = False


class BlockBody(BlockOptions, kw_only=True):
    """A number that is not to be called any more."""

    number: PhoneText


class NumberAndReason(Body):
    """A number with a reason of its own."""

    number: Annotated[str, Meta(max_length=200)]
    reason: Reason = ""


class ImportBody(BlockOptions, kw_only=True):
    """Numbers that are not to be called any more; those without a reason of their own have the `reason` of all."""

    numbers: Annotated[
        tuple[Annotated[str, Meta(max_length=200)] | NumberAndReason, ...], Meta(min_length=1, max_length=100_000)
    ]


class ImportForm(BlockOptions, kw_only=True):
    """The same with a file: a column `phone`, or the first one, and optionally a column `reason`, or the second."""


class ImportAnswer(View):
    """Every row counts once: `added`, there `already`, or `invalid`.

    `leads` is how many open leads they closed or took a number from; of a leased one, when its lease ends. `errors`
    says of the first hundred invalid rows what was wrong.
    """

    rows: int
    added: int
    already: int
    leads: int
    invalid: int
    errors: list[RowError]


class BlockView(View):
    """An entry of a list."""

    number: str
    scope: str
    reason: str
    at: Moment
    by: str


class BlockedView(BlockView):
    """The entry, and how many open leads it closed or took the number from (a leased one when its lease ends).

    A number that was there already keeps its first entry. One that is `forgotten` may not be called anyway; it gets
    none, so that it is not written down again.
    """

    leads: int
    forgotten: bool


class CheckView(View):
    """Whether a number may not be called: `closure` is what a lead with it would close as.

    `entries` are those of the lists. A `forgotten` number is on none: it was anonymised, and is known by a hash only.
    """

    number: str
    blocked: bool
    closure: str | None
    entries: list[BlockView]
    forgotten: bool
