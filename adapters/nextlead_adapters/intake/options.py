"""What an upload or an entry asks for, and the checks that need no file (SPEC R9.2).

Errors are `Invalid` and name the option. What SPEC 9 has and this version has not is refused, never ignored.
"""

from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from nextlead.core.commands import OpenPool
from nextlead.core.engine import Engine
from nextlead.core.errors import Invalid
from nextlead.core.model import Campaign, Duplicates, Pool

from .mapping import Matcher
from .numbers import is_region
from .rows import PRIORITY_MAX

_ACTIONS: Final = ("skip", "load")
_LATER_ACTIONS: Final = ("update", "replace", "clone", "close")
_SCOPES: Final = ("file", "pool", "campaign", "project", "organisation")
_AMONG: Final = ("open", "all")

Source = Literal["file", "api", "manual"]


class DuplicateOptions(Struct, forbid_unknown_fields=True, frozen=True):
    """Duplicate check and processing."""

    match: tuple[str, ...] = ("phone",)
    scope: str = "campaign"
    among: str = "all"
    action: str = "skip"


class PoolOptions(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The options of `POST /v1/pools`, and those beside the leads in `POST /v1/leads`; docs/http.md names them.

    `mapping` is column to field; null, or an empty name, leaves the column out on purpose. Priority
    None inherits.
    """

    campaign: str
    name: str = ""
    description: str = ""
    owner: str | None = None
    priority: int | None = None
    mapping: dict[str, str | None] = {}
    duplicates: DuplicateOptions = DuplicateOptions()
    on_invalid: str = "file"
    active_from: datetime | None = None
    active_until: datetime | None = None


class Order(Struct, frozen=True):
    """Options that were found right, with what of the set-up reading rows needs."""

    open: OpenPool
    matcher: Matcher
    region: str
    owners: frozenset[str]


def check_options(options: PoolOptions, engine: Engine, *, source: Source, by: str, name: str) -> Order:
    """Make an order of options; `name` is the pool's if none is asked for. Raises `Invalid`."""
    campaign = engine.campaigns.by_code.get(options.campaign)
    if campaign is None:
        raise Invalid("campaign", f"there is no campaign '{options.campaign}'")
    owners = frozenset(
        [f"agent:{agent.code}" for agent in engine.agents] + [f"team:{team.code}" for team in engine.teams]
    )
    if options.owner is not None and options.owner not in owners:
        raise Invalid("owner", f"'{options.owner}' is no agent:CODE or team:CODE of this organisation")
    if options.priority is not None and not 1 <= options.priority <= PRIORITY_MAX:
        raise Invalid("priority", f"must be from 1 to {PRIORITY_MAX}")
    if options.on_invalid != "file":
        raise Invalid("on_invalid", "only 'file' is there yet")
    from_ms, until_ms = (
        _milliseconds("active_from", options.active_from),
        _milliseconds("active_until", options.active_until),
    )
    if from_ms is not None and until_ms is not None and until_ms <= from_ms:
        raise Invalid("active_until", "must be later than active_from")
    command = OpenPool(
        by=by,
        campaign=campaign.code,
        name=options.name.strip() or name,
        description=options.description,
        owner=options.owner,
        priority=options.priority or 0,
        source=source,
        file_name=name if source == "file" else "",
        active_from_ms=from_ms,
        active_until_ms=until_ms,
        duplicates=_duplicates(options.duplicates),
    )
    return Order(command, Matcher(campaign.template.fields, options.mapping), _region(campaign, engine), owners)


def in_scope(pool: Pool, campaign: int, other: int, engine: Engine) -> bool:
    """Whether a lead of pool `other` and that campaign counts in this pool's duplicate check (SPEC R9.6)."""
    match pool.duplicates.scope:
        case "organisation":
            return True
        case "project":
            theirs, ours = engine.campaigns.by_no.get(campaign), engine.campaigns.by_no.get(pool.campaign)
            return theirs is not None and ours is not None and theirs.project == ours.project
        case "campaign":
            return campaign == pool.campaign
        case _:
            return other == pool.id


def _region(campaign: Campaign, engine: Engine) -> str:
    region = campaign.default_region or engine.settings.default_region
    if not is_region(region):
        raise Invalid("campaign", f"its default region '{region}' is no region with telephone numbers")
    return region


def _duplicates(asked: DuplicateOptions) -> Duplicates:
    if asked.match != ("phone",):
        raise Invalid("duplicates.match", "only ['phone'] is there yet")
    if asked.scope not in _SCOPES:
        raise Invalid("duplicates.scope", f"must be one of {', '.join(_SCOPES)}")
    if asked.among not in _AMONG:
        raise Invalid("duplicates.among", f"must be one of {', '.join(_AMONG)}")
    if asked.action in _LATER_ACTIONS:
        raise Invalid("duplicates.action", f"'{asked.action}' is not there yet; skip and load are")
    if asked.action not in _ACTIONS:
        raise Invalid("duplicates.action", f"must be one of {', '.join(_ACTIONS)}")
    return Duplicates(asked.match, asked.scope, asked.among, asked.action)


def _milliseconds(field: str, moment: datetime | None) -> int | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise Invalid(field, "needs an offset from UTC")
    return round(moment.timestamp() * 1000)
