"""What a campaign's rows must be to be loaded (SPEC R9.4): its rules are checked when they are set, and compiled here.

1. A rule has a name, which the reasons of a reject and the closure `not_accepted` carry: `countries`, `number_types`,
   `fields.region.prohibited`. It is the key under which the campaign sets it, without `upload_rules.`
2. A number that the rules refuse is dropped as an unusable one is; a value that they refuse makes the row invalid.
3. An empty value breaks no rule here; `required` is the template's.
4. Values compare as they are stored, text without regard to case and space around. Patterns run on RE2, in linear time.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from math import isfinite
from typing import Any, Final, NamedTuple
from unicodedata import normalize

import phonenumbers
import re2  # type: ignore[import-untyped]
from phonenumbers import PhoneNumberType

from nextlead.core.errors import Invalid
from nextlead.core.setup_model import FieldRule, Template, TemplateField, UploadRules

from .duplicates import check_duplicates
from .mapping import norm
from .numbers import REGIONS
from .values import READERS, Value, shown

KEY: Final = "upload_rules"
"""What the errors of `check_upload_rules` begin with."""
NUMBER_TYPES: Final[dict[str, int]] = {
    name.lower(): value for name, value in vars(PhoneNumberType).items() if name.isupper() and name != "UNKNOWN"
}
"""libphonenumber's names for the types of numbers."""
PATTERN_CHARS_MAX: Final = 1_000
_EITHER: Final = frozenset({"fixed_line", "mobile", "fixed_line_or_mobile"})
"""In some countries, the United States among them, a number does not tell which of the two it is: either name fits."""
_TYPE_NAMES: Final = {value: name for name, value in NUMBER_TYPES.items()} | {PhoneNumberType.UNKNOWN: "unknown"}
_DAY_CHARS: Final = len("2026-03-02")
_CACHE_MAX: Final = 65_536


class Broken(NamedTuple):
    """A rule that was broken: its name, and what is wrong, as a phrase behind the value."""

    rule: str
    why: str


def check_upload_rules(rules: UploadRules, template: Template) -> None:
    """Raises `Invalid` that names the key at fault, such as `upload_rules.fields.region.pattern`."""
    _check_listed("countries", rules.countries, REGIONS, "is no ISO 3166 code of a country with telephone numbers")
    _check_listed("number_types", rules.number_types, NUMBER_TYPES, f"is none of {', '.join(NUMBER_TYPES)}")
    if rules.on_invalid not in ("file", "close"):
        raise Invalid(f"{KEY}.on_invalid", "must be file or close")
    check_duplicates(f"{KEY}.duplicates", rules.duplicates, template.fields)
    compile_rules(rules, template.fields)


def _check_listed(key: str, given: tuple[str, ...], known: Mapping[str, int] | frozenset[str], rule: str) -> None:
    for name in given:
        if name not in known:
            raise Invalid(f"{KEY}.{key}", f"{shown(name)} {rule}")


class NumberRules:
    """Allowed countries and types of numbers. Some 60 microseconds for a new number; remembers up to a bound."""

    __slots__ = ("_countries", "_seen", "_types", "any")

    def __init__(self, rules: UploadRules) -> None:
        self._countries = frozenset(rules.countries)
        types = frozenset(rules.number_types)
        self._types = types | {"fixed_line_or_mobile"} if types & _EITHER else types
        self._seen: dict[int, Broken | None] = {}
        self.any = bool(self._countries or self._types)
        """Whether there are rules at all."""

    def broken(self, number: int) -> Broken | None:
        """The rule that an E.164 number breaks."""
        if number not in self._seen:
            if len(self._seen) >= _CACHE_MAX:
                self._seen.clear()
            self._seen[number] = self._look(number)
        return self._seen[number]

    def _look(self, number: int) -> Broken | None:
        parsed = phonenumbers.parse(f"+{number}")
        if self._countries:
            country = phonenumbers.region_code_for_number(parsed) or "no country"
            if country not in self._countries:
                return Broken("countries", f"is a number of {country}, which is not allowed")
        if self._types:
            kind = _TYPE_NAMES[phonenumbers.number_type(parsed)]
            if kind not in self._types:
                return Broken("number_types", f"is a {kind} number, which is not allowed")
        return None


