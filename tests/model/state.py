"""The whole state of engine and model, compared; and what must be true of any state."""

from typing import Any

from model.counted import compare_campaigns, compare_conditions, compare_filters, same
from model.durable import Durable
from model.histories import compare_history
from model.views import latest_of_engine, latest_of_model, lead_of_engine, lead_of_model
from msgspec import json

from nextlead.core.engine import Engine
from nextlead.core.fresh import follow_shuffle
from nextlead.core.model import DIALABLE, Clones, Lead, Status
from nextlead.core.setup_model import Tally
from nextlead.testing import ReferenceModel
from nextlead.testing.reference import who

NO_TALLY = Tally(0)


def compare_state(model: ReferenceModel, engine: Engine, durable: Durable) -> None:
    """All of it; raises AssertionError with what differs.

    While work goes on in slices only the order and the leases are as if it were done: the order shows in what is
    offered, the leases are compared here.
    """
    check_leases(model, engine)
    check_durable(engine, durable)
    check_partition(model)
    if engine.working:
        return
    compare_leads(model, engine, durable)
    compare_closed(model, durable)
    compare_calls(model, durable)
    compare_history(model, durable)
    compare_agents(model, engine)
    compare_pools(model, engine)
    compare_intake(model, durable)
    compare_counters(model, engine, durable)
    compare_campaigns(model, engine)
    compare_filters(model, engine)
    compare_conditions(model, engine, durable)
    compare_deadline(model, engine)


# -- leads ----------------------------------------------------------------------------------------------------------


def compare_leads(model: ReferenceModel, engine: Engine, durable: Durable) -> None:
    """Every open lead, field by field; a closed or deleted one is not in the engine."""
    now = model.world.now_ms
    for number in range(1, model.world.next_lead):
        lead, row = model.lead(number), engine.lead(number)
        if lead is None or not lead.open:
            assert row is None, f"lead {number} is closed or gone in the model, in the engine it is {row}"
            continue
        assert row is not None, f"lead {number} is open in the model, not in the engine: {durable.leads.get(number)}"
        ours, theirs = lead_of_model(model.world, lead, now), lead_of_engine(engine, row, durable, now)
        differing = {key: (ours[key], theirs.get(key)) for key in ours if ours[key] != theirs.get(key)}
        assert not differing, f"lead {number} (model, engine): {differing}"


def compare_calls(model: ReferenceModel, durable: Durable) -> None:
    """R12.1: the attempts of the last thirty days, on leads' rows and apart from them."""
    since_ms = model.world.now_ms - 30 * 86_400_000
    ours = {
        (each.lead, each.campaign, each.number, each.at_ms, each.talked_ms or 0)
        for each in model.world.attempts
        if each.at_ms > since_ms
    }
    same("attempts", sorted(ours), sorted({call for call in durable.calls() if call[3] > since_ms}))


def compare_closed(model: ReferenceModel, durable: Durable) -> None:
    """R1.2: closure set exactly when closed; what the archive keeps of a closed lead."""
    for number, row in durable.leads.items():
        assert (row.closure is None) == (row.status is not Status.CLOSED)
        lead = model.lead(number)
        assert lead is not None, f"lead {number} is gone in the model, stored as {row}"
        if not lead.open:
            same(
                f"closed lead {number}",
                (
                    lead.status,
                    lead.closure,
                    lead.attempts,
                    lead.former,
                    lead.erased,
                    lead.numbers,
                    latest_of_model(lead),
                ),
                (
                    row.status,
                    row.closure,
                    row.attempts,
                    row.former,
                    row.erased,
                    kept_numbers(row),
                    latest_of_engine(row, durable),
                ),
            )
            assert row.closed_ms == lead.closed_ms or durable.slice_leads, f"lead {number} closed at {row.closed_ms}"


def kept_numbers(row: Lead) -> list[int]:
    """The numbers that a lead has left."""
    return [number for number in row.numbers if number not in row.dropped]


# -- the rest -------------------------------------------------------------------------------------------------------


