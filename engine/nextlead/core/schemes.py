"""Status schemes: what people call the condition a lead is in (SPEC 13).

A scheme is data; `scheme_files.py` of the adapters reads it from a file and sees to it that nothing is left out.
Nothing in the engine depends on what a lead is shown as: schemes name, they don't decide.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct, UnsetType, field
from msgspec.structs import force_setattr, replace

from .activity_model import Activity
from .conditions import NOT_ACCEPTED, Condition
from .errors import Invalid
from .setup_model import DEFAULT_RESULTS, Campaign, Duplicates, Template, TemplateResult


class Shown(Struct, frozen=True):
    """What a lead is shown as: the scheme's status, why (None where the status says it all), and a line with both.

    `ours`: the vocabulary has no word for it, this one is nextlead's (SPEC R13.2). In `Scheme.by_category`,
    `{code}` and `{label}` in any of the three stand for the result's.
    """

    status: str
    reason: str | None = None
    label: str = ""
    ours: bool = False

    def __post_init__(self) -> None:
        if not self.label:
            force_setattr(self, "label", f"{self.status}: {self.reason}" if self.reason else self.status)


class Scheme(Struct, frozen=True):
    """A vocabulary. `statuses` are its public statuses, in the order that people expect.

    `by_status` has every status but `closed`, `by_closure` every system closure, by code. `by_rule` refines
    `not_accepted` by the name of the rule that was broken; the first pattern that fits counts (`fields.region.*`).
    Results are looked up in `by_result`, else by their category. `by_activity` comes before all of these but for
    closures in `over_activities`; a scheme without it does not look at activities.

    `results`, `on_invalid` and `duplicates` are what its campaigns have that don't say otherwise.
    """

    name: str
    title: str = ""
    about: str = ""
    statuses: tuple[str, ...] = ()
    results: tuple[TemplateResult, ...] = DEFAULT_RESULTS
    by_status: Mapping[str, Shown] = field(default_factory=dict)
    by_closure: Mapping[str, Shown] = field(default_factory=dict)
    by_rule: tuple[tuple[str, Shown], ...] = ()
    by_result: Mapping[str, Shown] = field(default_factory=dict)
    by_category: Mapping[str, Shown] = field(default_factory=dict)
    by_activity: Mapping[Activity, Shown] = field(default_factory=dict)
    over_activities: frozenset[str] = frozenset()
    on_invalid: str = "file"
    duplicates: Duplicates = Duplicates()


PLAIN: Final = Scheme("hero")
"""For an engine that was given no schemes: statuses and closures are shown by their codes."""
NO_SCHEMES: Final[Mapping[str, Scheme]] = {PLAIN.name: PLAIN}


def need_scheme(schemes: Mapping[str, Scheme], name: str) -> Scheme:
    """The scheme that was asked for. Raises `Invalid` for one that there is not (SPEC R13.1)."""
    found = schemes.get(name)
    if found is None:
        raise Invalid("scheme", f"must be one of {', '.join(sorted(schemes))}")
    return found


def own_scheme(schemes: Mapping[str, Scheme], campaign: Campaign) -> Scheme:
    """The campaign's own. An engine that was given none of that name shows codes."""
    return schemes.get(campaign.scheme, PLAIN)


def shown_as(scheme: Scheme, template: Template, condition: Condition) -> Shown:
    """What a lead in that condition, of a campaign with that template, is shown as. O(results + rules)."""
    closure = condition.closure
    if closure not in scheme.over_activities:
        by_activity = scheme.by_activity.get(condition.activity)
        if by_activity is not None:
            return by_activity
    if closure is None:
        code = condition.status.code
        return scheme.by_status.get(code) or _plain(code)
    if closure == NOT_ACCEPTED:
        rule = condition.rule.casefold()
        found = next((shown for pattern, shown in scheme.by_rule if fnmatchcase(rule, pattern)), None)
        if found is not None:
            return found
    return scheme.by_closure.get(closure) or _result(scheme, template, closure)


def _result(scheme: Scheme, template: Template, code: str) -> Shown:
    """A result by its code, else by its category: also one that the campaign does not offer any more."""
    found = scheme.by_result.get(code)
    if found is not None:
        return found
    results = (*template.results, *template.past, *scheme.results)
    result = next((result for result in results if result.code == code), None)
    label = _readable(code) if result is None else result.label or _readable(code)
    shown = scheme.by_category.get("negative" if result is None else result.category)
    if shown is None:
        return Shown(code, None, label)

    def filled(text: str) -> str:
        return text.replace("{code}", code).replace("{label}", label)

    return Shown(filled(shown.status), shown.reason and filled(shown.reason), filled(shown.label), shown.ours)


def _plain(code: str) -> Shown:
    return Shown(code, None, _readable(code))


def _readable(code: str) -> str:
    return code.replace("_", " ").capitalize()


def norm(text: str) -> str:
    """A name as people mean it: `In progress`, `in_progress` and `IN-PROGRESS` are one."""
    letters = (char if char.isalnum() else " " for char in text.casefold())
    return " ".join("".join(letters).split())


def under(schemes: Mapping[str, Scheme], campaign: Campaign, name: str | UnsetType) -> Campaign:
    """The campaign under the scheme that is asked for. Raises `Invalid` for one that there is not."""
    if isinstance(name, UnsetType) or name == campaign.scheme:
        return campaign
    return following(campaign, own_scheme(schemes, campaign), need_scheme(schemes, name))


def following(campaign: Campaign, old: Scheme, new: Scheme) -> Campaign:
    """The campaign under another scheme: what it had of the old scheme's own it now has of the new one's."""
    template, rules = campaign.template, campaign.upload_rules
    if template.results == old.results:
        template = with_past(template, replace(template, results=new.results))
    return replace(
        campaign,
        scheme=new.name,
        template=template,
        upload_rules=replace(
            rules,
            on_invalid=new.on_invalid if rules.on_invalid == old.on_invalid else rules.on_invalid,
            duplicates=new.duplicates if rules.duplicates == old.duplicates else rules.duplicates,
        ),
    )


def with_past(old: Template, new: Template) -> Template:
    """The new template, which remembers the results that go: closed leads still have them."""
    codes = {result.code for result in new.results}
    past = {result.code: result for result in (*old.past, *old.results) if result.code not in codes}
    return replace(new, past=tuple(past.values()))
