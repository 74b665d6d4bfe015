"""A whole daemon but for its socket: dialer on a memory store and a manual clock, intake, application."""

import sys
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from nextlead.core.engine import Engine
from nextlead.runtime.clock import ManualClock
from nextlead.runtime.dialer import Dialer
from nextlead.testing import FaultyStore, MemoryStore
from nextlead_adapters.almanac import LibraryAlmanac
from nextlead_adapters.http.app import create_app
from nextlead_adapters.http.services import Limits
from nextlead_adapters.http.tenants import OneOrganisation
from nextlead_adapters.http.times import parse_time
from nextlead_adapters.intake.originals import Originals
from nextlead_adapters.intake.service import Intake
from nextlead_adapters.privacy.service import Privacy
from nextlead_adapters.scheme_files import shipped_schemes

# This folder can't be a package: `http` is the standard library's.
sys.path.append(str(Path(__file__).parent))

from http_kit import BODY_MAX, NUMBERS, OPERATOR, START, UPLOAD_MAX, Caller, House
from organisations_kit import Street


@pytest.fixture
async def house() -> AsyncIterator[House]:
    store = FaultyStore(MemoryStore())
    engine = Engine(almanac=LibraryAlmanac(), schemes=shipped_schemes())
    async with await Dialer.open(store, ManualClock(parse_time(START)), engine=engine, retry_s=0) as dialer:
        intake = Intake(dialer)
        await intake.start()
        privacy = Privacy(dialer, Originals(dialer))
        privacy.start()
        tenants = OneOrganisation(dialer, intake, privacy)
        app = create_app(
            tenants,
            operator_token_sha256=sha256(OPERATOR.encode()).hexdigest(),
            limits=Limits(body_max_bytes=BODY_MAX, upload_max_bytes=UPLOAD_MAX),
            manual_clock=True,
        )
        yield House(tenants, app, store)
        await privacy.close()
        await intake.close()


@pytest.fixture
async def street() -> AsyncIterator[Street]:
    """Several organisations; only `default` is there."""
    street = Street()
    await street.open()
    yield street
    await street.close()


@pytest.fixture
def admin(house: House) -> Caller:
    return house.caller()


@pytest.fixture
async def centre(admin: Caller) -> Caller:
    """Team t with agents ann and bob, campaign c1 with field `name`, four leads in one pool, both agents logged on."""
    fields = [{"name": "name", "type": "text"}, {"name": "age", "type": "number"}]
    await admin.ok("PUT", "/v1/teams/t", {"name": "Team"})
    await admin.ok("PUT", "/v1/campaigns/c1", {"name": "First", "template": {"fields": fields}})
    for agent in ("ann", "bob"):
        await admin.ok("PUT", f"/v1/agents/{agent}", {"name": agent, "team": "t", "campaigns": ["c1"]})
        await admin.ok("PUT", f"/v1/agents/{agent}/session", {"campaigns": ["c1"]})
    leads = [{"phone": number, "data": {"name": f"Lead {at}"}} for at, number in enumerate(NUMBERS)]
    await admin.ok("POST", "/v1/leads", {"campaign": "c1", "name": "Week 10", "leads": leads})
    return admin
