"""What the engine answers about a state (SPEC 14), held against the model and against what it then does."""

from collections import Counter
from typing import Any

from model.driver import Both

from nextlead.core import commands as c
from nextlead.core.replies import Check, Explanation
from nextlead.testing.reference import Lead, Offered, explained, hours, limits, order

NAMES = {
    "pool": "inactive_pool",
    "owner": "other_owner",
    "status": "pending_validation",
    "due": "not_due",
    "reserve_owner": "reserved",
}
"""Rules that R14.3 counts under a name other than their own."""


def workers(both: Both) -> list[str]:
    """Agents who may ask for a lead, and hold none."""
    world = both.model.world
    able = [agent for agent in world.agents.values() if agent.enabled and agent.session is not None]
    return [agent.code for agent in able if len(world.leased_by(agent.code)) < world.settings.leases_per_agent]


def check_all(both: Both, agent: str, chosen: int) -> None:
    """All that can be asked for an agent; when one of the leads can be had, the `chosen` one; then its `next`."""
    found = check_explanations(both, agent)
    check_idle(both, agent, found)
    if found:
        check_eligible(both, found[sorted(found)[chosen % len(found)]])
    check_next(both, agent, found, b"asked by a test.")


# -- explain --------------------------------------------------------------------------------------------------------


def check_explanations(both: Both, agent: str) -> dict[int, Explanation]:
    """R14.2 of every open lead: what fails is what the model says, and so is when that ends."""
    found = {lead.id: both.ask(c.Explain(lead=lead.id, agent=agent)) for lead in both.model.open_leads()}
    for number, explanation in found.items():
        lead = both.model.world.leads[number]
        check_explanation(both, lead, explanation)
    return found


def check_explanation(both: Both, lead: Lead, explanation: Explanation) -> None:
    """One of them."""
    world = both.model.world
    agent = world.agents[explanation.agent]
    ours = {name for name, rule in explained.RULES.items() if not rule(world, lead, agent)}
    failing = {name_of(each) for each in explanation.checks if not each.passed}
    theirs = failing & explained.RULES.keys()
    assert ours == theirs, f"lead {lead.id} for {agent.code}\n  model:  {ours}\n  engine: {theirs}"
    assert explanation.eligible == (not failing) == (not ours)
    assert first_failing(explanation) == explained.blocked_by(world, lead, agent)
    assert explanation.rank == (order.rank(world, lead, world.now_ms) if lead.status in order.FIRST_RANK else 0)
    for each in explanation.checks:
        assert each.value, each
        assert each.until_ms is None or (not each.passed and each.until_ms > world.now_ms), each
        check_until(both, lead, each)


def check_until(both: Both, lead: Lead, said: Check) -> None:
    """When a rule stops blocking."""
    world = both.model.world
    if said.passed:
        return
    match said.name:
        case "due":
            assert said.until_ms == world.due_of(lead), said
        case "calling_hours":
            assert said.until_ms == hours_end(both, lead), said
        case "contact_limit":
            assert said.until_ms == limits.limited_until(world, lead), said


def hours_end(both: Both, lead: Lead) -> int | None:
    """When calling hours stop keeping the lead back; R4.2: a forced redial's don't once it is no longer urgent."""
    world = both.model.world
    opens_ms = hours.next_opening(world, lead, world.now_ms)
    if lead.urgent is None or lead.promise is None or not lead.promise.forced_by:
        return opens_ms
    return lead.urgent.expires_ms if opens_ms is None else min(opens_ms, lead.urgent.expires_ms)


def name_of(check: Check) -> str:
    """The rule's name in R14.3."""
    return NAMES.get(check.name, check.name)


def first_failing(explanation: Explanation) -> str | None:
    """Of R14.3's rules, in the order of the explanation."""
    failing = [name_of(each) for each in explanation.checks if not each.passed]
    return next((name for name in failing if name in explained.RULES), None)


# -- next -----------------------------------------------------------------------------------------------------------


