"""The job: the same leads from the same seed, all of them for somebody, or for nobody where a scene says so."""

from collections import Counter

import pytest
from benchmarks.calls import Shift, Tally
from benchmarks.job import START_MS, Centre, Job, Scene, build_engine, make_centre

from nextlead.core.commands import Tick
from nextlead.core.model import FreshLead
from nextlead.core.replies import Offer
from nextlead.core.row import DAY_MS, HOUR_MS
from nextlead_adapters.almanac import LibraryAlmanac

BLOCKING: list[Scene] = ["pools", "due", "owners", "hours", "limits"]


def leads_of(centre: Centre, *, data: bool = False) -> list[FreshLead]:
    return [lead for part in centre.fresh(data=data) for lead in part]


def test_a_seed_makes_the_same_leads_again_and_another_seed_others() -> None:
    leads = leads_of(make_centre(Job(leads=2_000)))
    assert leads == leads_of(make_centre(Job(leads=2_000)))
    others = leads_of(make_centre(Job(leads=2_000, seed=2)))
    assert [lead.owner for lead in leads] != [lead.owner for lead in others]


def test_twenty_pools_over_ten_campaigns_share_all_leads() -> None:
    centre = make_centre(Job(leads=2_003))
    assert [lead.id for lead in leads_of(centre)] == list(range(1, 2_004))
    assert len({pool for pool, _, _, _ in centre.pools}) == 20
    assert len({campaign for _, campaign, _, _ in centre.pools}) == 10
    assert {count for _, _, _, count in centre.pools} <= {100, 101}


def test_agents_are_allowed_three_campaigns_and_every_campaign_has_somebody() -> None:
    engine = build_engine(make_centre(Job(leads=200)))
    at_work = [agent for agent in engine.agents.by_no.values() if agent.session is not None]
    assert len(at_work) == 200
    assert {len(agent.campaigns) for agent in at_work} == {3}
    assert {no for agent in at_work for no in agent.campaigns} == set(engine.campaigns.by_no)


def test_owners_are_mixed_and_somebody_at_work_may_get_each_lead() -> None:
    centre = make_centre(Job(leads=4_000))
    engine = build_engine(centre)
    parents = {team.no: team.parent for team in engine.teams.by_no.values()}
    reached = {
        (campaign, owner)
        for agent in engine.agents.by_no.values()
        if agent.session is not None
        for campaign in agent.campaigns
        for owner in (agent.no, -agent.team, -parents[agent.team], -1)
    }
    leads = [(engine.pools[lead.pool].campaign, lead.owner) for lead in leads_of(centre)]
    assert set(leads) <= reached
    shares = [sum(kind(owner) for _, owner in leads) / len(leads) for kind in (_is_root, _is_agent)]
    assert 0.45 < shares[0] < 0.55
    assert 0.12 < shares[1] < 0.22


def _is_root(owner: int) -> bool:
    return owner == -1


def _is_agent(owner: int) -> bool:
    return owner > 0


def test_some_leads_have_two_numbers_some_share_one_some_have_a_priority() -> None:
    leads = leads_of(make_centre(Job(leads=20_000)))
    numbers = [number for lead in leads for number in lead.numbers]
    assert 1_000 < sum(len(lead.numbers) == 2 for lead in leads) < 1_500
    assert 100 < len(numbers) - len(set(numbers)) < 220
    assert 1_000 < sum(lead.priority > 0 for lead in leads) < 1_500
    assert {lead.priority for lead in leads} == set(range(10))


def test_leads_are_in_four_zones_as_their_numbers_are() -> None:  # TARGETS: hours in 4 zones
    centre = make_centre(Job(leads=2_000))
    engine, almanac = build_engine(centre), LibraryAlmanac()
    counts = Counter[tuple[str, ...]]()
    for lead in leads_of(centre):
        zones = engine.zone_sets[lead.zones].zones
        counts[zones] += 1
        assert {almanac.zones_of(number) for number in lead.numbers} == {zones}
    assert set(counts) == {
        ("America/New_York",),
        ("America/Chicago",),
        ("America/Denver",),
        ("America/Los_Angeles",),
    }
    assert all(490 < count < 510 for count in counts.values())


def test_all_zones_are_open_for_seventeen_hours_and_some_always() -> None:  # TARGETS: hours in 4 zones
    engine = build_engine(make_centre(Job(leads=200)))
    campaign = engine.campaigns.need("c0")
    spans = []
    for hour in range(5 * 24):
        at_ms = START_MS + hour * HOUR_MS
        calendars = [engine.state.calendar(campaign.no, zones) for zones in (1, 2, 3, 4)]
        spans.append([calendar.at(at_ms).open for calendar in calendars if calendar is not None])
    assert spans[:17] == [[True] * 4] * 17
    assert spans[17] == [False, True, True, True]
    assert min(sum(open_now) for open_now in spans) == 2


def test_data_is_there_when_a_store_is_to_be_filled() -> None:
    centre = make_centre(Job(leads=200))
    assert all(not lead.data for lead in leads_of(centre))
    assert all(lead.data.startswith(b'{"name":') for lead in leads_of(centre, data=True))


@pytest.mark.parametrize("scene", ["plain", "free", *BLOCKING])
def test_an_engine_with_the_job_is_sound(scene: Scene) -> None:
    engine = build_engine(make_centre(Job(leads=400, agents=20, scene=scene)))
    assert sum(engine.counts().values()) == 400
    assert engine.verify() == []


@pytest.mark.parametrize("scene", BLOCKING)
def test_nine_of_ten_leads_are_offered_to_nobody(scene: Scene) -> None:
    centre = make_centre(Job(leads=1_000, agents=20, scene=scene))
    offered = all_offered(centre, turns=400)
    small_pools = centre.pools[1::2]
    open_leads = {lead for _, _, first, count in small_pools for lead in range(first, first + count)}
    assert len(open_leads) == 100
    assert 50 < len(offered) <= 100
    assert offered <= open_leads


@pytest.mark.parametrize(
    ("scene", "still_ms", "over_ms"), [("hours", 7 * HOUR_MS - 1, 7 * HOUR_MS), ("limits", 4 * DAY_MS - 1, 5 * DAY_MS)]
)
def test_blocked_leads_come_when_what_blocks_them_ends(scene: Scene, still_ms: int, over_ms: int) -> None:
    """So nothing else keeps them back, and the scene shows what it says."""
    centre = make_centre(Job(leads=1_000, agents=20, scene=scene))
    engine = build_engine(centre)
    pool = centre.pools[0][0]
    for after_ms, ready in ((0, 0), (still_ms, 0), (over_ms, 90)):
        engine.apply(Tick(), START_MS + after_ms)
        assert engine.pool_counts(pool, START_MS + after_ms).ready == ready


def test_the_run_they_are_compared_with_blocks_none() -> None:
    centre = make_centre(Job(leads=1_000, agents=20, scene="free"))
    assert len(all_offered(centre, turns=400)) == 400


def all_offered(centre: Centre, turns: int) -> set[int]:
    """Leads that were offered in so many turns of all agents."""
    engine = build_engine(centre)
    shift, tally, offered = Shift(engine, centre.job), Tally(), set[int]()
    for _ in range(turns):
        finish, ask = shift.commands()
        if finish is not None:
            engine.apply(finish, shift.now_ms)
        reply = engine.apply(ask, shift.now_ms).reply
        shift.took(reply, tally)
        if isinstance(reply, Offer):
            offered.add(reply.lead.id)
    return offered
