"""What a fuzzer makes of the OpenAPI document never gets a 5xx from a real daemon, and its problems are problems.

Needs schemathesis (`pip install schemathesis`); without it the test is left out. Seeded: the same requests each time.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest

schemathesis = pytest.importorskip("schemathesis")
hypothesis = pytest.importorskip("hypothesis")

TOKEN = "the-fuzzers-token"
EXAMPLES = int(os.environ.get("NEXTLEAD_FUZZ_EXAMPLES", "4"))
UNENDING = "/v1/events"
FAR = "/v1/clock"
"""Last: after it, most times of the others are in the past."""


def set_up(http: httpx.Client) -> None:
    """Something to be found at the addresses that the fuzzer is likely to try."""
    hours = {"windows": {"mon": [["00:00", "12:00"], ["12:00", "24:00"]]}, "days_off": ["2026-12-25"], "holidays": "US"}
    limits = [{"max": 1000, "per": "P1D"}, {"min_gap": "PT0.001S", "promised": True}]
    dialer = {"calling_hours": hours, "contact_limits": limits}
    fields = [{"name": "name"}]
    assert http.put("/v1/campaigns/1", json={"dialer": dialer}).status_code == 201
    assert http.put("/v1/campaigns/0", json={"scheme": "smartlists", "template": {"fields": fields}}).status_code == 201
    assert http.patch("/v1/settings", json={"contact_limits": limits}).status_code == 200
    http.put("/v1/agents/0", json={"campaigns": ["0", "1"]})
    http.put("/v1/agents/0/session", json={"campaigns": ["0", "1"]})
    leads = [{"phone": f"+1415555{at:04}"} for at in range(100, 150)]
    for campaign in ("0", "1"):
        assert http.post("/v1/leads", json={"campaign": campaign, "leads": leads}).status_code == 201
    files = {
        "file": ("l.csv", b"phone,name\n+14155550160,x\n12,y\n+14155550160,z\n"),
        "options": (None, b'{"campaign": "0"}'),
    }
    assert http.post("/v1/pools", files=files).status_code == 201
    assert http.post("/v1/do-not-call", json={"number": "+14155550199"}).status_code == 201
    text = {"interaction": "sms", "direction": "out", "agent": "0"}
    assert http.post("/v1/leads/1/activities", json=text).status_code == 200
    assert http.put("/v1/filters/0", json={"filter": {"public_status": "No SMS Reply"}}).status_code == 201


@pytest.mark.slow
def test_no_input_gets_a_5xx(start_nextlead: Callable[..., Any]) -> None:
    daemon = start_nextlead("serve", "--store", "memory:", "--clock", "manual", NEXTLEAD_ADMIN_TOKEN=TOKEN)
    with httpx.Client(base_url=daemon.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=300) as http:
        set_up(http)
        schema = schemathesis.openapi.from_dict(http.get("/openapi.json").json())
        operations = [result.ok() for result in schema.get_all_operations()]
        assert len(operations) > 80
        for operation in sorted(operations, key=lambda each: each.path == FAR):
            if operation.path != UNENDING:
                for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
                    _try(operation, mode, daemon.url)
        assert http.get("/readyz").status_code == 200


def _try(operation: Any, mode: Any, daemon: str) -> None:
    @hypothesis.seed(1)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def attempt(case: Any) -> None:
        if isinstance(case.body, dict):
            case.body.pop("wait", None)  # it would wait in real seconds
        answer = case.call(base_url=daemon, headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code < 500, (operation.method, operation.path, answer.text)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"], answer.text
            assert answer.json()["status"] == answer.status_code

    with suppress(hypothesis.errors.Unsatisfiable):  # there may be no way to say it wrong
        attempt()
