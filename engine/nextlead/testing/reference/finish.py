"""`finish` and `resolve`: what an agent says happened (SPEC 5, 7)."""

from nextlead.core.commands import Finish, Resolve
from nextlead.core.errors import Invalid, Leased, LeaseEnded, NotAllowed, WrongStatus
from nextlead.core.tokens import parse_token

from .answers import Done, Offered
from .leases import again, leased_lead
from .outcomes import Said, end, settle
from .world import World


def finish(world: World, command: Finish) -> Done:
    """R5.3: the outcome of a call, once; told by the agent unless somebody is named. R5.8's next lead comes later."""
    try:
        lead, held = leased_lead(world, command.token)
    except LeaseEnded:
        return repeated(world, command)
    number = held.number if command.number is None else command.number
    if number not in lead.numbers:
        raise Invalid("number", "not a number of the lead")
    agent = world.agents[held.agent]
    said = Said(
        command.outcome,
        agent.owner if command.by == "system" else command.by,
        agent,
        number,
        command.result,
        command.kind,
        command.at_ms,
        command.force,
        command.cause,
        command.digest,
    )
    return end(world, lead, said)


def repeated(world: World, command: Finish) -> Done:
    """R5.3: the same finish again gets the first answer until the lead is leased again; anything else is a conflict."""
    number, token = parse_token(command.token)
    lead = world.leads[number]
    same = lead.last_token == token and lead.tokens[token] == command.digest and command.digest != 0
    if lead.lease is None and same:
        return Done(lead.id, nearby=lead.last_nearby, next=leased_with(world, command.next_token), repeated=True)
    raise LeaseEnded


def leased_with(world: World, token: bytes | None) -> Offered | None:
    """The lease of that token, if it is out."""
    for lead in world.leads.values():
        if lead.lease is not None and lead.lease.token == token:
            return again(world, lead)
    return None


def resolve(world: World, command: Resolve) -> Done:
    """R7.5: settle an unresolved lead; counts no attempt. A supervisor acts for the agent it is locked to (R7.4)."""
    lead = world.lead(command.lead)
    if lead.lease is not None:
        raise Leased
    if lead.unresolved is None:
        raise WrongStatus(lead.status.code)
    if command.agent is not None and world.agent(command.agent).code != lead.unresolved.agent:
        raise NotAllowed
    said = Said(
        command.outcome,
        command.by,
        world.agents[lead.unresolved.agent],
        lead.number,
        command.result,
        command.kind,
        command.at_ms,
        command.force,
        command.cause,
        asks=command.agent is not None,
    )
    return settle(world, lead, said)
