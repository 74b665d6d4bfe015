"""Teams, agents, projects, campaigns, settings, tokens (SPEC 0, 3, 4.6)."""

from typing import TypeVar

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from . import commands as c
from .errors import AgentDisabled, InUse, Invalid, NotAllowed, NotFound
from .expiry import follow_expiry
from .model import REDIAL_KINDS, Token
from .places import is_own
from .queues import OWN
from .rechecking import recheck_limits
from .redials import own_redials, release, release_stranded, released_to
from .replies import Begun, Count, Stranded
from .schemes import under, with_past
from .settings_check import DURATION_MOST_MS, check_code, check_dialer, check_limits, check_template
from .setup_model import ROOT_TEAM, Agent, Campaign, Project, Sequences, Session, Settings, Tally, Team
from .sight import may_get_own
from .state import State
from .work import end_as_unresolved, supersede

T = TypeVar("T")


def _or(value: T | UnsetType, present: T) -> T:
    return present if isinstance(value, UnsetType) else value


def found_organisation(state: State) -> None:
    """The root team, the project `default` and the settings of a new organisation."""
    if ROOT_TEAM in state.teams.by_no:
        return
    state.sequences = Sequences(record=3)
    team, project = Team(ROOT_TEAM, "root", "The whole organisation", 0), Project(2, "default", "Default project")
    state.teams.put(team)
    state.projects.put(project)
    state.record("sequences", 0, state.sequences)
    state.record("settings", 0, state.settings)
    state.record("team", team.no, team)
    state.record("project", project.no, project)


def put_team(state: State, command: c.PutTeam) -> Team:
    """Make or change a team."""
    check_code(command.code)
    old = state.teams.by_code.get(command.code)
    parent = old.parent if old else ROOT_TEAM
    if not isinstance(command.parent, UnsetType):
        parent = state.teams.need(command.parent).no if command.parent is not None else ROOT_TEAM
    if old is not None:
        if old.no == ROOT_TEAM:
            if command.parent not in (UNSET, None):
                raise Invalid("parent", "the root team has no parent")
            parent = 0
        elif old.no in state.team_and_above(parent):
            raise Invalid("parent", "would make a circle of teams")
    team = Team(
        old.no if old else state.next_record(),
        command.code,
        _or(command.name, old.name if old else command.code),
        parent,
    )
    state.teams.put(team)
    state.record("team", team.no, team)
    state.changed_world()
    return team


def put_agent(state: State, command: c.PutAgent) -> Agent:
    """Make or change an agent; a lost permission or disabling acts at once."""
    check_code(command.code)
    old = state.agents.by_code.get(command.code)
    present = old or Agent(0, command.code, command.code, ROOT_TEAM)
    campaigns = present.campaigns
    if not isinstance(command.campaigns, UnsetType):
        campaigns = tuple(sorted({state.campaigns.need(code).no for code in command.campaigns}))
    team = present.team
    if not isinstance(command.team, UnsetType):
        team = ROOT_TEAM if command.team is None else state.teams.need(command.team).no
    may_set = _or(command.may_set, present.may_set)
    if any(kind not in REDIAL_KINDS for kind in may_set):
        raise Invalid("may_set", f"must be of {', '.join(REDIAL_KINDS)}")
    enabled = _or(command.enabled, present.enabled)
    agent = replace(
        present,
        no=old.no if old else state.next_record(),
        name=_or(command.name, present.name),
        team=team,
        campaigns=campaigns,
        enabled=enabled,
        may_set=may_set,
        session=present.session if enabled else None,
    )
    _keep_agent(state, agent)
    if old is not None and old.enabled and not enabled:
        _put_out(state, agent, "agent_disabled", command.by)
        for lead in released_to(state, agent):
            release(state, lead, "agent_disabled", command.by)
    release_stranded(state, agent, command.by)
    return agent


def _keep_agent(state: State, agent: Agent) -> None:
    state.agents.put(agent)
    state.record("agent", agent.no, agent)
    state.changed_world()


def _put_out(state: State, agent: Agent, trigger: str, actor: str) -> None:
    """End what the agent has on its screen: leases as `unresolved`, a waiting `next` with none."""
    supersede(state, agent, trigger)
    for _, lead in list(state.leases.get(agent.no, ())):
        end_as_unresolved(state, state.need_lead(lead), trigger, actor)


def put_session(state: State, command: c.PutSession) -> Agent:
    """SPEC R3.1: only active campaigns that the agent has permission for can be selected."""
    agent = state.agents.need(command.agent)
    if not agent.enabled:
        raise AgentDisabled(f"agent {agent.code} is disabled")
    chosen = []
    for code in dict.fromkeys(command.campaigns):
        campaign = state.campaigns.need(code)
        if not campaign.active:
            raise NotAllowed(f"campaign {code} is not active")
        if campaign.no not in agent.campaigns:
            raise NotAllowed(f"agent {agent.code} has no permission for campaign {code}")
        chosen.append(campaign.no)
    cross = state.settings.cross_campaign_redials_default if command.cross is None else command.cross
    agent = replace(agent, session=Session(tuple(chosen), cross))
    _keep_agent(state, agent)
    return agent


