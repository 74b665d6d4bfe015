"""What stands in a scheme's file, and the scheme that it makes. Everything that is wrong is a `Fault` with its place.

A lead must never be without a word: every status, system closure and category of results is mapped. And a wrong word
must not be found out by those who read it: what is unknown, or not in `statuses`, is a fault.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from msgspec.structs import asdict

from nextlead.core.activity_model import Activity
from nextlead.core.errors import Invalid
from nextlead.core.model import SYSTEM_CLOSURES, Status
from nextlead.core.schemes import Scheme, Shown, norm
from nextlead.core.settings_check import CATEGORIES, check_template
from nextlead.core.setup_model import DEFAULT_RESULTS, Duplicates, Template, TemplateResult, UploadRules

from .intake.upload_rules import check_upload_rules
from .scheme_shapes import Fault, MappedShape, ResultShape, RulesShape, SchemeShape, convert, parts_of
from .toml_lines import Path

STATUSES: Final = tuple(status.code for status in Status if status is not Status.CLOSED)
"""What `[open]` maps, in the order of SPEC R1.1."""
CLOSURES: Final = tuple(sorted(SYSTEM_CLOSURES))
"""What `[closures]` maps."""
ACTIVITIES: Final = tuple(kind.code for kind in Activity if kind is not Activity.NONE)
"""What `[activities]` may map."""
FIELD_RULES: Final = ("required", "type", "allowed", "prohibited", "pattern", "range")
"""What the last word of a field's rule may be: `fields.region.prohibited`."""
ROW_RULES: Final = ("countries", "number_types", "priority", "owner", "timezone", "text", "row")
"""The other rules that a row with a number may break (`intake/rows.py`)."""

TABLES: Final = ("open", "closures", "categories", "rules", "activities")
"""The tables of a file whose entries say what is shown as what."""

_CODE: Final = re.compile(r"[\w.@+~-]{1,64}")
_PLACEHOLDER: Final = re.compile(r"\{\w*\}")
_OF_RESULTS: Final = frozenset({"{code}", "{label}"})
_TEXT_MAX: Final = 200


def scheme_of(name: str, content: Mapping[str, Any]) -> Scheme:
    """The scheme that a file's content makes; raises `Fault`."""
    found = convert(content, SchemeShape, ())
    words = _Words(found.statuses)
    results = DEFAULT_RESULTS if found.results is None else _results(found.results)
    upload = _upload_rules(found.upload_rules)
    scheme = Scheme(
        name=name,
        title=_line(found.title, ("title",)),
        about=_line(" ".join(found.about.split()), ("about",), 10 * _TEXT_MAX),
        statuses=found.statuses,
        results=results,
        by_status=words.table("open", found.open, STATUSES),
        by_closure=words.table("closures", found.closures, CLOSURES),
        by_rule=_rules(words, found.rules),
        by_result=_by_result(words, found.results or ()),
        by_category=words.table("categories", found.categories, CATEGORIES, _OF_RESULTS),
        by_activity=_activities(words, found.activities),
        over_activities=_over_activities(found, results),
        on_invalid=upload.on_invalid,
        duplicates=upload.duplicates,
    )
    words.need_all(scheme)
    return scheme


class _Words:
    """The public statuses of a file, and what is mapped to them."""

    def __init__(self, statuses: tuple[str, ...]) -> None:
        if not statuses:
            raise Fault(("statuses",), "has none")
        known: dict[str, str] = {}
        for at, status in enumerate(statuses):
            path = ("statuses", at)
            plain = norm(_line(status, path))
            if not plain:
                raise Fault(path, "has neither letter nor digit")
            if plain in known:
                raise Fault(path, f"{status} is the same as {known[plain]}: case and punctuation don't count")
            known[plain] = status
        self._statuses = statuses

    def table(
        self, table: str, given: Mapping[str, Any], keys: tuple[str, ...], holders: frozenset[str] = frozenset()
    ) -> dict[str, Shown]:
        """A table that has every one of the keys, and no other; in the order of the file."""
        found = self.some_of(table, given, keys, holders)
        missing = [key for key in keys if key not in found]
        if missing:
            rest = f", nor {'is' if len(missing) == 2 else 'are'} {', '.join(missing[1:])}" if len(missing) > 1 else ""
            raise Fault((table, missing[0]), f"is not mapped{rest}")
        return found

    def some_of(
        self, table: str, given: Mapping[str, Any], keys: tuple[str, ...], holders: frozenset[str] = frozenset()
    ) -> dict[str, Shown]:
        """A table that has none but the keys, each at most once."""
        for key in given:
            if key not in keys:
                raise Fault((table, key), f"is not one of {', '.join(keys)}")
        return {key: self.shown(value, (table, key), holders) for key, value in given.items()}

    def shown(self, value: object, path: Path, holders: frozenset[str] = frozenset()) -> Shown:
        """One entry. `holders` are the placeholders that its words may have."""
        found = value if isinstance(value, MappedShape) else convert(value, MappedShape, path)
        for key, text in (("status", found.status), ("reason", found.reason), ("label", found.label)):
            if text is None:
                continue
            _line(text, (*path, key))
            for held in _PLACEHOLDER.findall(text):
                if held not in holders:
                    rule = "{code} and {label} stand for those of a result, and only in categories"
                    raise Fault((*path, key), f"{held} stands for nothing here: {rule}")
        if found.status not in self._statuses and not _PLACEHOLDER.search(found.status):
            raise Fault((*path, "status"), f"{found.status} is not in statuses ({', '.join(self._statuses)})")
        return Shown(found.status, found.reason, found.label or "", found.ours)

    def need_all(self, scheme: Scheme) -> None:
        """A status that nothing is shown as was forgotten somewhere."""
        tables = (scheme.by_status, scheme.by_closure, scheme.by_result, scheme.by_category, scheme.by_activity)
        used = {shown.status for table in tables for shown in table.values()}
        used |= {shown.status for _, shown in scheme.by_rule}
        if any(_PLACEHOLDER.search(status) for status in used):
            return  # a campaign's own results decide
        for at, status in enumerate(self._statuses):
            if status not in used:
                raise Fault(("statuses", at), f"nothing is shown as {status}")


