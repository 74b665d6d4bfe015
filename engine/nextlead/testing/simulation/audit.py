"""Checks of a moment in which all is durable and nothing is under way: memory, disk and order are as they should."""

from collections.abc import Sequence
from random import Random

from nextlead.core import commands as c
from nextlead.core.almanac import Almanac
from nextlead.core.engine import Engine
from nextlead.core.errors import NextleadError
from nextlead.core.leases import priority_of_lead
from nextlead.core.replies import Explanation, Offer
from nextlead.core.rules import due_ms_of
from nextlead.core.setup_model import Dialer
from nextlead.core.verify import differences
from nextlead.testing.memory_store import MemoryStore

from .laws import Laws
from .record import Record
from .violation import need

_ALL = 1 << 62
LATE_MS = 2_000
"""By how much an alarm may be late: a process that has just woken up looks at the time within that."""


async def twin_of(disk: MemoryStore, engine: Engine, almanac: Almanac, now_ms: int) -> Engine:
    """Another engine, from what is on the disk, at this moment. Nothing may be due."""
    twin = Engine(engine.state.secret, almanac, engine.schemes)
    twin.state.slice_leads = engine.state.slice_leads
    async for part in disk.load():  # in one go: nobody may do anything meanwhile
        for table, row in part.rows:
            twin.restore_row(table, row)
        for lead in part.leads:
            twin.restore_lead(lead)
        twin.restore_fresh(part.fresh)
    twin.commit_no = engine.commit_no
    outcome = twin.start(now_ms, now_ms)
    changed = {key for key in outcome.changes.rows if key[0] != "zone_set"} or outcome.changes.leads
    need(not changed, "R5.7", f"a start has something to do, and the engine has not done it: {changed}")
    return twin


def compare_twin(engine: Engine, twin: Engine) -> None:
    """A restart would bring back all that is in memory."""
    found = differences(engine.state, twin.state)
    need(not found, "R5.1", f"a restart would change this: {found[:5]}")
    for lead in range(1, engine.sequences.lead):
        ours, theirs = engine.lead(lead), twin.lead(lead)
        need(ours == theirs, "R5.1", f"lead {lead} is {ours} in memory, and {theirs} after a restart")


def check_proof(engine: Engine) -> None:
    """The engine's own proof of its queues, timers and counters."""
    problems = engine.verify()
    need(not problems, "verify", "; ".join(problems[:5]))


def check_deadline(engine: Engine, now_ms: int) -> None:
    """Nothing that is due was left lying."""
    due_ms = engine.next_deadline_ms()
    need(due_ms is None or due_ms > now_ms - LATE_MS, "R2.7", f"a timer was due at {due_ms} and did not fire")


def check_order(twin: Engine, agents: Sequence[str], dice: Random, now_ms: int) -> None:
    """R14.4: what is offered was explained as eligible, and nothing that was ranks before it."""
    agent = dice.choice(agents)
    eligible = {
        found.lead: found
        for lead in range(1, twin.sequences.lead)
        if twin.lead(lead) is not None and (found := _explained(twin, lead, agent, now_ms)).eligible
    }
    try:
        reply = twin.apply(c.Next(agent=agent, token=dice.randbytes(16)), now_ms).reply
    except NextleadError:
        return
    if not isinstance(reply, Offer):
        need(not eligible, "R14.4", f"{agent} is told {reply}, and could get {sorted(eligible)}")
        return
    if reply.repeated:
        return
    need(reply.lead.id in eligible, "R14.4", f"{agent} is offered lead {reply.lead.id}, which is explained as blocked")
    best = min(_place(twin, found) for found in eligible.values())
    place = _place(twin, eligible[reply.lead.id])
    weighed = {8, 9} >= {best[0], reply.rank} and any(_weighs(each.dialer) for each in twin.campaigns)
    need(
        place == best or weighed,
        "R2.1",
        f"{agent} is offered {place} (class, priority, due, ...), and could get {best}",
    )


def _place(twin: Engine, found: Explanation) -> tuple[int, ...]:
    """R2.1: class, priority, due time, place in the pool, id; R2.6 of urgent ones. As it was before the `next`."""
    lead = twin.lead(found.lead)
    assert lead is not None, "it is open"
    priority = priority_of_lead(twin.state, lead)
    if lead.urgent is not None:
        return (found.rank, lead.urgent.reason, priority, lead.urgent.since_ms, lead.seq, lead.id)
    return (found.rank, priority, due_ms_of(twin.state, lead), lead.seq, lead.id)


def _weighs(dialer: Dialer) -> bool:
    """R2.4, R2.5: the campaign's automatic redials and unprocessed leads come by turns, or by weight."""
    return dialer.new_every is not None or dialer.weight is not None


def _explained(twin: Engine, lead: int, agent: str, now_ms: int) -> Explanation:
    found: Explanation = twin.apply(c.Explain(lead=lead, agent=agent), now_ms).reply
    return found


def check_promises(engine: Engine, now_ms: int) -> None:
    """Every redial ends somewhere: an agent's own waits for its time, or for its release, and both have a timer."""
    for agent in engine.agents:
        for lead in engine.redials_of(agent.code):
            explained = lead.promise is not None and lead.due_ms > 0
            need(explained, "R4.3", f"lead {lead.id} is {agent.code}'s redial, and nobody knows when")
            need(agent.enabled or lead.lease is not None, "R4.6", f"lead {lead.id} is {agent.code}'s, who is disabled")
            dialer = engine.campaigns.by_no[lead.campaign].dialer
            after_ms = dialer.release_private_ms
            if lead.status.code == "vip_redial" and dialer.release_vip_ms != -1:
                after_ms = dialer.release_vip_ms
            active = engine.campaigns.by_no[lead.campaign].active
            if after_ms is None or not active or lead.lease is not None or lead.promise is None:
                continue
            due_ms = lead.promise.at_ms + after_ms
            need(due_ms > now_ms - LATE_MS, "R4.4", f"lead {lead.id} should have been released at {due_ms}")


def check_waiting(engine: Engine, twin: Engine, now_ms: int) -> None:
    """R5.5: nobody waits while there is a lead for him."""
    waiting = Engine.apply(engine, c.WhyAllIdle(), now_ms).reply.waiting
    for agent in waiting:
        idle = twin.apply(c.WhyIdle(agent=agent), now_ms).reply
        need(not idle.ready, "R5.5", f"{agent} waits, and could get {idle.ready} leads")


async def check_disk(disk: MemoryStore, record: Record, laws: Laws) -> None:
    """R5.1, R5.3: the disk has what was committed and nothing else; no lead has vanished; histories are whole."""
    number = await disk.commit_before(_ALL)
    need(number == record.durable, "R5.3", f"the disk has {number} commits, and {record.durable} were acknowledged")
    ours, theirs = [part async for part in record.shadow.load()], [part async for part in disk.load()]
    need(ours == theirs, "R5.3", "the disk has not what was committed")
    happened = await disk.happened(0, number, _ALL)
    need(
        happened == await record.shadow.happened(0, number, _ALL), "R1.3", "the disk has not the history of all commits"
    )
    there = laws.ever - laws.gone
    found = await disk.existing(sorted(laws.ever))
    need(
        found == there, "R9.5", f"leads that vanished: {sorted(there - found)}; that came back: {sorted(found - there)}"
    )
    for lead in sorted(there):
        need(await disk.lead(lead) == await record.shadow.lead(lead), "R5.3", f"lead {lead} is not what was committed")
        events = await disk.history(lead)
        need(
            events == await record.shadow.history(lead), "R1.3", f"the history of lead {lead} is not what was committed"
        )
