"""What leads are shown as: the one place of this face that asks a status scheme (SPEC 13).

A scheme is asked once for each condition that a campaign's leads come to, and its answer is kept for as long as the
campaign's row and the scheme are the same objects: `next` and `finish` look it up.
"""

from collections.abc import Mapping
from typing import Final

from nextlead.core.conditions import Condition, condition_of
from nextlead.core.engine import Engine
from nextlead.core.model import Lead
from nextlead.core.schemes import Scheme, Shown, need_scheme, own_scheme, shown_as
from nextlead.core.setup_model import Campaign, Template
from nextlead.runtime.vocabulary import Order

from .lead_shapes import PublicStatus

_KEPT: Final = 4096
"""Pairs of campaign and scheme; more are forgotten, all at once."""
_NOWHERE: Final = Campaign(0, "", "", 0, template=Template(results=()))
"""Stands for the campaign of a lead that is gone with it."""

_Answers = dict[Condition, PublicStatus]
_answers: Final[dict[tuple[int, int], tuple[Campaign, Scheme, _Answers]]] = {}
"""By the identities of campaign row and scheme, which are held here, so that they stay theirs."""


def asked_scheme(engine: Engine, name: str | None) -> Scheme | None:
    """The scheme that was asked for, None if none was; raises `Invalid`."""
    return None if name is None else need_scheme(engine.schemes, name)


def status_of(engine: Engine, campaign: int, condition: Condition, scheme: Scheme | None = None) -> PublicStatus:
    """What a lead of that campaign is shown as in that condition, by its campaign's scheme or another. O(1) mostly."""
    found = engine.campaigns.by_no.get(campaign, _NOWHERE)
    return shown_in(found, own_scheme(engine.schemes, found) if scheme is None else scheme, condition)


def shown_in(campaign: Campaign, scheme: Scheme, condition: Condition) -> PublicStatus:
    """The same, of a campaign's row."""
    answers = _answers_of(campaign, scheme)
    answer = answers.get(condition)
    if answer is None:
        answer = answers[condition] = of_shown(shown_as(scheme, campaign.template, condition))
    return answer


def of_shown(shown: Shown) -> PublicStatus:
    """What a scheme says, as an answer."""
    return PublicStatus(shown.status, shown.reason, shown.label)


def _answers_of(campaign: Campaign, scheme: Scheme) -> _Answers:
    key = (id(campaign), id(scheme))
    kept = _answers.get(key)
    if kept is None:
        if len(_answers) >= _KEPT:
            _answers.clear()
        kept = _answers[key] = (campaign, scheme, {})
    return kept[2]


def public_status(engine: Engine, lead: Lead, scheme: Scheme | None = None) -> PublicStatus:
    """What the lead is shown as, an anonymised one as that."""
    return status_of(engine, lead.campaign, condition_of(lead).shown, scheme)


def merged(engine: Engine, campaign: Campaign, counts: Mapping[Condition, int]) -> dict[PublicStatus, int]:
    """Counts by condition as counts by public status, in the order of the scheme."""
    scheme = own_scheme(engine.schemes, campaign)
    found: dict[PublicStatus, int] = {}
    for condition, count in counts.items():
        shown = shown_in(campaign, scheme, condition)
        found[shown] = found.get(shown, 0) + count
    order = Order({scheme.name: scheme})
    return dict(sorted(found.items(), key=lambda each: order.key(each[0].status, each[0].reason)))