def end_session(state: State, command: c.EndSession) -> Agent:
    """Log off."""
    agent = state.agents.need(command.agent)
    _put_out(state, agent, "logged_off", command.by)
    if agent.session is not None:
        agent = replace(agent, session=None)
        _keep_agent(state, agent)
    return agent


def release_all(state: State, command: c.ReleaseAll) -> Count:
    """SPEC R4.6: all of one agent; leased ones stay out."""
    agent = state.agents.need(command.agent)
    leads = [lead for lead in own_redials(state, agent.no) if lead.lease is None]
    for lead in leads:
        release(state, lead, "by_hand", command.by)
    return Count(len(leads))


def put_project(state: State, command: c.PutProject) -> Project:
    """Make or change a project."""
    check_code(command.code)
    old = state.projects.by_code.get(command.code)
    no = old.no if old else state.next_record()
    project = Project(no, command.code, _or(command.name, old.name if old else command.code))
    state.projects.put(project)
    state.record("project", no, project)
    return project


def put_campaign(state: State, command: c.PutCampaign) -> Campaign | Stranded | Begun:
    """Make or change a campaign. Settings count at once, for every lead."""
    check_code(command.code)
    old = state.campaigns.by_code.get(command.code)
    present = under(state.schemes, old or Campaign(0, command.code, command.code, 0), command.scheme)
    code = "default" if isinstance(command.project, UnsetType) else command.project
    project = present.project if old and command.project is UNSET else state.projects.need(code).no
    dialer = _or(command.dialer, present.dialer)
    template = _or(command.template, present.template)
    template = with_past(old.template, template) if old else replace(template, past=())
    check_dialer(dialer, state.zones.almanac)
    check_template(template)
    campaign = replace(
        present,
        no=old.no if old else state.next_record(),
        name=_or(command.name, present.name),
        project=project,
        active=_or(command.active, present.active),
        template=template,
        dialer=dialer,
        default_region=_or(command.default_region, present.default_region),
        upload_rules=_or(command.upload_rules, present.upload_rules),
    )
    state.campaigns.put(campaign)
    state.record("campaign", campaign.no, campaign)
    if old is None:
        state.tallies[campaign.no] = Tally(campaign.no)
        state.record("tally", campaign.no, state.tallies[campaign.no])
    else:
        follow_settings(state, campaign)
        follow_expiry(state, campaign)
        if dialer.calling_hours != present.dialer.calling_hours:
            state.follow_hours(campaign.no)
    state.changed_world()
    reply = _stranded(state, campaign) if present.active and not campaign.active else campaign
    if dialer.contact_limits == present.dialer.contact_limits:
        return reply
    state.contacts.follow(state.settings.contact_limits)
    return recheck_limits(state, reply, campaign.no)


def follow_settings(state: State, campaign: Campaign, pool: int | None = None) -> None:
    """Carry overdue_after and inherited priorities into the queues. O(parts of the campaign)."""
    for queue in state.queues.values():
        if queue.campaign != campaign.no:
            continue
        queue.set_overdue_after(campaign.dialer.overdue_after_ms)
        for part in list(queue.parts.values()):
            source, variant = part.key[2], part.key[3]
            if source < 0 and pool in (None, -source):
                queue.relevel(part, state.level_of(campaign.no, source, variant, state.pools[-source]))
        if queue.watchers:
            state.waiting.stir(queue)


def _stranded(state: State, campaign: Campaign) -> Stranded:
    """SPEC R3.3: how many promised redials stay dialable, and for whom."""
    dialable: dict[str, int] = {}
    withheld: dict[str, int] = {}
    for agent in state.agents:
        count = sum(lead.campaign == campaign.no for lead in own_redials(state, agent.no))
        if count:
            session = agent.session or Session((), state.settings.cross_campaign_redials_default)
            offered = may_get_own(state, replace(agent, session=session), campaign)
            (dialable if offered else withheld)[agent.code] = count
    return Stranded(dialable, withheld)