class ValueRules:
    """The rules of one field's values."""

    __slots__ = ("_allowed", "_checks", "_name", "_prohibited", "_range", "_search")

    def __init__(self, rule: FieldRule, field: TemplateField) -> None:
        """Raises `Invalid`."""
        self._name = f"fields.{field.name}"
        self._allowed = self._values("allowed", rule.allowed, field)
        self._prohibited = self._values("prohibited", rule.prohibited, field)
        self._search = _pattern(f"{KEY}.{self._name}.pattern", rule.pattern)
        self._range = _range(f"{KEY}.{self._name}", rule, field)

    def _values(self, key: str, given: tuple[str, ...], field: TemplateField) -> frozenset[Value]:
        reader = READERS.get(field.type)
        found: set[Value] = set()
        for text in given:
            try:
                found.add(_plain(reader(text) if reader else text))
            except ValueError as problem:
                raise Invalid(f"{KEY}.{self._name}.{key}", f"{shown(text)} {problem}") from None
        return frozenset(found)

    def broken(self, value: Value) -> Broken | None:
        """The first rule that a value breaks; `value` as it is stored."""
        plain = _plain(value)
        if self._allowed and plain not in self._allowed:
            return Broken(f"{self._name}.allowed", "is not one of the allowed values")
        if plain in self._prohibited:
            return Broken(f"{self._name}.prohibited", "is a prohibited value")
        if self._search is not None and not self._search(_text(value)):
            return Broken(f"{self._name}.pattern", "does not match the pattern")
        if self._range is not None and (why := self._range(value)):
            return Broken(f"{self._name}.range", why)
        return None


class Rules(NamedTuple):
    """Upload rules, ready to be asked. `values` are by `norm` of the field's name; most fields have none."""

    numbers: NumberRules
    values: dict[str, ValueRules]


def compile_rules(rules: UploadRules, fields: Sequence[TemplateField]) -> Rules:
    """The rules for a template's fields. Raises `Invalid`."""
    known = {norm(field.name): field for field in fields}
    found: dict[str, ValueRules] = {}
    for rule in rules.fields:
        field = known.get(norm(rule.field))
        if field is None:
            raise Invalid(f"{KEY}.fields.{rule.field}", "the template has no such field")
        if norm(rule.field) in found:
            raise Invalid(f"{KEY}.fields.{rule.field}", "the field has rules twice")
        found[norm(rule.field)] = ValueRules(rule, field)
    return Rules(NumberRules(rules), found)


def _plain(value: Value) -> Value:
    return normalize("NFC", value.strip().casefold()) if isinstance(value, str) else value


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _pattern(key: str, pattern: str) -> Callable[[str], object] | None:
    if not pattern:
        return None
    if len(pattern) > PATTERN_CHARS_MAX:
        raise Invalid(key, f"must have at most {PATTERN_CHARS_MAX} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        matches: Callable[[str], object] = re2.compile(pattern, options).fullmatch
    except (re2.error, UnicodeEncodeError) as problem:
        raise Invalid(key, f"is no RE2 pattern: {_said(problem)}") from None
    return matches


def _said(problem: Exception) -> str:
    said = problem.args[0] if problem.args else "it can't be read"
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _range(key: str, rule: FieldRule, field: TemplateField) -> Callable[[Value], str] | None:
    """What says why a value is out of range, or nothing. Dates count by the day that they name."""
    if rule.least is None and rule.most is None:
        return None
    if field.type not in ("number", "date"):
        end = "most" if rule.least is None else "least"
        raise Invalid(f"{key}.{end}", "only fields of type number and date have a range")
    is_date = field.type == "date"
    for name, bound in (("least", rule.least), ("most", rule.most)):
        if bound is not None and not (_is_day(bound) if is_date else _is_number(bound)):
            raise Invalid(f"{key}.{name}", "must be a date (YYYY-MM-DD)" if is_date else "must be a number")
    least: Any = rule.least
    most: Any = rule.most
    if least is not None and most is not None and most < least:
        raise Invalid(f"{key}.most", "must not be less than the lower bound")

    def why(value: Value) -> str:
        at: Any = str(value)[:_DAY_CHARS] if is_date else value
        if least is not None and at < least:
            return f"is before {least}" if is_date else f"is less than {_digits(least)}"
        if most is not None and at > most:
            return f"is after {most}" if is_date else f"is more than {_digits(most)}"
        return ""

    return why


def _digits(bound: float) -> str:
    return str(bound).removesuffix(".0")


def _is_number(bound: float | str) -> bool:
    return not isinstance(bound, str) and isfinite(bound)


def _is_day(bound: float | str) -> bool:
    try:
        return isinstance(bound, str) and date.fromisoformat(bound).isoformat() == bound
    except ValueError:
        return False
