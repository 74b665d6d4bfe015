"""Every rule that bears on one lead for one agent, and when the agent could get it (SPEC R14.2)."""

from typing import Final

from .blocking import drop_at_once
from .commands import Explain
from .model import Lead, Status
from .order import NEVER
from .replies import Check, Explanation
from .rule_words import in_words
from .rules import PASSED, RULES, Context, Rule, due_ms_of, passes_ms, rules_named
from .state import State

_RANKS: Final = {
    # of a class on schedule; one less is the same class overdue
    Status.VIP_REDIAL: 3,
    Status.PRIVATE_REDIAL: 5,
    Status.COMMON_REDIAL: 7,
    Status.AUTOMATIC_REDIAL: 8,
    Status.UNPROCESSED: 9,
}
_REDIALS: Final = frozenset({Status.VIP_REDIAL, Status.PRIVATE_REDIAL, Status.COMMON_REDIAL})

_OF_CLOSED: Final = rules_named(
    "agent_enabled", "session", "leases_per_agent", "campaign", "owner", "status", "do_not_call"
)
"""What makes sense for a lead that is closed: it stands in no order, and its pool may be gone."""


def explain(state: State, command: Explain) -> Explanation:
    """All rules, in their order. `WrongStatus` for a closed lead without its row. O(rules + log n).

    A lead that has left but is not written as closed yet is explained as it stands: by what it leaves for. One that is
    about to lose a blocked number loses it now, as for a `next`.
    """
    agent = state.agents.need(command.agent)
    lead = state.leads.get(command.lead)
    if lead is not None:
        lead = drop_at_once(state, lead)
    else:
        lead = state.need_lead(command.lead) if command.row is None else command.row
    rules = _OF_CLOSED if lead.status is Status.CLOSED else RULES
    context = Context(state, agent, state.now_ms)
    checks = tuple(check(rule, context, lead) for rule in rules)
    eligible = all(found.passed for found in checks)
    eligible_ms = None if lead.status is Status.CLOSED else passes_ms(state, agent, lead, RULES, state.now_ms)
    return Explanation(lead.id, agent.code, eligible, eligible_ms, rank_of(state, lead), checks)


def check(rule: Rule, context: Context, lead: Lead) -> Check:
    """What one rule says."""
    until_ms = rule.verdict(context, lead)
    value = in_words(rule, context, lead, until_ms)
    return Check(rule.number, rule.name, until_ms == PASSED, value, None if until_ms in (PASSED, NEVER) else until_ms)


def rank_of(state: State, lead: Lead) -> int:
    """The rank of the lead's class now, or the one it will have when it is due (SPEC R2.1); 0 if it has none."""
    if lead.status not in _RANKS:
        return 0
    if lead.urgent is not None:
        return 1
    rank = _RANKS[lead.status]
    overdue_after_ms = state.campaigns.by_no[lead.campaign].dialer.overdue_after_ms
    overdue = lead.status in _REDIALS and state.now_ms - due_ms_of(state, lead) > overdue_after_ms
    return rank - 1 if overdue else rank
