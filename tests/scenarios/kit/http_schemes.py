"""Lists and counts by public status, as the API has them."""

import csv
import io
from collections import Counter
from typing import Any, Final
from urllib.parse import urlencode

from .http_line import HttpLine
from .http_views import counted, text_of
from .shown import Counts, Which

_NAMES: Final = {"status": "public_status"}


def question(which: Which) -> dict[str, Any]:
    """A filter, as it is asked for and as it is saved."""
    asked = {key: getattr(which, key) for key in ("campaign", "pool", "scheme", "status", "reason")}
    asked["last_by"] = f"agent:{which.last_by}" if which.last_by else ""
    return {_NAMES.get(key, key): value for key, value in asked.items() if value}


def statistics(line: HttpLine, which: Which) -> Counts:
    """As JSON; the same numbers must stand in the CSV, which sets campaigns apart."""
    asked: dict[str, Any] = {key: getattr(which, key) for key in ("campaign", "pool", "scheme", "by")}
    asked |= {key: text_of(ms) for key, ms in (("from", which.from_ms), ("until", which.until_ms)) if ms is not None}
    query = urlencode({key: value for key, value in asked.items() if value})
    items = line.call("GET", f"statistics?{query}").json()["items"]
    text = line.call("GET", f"statistics.csv?{query}").content.decode("utf-8-sig")
    rows: Counter[tuple[str, str]] = Counter()
    for row in csv.DictReader(io.StringIO(text)):
        rows[row["status"], row["reason"]] += int(row["count"])
    assert rows == {(item["status"], item["reason"] or ""): item["count"] for item in items}, (rows, items)
    return counted(items)


def downloaded(line: HttpLine, which: Which) -> list[dict[str, str]]:
    """The rows of a list's download, by column."""
    text = line.call("GET", f"leads.csv?{urlencode(question(which))}").content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))
