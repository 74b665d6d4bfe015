"""Why this lead, why not that one, when then: answers (SPEC 14)."""

from typing import Annotated

from msgspec import Meta

from nextlead.core.replies import Check, Explanation, Idle, IdleAgents, IdleCampaign

from .setup_shapes import Code
from .table import Body, View
from .values import Moment, moment


class ExplainQuery(Body):
    """For whom. An agent's own token may leave it out."""

    agent: Annotated[Code | None, Meta(description="For whom; only an agent's own token may leave it out.")] = None


class RuleView(View):
    """What one rule says. `until` is when it stops blocking; null when it does not block, or time won't end that."""

    rule: str
    name: str
    passed: bool
    value: str
    until: Moment | None


class ExplanationView(View):
    """Every rule that bears on a lead for an agent (SPEC R14.2).

    `eligible_at` is now for a lead that passes all of them, null if time alone won't make it so. `rank` is that of its
    class now, or of the one it will have when it is due; null for a lead that has none.
    """

    lead: int
    agent: str
    eligible: bool
    eligible_at: Moment | None
    rank: int | None
    checks: tuple[RuleView, ...]


class IdleView(View):
    """Open leads by the first rule that keeps each from the agent (SPEC R14.3).

    They are those of the campaigns that it chose, and its own redials of others. `ready` are those that nothing keeps
    from it; `next_at` is when time alone brings the next one: now if one is ready, null if it brings none. The keys of
    `blocked`, in the order in which the rules are asked: `campaign`, `inactive_pool`, `other_owner`, `unresolved`,
    `pending_validation`, `leased`, `number_leased`, `not_due`, `calling_hours`, `contact_limit`, `cancel_pause`,
    `max_unresolved`, `reserved`; one that keeps no lead back is left out.
    """

    agent: str
    blocked: dict[str, int]
    ready: int
    next_at: Moment | None


class IdleCampaignView(View):
    """Open leads of a campaign by the first rule that keeps each from every agent; `ready` pass all of those."""

    campaign: str
    blocked: dict[str, int]
    ready: int
    next_at: Moment | None


class IdleAgentsView(View):
    """All campaigns, and all agents with a session who hold no lease; `waiting` are those whose `next` waits."""

    campaigns: tuple[IdleCampaignView, ...]
    agents: tuple[IdleView, ...]
    waiting: tuple[str, ...]


class NoLeadView(View):
    """The answer of a `next` that has no lead and was asked to explain."""

    why_idle: IdleView


def explanation_view(found: Explanation) -> ExplanationView:
    """An explanation."""
    checks = tuple(map(_check_view, found.checks))
    return ExplanationView(
        found.lead, found.agent, found.eligible, moment(found.eligible_ms), found.rank or None, checks
    )


def _check_view(check: Check) -> RuleView:
    return RuleView(check.rule, check.name, check.passed, check.value, moment(check.until_ms))


def idle_view(idle: Idle) -> IdleView:
    """Why one agent gets nothing."""
    return IdleView(idle.agent, idle.blocked, idle.ready, moment(idle.next_ms))


def _campaign_view(idle: IdleCampaign) -> IdleCampaignView:
    return IdleCampaignView(idle.campaign, idle.blocked, idle.ready, moment(idle.next_ms))


def idle_agents_view(found: IdleAgents) -> IdleAgentsView:
    """The same for everybody."""
    return IdleAgentsView(
        tuple(map(_campaign_view, found.campaigns)), tuple(map(idle_view, found.agents)), found.waiting
    )