def check_next(both: Both, agent: str, found: dict[int, Explanation], token: bytes) -> None:
    """R14.4: what is offered was explained as eligible, and nothing that was ranks before it; with none, none was."""
    world = both.model.world
    keys = {lead: key_of(both, lead) for lead in found}
    reply = both.do(c.Next(agent=agent, token=token, by=f"agent:{agent}"))
    eligible = sorted((keys[lead], lead) for lead, each in found.items() if each.eligible)
    if not isinstance(reply, Offered):
        assert not eligible, f"explained as eligible, and not offered: {eligible}"
        return
    assert found[reply.lead].eligible, f"offered, and explained as {first_failing(found[reply.lead])}"
    assert eligible[0][1] == reply.lead, f"{eligible[0][1]} ranks before {reply.lead}: {eligible}"
    assert found[reply.lead].rank == reply.rank
    assert world.leads[reply.lead].lease is not None


def key_of(both: Both, lead: int) -> tuple[int, ...]:
    """R2.1, without `new_every` and `weight`."""
    row, world = both.model.world.leads[lead], both.model.world
    if row.status not in order.FIRST_RANK:
        return (99,)
    return order.key(world, row, [], use_pass=False, now_ms=world.now_ms)


# -- when ------------------------------------------------------------------------------------------------------------


def check_eligible(both: Both, explanation: Explanation) -> None:
    """R14.2: nothing earlier in the model; and in the engine it is so, then."""
    world = both.model.world
    expected = explained.eligible_from(world, explanation.lead, explanation.agent)
    told = explanation.eligible_ms
    assert expected == told, f"lead {explanation.lead} for {explanation.agent} (model, engine): {expected} {told}"
    if told is not None:
        then = both.fork()
        then.do(c.Tick(), told)
        assert then.ask(c.Explain(lead=explanation.lead, agent=explanation.agent)).eligible


# -- why idle -------------------------------------------------------------------------------------------------------


def check_idle(both: Both, agent: str, found: dict[int, Explanation]) -> None:
    """R14.3: each open lead once, under its first failing rule; and when the next one comes."""
    world = both.model.world
    idle = both.ask(c.WhyIdle(agent=agent))
    bearing = [lead for lead in both.model.open_leads() if explained.bears_on(lead, world.agents[agent])]
    assert sum(idle.blocked.values()) + idle.ready == len(bearing)
    counts = Counter(first_failing(found[lead.id]) for lead in bearing)
    assert (idle.ready, some(idle.blocked)) == (counts.pop(None, 0), dict(counts)), f"{idle} {counts}"
    expected = explained.why_idle(world, world.agents[agent])
    assert (idle.ready, some(idle.blocked)) == (expected.ready, expected.blocked)
    expected_ms = explained.next_lead_from(world, agent)
    assert idle.next_ms == expected_ms, f"next lead of {agent} (model, engine): {expected_ms} {idle.next_ms}"


def check_all_idle(both: Both) -> None:
    """R14.3 for a supervisor: agents who hold no lead as each is told, and what keeps leads from everybody."""
    world = both.model.world
    everybody = both.ask(c.WhyAllIdle())
    waiting = {waiter.agent for waiter in world.waiters}
    assert set(everybody.waiting) == waiting
    held = {agent for agent in world.agents if world.leased_by(agent)}
    able = {agent.code for agent in world.agents.values() if agent.enabled and agent.session is not None}
    assert {each.agent for each in everybody.agents} == able - held
    for each in everybody.agents:
        assert each == both.ask(c.WhyIdle(agent=each.agent))
    for each in everybody.campaigns:
        expected = explained.campaign_idle(world, each.campaign)
        ours, theirs = (expected.ready, expected.blocked), (each.ready, some(each.blocked))
        assert ours == theirs, f"{each.campaign} (model, engine): {ours} {theirs}"


def some(blocked: dict[str, Any]) -> dict[str, Any]:
    """Without the zeros."""
    return {key: count for key, count in blocked.items() if count}