def compare_agents(model: ReferenceModel, engine: Engine) -> None:
    """Sessions, permissions, leases, unresolved leads, own redials."""
    same("agents", sorted(model.world.agents), sorted(engine.agents.by_code))
    code = {campaign.no: campaign.code for campaign in engine.campaigns}
    for agent in model.world.agents.values():
        row = engine.agents.by_code[agent.code]
        session = row.session and ([code[no] for no in row.session.campaigns if no in code], row.session.cross)
        theirs: Any = (
            row.enabled,
            sorted(code[no] for no in row.campaigns),
            session,
            engine.teams.by_no[row.team].code,
        )
        chosen = agent.session and (agent.session.campaigns, agent.session.cross)
        same(f"agent {agent.code}", (agent.enabled, sorted(agent.campaigns), chosen, agent.team), theirs)
        held = [lead.id for lead in model.world.leased_by(agent.code)]
        same(f"leases of {agent.code}", held, [offer.lead.id for offer in engine.leases_of(agent.code)])
        locked = [lead for lead in model.open_leads() if lead.unresolved and lead.unresolved.agent == agent.code]
        ours = sorted(lead.id for lead in locked)
        same(f"unresolved of {agent.code}", ours, sorted(lead.id for lead in engine.unresolved_of(agent.code)))
        own = sorted(lead.id for lead in model.open_leads() if lead.held_back and lead.owner == agent.owner)
        same(f"redials of {agent.code}", own, sorted(lead.id for lead in engine.redials_of(agent.code)))
    same("waiting", len(model.world.waiters), engine.waiting)


def compare_pools(model: ReferenceModel, engine: Engine) -> None:
    """State, first activity (R2.2), counts; R9.13: ready, open and leased are exact when read."""
    world = model.world
    same("pools", sorted(world.pools), sorted(engine.pools))
    for pool in world.pools.values():
        row = engine.pools[pool.id]
        ours = (pool.state, pool.first_active_ms or 0, pool.valid, pool.invalid, pool.duplicate)
        same(f"pool {pool.id}", ours, (row.state, row.first_active_ms, row.valid, row.invalid, row.duplicate))
        ages = (pool.loaded_ms or 0, pool.expired_ms or 0, pool.expired_promised, pool.deleted)
        same(f"age of pool {pool.id}", ages, (row.loaded_ms, row.expired_ms, row.expired_promised, row.deleted))
        leads = [lead for lead in world.leads.values() if lead.pool == pool.id]
        ready = sum(who.ready_for_somebody(world, lead, world.now_ms) for lead in leads)
        counts = engine.pool_counts(pool.id, world.now_ms)
        closed: dict[str, int] = {}
        for lead in leads:
            if lead.closure is not None:
                closure = lead.former or lead.closure
                closed[closure] = closed.get(closure, 0) + 1
        opened, leased = sum(lead.open for lead in leads), sum(lead.lease is not None for lead in leads)
        used = sum(lead.shown for lead in leads)
        same(
            f"counts of pool {pool.id}",
            (ready, opened, leased, closed, used),
            (counts.ready, counts.open, counts.leased, counts.closed, counts.used),
        )


def compare_intake(model: ReferenceModel, durable: Durable) -> None:
    """R9.4, R9.8: the rows that are kept, data fields, clones; R10.6: what the store is to erase."""
    world = model.world
    for pool in world.pools.values():
        theirs = sorted(
            (each.row, each.kind, each.lead, each.action)
            for each in durable.rejects.get(pool.id, [])
            if each.kind != "log"
        )
        same(f"rejects of pool {pool.id}", sorted(pool.rejects), theirs)
    for lead in world.leads.values():
        if not lead.erased:
            same(f"data of lead {lead.id}", lead.data, json.decode(durable.data[lead.id]))
    masters = {lead.master for lead in world.leads.values() if lead.master}
    rows = [row for row in durable.rows.values() if isinstance(row, Clones)]
    same("clones", {each: len(world.clones_of(each)) for each in masters}, {row.master: row.count for row in rows})
    same("to be erased", world.asked, durable.asked)


def ready_by_class(model: ReferenceModel) -> dict[tuple[str, str], int]:
    """R9.13, by campaign and class."""
    world = model.world
    found: dict[tuple[str, str], int] = {}
    for lead in world.leads.values():
        if who.ready_for_somebody(world, lead, world.now_ms):
            key = (lead.campaign, "urgent" if lead.urgent else lead.status.code)
            found[key] = found.get(key, 0) + 1
    return found


