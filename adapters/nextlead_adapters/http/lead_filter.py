"""Which leads are asked for: as the archive understands it, and as the engine's counts do (SPEC R13.4).

A public status is nothing that is stored. What is asked for by one is asked for by the conditions of leads that are
shown so: those that exist at that moment, which the engine counts. So the store needs to know of no scheme.
"""

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Final

from nextlead.core.conditions import ANONYMIZED, Condition
from nextlead.core.engine import Engine
from nextlead.core.errors import Invalid
from nextlead.core.model import SYSTEM_CLOSURES, Status
from nextlead.core.schemes import Scheme, norm, own_scheme
from nextlead.core.setup_model import Campaign
from nextlead.ports import LeadFilter

from .fields import need_campaign, read_number, region_of
from .lead_shapes import LeadFilterBody, PublicStatus
from .public_status import asked_scheme, of_shown, shown_in, status_of
from .table import Call

_AGENT: Final = "agent:"
_ANY: Final = Campaign(0, "", "", 0)
"""Has the words of its scheme where there is no campaign yet."""
_norm = lru_cache(maxsize=4096)(norm)


def owner_no(engine: Engine, name: str, field: str = "owner") -> int:
    """`agent:CODE` or `team:CODE` as an owner value; raises `Invalid` when there is no such one."""
    kind, _, code = name.partition(":")
    found = (engine.agents if kind == "agent" else engine.teams).by_code.get(code)
    if found is None:
        raise Invalid(field, f"there is no {kind} {code}")
    return found.no if kind == "agent" else -found.no


def lead_filter(engine: Engine, which: LeadFilterBody) -> LeadFilter:
    """What is asked for, for the archive; raises `Invalid` for what is not there. O(conditions)."""
    campaign = None if which.campaign is None else need_campaign(engine, which.campaign).no
    return LeadFilter(
        campaign=campaign,
        pool=which.pool,
        status=None if which.status is None else int(Status[which.status.upper()]),
        closure=which.closure,
        owner=None if which.owner is None else owner_no(engine, which.owner.name),
        number=None if which.phone is None else read_number(which.phone, region_of(engine, campaign or 0), "phone"),
        due_before_ms=None if which.due_before is None else which.due_before.ms,
        text=which.q or None,
        last_by=None
        if which.last_by is None
        else owner_no(engine, _AGENT + which.last_by.removeprefix(_AGENT), "last_by"),
        conditions=_conditions(engine, which),
    )


async def find(call: Call, which: LeadFilterBody) -> LeadFilter:
    """The same at this moment. Conditions are those of leads as they are durable (SPEC R5.9)."""
    if which.public_status is None and which.reason is None:
        return lead_filter(call.services.engine, which)
    return await call.services.dialer.read(lambda engine: lead_filter(engine, which))


def counted(engine: Engine, which: LeadFilterBody, asked: LeadFilter) -> int | None:
    """The engine's own count of what is asked for; None if it takes more than conditions to know."""
    if any(each is not None for each in (asked.owner, asked.number, asked.due_before_ms, asked.text, asked.last_by)):
        return None
    return sum(
        leads
        for campaign, condition, leads in _existing(engine, which)
        if asked.status in (None, condition.shown.status)
        and asked.closure in (None, condition.shown.closure)
        and (asked.conditions is None or (campaign, condition.shown) in asked.conditions)
    )


# -- by public status -----------------------------------------------------------------------------------------------


def _existing(engine: Engine, which: LeadFilterBody) -> Iterator[tuple[int, Condition, int]]:
    """The conditions that leads of the filter's campaign and pool are in, and how many; none of what is not there."""
    if which.pool is not None and which.pool not in engine.pools:
        return
    by_code = engine.campaigns.by_code
    for (code, condition), leads in engine.conditions(which.campaign, which.pool).items():
        yield by_code[code].no, condition, leads


def _conditions(engine: Engine, which: LeadFilterBody) -> frozenset[tuple[int, Condition]] | None:
    """The conditions that are shown as asked for, as leads are shown in them; None if nothing is asked of that."""
    scheme = asked_scheme(engine, which.scheme)
    if which.public_status is None and which.reason is None:
        return None
    there = {(campaign, each) for campaign, condition, _ in _existing(engine, which) for each in _as_shown(condition)}
    shown = {key: status_of(engine, *key, scheme) for key in there}
    found = frozenset(key for key, each in shown.items() if _fits(each, which.public_status, which.reason))
    if not found:
        words = partial(_vocabulary, engine, which, scheme)
        if not any(_fits(each, which.public_status, which.reason) for each in words()):
            raise _unknown(which, [*words(), *shown.values()])
    return found


def _as_shown(condition: Condition) -> tuple[Condition, ...]:
    """How leads that are counted so are shown: a closed one may be anonymised, and counted as it was before."""
    if condition.closure is None:
        return (condition,)
    return condition.shown, Condition(condition.status, ANONYMIZED, "", condition.activity)


def _fits(shown: PublicStatus, status: str | None, reason: str | None) -> bool:
    if status is not None and _norm(status) not in (_norm(shown.status), _norm(shown.label)):
        return False
    return reason is None or (shown.reason is not None and _norm(shown.reason) == _norm(reason))


def _unknown(which: LeadFilterBody, words: list[PublicStatus]) -> Invalid:
    """No lead could ever be shown so: what there is instead."""
    fitting = [shown for shown in words if _fits(shown, which.public_status, None)]
    if not fitting:
        return Invalid("public_status", f"must be one of {', '.join(dict.fromkeys(each.status for each in words))}")
    reasons = dict.fromkeys(shown.reason for shown in fitting if shown.reason is not None)
    return Invalid("reason", f"must be one of {', '.join(reasons)}" if reasons else "there are none of that status")


def _vocabulary(engine: Engine, which: LeadFilterBody, scheme: Scheme | None) -> Iterator[PublicStatus]:
    """All that leads of the campaigns in question could be shown as, in the order of the schemes' statuses."""
    for campaign in campaigns_of(engine, which) or [_ANY]:
        own = own_scheme(engine.schemes, campaign) if scheme is None else scheme
        words = set(_words(campaign, own))
        order = {status: at for at, status in enumerate(own.statuses)}
        yield from sorted(words, key=lambda shown: (order.get(shown.status, len(order)), shown.label))


def campaigns_of(engine: Engine, which: LeadFilterBody) -> list[Campaign]:
    """Those that leads of the filter may be of."""
    if which.campaign is not None:
        return [need_campaign(engine, which.campaign)]
    pool = None if which.pool is None else engine.pools.get(which.pool)
    return list(engine.campaigns) if pool is None else [engine.campaigns.by_no[pool.campaign]]


def _words(campaign: Campaign, scheme: Scheme) -> Iterator[PublicStatus]:
    template = campaign.template
    results = (result.code for result in (*template.results, *template.past, *scheme.results))
    for status in Status:
        if status is not Status.CLOSED:
            yield shown_in(campaign, scheme, Condition(status))
    for closure in (*sorted(SYSTEM_CLOSURES), *results):
        yield shown_in(campaign, scheme, Condition(Status.CLOSED, closure))
    yield from (of_shown(shown) for _, shown in scheme.by_rule)
    yield from map(of_shown, scheme.by_activity.values())
