"""An answer and what it answers are durable together: crashes before and after, in memory and on a real file."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from http_kit import NUMBERS, OPERATOR, START, Caller, House

from nextlead.core.model import Answer
from nextlead.ports import Commit
from nextlead.runtime.clock import ManualClock
from nextlead.runtime.dialer import Dialer
from nextlead.testing import FaultyStore, MemoryStore
from nextlead_adapters.http.app import create_app
from nextlead_adapters.http.tenants import OneOrganisation
from nextlead_adapters.http.times import parse_time
from nextlead_adapters.intake.originals import Originals
from nextlead_adapters.intake.service import Intake
from nextlead_adapters.privacy.service import Privacy
from nextlead_adapters.sqlite import SqliteStore

KEY = {"Idempotency-Key": "k1"}
FILE = b"phone,name\n+14155550181,Zoraida\n"


class Life:
    """One process after the other on the same store. `disk` makes what the next one opens."""

    def __init__(self, disk: Callable[[], Any]) -> None:
        self._disk = disk
        self.store: FaultyStore
        self.dialer: Dialer
        self.intake: Intake
        self.privacy: Privacy
        self.admin: Caller

    async def begin(self) -> None:
        self.store = FaultyStore(self._disk())
        self.dialer = await Dialer.open(self.store, ManualClock(parse_time(START)), retry_s=0)
        self.intake = Intake(self.dialer)
        await self.intake.start()
        operator = sha256(OPERATOR.encode()).hexdigest()
        self.privacy = Privacy(self.dialer, Originals(self.dialer))
        self.privacy.start()
        tenants = OneOrganisation(self.dialer, self.intake, self.privacy)
        app = create_app(tenants, operator_token_sha256=operator, manual_clock=True)
        self.admin = House(tenants, app, self.store).caller()

    async def again(self) -> None:
        """The process is gone, and with it all that was not committed; a new one opens the store."""
        await self.die()
        await self.begin()

    async def die(self) -> None:
        await self.privacy.close()
        self.dialer._desk.stop()
        task = self.dialer._writer._task
        assert task is not None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self.store.close()

    async def cut_off(self, commits: int, work: Any) -> None:
        """The process dies when so many more commits are durable; whoever called gets no answer of worth."""
        self.store.die_at(self.store.commits[-1] + commits + 1)
        answer = await work
        assert answer.status_code == 503
        await self.again()


@pytest.fixture(params=["memory", "sqlite"])
async def life(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Life]:
    memory = MemoryStore()
    life = Life((lambda: memory) if request.param == "memory" else lambda: SqliteStore(tmp_path / "leads.db"))
    await life.begin()
    admin = life.admin
    await admin.ok("PUT", "/v1/campaigns/c1", {"name": "First", "template": {"fields": [{"name": "name"}]}})
    await admin.ok("PUT", "/v1/agents/ann", {"name": "Ann", "campaigns": ["c1"]})
    await admin.ok("PUT", "/v1/agents/ann/session", {"campaigns": ["c1"]})
    leads = [{"phone": number, "data": {"name": f"Lead {at}"}} for at, number in enumerate(NUMBERS)]
    await admin.ok("POST", "/v1/leads", {"campaign": "c1", "name": "Week 10", "leads": leads})
    yield life
    await life.die()


CALLS = [
    ("/v1/agents/ann/take", {"lead": 2}),
    ("/v1/leads/1/remove", None),
    ("/v1/leads/1/urgent", {"reason": "hot_lead", "expires": "2026-03-02T10:00:00Z"}),
    ("/v1/agents/ann/release-all", None),
    ("/v1/pools/1/deactivate", None),
    ("/v1/pools/1/shuffle", {}),
    ("/v1/pools/bulk", {"ids": [1], "action": "delete"}),
    ("/v1/campaigns/c1/deactivate", None),
    ("/v1/campaigns/c1/activate", None),
    ("/v1/tokens", {"role": "admin"}),
    ("/v1/do-not-call", {"number": NUMBERS[1], "reason": "Zoraida asked for it"}),
    ("/v1/leads/bulk", {"ids": [1, 2], "action": "remove"}),
    ("/v1/do-not-call/import", {"numbers": [NUMBERS[1], NUMBERS[2], "12"]}),
    ("/v1/leads", {"campaign": "c1", "name": "Once", "leads": [{"phone": "+14155550180"}]}),
    ("/v1/leads", {"campaign": "c1", "leads": [{"phone": "+14155550180"}]}),
]


def as_repeated(answer: Any) -> Any:
    """An answer as it is repeated: without tokens, and without the number that is on the line."""
    answer.pop("token", None)
    if "lead" in answer:
        answer.pop("number")
        answer["lead"]["lease"].pop("number")
    return answer


@pytest.mark.parametrize(("path", "body"), CALLS, ids=[path for path, _ in CALLS])
async def test_a_crash_after_the_answer_repeats_it(life: Life, path: str, body: Any) -> None:
    first = await life.admin.call("POST", path, body, headers=KEY)
    assert first.is_success
    await life.again()
    commits = list(life.store.commits)
    again = await life.admin.call("POST", path, body, headers=KEY)
    assert (again.status_code, again.json()) == (first.status_code, as_repeated(first.json()))
    assert again.headers["nextlead-repeated"] == "true"
    assert life.store.commits == commits


@pytest.mark.parametrize(("path", "body"), CALLS[:-2], ids=[path for path, _ in CALLS[:-2]])
async def test_answer_and_effect_are_one_commit(life: Life, path: str, body: Any) -> None:
    before = len(life.store.commits)
    assert (await life.admin.call("POST", path, body, headers=KEY)).is_success
    assert len(life.store.commits) == before + 1


async def test_a_crash_before_the_commit_leaves_neither(life: Life) -> None:
    await life.cut_off(0, life.admin.call("POST", "/v1/agents/ann/take", {"lead": 2}, headers=KEY))
    assert await life.admin.ok("GET", "/v1/agents/ann/lease") == {"items": [], "next": None}
    answer = await life.admin.call("POST", "/v1/agents/ann/take", {"lead": 2}, headers=KEY)
    assert answer.status_code == 200
    assert "nextlead-repeated" not in answer.headers


async def test_a_finish_is_repeated_with_its_key_after_a_crash(life: Life) -> None:
    lease = await life.admin.ok("POST", "/v1/agents/ann/next")
    path, body = f"/v1/leases/{lease['token']}/finish", {"outcome": "resolved", "result": "success", "next": True}
    before = len(life.store.commits)
    first = await life.admin.ok("POST", path, body, headers=KEY)
    assert len(life.store.commits) == before + 1
    await life.again()
    again = await life.admin.call("POST", path, body, headers=KEY)
    assert again.headers["nextlead-repeated"] == "true"
    assert again.json()["lead"] == first["lead"]
    assert again.json()["next"] == as_repeated(first["next"])


async def test_a_finish_sent_again_under_a_new_key_is_kept_as_it_was_first(life: Life) -> None:  # R5.3
    lease = await life.admin.ok("POST", "/v1/agents/ann/next")
    path, body = f"/v1/leases/{lease['token']}/finish", {"outcome": "unreached", "cause": "busy"}
    first = await life.admin.ok("POST", path, body)
    await life.admin.ok("PATCH", f"/v1/leads/{lease['lead']['id']}", {"priority": 9})
    assert await life.admin.ok("POST", path, body, headers=KEY) == first
    await life.again()
    answer = await life.admin.call("POST", path, body, headers=KEY)
    assert answer.headers["nextlead-repeated"] == "true"
    assert answer.json() == first


async def test_a_refusal_is_repeated_after_a_crash(life: Life) -> None:
    body = {"reason": "hot_lead", "expires": "2026-03-02T10:00:00Z"}
    lease = await life.admin.ok("POST", "/v1/agents/ann/next")
    first = await life.admin.no(409, "POST", "/v1/leads/1/urgent", body, headers=KEY)
    await life.again()
    await life.admin.ok("POST", f"/v1/leases/{lease['token']}/finish", {"outcome": "cancelled"})
    assert await life.admin.no(409, "POST", "/v1/leads/1/urgent", body, headers=KEY) == first


async def test_another_body_is_a_conflict_after_a_crash(life: Life) -> None:
    await life.admin.ok("POST", "/v1/agents/ann/take", {"lead": 2}, headers=KEY)
    await life.again()
    problem = await life.admin.no(409, "POST", "/v1/agents/ann/take", {"lead": 3}, headers=KEY)
    assert problem["code"] == "idempotency_conflict"


async def test_a_second_call_sees_what_the_first_decided_though_its_client_has_gone(life: Life) -> None:
    life.store.stall()
    taking = asyncio.create_task(life.admin.call("POST", "/v1/agents/ann/take", {"lead": 2}, headers=KEY))
    while not life.dialer.engine.leases:
        await asyncio.sleep(0)
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    second = asyncio.create_task(life.admin.call("POST", "/v1/agents/ann/take", {"lead": 2}, headers=KEY))
    await asyncio.sleep(0)
    life.store.release()
    assert (await second).headers["nextlead-repeated"] == "true"


# -- uploads --------------------------------------------------------------------------------------------------------


async def upload(life: Life, file: bytes = FILE) -> Any:
    parts: Any = {"file": ("a.csv", file), "options": (None, json.dumps({"campaign": "c1"}))}
    return await life.admin.call("POST", "/v1/pools", files=parts, headers=KEY)


async def test_an_upload_is_repeated_after_a_crash(life: Life) -> None:
    first = await upload(life)
    await life.again()
    again = await upload(life)
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, first.json())
    assert len(life.dialer.engine.pools) == 2


@pytest.mark.parametrize("commits", [0, 1, 2])
async def test_an_upload_that_a_crash_cut_off_is_loaded_once(life: Life, commits: int) -> None:
    await life.cut_off(commits, upload(life))
    answer = await upload(life)
    assert (answer.status_code, answer.json()["counts"]["valid"]) == (201, 1)
    assert "nextlead-repeated" not in answer.headers
    again = await upload(life)
    assert again.json() == answer.json()
    assert again.headers["nextlead-repeated"] == "true"
    found = await life.admin.ok("GET", "/v1/leads?phone=%2B14155550181")
    assert len(found["items"]) == 1


async def test_a_large_upload_is_found_while_it_loads(life: Life) -> None:
    life.intake._small_bytes = 0
    first = await upload(life)
    assert (first.status_code, first.json()["state"]) == (202, "loading")
    early = await upload(life)
    assert early.json()["id"] == first.json()["id"]
    await life.intake.idle()
    again = await upload(life)
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (201, first.json()["id"], "active")
    assert len(life.dialer.engine.pools) == 2


# -- what is kept ---------------------------------------------------------------------------------------------------


class Watching(MemoryStore):
    """Remembers all answers that were kept."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[bytes] = []

    async def commit(self, commit: Commit) -> None:
        await super().commit(commit)
        self.kept += [row.body for row in commit.changes.rows.values() if isinstance(row, Answer)]


