"""Makes `leads.csv`, the list that the demo calls: `python config/sample/make_sample.py` (needs phonenumbers).

Every number is reserved for fiction, so no demo ever calls a person: in North America 555-0100 to 555-0199 of every
area code, in Britain the ranges its regulator keeps for drama. The businesses are made up. The same script makes the
same file.
"""
# ruff: noqa: INP001 - a script beside its data, not a package

import csv
from itertools import cycle
from pathlib import Path
from random import Random

import phonenumbers

LEADS_PER_CITY = 9
SEED = 20260302

NORTH_AMERICA = {
    "New York": "212", "Boston": "617", "Philadelphia": "215", "Washington": "202", "Atlanta": "404", "Miami": "305",
    "Pittsburgh": "412", "Toronto": "416", "Montreal": "514", "Detroit": "313", "Cleveland": "216", "Chicago": "312",
    "St. Louis": "314", "Minneapolis": "612", "Milwaukee": "414", "New Orleans": "504", "Houston": "713",
    "Dallas": "214", "Austin": "512", "Winnipeg": "204", "Denver": "303", "Salt Lake City": "801",
    "Albuquerque": "505", "Calgary": "403", "Phoenix": "602", "Los Angeles": "213", "San Diego": "619",
    "San Francisco": "415", "Sacramento": "916", "Portland": "503", "Seattle": "206", "Vancouver": "604",
    "Anchorage": "907", "Honolulu": "808", "Halifax": "902",
}  # fmt: skip
BRITAIN = {
    "London": "20 7946 0", "Leeds": "113 496 0", "Sheffield": "114 496 0", "Birmingham": "121 496 0",
    "Edinburgh": "131 496 0", "Glasgow": "141 496 0", "Liverpool": "151 496 0", "Manchester": "161 496 0",
}  # fmt: skip
SEGMENTS = (
    "Bakery", "Bookshop", "Garage", "Florist", "Dental practice", "Hardware store", "Print shop", "Café", "Gym",
    "Hotel", "Pharmacy", "Toy shop",
)  # fmt: skip
NOTES = ("", "", "", "asked for a price list", "prefers mornings", "has a contract until autumn", "opens at ten")
COLUMNS = ("phone", "company", "segment", "city", "country", "employees", "note")


def numbers() -> list[tuple[str, str, str]]:
    """City, country and number of every lead; no number twice."""
    found = []
    for at in range(LEADS_PER_CITY):
        found += [(city, "US", f"({area}) 555-{100 + at * 11:04d}") for city, area in NORTH_AMERICA.items()]
        found += [(city, "GB", f"+44 {start}{100 + at * 101:03d}") for city, start in BRITAIN.items()]
    return found


def main() -> None:
    """Write the list beside this script."""
    random = Random(SEED)  # noqa: S311 - names and notes, not keys
    places = numbers()
    random.shuffle(places)
    segments = cycle(SEGMENTS)
    rows = []
    for no, (city, country, phone) in enumerate(places, 1):
        parsed = phonenumbers.parse(phone, "US")
        if not phonenumbers.is_valid_number(parsed):
            raise SystemExit(f"{phone} is not valid")
        written = phonenumbers.region_code_for_number(parsed) if country == "US" else country
        segment = next(segments)
        rows.append(
            (phone, f"{segment} {no}", segment, city, written, random.choice((2, 5, 9, 14, 30)), random.choice(NOTES))
        )
    with Path(__file__).with_name("leads.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows((COLUMNS, *rows))


if __name__ == "__main__":
    main()
