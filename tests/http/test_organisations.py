"""The operator's calls on organisations, and what concerns all of them: metrics, readiness, the clock, the global list."""

import asyncio
from typing import Any

import pytest
from http_kit import OPERATOR, START, Caller, token_of
from organisations_kit import Street
from prometheus_client.parser import text_string_to_metric_families as parsed
from structlog.testing import capture_logs

from nextlead_adapters.http import watching

ADA, BOB = "+14155550100", "+14155550101"


@pytest.fixture
def operator(street: Street) -> Caller:
    return street.caller()


async def leads_in(admin: Caller, *numbers: str) -> list[int]:
    await admin.ok("PUT", "/v1/campaigns/c1", {"name": "c1"})
    await admin.ok("PUT", "/v1/agents/ann", {"campaigns": ["c1"]})
    await admin.ok("PUT", "/v1/agents/ann/session", {"campaigns": ["c1"]})
    await admin.ok("POST", "/v1/leads", {"campaign": "c1", "leads": [{"phone": number} for number in numbers]})
    return [lead["id"] for lead in (await admin.ok("GET", "/v1/leads"))["items"]]


# -- making, listing, renaming --------------------------------------------------------------------------------------


async def test_default_is_there_from_the_start(operator: Caller) -> None:
    default = {"code": "default", "name": "Default", "created": None}
    assert await operator.ok("GET", "/v1/organisations") == {"items": [default], "next": None}
    assert await operator.ok("GET", "/v1/organisations/default") == default


async def test_a_new_organisation_and_its_admin(street: Street, operator: Caller) -> None:
    answer = await operator.call("POST", "/v1/organisations", {"code": "acme", "name": "Acme Ltd"})
    assert answer.status_code == 201
    made = answer.json()
    token = made.pop("admin_token")
    assert made == {"code": "acme", "name": "Acme Ltd", "created": START}
    assert await operator.ok("GET", "/v1/organisations/acme") == made
    admin = street.caller(token)
    (listed,) = (await admin.ok("GET", "/v1/tokens"))["items"]
    assert (listed["role"], listed["created"]) == ("admin", START)
    assert [team["code"] for team in (await admin.ok("GET", "/v1/teams"))["items"]] == ["root"]
    assert token not in repr([each.dialer.engine.state.tokens for each in street.tenancy.all()])


async def test_its_admin_is_no_operator(street: Street) -> None:
    admin = await street.admin_of("acme")
    await admin.no(403, "GET", "/v1/organisations")
    await admin.no(403, "POST", "/v1/organisations", {"code": "birch"})
    await admin.no(403, "POST", "/v1/organisations/acme/token")
    await admin.no(403, "POST", "/v1/do-not-call", {"number": ADA, "scope": "global"})
    await admin.no(403, "DELETE", f"/v1/do-not-call?number={ADA[1:]}&scope=global")
    await admin.no(403, "GET", "/v1/clock")


async def test_the_list_goes_page_by_page(street: Street, operator: Caller) -> None:
    for code in ("zebra", "acme", "birch"):
        await street.admin_of(code)
    page = await operator.ok("GET", "/v1/organisations?limit=3")
    assert [each["code"] for each in page["items"]] == ["default", "zebra", "acme"]
    page = await operator.ok("GET", f"/v1/organisations?after={page['next']}")
    assert ([each["code"] for each in page["items"]], page["next"]) == (["birch"], None)


@pytest.mark.parametrize("code", ["", "a b", "a/b", ".", "..", "x" * 65, "a\n", "\u2028", "a?b"])
async def test_a_code_that_can_not_be(operator: Caller, code: str) -> None:
    problem = (await operator.call("POST", "/v1/organisations", {"code": code})).json()
    assert problem["status"] in (400, 422)
    assert problem["errors"][0]["field"] == "code"
    assert len((await operator.ok("GET", "/v1/organisations"))["items"]) == 1