def compare_counters(model: ReferenceModel, engine: Engine, durable: Durable) -> None:
    """Leads by campaign and status; do-not-call list; who has a number."""
    ours: dict[tuple[str, str], int] = {}
    for lead in model.open_leads():
        key = (lead.campaign, lead.status.code)
        ours[key] = ours.get(key, 0) + 1
    theirs = {key: count for key, count in engine.counts().items() if count and key[1] != "closed"}
    same("counts", ours, theirs)
    same("ready", ready_by_class(model), {key: n for key, n in engine.ready_counts(model.world.now_ms).items() if n})
    for campaign in model.world.campaigns.values():
        tally = durable.rows.get(("tally", engine.campaigns.by_code[campaign.code].no), NO_TALLY)
        assert isinstance(tally, Tally)
        same(f"counters of {campaign.code}", (campaign.handed, campaign.stride), (tally.handed, tally.stride))
    same("do not call", model.world.blocked, set(engine.blocked))
    same("global do not call", model.world.blocked_globally, set(engine.blocked_globally))
    same("forgotten", {engine.state.digest(number) for number in model.world.forgotten}, set(engine.forgotten))
    for number in {number for lead in model.open_leads() for number in lead.numbers}:
        leads = [lead.id for lead in model.open_leads() if number in lead.numbers]
        same(f"leads with {number}", leads, engine.leads_with_number(number))


def compare_deadline(model: ReferenceModel, engine: Engine) -> None:
    """The engine's next deadline is to come, and not after the first thing that happens by itself."""
    ours, theirs = model.next_deadline_ms(), engine.next_deadline_ms()
    if theirs is not None:
        assert theirs > model.world.now_ms, f"deadline {theirs} is not after now {model.world.now_ms}"
    if ours is not None:
        assert theirs is not None, f"the engine sleeps for ever, at {ours} something happens"
        assert theirs <= ours, f"the engine sleeps until {theirs}, at {ours} something happens"


# -- what is always true --------------------------------------------------------------------------------------------


def open_rows(model: ReferenceModel, engine: Engine) -> list[Lead]:
    """The engine's open leads."""
    found = [engine.lead(number) for number in range(1, model.world.next_lead)]
    return [lead for lead in found if lead is not None]


def check_leases(model: ReferenceModel, engine: Engine) -> None:
    """R5.4, R3.6, R3.7: nobody holds a lead twice or too many, nobody a lead whose number another holds."""
    leased = [lead for lead in open_rows(model, engine) if lead.lease is not None]
    tokens = [lead.lease.token for lead in leased if lead.lease is not None]
    assert len(tokens) == len(set(tokens)), "two leases with one token"
    numbers = [number for lead in leased for number in lead.numbers if number not in lead.dropped]
    assert len(numbers) == len(set(numbers)), "two leased leads share a number (R3.7)"
    assert engine.leases == len(leased)


def check_durable(engine: Engine, durable: Durable) -> None:
    """What is in memory is what was written."""
    for number, row in durable.leads.items():
        if row.status is not Status.CLOSED:
            expected = follow_shuffle(row, engine.pools[row.pool])
            assert engine.lead(number) == expected, f"lead {number}: in memory {engine.lead(number)}, written {row}"
    for agent in engine.agents:
        assert durable.rows["agent", agent.no] == agent
    for campaign in engine.campaigns:
        assert durable.rows["campaign", campaign.no] == campaign
    for pool in engine.pools.values():
        assert durable.rows["pool", pool.id] == pool
    assert durable.rows.get(("settings", 0), engine.settings) == engine.settings
    assert durable.rows["sequences", 0] == engine.sequences


def check_partition(model: ReferenceModel) -> None:
    """Every open lead is in one place only: to be dialled (leased or not), unresolved, or in validation."""
    for lead in model.open_leads():
        locked, waiting = lead.unresolved is not None, lead.status is Status.PENDING_VALIDATION
        assert (lead.status in DIALABLE) + locked + waiting == 1, f"lead {lead.id} is in several places"
        assert lead.lease is None or lead.status in DIALABLE


def check_proof(engine: Engine) -> None:
    """The engine's own proof of its queues, timers and lists; slow."""
    problems = engine.verify()
    assert not problems, problems
