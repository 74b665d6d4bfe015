"""What leads are called in statistics: by one status scheme, or each by its campaign's (SPEC 13)."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from nextlead.core.conditions import Condition
from nextlead.core.engine import Engine
from nextlead.core.schemes import Scheme, Shown, need_scheme, own_scheme, shown_as
from nextlead.core.setup_model import Campaign

_LAST: Final = 1 << 30


class Name(NamedTuple):
    """What leads are counted under. Two conditions with one name are the same to people; labels are not looked at."""

    campaign: int
    status: str
    reason: str | None


class Vocabulary:
    """Names by campaign and condition, each worked out once. Schemes and campaigns are those of when it was made."""

    def __init__(self, engine: Engine, scheme: str | None) -> None:
        """`scheme` of None: each campaign's own. Raises `Invalid`."""
        self._campaigns: dict[int, Campaign] = {campaign.no: campaign for campaign in engine.campaigns}
        self._schemes = engine.schemes
        self._scheme = None if scheme is None else need_scheme(engine.schemes, scheme)
        self._names: dict[tuple[int, Condition], Name] = {}
        self._shown: dict[Name, Shown] = {}

    def name(self, campaign: int, condition: Condition) -> Name:
        """The name; `anonymised` is not looked at. O(1) but for the first time."""
        known = self._names.get((campaign, condition))
        if known is None:
            record = self._campaigns[campaign]
            shown = shown_as(self._scheme_of(record), record.template, condition)
            known = self._names[campaign, condition] = Name(campaign, shown.status, shown.reason)
            self._shown.setdefault(known, shown)
        return known

    def knows(self, campaign: int) -> bool:
        """Whether the campaign was there when this was made."""
        return campaign in self._campaigns

    def shown(self, name: Name) -> Shown:
        """What stands behind a name that this gave out; of several labels the first."""
        return self._shown[name]

    def code(self, campaign: int) -> str:
        """The campaign's code."""
        return self._campaigns[campaign].code

    def scheme_of(self, campaigns: Iterable[int]) -> str | None:
        """The scheme whose words all of these campaigns are shown in; None when they have several, or are none."""
        if self._scheme is not None:
            return self._scheme.name
        names = {self._scheme_of(self._campaigns[campaign]).name for campaign in campaigns}
        return names.pop() if len(names) == 1 else None

    def order(self) -> "Order":
        """How the schemes in use list their statuses and reasons."""
        schemes = [self._scheme_of(campaign) for campaign in self._campaigns.values()]
        return Order({scheme.name: scheme for scheme in schemes})

    def _scheme_of(self, campaign: Campaign) -> Scheme:
        return self._scheme or own_scheme(self._schemes, campaign)


class Order:
    """Statuses as the schemes list them, then reasons as they stand there; others come after these, by letter."""

    def __init__(self, schemes: Mapping[str, Scheme]) -> None:
        self._statuses: dict[str, int] = {}
        self._reasons: dict[tuple[str, str | None], int] = {}
        for _, scheme in sorted(schemes.items()):
            for status in scheme.statuses:
                self._statuses.setdefault(status, len(self._statuses))
            for shown in _stated(scheme):
                self._reasons.setdefault((shown.status, shown.reason), len(self._reasons))

    def key(self, status: str, reason: str | None) -> tuple[int, str, int, str]:
        """To sort by."""
        at = self._reasons.get((status, reason), _LAST)
        return self._statuses.get(status, _LAST), status, at, reason or ""


def _stated(scheme: Scheme) -> list[Shown]:
    """All that it can say, in the order of its file."""
    results = [*scheme.by_result.values(), *scheme.by_category.values()]
    others = [*scheme.by_status.values(), *scheme.by_closure.values(), *(shown for _, shown in scheme.by_rule)]
    return [*results, *others, *scheme.by_activity.values()]