async def test_a_code_is_taken_once(street: Street, operator: Caller) -> None:
    answers = await asyncio.gather(
        *(operator.call("POST", "/v1/organisations", {"code": "acme", "name": f"{at}"}) for at in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    await operator.no(409, "POST", "/v1/organisations", {"code": "default"})
    assert len(street.tenancy.all()) == 2


async def test_without_a_name_it_is_called_by_its_code(operator: Caller) -> None:
    assert (await operator.ok("POST", "/v1/organisations", {"code": "acme"}))["name"] == "acme"


async def test_another_name(operator: Caller, street: Street) -> None:
    await street.admin_of("acme")
    changed = await operator.ok("PATCH", "/v1/organisations/acme", {"name": "Acme & Co"})
    assert (changed["code"], changed["name"]) == ("acme", "Acme & Co")
    assert await operator.ok("GET", "/v1/organisations/acme") == changed
    assert await operator.ok("PATCH", "/v1/organisations/acme", {}) == changed
    await operator.no(400, "PATCH", "/v1/organisations/acme", {"code": "other"})


async def test_one_that_is_not_there(operator: Caller) -> None:
    for method, path in (("GET", ""), ("PATCH", ""), ("POST", "/token")):
        problem = await operator.no(404, method, f"/v1/organisations/nobody{path}", {} if method == "PATCH" else None)
        assert problem["code"] == "not_found"


async def test_another_admins_token_for_a_lost_one(street: Street, operator: Caller) -> None:
    first = await street.admin_of("acme")
    made = await operator.ok("POST", "/v1/organisations/acme/token")
    again = street.caller(made["admin_token"])
    assert len((await again.ok("GET", "/v1/tokens"))["items"]) == 2
    await first.ok("DELETE", f"/v1/tokens/{made['id']}")
    await again.no(401, "GET", "/v1/tokens")
    await first.ok("GET", "/v1/tokens")


async def test_a_secret_is_not_repeated(street: Street, operator: Caller) -> None:
    key = {"Idempotency-Key": "k1"}
    for path, body in (("/v1/organisations", {"code": "acme"}), ("/v1/organisations/acme/token", None)):
        first = await operator.ok("POST", path, body, headers=key)
        again = await operator.call("POST", path, body, headers=key)
        assert again.headers["nextlead-repeated"] == "true"
        assert again.json() == {name: value for name, value in first.items() if name != "admin_token"}
    assert len(street.tenancy.all()) == 2
    tenant = street.tenancy.by_code("acme")
    assert tenant is not None
    assert len(tenant.dialer.engine.tokens) == 2


async def test_an_organisation_without_its_token(street: Street, operator: Caller) -> None:
    """Its store failed when the token was to be kept: the organisation is there all the same."""
    create = street.tenancy.create

    async def failing(*args: Any) -> Any:
        tenant = await create(*args)
        street.store("acme").fail()
        return tenant

    street.tenancy.create = failing  # type: ignore[assignment,method-assign]
    await operator.no(503, "POST", "/v1/organisations", {"code": "acme"})
    street.tenancy.create = create  # type: ignore[method-assign]
    await operator.no(409, "POST", "/v1/organisations", {"code": "acme"})
    assert (await operator.ok("GET", "/v1/organisations/acme"))["name"] == "acme"


async def test_tokens_made_and_deleted_in_any_order(street: Street) -> None:
    """Whoever has a token is let in, whoever has one no more is not, whatever was asked in between."""
    admins = [street.caller(), await street.admin_of("acme"), await street.admin_of("birch")]
    made = [await admin.ok("POST", "/v1/tokens", {"role": "supervisor"}) for admin in admins for _ in range(4)]
    owners = [admin for admin in admins for _ in range(4)]
    gone: set[int] = set()
    await street.caller("nobody").no(401, "GET", "/v1/teams")
    for at in (3, 11, 0, 7, 10):
        await owners[at].ok("DELETE", f"/v1/tokens/{made[at]['id']}")
        gone.add(at)
        new = await owners[at].ok("POST", "/v1/tokens", {"role": "supervisor"})
        assert (await street.caller(new["token"]).call("GET", "/v1/teams")).status_code == 200
        for other, token in enumerate(made):
            status = (await street.caller(token["token"]).call("GET", "/v1/teams")).status_code
            assert status == (401 if other in gone else 200)
        await street.caller("nobody").no(401, "GET", "/v1/teams")


# -- the global do-not-call list ------------------------------------------------------------------------------------


async def test_a_number_is_blocked_everywhere(street: Street, operator: Caller) -> None:  # R10.2, R10.3
    admins = [operator, await street.admin_of("acme"), await street.admin_of("birch")]
    for admin in admins:
        await leads_in(admin, ADA, BOB)
    entry = {"number": ADA, "scope": "global", "reason": "asked us"}
    dry = await operator.ok("POST", "/v1/do-not-call?dry_run=true", entry)
    assert (await operator.ok("POST", "/v1/do-not-call", entry))["leads"] == dry["leads"] == 3
    for admin in admins:
        leads = (await admin.ok("GET", "/v1/leads"))["items"]
        assert [lead["closure"] for lead in leads] == ["global_do_not_call", None]
        checked = await admin.ok("GET", f"/v1/do-not-call/{ADA}")
        assert [(each["scope"], each["reason"]) for each in checked["entries"]] == [("global", "asked us")]
    cedar = await street.admin_of("cedar")
    assert await leads_in(cedar, ADA) == []  # R9.7
    await operator.ok("DELETE", f"/v1/do-not-call?number=%2B{ADA[1:]}&scope=global")
    for admin in (*admins, cedar):
        assert not (await admin.ok("GET", f"/v1/do-not-call/{ADA}"))["blocked"]
    await operator.no(404, "DELETE", f"/v1/do-not-call?number=%2B{ADA[1:]}&scope=global")


async def test_the_first_answer_again_counts_all_leads(street: Street, operator: Caller) -> None:
    acme = await street.admin_of("acme")
    await leads_in(acme, ADA)
    key = {"Idempotency-Key": "k1"}
    entry = {"number": ADA, "scope": "global"}
    first = await operator.ok("POST", "/v1/do-not-call", entry, headers=key)
    assert first["leads"] == 1
    assert await operator.ok("POST", "/v1/do-not-call", entry, headers=key) == first


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/do-not-call", {"number": ADA, "scope": "global"}),
        ("/v1/do-not-call/import", {"numbers": [ADA], "scope": "global"}),
    ],
)
async def test_no_first_answer_before_all_have_it(
    street: Street, operator: Caller, path: str, body: dict[str, Any]
) -> None:
    """It was kept with the first organisation's commit; the second one's failed."""
    await street.admin_of("acme")
    key = {"Idempotency-Key": "k1"}
    street.store("acme").fail()
    for _ in range(2):
        answer = await operator.call("POST", path, body, headers=key)
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_failed")
    assert (await operator.ok("GET", f"/v1/do-not-call/{ADA}"))["blocked"]


