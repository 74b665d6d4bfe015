"""An agent's day over HTTP."""

from http_kit import Caller


async def test_next_then_finish(centre: Caller) -> None:
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    assert lease["lead"]["data"] == {"name": "Lead 0"}
    done = await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", {"outcome": "resolved", "result": "success"})
    assert done["lead"]["closure"] == "success"
