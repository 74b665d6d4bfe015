"""Set-up commands: teams, agents, projects, campaigns, settings, sessions."""

from dataclasses import replace

from msgspec import UNSET, structs

from nextlead.core.almanac import Almanac
from nextlead.core.commands import (
    Delete,
    EndSession,
    PutAgent,
    PutCampaign,
    PutProject,
    PutSession,
    PutSettings,
    PutTeam,
)
from nextlead.core.errors import AgentDisabled, InUse, Invalid, NotAllowed, NotFound
from nextlead.core.model import PROMISED, REDIAL_KINDS
from nextlead.core.replies import Stranded
from nextlead.core.setup_model import Dialer

from . import changes, who
from .answers import Served
from .hours import check_hours
from .leases import log_off
from .limits import check_limits
from .records import ROOT, Agent, Campaign, Session, Team
from .schemes import put_vocabulary
from .world import World

# -- teams and agents -----------------------------------------------------------------------------------------------


def put_team(world: World, command: PutTeam) -> None:
    """Refused when it would make a circle; the root has no parent."""
    known = world.teams.get(command.code)
    parent = known.parent if known else ROOT
    if command.parent is not UNSET:
        parent = ROOT if command.parent is None else world.team(command.parent).code
    if command.code == ROOT:
        if command.parent not in (UNSET, None):
            raise Invalid("parent", "the root has none")
        return
    if parent is not None and command.code in world.teams and command.code in world.teams_above(parent):
        raise Invalid("parent", "a circle")
    world.teams[command.code] = Team(command.code, parent)


def put_agent(world: World, command: PutAgent) -> list[Served]:
    """R3.5, R4.6: disabling ends leases and the session; the releases follow by themselves."""
    agent = world.agents.get(command.code) or Agent(command.code)
    team = agent.team
    if command.team is not UNSET:
        team = ROOT if command.team is None else world.team(command.team).code
    permitted = agent.campaigns
    if command.campaigns is not UNSET:
        permitted = [world.campaign(code).code for code in command.campaigns]
    if command.may_set is not UNSET and not set(command.may_set) <= set(REDIAL_KINDS):
        raise Invalid("may_set", "common, private, vip")
    world.agents[command.code] = agent
    agent.team, agent.campaigns = team, permitted
    if command.may_set is not UNSET:
        agent.may_set = command.may_set
    if command.enabled is UNSET or command.enabled == agent.enabled:
        return []
    agent.enabled = command.enabled
    if agent.enabled:
        return []
    served = log_off(world, agent, by=command.by, reason="agent_disabled")
    release_to_others(world, agent, by=command.by)
    return served


def release_to_others(world: World, agent: Agent, *, by: str) -> None:
    """R4.5: redials that were released to the agent, or given to it since, go on to the team: else nobody gets them."""
    for lead in world.leads.values():
        released = lead.status in PROMISED and not lead.held_back
        if released and lead.lease is None and lead.owner == agent.owner:
            changes.release(world, lead, by=by)


def put_session(world: World, command: PutSession) -> None:
    """R3.1: only active campaigns that the agent has permission for can be selected."""
    agent = world.agent(command.agent)
    if not agent.enabled:
        raise AgentDisabled
    for code in command.campaigns:
        campaign = world.campaign(code)
        if not campaign.active or code not in agent.campaigns:
            raise NotAllowed(f"{code} can't be selected")
    cross = world.settings.cross_campaign_redials_default if command.cross is None else command.cross
    agent.session = Session(list(command.campaigns), cross)


def end_session(world: World, command: EndSession) -> list[Served]:
    """R1.4: log off."""
    return log_off(world, world.agent(command.agent), by=command.by)


# -- projects, campaigns, settings ----------------------------------------------------------------------------------


def put_project(world: World, command: PutProject) -> None:
    """A container."""
    world.projects.add(command.code)


