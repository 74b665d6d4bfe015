"""The glance at the best lead never says yes where a rule says no (R14.4)."""

import pytest
from unit.core.centre import MINUTE_MS, NOW_MS, Centre
from unit.core.idle_shop import Shop

from nextlead.core.commands import Block, Command, EditPool
from nextlead.core.glance import passes_at_a_glance
from nextlead.core.model import Lead
from nextlead.core.rules import Context, first_no, rules_but
from nextlead.core.setup_model import Agent
from nextlead.core.sight import sight_of

ASKED = rules_but("agent_enabled", "session", "leases_per_agent")
"""Those that are the command's are asked before there is a lead."""
STEPS = 150
NUMBER = 12125550100


def open_leads(shop: Centre) -> list[Lead]:
    state = shop.engine.state
    ids = {*state.leads.untouched(), *(lead.id for lead in state.leads.touched())}
    return [state.need_lead(lead) for lead in sorted(ids)]


def compare(shop: Centre, agent: Agent) -> tuple[int, int]:
    """How many leads passed at a glance, and how many when the rules were asked."""
    state = shop.engine.state
    sight, context = sight_of(state, agent), Context(state, agent, state.now_ms)
    glances = passes = 0
    for lead in open_leads(shop):
        forbids = first_no(context, lead, ASKED)
        passes += forbids is None
        if passes_at_a_glance(state, sight, agent, lead):
            glances += 1
            assert forbids is None, f"{forbids.name} forbids {lead}"
    return glances, passes


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("seeds", [range(6), range(6, 12)])
def test_what_passes_at_a_glance_passes_every_rule(seeds: range, limited: bool) -> None:
    glances = passes = 0
    for shop in (Shop(seed, limited=limited) for seed in seeds):
        for _ in range(STEPS):
            shop.happen()
            for agent in shop.engine.agents:
                if agent.enabled and agent.session is not None:
                    found = compare(shop, agent)
                    glances, passes = glances + found[0], passes + found[1]
    assert 0 < glances < passes


@pytest.mark.parametrize(
    "command",
    [
        EditPool(pool=1, active_from_ms=NOW_MS + MINUTE_MS),
        EditPool(pool=1, active_until_ms=NOW_MS - MINUTE_MS),
        Block(numbers=(NUMBER,), reason="asked", scope="global"),
    ],
)
def test_what_the_dice_do_not_bring_is_forbidden_too(command: Command) -> None:
    centre = Centre()
    centre.load(NUMBER, NUMBER, NUMBER)
    agent = centre.engine.agents.need("a")
    centre.engine.state.slice_leads = 1  # so that leads of a blocked number are there to be seen
    assert compare(centre, agent) == (3, 3)
    centre(command)
    assert open_leads(centre)
    assert compare(centre, agent) == (0, 0)
