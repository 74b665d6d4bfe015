"""The API's answers as a scenario sees them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .driver import Change, Check, Entry, LeadView, Offered, PoolView
from .shown import Counts, LastActivity, Shown
from .times import moment

Json = dict[str, Any]


def parse_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def text_of(ms: int) -> str:
    return moment(ms).isoformat().replace("+00:00", "Z")


def _owner(owner: Json | None) -> str:
    return "nobody" if owner is None else " ".join(*owner.items())


def lead_view(lead: Json) -> LeadView:
    return LeadView(
        id=lead["id"],
        status=lead["status"],
        closure=lead["closure"],
        owner=_owner(lead["owner"]),
        original_owner=_owner(lead["original_owner"]),
        priority=lead["priority"],
        attempts=lead["attempts"],
        due_ms=parse_ms(lead["due"]) if lead["due"] else None,
        promised_ms=parse_ms(lead["promised"]) if lead["promised"] else None,
        released=lead["released"] is not None,
        leased_by=lead["lease"]["agent"] if lead["lease"] else "",
        master=lead["master"],
        numbers=tuple(lead["phones"]),
        data={name: str(value) for name, value in lead["data"].items() if value is not None},
        zones=tuple(lead["zones"]),
        zone_source=lead["zone_source"],
        shown=shown(lead["public_status"]),
        activity=_activity(lead["activity"]),
        broke=lead["not_accepted_by"] or "",
    )


def shown(public: Json) -> Shown:
    return Shown(public["status"], public["reason"], public["label"])


def _activity(activity: Json | None) -> LastActivity | None:
    if activity is None:
        return None
    return LastActivity(activity["kind"], parse_ms(activity["at"]), activity["agent"] or "")


def counted(items: Sequence[Json]) -> Counts:
    """Counts by public status, of a pool or of statistics; each must be there once."""
    counts = {shown(item).text: item["count"] for item in items}
    assert len(counts) == len(items), items
    return counts


def pool_view(pool: Json) -> PoolView:
    counts, check = pool["counts"], pool["duplicates"]
    return PoolView(
        **{name: pool[name] for name in ("id", "campaign", "campaign_name", "project", "name", "description", "state")},
        **{name: counts[name] for name in ("valid", "invalid", "duplicates", "ready", "open", "leased", "closed")},
        campaign_id=pool["campaign_id"],
        source=pool["source"],
        priority=pool["priority"] or 0,
        check=Check(tuple(check["match"]), check["scope"], check["among"], check["action"]),
        unmatched=tuple(pool["unmatched"]),
        from_ms=_ms(pool["active_from"]),
        until_ms=_ms(pool["active_until"]),
        uploaded_by=pool["uploaded_by"],
        created_ms=parse_ms(pool["created"]),
        modified_ms=parse_ms(pool["modified"]),
        percent_closed=pool["percent_closed"],
        percent_used=pool["percent_used"],
        public=counted(counts["public"]),
    )


def _ms(text: str | None) -> int | None:
    return parse_ms(text) if text else None


def entry(blocked: Json) -> Entry:
    return Entry(blocked["scope"], blocked["reason"], parse_ms(blocked["at"]), blocked["by"])


def offered(lease: Json) -> Offered:
    return Offered(
        lead=lease["lead"]["id"],
        token=lease["token"],
        family=lease["class"],
        rank=lease["rank"],
        overdue=lease["overdue"],
        number=lease["number"],
        priority=lease["why"]["priority"],
        expires_ms=parse_ms(lease["expires"]),
        blocked=lease["blocked"],
        among=lease["why"].get("among"),
    )


def change(event: Json) -> Change:
    return Change(
        at_ms=parse_ms(event["at"]),
        effective_ms=parse_ms(event["effective"]),
        actor=event["actor"],
        before=event["status_before"],
        after=event["status"],
        closure=event["closure"],
        cause=event["cause"],
        note=event["note"],
        event=event["event"],
        detail=event["detail"],
        checks=tuple((check["name"], check["value"]) for check in event["checks"]),
        shown=shown(event["public_status"]),
        logged=_logged(event["activity"]),
    )


def _logged(activity: Json | None) -> str:
    """`call out sold`."""
    keys = ("interaction", "direction", "outcome")
    return " ".join(filter(None, (activity[key] for key in keys))) if activity else ""
