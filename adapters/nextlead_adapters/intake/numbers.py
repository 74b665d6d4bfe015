"""Text to E.164 numbers, with a reason where it can't be done (SPEC R9.4).

A number is an int: E.164 digits without the plus. Whether it is valid is libphonenumber's judgement.
"""

import re
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberMatcher, ValidationResult

REGIONS: Final = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""Regions (ISO 3166) that a number without a country code can be read for."""

_CACHE_MAX: Final = 65_536
_SEARCHED_CHARS_MAX: Final = 4_000
_SEARCHES_MAX: Final = 100
_SPREADSHEET_FLOAT: Final = re.compile(r"\+?\d+\.0")
"""`14155550100.0`: what a spreadsheet makes of a column of numbers. Read as it stands it is another number."""

_UNPARSED: Final = {
    NumberParseException.INVALID_COUNTRY_CODE: "has no known country code",
    NumberParseException.NOT_A_NUMBER: "is not a phone number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "is too short",
    NumberParseException.TOO_SHORT_NSN: "is too short",
    NumberParseException.TOO_LONG: "is too long",
}
_IMPOSSIBLE: Final = {
    ValidationResult.TOO_SHORT: "is too short",
    ValidationResult.TOO_LONG: "is too long",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks the area code",
    ValidationResult.INVALID_LENGTH: "has the wrong length",
}


class Numbers:
    """Reads numbers; those without a country code are taken to be of `region` (ISO 3166, `US`).

    Remembers what it has read, up to a bound. Some 20 microseconds for a new text.
    """

    __slots__ = ("_seen", "region")

    def __init__(self, region: str) -> None:
        self.region = region.upper()
        self._seen: dict[str, int | str] = {}

    def read(self, text: str) -> int | str:
        """The number, or why there is none: a phrase that goes behind the text (`is too short`)."""
        found = self._seen.get(text)
        if found is None:
            found = self._parse(text.strip())
            if len(self._seen) >= _CACHE_MAX:
                self._seen.clear()
            self._seen[text] = found
        return found

    def within(self, text: str) -> tuple[int, ...]:
        """Numbers that are somewhere in a text, each once; the first 4,000 characters are searched. Some 100 us."""
        found = PhoneNumberMatcher(text[:_SEARCHED_CHARS_MAX], self.region, max_tries=_SEARCHES_MAX)
        return tuple(dict.fromkeys(_e164(match.number) for match in found))

    def _parse(self, text: str) -> int | str:
        if text.endswith(".0") and _SPREADSHEET_FLOAT.fullmatch(text):
            text = text[:-2]
        try:
            parsed = phonenumbers.parse(text, self.region)
        except NumberParseException as problem:
            return _UNPARSED.get(problem.error_type, "is not a phone number")
        if phonenumbers.is_valid_number(parsed):
            return _e164(parsed)
        return _why_not(parsed)


def is_region(text: str) -> bool:
    """Whether numbers can be read for this region."""
    return text.upper() in phonenumbers.SUPPORTED_REGIONS


def _e164(parsed: PhoneNumber) -> int:
    return int(f"{parsed.country_code}{phonenumbers.national_significant_number(parsed)}")


def _why_not(parsed: PhoneNumber) -> str:
    possible = phonenumbers.is_possible_number_with_reason(parsed)
    return _IMPOSSIBLE.get(possible, f"is not in use in the numbering plan of +{parsed.country_code}")