async def test_a_file_for_the_global_list(street: Street, operator: Caller) -> None:  # R10.2
    acme = await street.admin_of("acme")
    await leads_in(acme, ADA, BOB)
    await operator.ok("POST", "/v1/anonymize", {"phone": BOB})  # forgotten here, and not there
    body = {"numbers": [ADA, {"number": BOB, "reason": "b"}, "12"], "scope": "global", "reason": "a"}
    dry = await operator.ok("POST", "/v1/do-not-call/import?dry_run=true", body)
    key = {"Idempotency-Key": "k1"}
    answer = await operator.ok("POST", "/v1/do-not-call/import", body, headers=key)
    assert {name: answer[name] for name in ("rows", "added", "already", "invalid", "leads")} == {
        "rows": 3,
        "added": 1,
        "already": 1,
        "invalid": 1,
        "leads": 2,
    }
    assert dry["leads"] == 2
    assert await operator.ok("POST", "/v1/do-not-call/import", body, headers=key) == answer
    listed = (await acme.ok("GET", "/v1/do-not-call"))["items"]
    assert [(each["number"], each["reason"]) for each in listed] == [(ADA, "a"), (BOB, "b")]


async def test_forgetting_is_each_organisations_own(street: Street, operator: Caller) -> None:  # R10.6
    acme, birch = await street.admin_of("acme"), await street.admin_of("birch")
    for admin in (acme, birch, operator):
        await leads_in(admin, ADA)
    await operator.ok("POST", "/v1/do-not-call", {"number": ADA, "scope": "global"})
    await acme.ok("POST", "/v1/anonymize", {"phone": ADA})
    checked = [await admin.ok("GET", f"/v1/do-not-call/{ADA}") for admin in (acme, birch, operator)]
    assert [(each["forgotten"], len(each["entries"])) for each in checked] == [(True, 0), (False, 1), (False, 1)]
    assert all(each["blocked"] for each in checked)
    await operator.ok("POST", "/v1/anonymize", {"phone": ADA})
    checked = [await admin.ok("GET", f"/v1/do-not-call/{ADA}") for admin in (acme, birch, operator)]
    assert [(each["forgotten"], len(each["entries"])) for each in checked] == [(True, 0), (False, 1), (True, 0)]
    # The operator can still take it off the list of those who have it.
    await operator.ok("DELETE", f"/v1/do-not-call?number=%2B{ADA[1:]}&scope=global")
    checked = [await admin.ok("GET", f"/v1/do-not-call/{ADA}") for admin in (acme, birch, operator)]
    assert [each["blocked"] for each in checked] == [True, False, True]