def _line(text: str, path: Path, most: int = _TEXT_MAX) -> str:
    if not 0 < len(text) <= most or not text.isprintable() or text != text.strip():
        raise Fault(path, f"must be 1 to {most} printable characters, without space around them")
    return text


def _results(given: tuple[ResultShape, ...]) -> tuple[TemplateResult, ...]:
    if not given:
        raise Fault(("results",), "has none; leave it out for the four usual ones")
    found: dict[str, TemplateResult] = {}
    for at, shape in enumerate(given):
        path = ("results", at)
        if not _CODE.fullmatch(shape.code):
            raise Fault((*path, "code"), "must be 1 to 64 letters, digits or _ . @ + ~ -")
        _line(shape.label, (*path, "label"))
        result = TemplateResult(shape.code, shape.label, shape.category, shape.validation, shape.do_not_call)
        try:
            check_template(Template(results=(result,)))
        except Invalid as error:
            raise Fault((*path, error.field.rpartition(".")[2]), error.rule) from None
        if shape.code in found:
            raise Fault((*path, "code"), f"{shape.code} is there twice")
        found[shape.code] = result
    return tuple(found.values())


def _by_result(words: _Words, given: tuple[ResultShape, ...]) -> dict[str, Shown]:
    return {
        shape.code: words.shown(shape.shown, ("results", at, "shown"))
        for at, shape in enumerate(given)
        if shape.shown is not None
    }


def _rules(words: _Words, given: Mapping[str, Any]) -> tuple[tuple[str, Shown], ...]:
    found: dict[str, Shown] = {}
    for key, value in given.items():
        path, pattern = ("rules", key), key.casefold()
        if pattern in found:
            raise Fault(path, "is mapped twice: case does not count")
        names = FIELD_RULES if pattern.startswith("fields.") else ROW_RULES
        if not any(fnmatchcase(name, pattern.rpartition(".")[2]) for name in names):
            usual = ", ".join((*ROW_RULES, *(f"fields.NAME.{name}" for name in FIELD_RULES)))
            raise Fault(path, f"fits no rule that a row may break ({usual}; * stands for anything)")
        found[pattern] = words.shown(value, path)
    return tuple(found.items())


def _activities(words: _Words, given: Mapping[str, Any]) -> dict[Activity, Shown]:
    found = words.some_of("activities", given, ACTIVITIES)
    return {Activity[code.upper()]: found[code] for code in ACTIVITIES if code in found}


def _over_activities(found: SchemeShape, results: tuple[TemplateResult, ...]) -> frozenset[str]:
    known = (*CLOSURES, *(result.code for result in results))
    for at, closure in enumerate(found.over_activities):
        path = ("over_activities", at)
        if closure not in known:
            raise Fault(path, f"{closure} is not one of {', '.join(known)}")
        if closure in found.over_activities[:at]:
            raise Fault(path, f"{closure} is there twice")
        if not found.activities:
            raise Fault(path, "there are no activities that it could be over")
    return frozenset(found.over_activities)


def _upload_rules(given: RulesShape) -> UploadRules:
    """The same check as that of a campaign which has no fields of its own yet."""
    rules = UploadRules(on_invalid=given.on_invalid, duplicates=Duplicates(**asdict(given.duplicates)))
    try:
        check_upload_rules(rules, Template())
    except Invalid as error:
        raise Fault(parts_of(error.field), error.rule) from None
    return rules
