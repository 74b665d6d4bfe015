"""What an upload or an entry asks for, and the checks that need no file (SPEC R9.2).

Errors are `Invalid` and name the option. What is left out is as the campaign's upload rules have it.
"""

from datetime import datetime
from typing import Literal, cast

from msgspec import Struct

from nextlead.core.commands import OpenPool
from nextlead.core.engine import Engine
from nextlead.core.errors import Invalid
from nextlead.core.setup_model import Campaign, Duplicates

from .duplicates import check_duplicates
from .mapping import Matcher
from .numbers import is_region
from .rows import PRIORITY_MAX
from .upload_rules import check_upload_rules
from .wire import Reading

Source = Literal["file", "api", "manual"]


class DuplicateOptions(Struct, forbid_unknown_fields=True, frozen=True):
    """Duplicate check and processing; what is None is as the campaign's upload rules have it."""

    match: tuple[str, ...] | None = None
    scope: str | None = None
    among: str | None = None
    action: str | None = None


class PoolOptions(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The options of `POST /v1/pools`, and those beside the leads in `POST /v1/leads`; docs/http.md names them.

    `mapping` is column to field; null, or an empty name, leaves the column out on purpose. `sheet` is of an Excel file,
    empty is the first. Priority None inherits; `on_invalid` None is as the campaign's upload rules have it.
    """

    campaign: str
    name: str = ""
    description: str = ""
    owner: str | None = None
    priority: int | None = None
    mapping: dict[str, str | None] = {}
    duplicates: DuplicateOptions = DuplicateOptions()
    on_invalid: str | None = None
    sheet: str = ""
    active_from: datetime | None = None
    active_until: datetime | None = None


class Order(Struct, frozen=True):
    """Options that were found right, with what of the set-up reading rows needs."""

    open: OpenPool
    reading: Reading
    matcher: Matcher
    owners: frozenset[str]


def check_options(options: PoolOptions, engine: Engine, *, source: Source, by: str, name: str) -> Order:
    """Make an order of options; `name` is the pool's if none is asked for. Raises `Invalid`."""
    campaign = engine.campaigns.by_code.get(options.campaign)
    if campaign is None:
        raise Invalid("campaign", f"there is no campaign '{options.campaign}'")
    owners = owners_of(engine)
    if options.owner is not None and options.owner not in owners:
        raise Invalid("owner", f"'{options.owner}' is no agent:CODE or team:CODE of this organisation")
    if options.priority is not None and not 1 <= options.priority <= PRIORITY_MAX:
        raise Invalid("priority", f"must be from 1 to {PRIORITY_MAX}")
    on_invalid = campaign.upload_rules.on_invalid if options.on_invalid is None else options.on_invalid
    if on_invalid not in ("file", "close"):
        raise Invalid("on_invalid", "must be file or close")
    check_upload_rules(campaign.upload_rules, campaign.template)
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
        duplicates=_duplicates(options.duplicates, campaign),
        on_invalid=cast("Literal['file', 'close']", on_invalid),
    )
    reading = Reading(
        region=_region(campaign, engine),
        fields=campaign.template.fields,
        mapping=options.mapping,
        sheet=options.sheet.strip(),
        rules=campaign.upload_rules,
        match=command.duplicates.match,
    )
    return Order(command, reading, Matcher(reading.fields, reading.mapping), owners)


def owners_of(engine: Engine) -> frozenset[str]:
    """Everyone a lead may belong to, as `agent:CODE` and `team:CODE`."""
    return frozenset(
        [f"agent:{agent.code}" for agent in engine.agents] + [f"team:{team.code}" for team in engine.teams]
    )


def _region(campaign: Campaign, engine: Engine) -> str:
    region = campaign.default_region or engine.settings.default_region
    if not is_region(region):
        raise Invalid("campaign", f"its default region '{region}' is no region with telephone numbers")
    return region


def _duplicates(asked: DuplicateOptions, campaign: Campaign) -> Duplicates:
    usual = campaign.upload_rules.duplicates
    chosen = Duplicates(
        usual.match if asked.match is None else asked.match,
        usual.scope if asked.scope is None else asked.scope,
        usual.among if asked.among is None else asked.among,
        usual.action if asked.action is None else asked.action,
    )
    check_duplicates("duplicates", chosen, campaign.template.fields)
    return chosen


def _milliseconds(field: str, moment: datetime | None) -> int | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise Invalid(field, "needs an offset from UTC")
    return round(moment.timestamp() * 1000)
