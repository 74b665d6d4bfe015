"""Commands on lead pools: what comes in, kept files, the buttons."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from ..setup_model import Duplicates
from .base import Command


class OpenPool(Command, frozen=True, kw_only=True):
    """Start a pool in state `loading`; the reply is the `Pool`. Rows follow with `LoadRows`, then `ClosePool`.

    `owner` is `team:CODE` or `agent:CODE`, None for the root team. `file` is a kept original of `file_bytes`;
    `columns`, `options` and `entry_key` are as in `Pool`.
    """

    campaign: str
    name: str = ""
    description: str = ""
    owner: str | None = None
    priority: int = 0
    source: Literal["file", "api", "manual"] = "file"
    file_name: str = ""
    active_from_ms: int | None = None
    active_until_ms: int | None = None
    duplicates: Duplicates = Duplicates()
    on_invalid: Literal["file", "close"] = "file"
    columns: tuple[str, ...] = ()
    options: str = ""
    file: int = 0
    file_bytes: int = 0
    entry_key: str = ""


class Original(Struct, frozen=True, gc=False):
    """The first lead that a row is a duplicate of, as the archive has it: closed ones, and matches by fields.

    `version` is its row's. `data` is what an update would make of its fields, None unless that is asked for.
    """

    lead: int
    version: int
    closed: bool
    data: bytes | None = None


class IntakeRow(Struct, frozen=True, gc=False):
    """A row that passed the upload rules. `row` is its line or index, `cells` what it consisted of, for the rejects.

    `numbers` are usable ones, `dropped` texts of those that were not, each with its reason. `keys` are digests of what
    it matches by, one for each rule of the duplicate check but `phone` (SPEC R9.6). `zone` is the row's own IANA zone.
    """

    row: int
    numbers: tuple[int, ...]
    data: bytes = b"{}"
    priority: int = 0
    owner: str | None = None
    cells: tuple[str, ...] = ()
    keys: tuple[bytes, ...] = ()
    original: Original | None = None
    dropped: tuple[str, ...] = ()
    zone: str = ""


class IntakeReject(Struct, frozen=True, gc=False):
    """A row that did not pass, with every reason.

    `numbers`, `data` and `zone` are what could be read of it. `closure` is what it closes as with `on_invalid: close`
    (`invalid_phone_number` or `not_accepted`), and `rule` the name of the first rule that it broke.
    """

    row: int
    reasons: tuple[str, ...]
    cells: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    data: bytes = b"{}"
    closure: str = "not_accepted"
    rule: str = ""
    zone: str = ""


class LoadRows(Command, frozen=True, kw_only=True):
    """Add rows to a loading pool, or to an active API or manual one; duplicates are decided here (SPEC R9.6).

    The reply is `Loaded`. Rows must be in order; those in `Loaded.stale` were not taken: their original changed since
    it was looked up, and they are to be sent again, before any later row.
    """

    pool: int
    rows: tuple[IntakeRow, ...]
    rejects: tuple[IntakeReject, ...] = ()
    log: tuple[tuple[int, str], ...] = ()
    """Lines for the pool's log, each with its row, or 0; numbers that a row lost go there by themselves."""


class ClosePool(Command, frozen=True, kw_only=True):
    """All rows are in. With `unmatched` columns the pool waits for confirmation, else it becomes active.

    With `error` it failed: what was loaded is dropped, and the reply may be `Begun`.
    """

    pool: int
    unmatched: tuple[str, ...] = ()
    error: str = ""


class AddFile(Command, frozen=True, kw_only=True):
    """Begin to keep an original file; the reply is the `File`. One that no pool names at a start is dropped."""


class AddFilePart(Command, frozen=True, kw_only=True):
    """The next piece of a kept file, some 256 KiB."""

    file: int
    body: bytes


class SwapFile(Command, frozen=True, kw_only=True):
    """A pool's original is another file now, without `erased` rows that the old one had; the old one goes.

    A `file` of 0 takes the original away.
    """

    pool: int
    file: int
    file_bytes: int
    erased: int


class DropFile(Command, frozen=True, kw_only=True):
    """A kept file that no pool names goes."""

    file: int


class EditPool(Command, frozen=True, kw_only=True):
    """Name, description, dates, priority (SPEC R2.3, R9.9)."""

    pool: int
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    active_from_ms: int | UnsetType | None = UNSET
    active_until_ms: int | UnsetType | None = UNSET


class ActOnPool(Command, frozen=True, kw_only=True):
    """The buttons of a pool (SPEC R9.3, R9.9, R9.10, R9.11). `seed` goes with shuffle.

    The reply is the `Pool`, to delete `PoolDeleted`. For a large pool it is `Begun`, and the reply comes later in
    `Outcome.done`; the order is as asked for by then, and nothing half done is ever seen in it.
    """

    pool: int
    action: Literal["activate", "deactivate", "confirm", "reject", "shuffle", "delete"]
    seed: int = 0