def put_campaign(world: World, command: PutCampaign) -> Stranded | None:
    """R3.3: a deactivation answers how many promised redials stay dialable, and for whom."""
    campaign = world.campaigns.get(command.code) or Campaign(command.code)
    if command.project is not UNSET and command.project not in world.projects:
        raise NotFound("project", command.project)
    if command.dialer is not UNSET:
        check_dialer(command.dialer, world.almanac)
    put_vocabulary(world, campaign, command)
    if command.dialer is not UNSET:
        campaign.dialer = command.dialer
    world.campaigns[command.code] = campaign
    if command.project is not UNSET:
        campaign.project = command.project
    was_active = campaign.active
    if command.active is not UNSET:
        campaign.active = command.active
    return stranded(world, campaign) if was_active and not campaign.active else None


def check_dialer(dialer: Dialer, almanac: Almanac) -> None:
    """What a setting can't be."""
    if dialer.new_every is not None and dialer.new_every < 1:
        raise Invalid("new_every", "at least 1")
    if dialer.weight is not None and dialer.weight <= 0:
        raise Invalid("weight", "over 0")
    check_hours(dialer.calling_hours, almanac)
    check_limits(dialer.contact_limits)


def stranded(world: World, campaign: Campaign) -> Stranded:
    """Own promised redials of the campaign per agent: dialable while it is inactive, or withheld."""
    dialable: dict[str, int] = {}
    withheld: dict[str, int] = {}
    for lead in world.leads.values():
        agent = world.owning_agent(lead)
        if lead.campaign == campaign.code and lead.held_back and agent is not None:
            side = dialable if who.may_get_own(world, lead, with_box(world, agent)) else withheld
            side[agent.code] = side.get(agent.code, 0) + 1
    return Stranded(dialable, withheld)


def with_box(world: World, agent: Agent) -> Agent:
    """The agent; one without a session has the box as the organisation's default would set it."""
    if agent.session is not None:
        return agent
    return replace(agent, session=Session([], world.settings.cross_campaign_redials_default))


def put_settings(world: World, command: PutSettings) -> None:
    """Settings of the organisation; R4.6's releases follow by themselves."""
    given = {
        name: value for name in structs.asdict(world.settings) if (value := getattr(command, name, UNSET)) is not UNSET
    }
    if given.get("leases_per_agent", 1) < 1:
        raise Invalid("leases_per_agent", "at least 1")
    check_limits(given.get("contact_limits", ()))
    world.settings = structs.replace(world.settings, **given)


# -- deleting -------------------------------------------------------------------------------------------------------


def delete(world: World, command: Delete) -> None:
    """What nothing depends on may be deleted."""
    {"team": _delete_team, "agent": _delete_agent, "project": _delete_project, "campaign": _delete_campaign}[
        command.kind
    ](world, command.code)


def _owners(world: World) -> set[str]:
    """Everybody who owns an open lead or a pool, now or at intake."""
    leads = [lead for lead in world.leads.values() if lead.open]
    return (
        {lead.owner for lead in leads}
        | {lead.original_owner for lead in leads}
        | {pool.owner for pool in world.pools.values()}
    )


def _delete_team(world: World, code: str) -> None:
    world.team(code)
    members = [agent for agent in world.agents.values() if agent.team == code]
    children = [team for team in world.teams.values() if team.parent == code]
    if code == ROOT or members or children or f"team:{code}" in _owners(world):
        raise InUse
    del world.teams[code]


def _delete_agent(world: World, code: str) -> None:
    agent = world.agent(code)
    locked = [lead for lead in world.leads.values() if lead.unresolved and lead.unresolved.agent == code]
    selling = [lead for lead in world.leads.values() if lead.seller == code]
    if world.leased_by(code) or locked or selling or agent.owner in _owners(world):
        raise InUse
    del world.agents[code]


def _delete_project(world: World, code: str) -> None:
    if code not in world.projects:
        raise NotFound("project", code)
    if code == "default" or any(campaign.project == code for campaign in world.campaigns.values()):
        raise InUse
    world.projects.remove(code)


def _delete_campaign(world: World, code: str) -> None:
    world.campaign(code)
    if any(pool.campaign == code for pool in world.pools.values()):
        raise InUse
    del world.campaigns[code]
    for agent in world.agents.values():
        agent.campaigns = [each for each in agent.campaigns if each != code]
        if agent.session is not None:
            agent.session.campaigns = [each for each in agent.session.campaigns if each != code]