# -- watching -------------------------------------------------------------------------------------------------------


def series(text: str) -> dict[str, set[str]]:
    """Organisations by metric; a metric that comes twice, or two samples alike, would be an error in Prometheus."""
    found: dict[str, set[str]] = {}
    for family in parsed(text):
        assert family.name not in found
        keys = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
        assert len(keys) == len(set(keys))
        found[family.name] = {sample.labels["organisation"] for sample in family.samples}
    return found


async def test_metrics_of_all_and_of_one(street: Street, operator: Caller) -> None:
    acme, birch = await street.admin_of("acme"), await street.admin_of("birch")
    for admin in (operator, acme, birch):
        await leads_in(admin, ADA)
        await admin.ok("POST", "/v1/agents/ann/next")
    scraper = street.caller(await token_of(acme, "metrics"))
    whole = series((await operator.call("GET", "/metrics")).text)
    assert whole["nextlead_leads"] == whole["nextlead_next_seconds"] == {"default", "acme", "birch"}
    for caller in (acme, scraper):
        own = series((await caller.call("GET", "/metrics")).text)
        assert own.keys() == whole.keys()
        assert set().union(*own.values()) == {"acme"}
    local = Caller(street.make_app(loopback=True), None, {})
    assert series((await local.call("GET", "/metrics")).text)["nextlead_leases"] == {"default", "acme", "birch"}
    await scraper.no(403, "GET", "/v1/teams")


async def test_admins_of_default_see_no_metrics_of_others(street: Street, operator: Caller) -> None:
    await street.admin_of("acme")
    admin = street.caller(await token_of(operator, "admin"))
    assert set().union(*series((await admin.call("GET", "/metrics")).text).values()) == {"default"}


async def test_ready_when_all_are(street: Street) -> None:
    acme = await street.admin_of("acme")
    anyone = street.caller(None)
    assert (await anyone.call("GET", "/readyz")).status_code == 200
    street.store("acme").fail()
    await acme.no(503, "PUT", "/v1/teams/t", {})
    assert (await anyone.call("GET", "/readyz")).status_code == 503


async def test_the_clock_is_that_of_all(street: Street, operator: Caller) -> None:
    acme, birch = await street.admin_of("acme"), await street.admin_of("birch")
    for admin in (acme, birch):
        await leads_in(admin, ADA)
        await admin.ok("POST", "/v1/agents/ann/next")
    assert await operator.ok("POST", "/v1/clock", {"advance": "PT1H"}) == {"now": "2026-03-02T10:00:00Z"}
    cedar = await street.admin_of("cedar")
    assert (await operator.ok("GET", "/v1/organisations/cedar"))["created"] == "2026-03-02T10:00:00Z"
    for admin in (acme, birch):
        assert (await admin.ok("GET", "/v1/leads/1"))["status"] == "unresolved"  # R5.2, at the new time
    await cedar.ok("PUT", "/v1/campaigns/c1", {"name": "c1"})
    assert {each.dialer.now_ms() for each in street.tenancy.all()} == {street.default.dialer.now_ms()}
    await operator.no(422, "POST", "/v1/clock", {"now": START})


async def test_the_clock_moves_while_organisations_are_made(street: Street, operator: Caller) -> None:
    moves = [operator.ok("POST", "/v1/clock", {"advance": "PT1M"}) for _ in range(5)]
    await asyncio.gather(*(coroutine for at in range(5) for coroutine in (moves[at], street.admin_of(f"o{at}"))))
    assert await operator.ok("GET", "/v1/clock") == {"now": "2026-03-02T09:05:00Z"}
    assert {each.dialer.now_ms() for each in street.tenancy.all()} == {street.default.dialer.now_ms()}


# -- whose the database is ------------------------------------------------------------------------------------------

