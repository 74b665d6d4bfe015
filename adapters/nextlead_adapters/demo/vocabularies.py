"""Two more campaigns of the demo, each in words of its own: orders from the web, and customers of a phone shop.

Their leads stand in every status that the two schemes have, as calls, texts and upload rules would bring them there.
"""

from typing import Any

from nextlead_adapters.cli.client import Client, segment

ORDERS, SHOP = "web-orders", "phone-shop"

CAMPAIGNS: dict[str, dict[str, Any]] = {
    ORDERS: {
        "name": "Garden lamp, orders from the web",
        "scheme": "luckyonline",
        "template": {"fields": [{"name": "name"}, {"name": "region"}]},
        "upload_rules": {"countries": ["US", "CA"], "fields": {"region": {"prohibited": ["Outer Islands"]}}},
    },
    SHOP: {
        "name": "Customers of the phone shop",
        "scheme": "smartlists",
        "template": {"fields": [{"name": "name"}, {"name": "plan"}]},
    },
}

_BLOCKED = "+17025550198"
_CALLED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("+17025550100", {"outcome": "resolved", "result": "confirmed"}),
    ("+17025550101", {"outcome": "resolved", "result": "confirmed"}),
    ("+17025550102", {"outcome": "resolved", "result": "client_refused"}),
    ("+17025550103", {"outcome": "resolved", "result": "client_refused"}),
    ("+17025550104", {"outcome": "resolved", "result": "no_request"}),
    ("+17025550105", {"outcome": "resolved", "result": "already_ordered"}),
    ("+17025550106", {"outcome": "resolved", "result": "language_barrier"}),
    ("+17025550107", {"outcome": "resolved", "result": "question_or_claim"}),
    ("+17025550108", {"outcome": "resolved", "result": "wrong_number"}),
    ("+17025550109", {"outcome": "unreached", "cause": "no_answer"}),
)
"""Orders that were called already, and what came of it."""

_REFUSED: tuple[tuple[str, str], ...] = (
    ("+1 702 555 0110", "Nevada"),  # again, while the first is being worked on
    ("702-555-0111", "Nevada"),
    ("none of your business", "Nevada"),
    (_BLOCKED, "Nevada"),
    ("+44 20 7946 0958", "London"),
    ("+1 702 555 0199", "Outer Islands"),
)
"""Orders that nobody calls: repeated, unusable, blacklisted, of another country, of a region without delivery."""

_TALKS: tuple[tuple[str, tuple[dict[str, str], ...]], ...] = (
    ("0100", ()),
    ("0101", ()),
    ("0102", ({"interaction": "sms", "direction": "out"},)),
    ("0103", ({"interaction": "sms", "direction": "out"},)),
    ("0104", ({"interaction": "sms", "direction": "out"}, {"interaction": "sms", "direction": "in"})),
    ("0105", ({"interaction": "email", "outcome": "sale_in_progress"},)),
    ("0106", ({"interaction": "call", "outcome": "no_sale", "explanation": "satisfied"},)),
    ("0107", ({"interaction": "in_store", "direction": "in", "outcome": "no_sale", "explanation": "too dear"},)),
    ("0108", ({"interaction": "in_store", "direction": "in", "outcome": "sold"},)),
    ("0109", ({"interaction": "call", "outcome": "no_answer"},)),
    ("0110", ({"interaction": "call", "outcome": "left_a_voicemail"},)),
    ("0111", ({"interaction": "call", "outcome": "wrong_number"},)),
)
"""The shop's customers by the end of their number, and what was said to them, or by them, in this order."""

FILTERS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("Who hasn't replied to my last message?", "A gentle nudge may help.", {"public_status": "No SMS Reply"}),
    ("Who do I need to reply to?", "It is your turn.", {"public_status": "SMS in Progress"}),
    ("Which customers have we not closed yet?", "", {"public_status": "Sale in Progress"}),
    ("Which customers are satisfied with what they have?", "", {"public_status": "Satisfied"}),
    ("Who are my new accounts?", "", {"public_status": "New Account"}),
)
"""Saved questions about the shop's customers, with a word about each."""


def load(client: Client, agent: str, seat: str) -> None:
    """Leads and what happened to them, once; `agent` called the orders, `seat` talked to the shop's customers."""
    if not list(client.items("/v1/pools", 1, campaign=ORDERS)):
        client.post("/v1/do-not-call", {"number": _BLOCKED, "reason": "threatened us"})
        client.post("/v1/leads", {"campaign": ORDERS, "name": "Orders of today", "leads": orders()})
        _call(client, agent)
    if not list(client.items("/v1/pools", 1, campaign=SHOP)):
        client.post("/v1/leads", {"campaign": SHOP, "name": "Customers", "leads": customers()})
        _talk(client, seat)
        for name, description, question in FILTERS:
            body = {"filter": {"campaign": SHOP, "scheme": "smartlists"} | question, "description": description}
            client.put(f"/v1/filters/{segment(name)}", body)


def orders() -> list[dict[str, Any]]:
    """The orders as a web shop would send them, those that are refused last."""
    fresh = [f"+1702555{number:04}" for number in range(110, 140)]
    rows = [(phone, "Nevada") for phone in (*(phone for phone, _ in _CALLED), *fresh)] + list(_REFUSED)
    return [
        {"phone": phone, "data": {"name": f"Order {no}", "region": region}}
        for no, (phone, region) in enumerate(rows, 1)
    ]


def customers() -> list[dict[str, Any]]:
    """The shop's customers."""
    return [{"phone": _customer(end), "data": {"name": f"Customer {end}", "plan": "Unlimited"}} for end, _ in _TALKS]


def _customer(end: str) -> str:
    return f"+1919555{end}"


def _call(client: Client, agent: str) -> None:
    ids = _ids(client, ORDERS)
    for phone, outcome in _CALLED:
        lease = client.post(f"/v1/agents/{segment(agent)}/take", {"lead": ids[phone]})
        client.post(f"/v1/leases/{segment(lease['token'])}/finish", outcome)


def _talk(client: Client, seat: str) -> None:
    """A text that comes in is nobody's; everything else the seat's agent did."""
    ids = _ids(client, SHOP)
    for end, talk in _TALKS:
        for activity in talk:
            by = {} if activity.get("direction") == "in" and activity["interaction"] == "sms" else {"agent": seat}
            client.post(f"/v1/leads/{ids[_customer(end)]}/activities", activity | by)


def _ids(client: Client, campaign: str) -> dict[str, int]:
    """The campaign's leads by their number; of several with one number the first."""
    found: dict[str, int] = {}
    for lead in client.items("/v1/leads", 1000, campaign=campaign):
        for phone in lead["phones"]:
            found.setdefault(phone, lead["id"])
    return found
