"""Hours and limits as somebody might send them, half of them nonsense: taken or refused by name, and all goes on.

Seeded: a failing seed plays the same day again.
"""

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from http_kit import Caller, House

ZONES = (
    "lead",
    "UTC",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Antarctica/Troll",
    "Etc/GMT+12",
    "Mars/Olympus",
    "utc",
    "",
    "../UTC",
    "GMT0\x00",
    "é" * 64,
    None,
    7,
)
PLACES = ("US", "US-FL", "GB-ENG", "us", "Narnia", "-", "US-", "", "\u202e", None, 1, "A" * 64)
CLOCKS = ("00:00", "09:00", "12:30", "17:00", "23:59", "24:00", "24:01", "9:00", "", "-1:00", "noon", None, 540)
SPANS = ("PT0.001S", "PT1H", "P1D", "24h", "P366D", "P367D", "PT0S", "P1Y", "-PT1H", "", None, 3600)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "Mon", "day", "")


def windows(random: Random) -> Any:
    if random.random() < 0.1:
        return random.choice([None, [], {}, "09:00-17:00", {"mon": None}, {"mon": [["09:00", "17:00"]] * 60}])
    sensible = random.random() < 0.6
    days = DAYS[:7] if sensible else DAYS
    return {day: [window(random, sensible) for _ in range(random.randrange(3))] for day in random.sample(days, 4)}


def window(random: Random, sensible: bool) -> Any:
    if sensible:
        start = random.randrange(24)
        return [f"{start:02}:00", f"{random.randrange(start + 1, 25):02}:00"]
    return random.choices(CLOCKS, k=random.choice([2, 2, 2, 1, 3]))


def some(random: Random, values: tuple[Any, ...]) -> Any:
    """Often the first ones, which are sensible."""
    return values[min(random.randrange(len(values)), random.randrange(len(values)))]


def hours(random: Random) -> Any:
    if random.random() < 0.1:
        return random.choice([None, [], "always", 24, {"hours": {}}])
    start = date(2026, 3, 2)
    off: list[Any] = [(start + timedelta(days=random.randrange(30))).isoformat() for _ in range(random.randrange(4))]
    body = {
        "zone": some(random, ZONES),
        "campaign_zone": some(random, ZONES[1:]),
        "windows": windows(random),
        "days_off": random.choice([off, off, off, [*off, "2026-02-30"], "2026-03-02", None]),
        "holidays": some(random, PLACES),
    }
    return {key: body[key] for key in random.sample(sorted(body), random.randrange(1, 6))}


def limit(random: Random) -> Any:
    kind = random.randrange(4)
    body: dict[str, Any] = {}
    if kind in (0, 3):
        body |= {"max": random.choice([1, 2, 1000, 1001, 0, -1, 2**70, 1.5]), "per": some(random, SPANS)}
        body |= {"scope": random.choice(["number", "lead", "person"])} if random.random() < 0.5 else {}
    if kind == 1 or (kind == 3 and random.random() < 0.3):
        body["min_gap"] = some(random, SPANS)
    if kind == 2:
        body["pause_after_conversation"] = some(random, SPANS)
    return body | ({"promised": random.choice([True, False, "yes"])} if random.random() < 0.4 else {})


def asked(random: Random) -> tuple[str, str, Any]:
    """A call that somebody might make now."""
    agent = random.choice(["ann", "bob"])
    lead = random.randrange(1, 6)
    limits = [limit(random) for _ in range(random.choice([1, 1, 2, 25]))]
    calls = (
        ("PATCH", "/v1/campaigns/c1", {"dialer": {"calling_hours": hours(random)}}),
        ("PATCH", "/v1/campaigns/c1", {"dialer": {"contact_limits": limits}}),
        ("PATCH", "/v1/settings", {"contact_limits": limits}),
        ("PATCH", f"/v1/leads/{lead}", {"timezone": some(random, ZONES)}),
        ("POST", f"/v1/agents/{agent}/next?explain=true", None),
        ("POST", f"/v1/agents/{agent}/take", {"lead": lead}),
        ("GET", f"/v1/leads/{lead}/explain?agent={agent}", None),
        ("GET", f"/v1/agents/{agent}/why-idle", None),
        ("GET", "/v1/why-idle", None),
        ("GET", "/metrics", None),
        ("POST", "/v1/clock", {"advance": random.choice(["PT1M", "PT1H", "PT9H", "P3D"])}),
    )
    return random.choice(calls)


async def end_a_lease(random: Random, centre: Caller, agent: str) -> None:
    for lease in (await centre.ok("GET", f"/v1/agents/{agent}/lease"))["items"]:
        ends = (
            {"outcome": "redial", "kind": "private", "at": "2026-05-09T23:30:00Z", "force": random.random() < 0.5},
            {"outcome": "redial", "kind": "common", "at": "2026-04-05T10:00:00+10:30"},
            {"outcome": "unreached", "cause": "busy"},
            {"outcome": "cancelled"},
            {"outcome": "unresolved"},
        )
        answer = await centre.call("POST", f"/v1/leases/{lease['token']}/finish", random.choice(ends))
        assert answer.status_code in (200, 422), answer.text
        if answer.status_code == 422 and answer.json()["code"] == "outside_calling_hours":
            assert answer.json()["next_permitted"] != ""


@pytest.mark.parametrize("seed", range(6))
async def test_nonsense_is_refused_by_name_and_all_goes_on(house: House, centre: Caller, seed: int) -> None:
    random = Random(seed)
    for _ in range(150):
        method, path, body = asked(random)
        answer = await centre.call(method, path, body)
        assert answer.status_code < 500, (method, path, body, answer.text)
        if answer.status_code in (400, 422) and method == "PATCH":
            (error,) = answer.json()["errors"]
            assert error["message"]
            assert error["field"].startswith(("dialer.", "contact_limits", "timezone")), (body, error)
        if random.random() < 0.3:
            await end_a_lease(random, centre, random.choice(["ann", "bob"]))
    assert house.dialer.ready
    assert house.dialer.engine.faults == 0  # R14.4
    assert house.dialer.engine.verify() == []
