"""What the demo prints first: where it is, who may log in, and lines to paste into another terminal."""

from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console

from nextlead_adapters.cli.client import Client

from .organisation import SEAT, Seats


def introduce(console: Console, url: str, seats: Seats, admin_token_file: Path, client: Client) -> None:
    """Print it all. Blocks for a few calls to the daemon."""
    say = console.print
    say(f"\nnextlead demo on {url}   (API: {url}/docs, metrics: {url}/metrics)\n", markup=False)
    for pool in client.items("/v1/pools", 100):
        counts = pool["counts"]
        leads = sum(each["count"] for each in counts["public"])
        say(f"  {pool['campaign']:<14}{pool['name']:<24}{leads} leads, {counts['open']} open", markup=False)
        say(f"  {'':<14}{_in_words(counts['public'])}", style="dim", markup=False)
    say(f"\n  admin token   {seats.admin}   (in {admin_token_file})", markup=False)
    for code, token in seats.agents.items():
        say(f"  agent {code:<8}{token}", markup=False)
    say(f"\nWork as the agent '{SEAT}': paste this into another terminal.\n", markup=False)
    say(_lines(url, seats.agents[SEAT]), markup=False)
    say("Ctrl-C stops it. Start it again, and everything is where it was.\n", markup=False)


def _in_words(public: list[dict[str, Any]]) -> str:
    """How many leads are in which status, in the words of their campaign's scheme."""
    found: Counter[str] = Counter()
    for each in public:
        found[each["status"] if each["reason"] else each["label"]] += each["count"]
    return ", ".join(f"{status} {count}" for status, count in found.items())


def _lines(url: str, token: str) -> str:
    """A lead for whoever pastes them, and what came of the call."""
    return f"""\
export NEXTLEAD_URL={url}
export NEXTLEAD_TOKEN={token}
api() {{ curl -sS -H "Authorization: Bearer $NEXTLEAD_TOKEN" -H "Content-Type: application/json" "$@"; echo; }}

# the next lead for the agent '{SEAT}', and what came of the call
api -X POST $NEXTLEAD_URL/v1/agents/{SEAT}/next -d '{{"wait": 60}}' | tee lease.json
LEASE=$(python3 -c 'import json; print(json.load(open("lease.json"))["token"])')
api -X POST $NEXTLEAD_URL/v1/leases/$LEASE/finish -d '{{"outcome": "resolved", "result": "success"}}'
"""
