"""Hours and reasons as the API writes them."""

from .http_views import Json, parse_ms
from .reasons import AllIdle, Explained, Hours, Idle, Told


def hours_body(hours: Hours | None) -> Json | None:
    """null is the default of what is not said."""
    if hours is None:
        return None
    return {
        "zone": hours.zone,
        "campaign_zone": hours.campaign_zone or None,
        "windows": hours.windows,
        "days_off": list(hours.days_off),
        "holidays": hours.holidays or None,
    }


def _ms(text: str | None) -> int | None:
    return parse_ms(text) if text else None


def explained(answer: Json) -> Explained:
    checks = [
        Told(check["rule"], check["name"], check["passed"], check["value"], _ms(check["until"]))
        for check in answer["checks"]
    ]
    return Explained(answer["eligible"], _ms(answer["eligible_at"]), answer["rank"] or 0, tuple(checks))


def idle(answer: Json) -> Idle:
    return Idle(answer["blocked"], answer["ready"], _ms(answer["next_at"]))


def all_idle(answer: Json) -> AllIdle:
    return AllIdle(
        {each["campaign"]: idle(each) for each in answer["campaigns"]},
        {each["agent"]: idle(each) for each in answer["agents"]},
        tuple(answer["waiting"]),
    )
