"""What leads are called by the schemes that are shipped: SPEC 13 read as plain branches, to hold the files against.

Each answers the public status and the reason; `OURS` is a reason that the seed does not have, in words of nextlead's.
"""

from collections.abc import Mapping

from nextlead.core.activity_model import Activity
from nextlead.core.conditions import Condition

OURS = "(ours)"

Name = tuple[str, str | None]

REGIONS = ("region", "state", "province", "county", "district", "island", "city", "zip", "zip_code", "postcode")
"""Fields that say where a parcel would go."""

REFUSALS = {
    "client_refused": "Client refused",
    "no_request": "Has not left a request",
    "already_ordered": "Already made an order / Accidentally left a request",
    "language_barrier": "Language barrier",
    "region_prohibited": "Regions prohibited for delivery",
    "question_or_claim": "The order has already been placed (question / claim)",
}


def hero(condition: Condition, _results: Mapping[str, tuple[str, str]]) -> Name:
    """The engine's own codes."""
    return condition.closure or condition.status.code, None


def luckyonline(condition: Condition, results: Mapping[str, tuple[str, str]]) -> Name:
    """R13.2. `results` are category and label of a result that is none of the scheme's."""
    closure = condition.closure
    if closure is None:
        return "In Progress", None
    if closure in REFUSALS:
        return "Rejected", REFUSALS[closure]
    match closure:
        case "confirmed":
            return "Confirmed", None
        case "duplicate":
            return "Trash", "Repeated request"
        case "wrong_number" | "invalid_phone_number":
            return "Trash", "Invalid phone number"
        case "blacklisted" | "do_not_call" | "global_do_not_call":
            return "Trash", "The number is blacklisted"
        case "not_accepted":
            return not_accepted(condition.rule)
    if closure in results:
        category, label = results[closure]
        return {
            "success": ("Confirmed", None),
            "negative": ("Rejected", label),
            "invalid": ("Trash", "Invalid phone number"),
        }[category]
    return "Rejected", OURS


def not_accepted(rule: str) -> Name:
    """R13.2: countries and regions; that a field is blank, or unreadable, says nothing of either."""
    if rule == "countries":
        return "Trash", "Non-existent country in the offer"
    if rule.startswith("fields."):
        name, what = rule.removeprefix("fields.").rsplit(".", 1)
        if what not in ("required", "type") and name == "country":
            return "Trash", "Non-existent country in the offer"
        if what not in ("required", "type") and name in REGIONS:
            return "Rejected", "Regions prohibited for delivery"
    return "Rejected", OURS


OF_ACTIVITY = {
    Activity.SMS_OUT: "No SMS Reply",
    Activity.SMS_IN: "SMS in Progress",
    Activity.SALE_IN_PROGRESS: "Sale in Progress",
    Activity.NO_SALE: "No Sale",
    Activity.SATISFIED: "Satisfied",
    Activity.SOLD: "Sold",
    Activity.NO_ANSWER: "No Answer",
    Activity.LEFT_A_VOICEMAIL: "Left a Voicemail",
    Activity.WRONG_NUMBER: "Wrong Number",
}
OVER_ACTIVITIES = ("do_not_call", "global_do_not_call", "removed", "anonymized", "expired")


def smartlists(condition: Condition, results: Mapping[str, tuple[str, str]]) -> Name:
    """R13.3: the latest activity decides, but for a few closures; leads without one by what became of them."""
    closure = condition.closure
    if closure in OVER_ACTIVITIES:
        return "No Sale", OURS
    if condition.activity:
        return OF_ACTIVITY[condition.activity], None
    if closure is None:
        new = {"unprocessed": "New Account", "automatic_redial": "No Answer"}
        return new.get(condition.status.code, "Sale in Progress"), None
    if closure in results:
        return {"success": "Sold", "negative": "No Sale", "invalid": "Wrong Number"}[results[closure][0]], None
    of_closure = {"max_call_attempts": "No Answer", "invalid_phone_number": "Wrong Number"}
    return (of_closure[closure], None) if closure in of_closure else ("No Sale", OURS)


VOCABULARIES = {"hero": hero, "luckyonline": luckyonline, "smartlists": smartlists}