def put_settings(state: State, command: c.PutSettings) -> Settings | Begun:
    """Change settings; switching Redial Restrictions on releases at once (SPEC R4.6)."""
    if not isinstance(command.leases_per_agent, UnsetType) and command.leases_per_agent < 1:
        raise Invalid("leases_per_agent", "must be at least 1")
    for name in ("abandon_after_ms", "manual_pool_gap_ms", "restart_grace_ms"):
        value = getattr(command, name)
        if value is not UNSET and not 0 <= value <= DURATION_MOST_MS:
            raise Invalid(name.removesuffix("_ms"), "must not be negative, nor over a hundred years")
    if not isinstance(command.contact_limits, UnsetType):
        check_limits(command.contact_limits, "contact_limits")
    before = state.settings.contact_limits
    names = [name for name in Settings.__struct_fields__ if getattr(command, name) is not UNSET]
    state.settings = replace(state.settings, **{name: getattr(command, name) for name in names})
    state.record("settings", 0, state.settings)
    state.changed_world()
    if state.settings.redial_restrictions:
        for agent in list(state.agents):
            release_stranded(state, agent, command.by)
    if state.settings.contact_limits == before:
        return state.settings
    state.contacts.follow(state.settings.contact_limits)
    return recheck_limits(state, state.settings)


def delete(state: State, command: c.Delete) -> None:
    """Delete what nothing depends on."""
    match command.kind:
        case "team":
            _delete_team(state, command.code)
        case "agent":
            _delete_agent(state, command)
        case "project":
            project = state.projects.need(command.code)
            if any(campaign.project == project.no for campaign in state.campaigns):
                raise InUse(f"project {project.code} has campaigns")
            state.projects.drop(project)
            state.record("project", project.no, None)
        case "campaign":
            _delete_campaign(state, command.code)
    state.changed_world()


def _delete_team(state: State, code: str) -> None:
    team = state.teams.need(code)
    if team.no == ROOT_TEAM:
        raise InUse("the root team is the whole organisation")
    if any(other.parent == team.no for other in state.teams) or any(agent.team == team.no for agent in state.agents):
        raise InUse(f"team {code} has agents or teams below it")
    _need_no_leads(state, -team.no, f"team {code}")
    state.teams.drop(team)
    state.record("team", team.no, None)


def _delete_agent(state: State, command: c.Delete) -> None:
    """Its own promised redials are released; everything else that is its own stands in the way."""
    agent = state.agents.need(command.code)
    redials = own_redials(state, agent.no)
    if state.leases.get(agent.no) or state.unresolved.get(agent.no) or any(lead.lease for lead in redials):
        raise InUse(f"agent {agent.code} has leads on screen or unresolved")
    _need_no_leads(state, agent.no, f"agent {agent.code}")
    for lead in redials:
        release(state, lead, "agent_deleted", command.by)
    supersede(state, agent, "agent_deleted")
    state.agents.drop(agent)
    state.record("agent", agent.no, None)


def _need_no_leads(state: State, owner: int, who: str) -> None:
    if any(pool.owner == owner for pool in state.pools.values()):
        raise InUse(f"{who} owns lead pools")
    queued = any(queue.owner == owner and queue.parts and queue.family not in OWN for queue in state.queues.values())
    others = (lead for lead in state.leads.touched() if not is_own(lead))
    if queued or any(lead.owner == owner or (owner < 0 and lead.original_owner == owner) for lead in others):
        raise InUse(f"{who} owns open leads")
    if owner < 0 and any(lead.original_owner == owner for lead in state.leads.touched()):
        raise InUse(f"{who} is the original owner of open leads")


def _delete_campaign(state: State, code: str) -> None:
    campaign = state.campaigns.need(code)
    if any(pool.campaign == campaign.no for pool in state.pools.values()):
        raise InUse(f"campaign {code} has lead pools")
    state.campaigns.drop(campaign)
    state.tallies.pop(campaign.no, None)
    state.drop_gates(campaign.no)
    state.stocks.pop(campaign.no, None)
    state.contacts.follow(state.settings.contact_limits)
    state.record("campaign", campaign.no, None)
    state.record("tally", campaign.no, None)
    for key in [key for key in state.queues if key[0] == campaign.no]:
        queue = state.queues.pop(key)
        if queue in state.own_queues.get(queue.owner, ()):
            state.own_queues[queue.owner].remove(queue)
    for agent in [agent for agent in state.agents if campaign.no in agent.campaigns]:
        _keep_agent(state, replace(agent, campaigns=tuple(no for no in agent.campaigns if no != campaign.no)))


def put_token(state: State, command: c.PutToken) -> Token:
    """Keep a token's hash."""
    agent = state.agents.need(command.agent).no if command.agent is not None else 0
    if (command.role == "agent") is not bool(agent):
        raise Invalid("agent", "goes with role agent, and only with it")
    token = Token(state.next_record(), command.sha256, command.role, agent, state.now_ms)
    state.tokens[token.id] = token
    state.record("token", token.id, token)
    return token


def keep_answer(state: State, command: c.KeepAnswer) -> None:
    """Keep an answer for the store; the engine itself never reads it."""
    state.record("answer", command.answer.key, command.answer)


def delete_token(state: State, command: c.DeleteToken) -> None:
    """Forget a token."""
    if state.tokens.pop(command.id, None) is None:
        raise NotFound("token", command.id)
    state.record("token", command.id, None)
