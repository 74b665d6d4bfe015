"""What admins change of the set-up while work goes on."""

from random import Random
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nextlead.core import commands as c
from nextlead.core.engine import Engine
from nextlead.core.setup_model import Campaign

from .town import TEAMS, some_dialer, some_hours, some_limits

if TYPE_CHECKING:
    from .centre import Centre

ADMIN = "admin"


def _campaign(dice: Random, engine: Engine) -> Campaign:
    return dice.choice(list(engine.campaigns))


def _switch(_centre: "Centre", dice: Random, engine: Engine) -> c.Command:
    """Mostly on."""
    return c.PutCampaign(code=_campaign(dice, engine).code, active=dice.random() < 0.7, by=ADMIN)


def _permit(centre: "Centre", dice: Random, _engine: Engine) -> c.Command:
    agent, codes = dice.choice(centre.agents), centre.campaigns
    some = tuple(dice.sample(codes, dice.randint(0, len(codes)))) if dice.random() < 0.4 else codes
    return c.PutAgent(code=agent, campaigns=some, by=ADMIN)


def _employ(centre: "Centre", dice: Random, engine: Engine) -> c.Command:
    """One who is disabled comes back first."""
    agents = [agent for agent in engine.agents if agent.code in centre.agents]
    out = [agent.code for agent in agents if not agent.enabled]
    if out:
        return c.PutAgent(code=out[0], enabled=True, by=ADMIN)
    agent = dice.choice(agents).code
    if dice.random() < 0.3:
        return c.PutAgent(code=agent, enabled=False, by=ADMIN)
    return c.PutAgent(code=agent, team=dice.choice((*TEAMS, None)), by=ADMIN)


def _restrict(_centre: "Centre", dice: Random, _engine: Engine) -> c.Command:
    return c.PutSettings(redial_restrictions=dice.random() < 0.4, by=ADMIN)


def _change_dialer(centre: "Centre", dice: Random, engine: Engine) -> c.Command:
    return c.PutCampaign(code=_campaign(dice, engine).code, dialer=some_dialer(dice, centre.plan), by=ADMIN)


def _change_hours(_centre: "Centre", dice: Random, engine: Engine) -> c.Command:
    campaign = _campaign(dice, engine)
    dialer = replace(campaign.dialer, calling_hours=some_hours(dice))
    return c.PutCampaign(code=campaign.code, dialer=dialer, by=ADMIN)


def _change_limits(_centre: "Centre", dice: Random, engine: Engine) -> c.Command:
    campaign = _campaign(dice, engine)
    dialer = replace(campaign.dialer, contact_limits=some_limits(dice))
    return c.PutCampaign(code=campaign.code, dialer=dialer, by=ADMIN)


def _limit_all(_centre: "Centre", dice: Random, _engine: Engine) -> c.Command:
    return c.PutSettings(contact_limits=some_limits(dice), by=ADMIN)


def _allow_leases(_centre: "Centre", dice: Random, _engine: Engine) -> c.Command:
    return c.PutSettings(leases_per_agent=dice.choice((1, 2, 3)), by=ADMIN)


SET_UP = (_switch, _switch, _permit, _permit, _employ, _employ, _restrict, _change_dialer)
DIALERS = (_change_dialer, _change_hours)
LIMITS = (_change_limits, _limit_all)
MANY_LEASES = (_allow_leases,)
