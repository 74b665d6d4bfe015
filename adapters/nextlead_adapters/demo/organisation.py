"""The demo's call centre: three teams, six agents and a seat for you, four campaigns, the sample list.

Everything is made through the API, as a person would, and only what is not there yet: the second start finds it all.
"""

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from nextlead_adapters.cli.client import Client, Refusal
from nextlead_adapters.resources import resource
from nextlead_adapters.secret_file import write_private

from . import vocabularies

SEAT = "you"
"""The agent that nobody simulates: whoever reads the printed lines works as this one."""

TEAMS = (("east", "East desk", None), ("west", "West desk", None), ("west-late", "West desk, late shift", "west"))
AGENTS = (
    ("anna", "Anna", "east"),
    ("bela", "Bela", "east"),
    ("chloe", "Chloe", "west"),
    ("diego", "Diego", "west"),
    ("emeka", "Emeka", "west-late"),
    ("flora", "Flora", "east"),
    (SEAT, "You", "east"),
)
LIST, RENEWALS = "spring-offer", "renewals"

# Minutes where a call centre has hours, so that retries and releases can be watched.
DIALER = {
    "retry": {"no_answer": ["PT90S", "PT5M", "PT1H"], "busy": ["PT30S", "PT2M"], "voicemail": ["PT3M", "PT1H"]},
    "overdue_after": "PT20S",
    "release_private_after": "PT2M",
}
CAMPAIGNS: dict[str, dict[str, Any]] = {
    LIST: {"name": "Spring offer", "dialer": DIALER | {"weight": 3}},
    RENEWALS: {"name": "Contract renewals", "dialer": DIALER | {"weight": 1}},
}
CAMPAIGNS |= {code: body | {"dialer": DIALER} for code, body in vocabularies.CAMPAIGNS.items()}
ORDER_DESK = "flora"
WORKS_ON = {ORDER_DESK: [vocabularies.ORDERS]}
"""Whose session is not the two campaigns of the lists. The phone shop's customers nobody calls but you."""
RENEWAL_LEADS = [
    {"phone": f"+1212555{number:04}", "data": {"company": f"Contract {number}", "city": "New York"}}
    for number in range(100, 124)
]


class Seats(Struct):
    """Who may log in: the admin's token, and each agent's by code."""

    admin: str
    agents: dict[str, str]


def prepare(client: Client, folder: Path, admin_token: str) -> Seats:
    """Make what is missing, and give the tokens. `folder` keeps those of the agents, for the next start."""
    _set_up(client)
    _load(client)
    return Seats(admin=admin_token, agents=_agent_tokens(client, folder / "agents.token"))


def _set_up(client: Client) -> None:
    for code, name, parent in TEAMS:
        _make(client, "teams", code, {"name": name, "parent": parent})
    fields = [{"name": column} for column in sample_columns() if column != "phone"]
    for code, body in CAMPAIGNS.items():
        _make(client, "campaigns", code, {"template": {"fields": fields}} | body)
    for code, name, team in AGENTS:
        _make(client, "agents", code, {"name": name, "team": team, "campaigns": list(CAMPAIGNS)})
        if client.get(f"/v1/agents/{code}").get("session") is None:
            client.put(f"/v1/agents/{code}/session", {"campaigns": WORKS_ON.get(code, [LIST, RENEWALS])})


def _make(client: Client, kind: str, code: str, body: dict[str, Any]) -> None:
    """Make it, unless it exists: what somebody changed since stays changed."""
    try:
        client.get(f"/v1/{kind}/{code}")
    except Refusal as refusal:
        if refusal.status != 404:
            raise
        client.put(f"/v1/{kind}/{code}", body)


def sample_columns() -> list[str]:
    """The columns of the sample list."""
    with resource("sample/leads.csv").open("r", encoding="utf-8-sig") as lines:
        return lines.readline().strip().split(",")


def _load(client: Client) -> None:
    """The sample list into one campaign, two dozen leads through the API into the other; once."""
    if not list(client.items("/v1/pools", 1, campaign=LIST)):
        sample = resource("sample/leads.csv").read_bytes()
        options = msgspec.json.encode({"campaign": LIST, "name": "Sample list"})
        files = {"file": ("leads.csv", sample, "text/csv")}
        client.call("POST", "/v1/pools", data={"options": options}, files=files)
    if not list(client.items("/v1/pools", 1, campaign=RENEWALS)):
        client.post("/v1/leads", {"campaign": RENEWALS, "name": "Renewals of this week", "leads": RENEWAL_LEADS})
    vocabularies.load(client, ORDER_DESK, SEAT)


def _agent_tokens(client: Client, file: Path) -> dict[str, str]:
    """Tokens are shown once, so the demo keeps its own in a file that only its user can read."""
    kept: dict[str, str] = msgspec.json.decode(file.read_bytes(), type=dict[str, str]) if file.exists() else {}
    missing = [code for code, _, _ in AGENTS if code not in kept]
    for code in missing:
        kept[code] = client.post("/v1/tokens", {"role": "agent", "agent": code})["token"]
    if missing:
        write_private(file, msgspec.json.encode(kept))
    return kept
