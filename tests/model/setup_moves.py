"""What admins change of the set-up: campaigns, agents, teams, settings."""

from hypothesis import strategies as st
from model import moves
from model.moves import DAY, HOUR, MINUTE, Draw, some
from model.shop import Shop
from msgspec import structs

from nextlead.core import commands as c


def put_dialer(shop: Shop, draw: Draw) -> None:
    shop.do(c.PutCampaign(code=draw(moves.campaigns), dialer=draw(moves.dialers), template=moves.TEMPLATE, by="admin"))


def switch_campaign(shop: Shop, draw: Draw) -> None:
    """Off if it is on, on if it is off."""
    code = draw(st.sampled_from(sorted(shop.world.campaigns)))
    shop.do(c.PutCampaign(code=code, active=not shop.world.campaigns[code].active, by="admin"))


def permit(shop: Shop, draw: Draw) -> None:
    shop.do(c.PutAgent(code=draw(moves.agents), campaigns=draw(moves.campaign_sets), by="admin"))


def permit_all(shop: Shop, draw: Draw) -> None:
    for agent in moves.AGENTS:
        shop.do(c.PutAgent(code=agent, campaigns=tuple(shop.world.campaigns), by="admin"))


def change_agent(shop: Shop, draw: Draw) -> None:
    change = some(
        draw,
        enabled=st.booleans(),
        team=st.sampled_from(moves.TEAMS),
        may_set=st.sampled_from((moves.KINDS, ("common",), ("private", "vip"))),
    )
    shop.do(c.PutAgent(code=draw(moves.agents), by="admin", **change))


def move_team(shop: Shop, draw: Draw) -> None:
    team, parent = draw(st.sampled_from(moves.TEAMS)), draw(st.sampled_from((*moves.TEAMS, None)))
    shop.do(c.PutTeam(code=team, parent=parent, by="admin"))


def put_settings(shop: Shop, draw: Draw) -> None:
    change = some(
        draw,
        redial_restrictions=st.booleans(),
        cross_campaign_redials_default=st.booleans(),
        abandon_after_ms=st.sampled_from((7 * DAY, HOUR)),
        leases_per_agent=st.sampled_from((1, 1, 2, 3, 0)),
        restart_grace_ms=st.sampled_from((5 * MINUTE, 0)),
    )
    shop.do(c.PutSettings(by="admin", **change))


def delete(shop: Shop, draw: Draw) -> None:
    kind, code = draw(
        st.sampled_from((("team", "south"), ("team", "root"), ("campaign", "c3"), ("project", "default")))
    )
    shop.do(c.Delete(kind=kind, code=code, by="admin"))


def expire(shop: Shop, draw: Draw) -> None:
    """R8: a date, an age, and whether promised redials go too; or no longer."""
    code = draw(st.sampled_from(sorted(shop.world.campaigns)))
    change = some(
        draw,
        expires_at_ms=st.sampled_from((None, shop.both.now_ms, shop.both.now_ms + MINUTE, shop.both.now_ms + HOUR)),
        expire_after_ms=st.sampled_from((None, MINUTE, HOUR, 8 * DAY)),
        expire_promised=st.booleans(),
    )
    dialer = structs.replace(shop.world.campaigns[code].dialer, **change)
    shop.do(c.PutCampaign(code=code, dialer=dialer, by="admin"))


MOVES = (
    *(put_dialer, put_dialer, put_dialer, switch_campaign, switch_campaign, permit, permit, permit_all),
    *(change_agent, change_agent, move_team, put_settings, put_settings, delete, expire, expire),
)
