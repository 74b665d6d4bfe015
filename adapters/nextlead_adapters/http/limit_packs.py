"""Calls of rule packs: look at them, and copy one into a campaign."""

from functools import partial
from typing import Final

from nextlead.core.commands import PutCampaign
from nextlead.core.errors import Invalid, NotFound

from ..limit_packs import LimitPack, shipped_packs
from .holidays import learn_holidays
from .lists import Page, page
from .setup import campaign_now
from .setup_shapes import CampaignView, Code, DialerShape
from .setup_views import dialer_over
from .table import Access, Body, Call, Paging, Route, tagged


class PackBody(Body):
    """Which one."""

    pack: Code


async def list_packs(call: Call) -> object:
    """By name. They came with this installation, and are the same for everybody."""
    return page(shipped_packs().values(), call.query, lambda pack: pack.name, lambda pack: pack)


async def show_pack(call: Call) -> object:
    """One of them."""
    name = call.params["name"]
    if name not in shipped_packs():
        raise NotFound("limit pack", name)
    return shipped_packs()[name]


async def apply_pack(call: Call) -> object:
    """What the pack names replaces what the campaign has; its zone for leads without one, and days off, stay."""
    pack = shipped_packs().get(call.body.pack)
    if pack is None:
        raise Invalid("pack", f"there is no limit pack {call.body.pack}")
    over = DialerShape(calling_hours=pack.calling_hours, contact_limits=pack.contact_limits)
    await learn_holidays(call, over)
    return await call.submit(partial(_put, call, over), lambda _: campaign_now(call))


def _put(call: Call, over: DialerShape) -> PutCampaign:
    campaign = call.services.engine.campaigns.need(call.code())
    return PutCampaign(by=call.caller.by, code=campaign.code, dialer=dialer_over(campaign.dialer, over))


ROUTES: Final = tagged(
    "Set-up",
    Route(
        "GET",
        "/v1/limit-packs",
        Access.SUPERVISOR,
        "List rule packs of hours and limits",
        list_packs,
        answer=Page[LimitPack],
        query=Paging,
    ),
    Route("GET", "/v1/limit-packs/{name}", Access.SUPERVISOR, "Read a rule pack", show_pack, answer=LimitPack),
    Route(
        "POST",
        "/v1/campaigns/{code}/limit-pack",
        Access.ADMIN,
        "Copy a rule pack into a campaign",
        apply_pack,
        body=PackBody,
        answer=CampaignView,
    ),
)