async def test_what_is_kept_has_no_names_numbers_or_tokens() -> None:
    store = Watching()
    life = Life(lambda: store)
    await life.begin()
    admin = life.admin
    await admin.ok("PUT", "/v1/campaigns/c1", {"name": "First", "template": {"fields": [{"name": "name"}]}})
    await admin.ok("PUT", "/v1/agents/ann", {"name": "Ann", "campaigns": ["c1"]})
    await admin.ok("PUT", "/v1/agents/ann/session", {"campaigns": ["c1"]})
    secrets = ["Zoraida", *(number[1:] for number in NUMBERS), "4155550181"]
    leads = [{"phone": number, "data": {"name": "Zoraida"}} for number in NUMBERS]
    await admin.ok("POST", "/v1/leads", {"campaign": "c1", "leads": leads}, headers=KEY)
    await upload(life)
    lease = await admin.ok("POST", "/v1/agents/ann/take", {"lead": 1}, headers=KEY)
    body = {"outcome": "resolved", "result": "success", "note": "Zoraida", "data": {"name": "Zoraida"}, "next": True}
    finished = await admin.ok("POST", f"/v1/leases/{lease['token']}/finish", body, headers=KEY)
    blocked = {"number": NUMBERS[2], "reason": "Zoraida"}
    await admin.ok("POST", "/v1/do-not-call", blocked, headers=KEY)
    await admin.no(422, "POST", "/v1/do-not-call", {"number": "Zoraida's"}, headers={"Idempotency-Key": "k2"})
    token = await admin.ok("POST", "/v1/tokens", {"role": "admin"}, headers=KEY)
    await life.die()
    secrets += [lease["token"], finished["next"]["token"], token["token"]]
    assert len(store.kept) == 8  # the upload's twice
    assert [secret for secret in secrets if any(secret.encode() in body for body in store.kept)] == []