EVERYWHERE = [
    ("GET", "/v1/leads", OPERATOR),
    ("GET", "/v1/leads.csv", OPERATOR),
    ("PUT", "/v1/teams/t", OPERATOR),
    ("GET", "/v1/teams", "nobody"),
    ("GET", "/readyz", None),
    ("GET", "/metrics", OPERATOR),
    ("GET", "/openapi.json", None),
    ("GET", "/nowhere", None),
    ("DELETE", "/v1/leads", OPERATOR),
    ("GET", "/v1/events", OPERATOR),
]


@pytest.mark.parametrize(("method", "path", "token"), EVERYWHERE)
async def test_who_does_not_own_the_database_says_nothing_else(
    street: Street, method: str, path: str, token: str | None
) -> None:
    street.ours = False
    answer = await street.caller(token).call(method, path, {} if method == "PUT" else None)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert answer.headers["retry-after"] == "1"
    assert await street.caller(None).ok("GET", "/healthz") == {"status": "ok"}


async def test_who_does_not_own_the_database_does_nothing_either(street: Street, operator: Caller) -> None:
    street.ours = False
    await operator.no(503, "POST", "/v1/organisations", {"code": "acme"})
    street.ours = True
    assert [each.code for each in await street.lots.organisations()] == ["default"]
    await operator.no(404, "GET", "/v1/organisations/acme")


async def test_a_refusal_is_whole_also_when_the_database_is_ours_again_in_that_moment(
    street: Street, operator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False])
    monkeypatch.setattr(Street, "ours", property(lambda _: next(answers, True)), raising=False)
    answer = await operator.call("GET", "/v1/teams")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    await operator.ok("GET", "/v1/teams")


async def test_an_answer_that_was_computed_before_is_not_given(street: Street, operator: Caller) -> None:
    """The process stands still between the read and the answer, and wakes up replaced."""
    reading = street.default.dialer.read

    async def read(look: Any) -> Any:
        seen = await reading(look)
        street.ours = False
        return seen

    street.default.dialer.read = read  # type: ignore[method-assign]
    await operator.no(503, "GET", "/v1/teams")


class Listener:
    """A client of a stream, straight to the application. With `lose` the database is lost with the first message."""

    def __init__(self, street: Street, path: str, *, lose: bool = False) -> None:
        self.status = 0
        self.text = b""
        self.whole = False
        self._street, self._lose = street, lose
        self._came, self._asked = asyncio.Event(), False
        headers = [(b"authorization", f"Bearer {OPERATOR}".encode())]
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
        self.task: asyncio.Task[None] = asyncio.create_task(street.app(scope, self._receive, self._send))  # type: ignore[arg-type]

    async def _receive(self) -> dict[str, Any]:
        if self._asked:
            await asyncio.Event().wait()
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Any) -> None:
        self.status = message.get("status", self.status)
        self.text += message.get("body", b"")
        self.whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        if self._lose:
            self._street.ours = False
        self._came.set()

    async def until(self, text: bytes) -> None:
        while text not in self.text:
            self._came.clear()
            await self._came.wait()


async def test_events_end_when_the_database_is_lost(
    street: Street, operator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOOK_S", 0.001)
    listener = Listener(street, "/v1/events")
    await listener.until(b":")
    await leads_in(operator, ADA)
    await listener.until(b"event: pool")
    street.ours = False
    seen = listener.text
    await operator.call("POST", "/v1/agents/ann/next")
    await asyncio.wait_for(listener.task, 60)
    assert (listener.text, listener.whole) == (seen, False)


async def test_a_download_breaks_off_when_the_database_is_lost(street: Street, operator: Caller) -> None:
    await leads_in(operator, *(f"+1415555{at:04}" for at in range(100, 110)))
    listener = Listener(street, "/v1/leads.csv", lose=True)
    await listener.task
    assert (listener.status, listener.text, listener.whole) == (200, b"", False)


async def test_the_log_says_which_organisation_it_is_about(street: Street) -> None:
    acme = await street.admin_of("acme")
    await leads_in(acme, ADA)
    with capture_logs() as lines:
        await acme.ok("POST", "/v1/anonymize", {"phone": ADA})
        street.store("acme").fail()
        await acme.no(503, "PUT", "/v1/campaigns/c2", {"name": "c2"})
    assert [(line["event"], line["organisation"]) for line in lines] == [
        ("erased", "acme"),
        ("commit_failed", "acme"),
        ("writer_failed", "acme"),
    ]
