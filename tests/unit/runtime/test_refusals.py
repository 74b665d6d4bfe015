"""Refusals about what is not in memory: the archive knows whether a lead closed or was deleted, and its last lease."""

import pytest
from unit.runtime.centre import Centre, finish

from nextlead.core.commands import ActOnPool, EndLease, Finish, Heartbeat, KeepAnswer, Release, Remove, Take
from nextlead.core.errors import LeaseEnded, NotFound, UnknownLease, WrongStatus
from nextlead.core.model import Answer
from nextlead.core.replies import Finished, Offer
from nextlead.core.tokens import token_text


async def closed_token(centre: Centre) -> str:
    """The token of a lease whose lead has closed; the lead is number 1."""
    offer = await centre.dialer.next("A")
    assert isinstance(offer, Offer)
    assert offer.lead.lease is not None
    await centre.dialer.finish(finish(offer))
    assert centre.dialer.engine.lead(offer.lead.id) is None
    return token_text(offer.lead.id, offer.lead.lease.token)


async def test_the_last_lease_of_a_closed_lead_has_ended(centre: Centre) -> None:  # R1.4, R5.1
    token = await closed_token(centre)
    for command in (Heartbeat(token=token), EndLease(token=token, outcome="cancelled")):
        with pytest.raises(LeaseEnded, match="the lease ended; lead 1 is closed") as refused:
            await centre.dialer.submit(command)
        assert refused.value.facts == {"status": "closed"}
    with pytest.raises(LeaseEnded, match="the lease ended; lead 1 is closed"):
        await centre.dialer.finish(Finish(token=token, outcome="unresolved"))


async def test_another_token_of_a_closed_lead_was_never_there(centre: Centre) -> None:  # R5.1
    await closed_token(centre)
    for token in (token_text(1, bytes(16)), token_text(99, bytes(16)), "nonsense"):
        with pytest.raises(UnknownLease):
            await centre.dialer.submit(Heartbeat(token=token))


async def test_a_closed_lead_is_told_from_a_deleted_one_and_from_none(centre: Centre) -> None:  # R1.4
    submit = centre.dialer.submit
    await submit(Remove(lead=1))
    await submit(ActOnPool(pool=1, action="delete"))
    for command in (Release(lead=1), Take(agent="A", lead=1, token=bytes(16))):
        with pytest.raises(WrongStatus, match="lead 1 is closed"):
            await submit(command)
    for lead in (2, 99):
        for command in (Release(lead=lead), Take(agent="A", lead=lead, token=bytes(16))):
            with pytest.raises(NotFound, match=f"there is no lead {lead}"):
                await submit(command)


# -- a command that goes with another -------------------------------------------------------------------------------


def keeping(key: str) -> KeepAnswer:
    return KeepAnswer(answer=Answer(key, "", 200, b"{}", 0))


async def test_what_follows_from_a_reply_is_in_its_commit(centre: Centre) -> None:
    before = len(centre.store.commits)
    seen: list[object] = []

    def then(reply: object) -> KeepAnswer:
        seen.append(reply)
        return keeping("k")

    reply = await centre.dialer.submit(Remove(lead=1), then)
    assert seen == [reply]
    assert len(centre.store.commits) == before + 1


async def test_a_refusal_has_nothing_that_follows(centre: Centre) -> None:
    with pytest.raises(NotFound):
        await centre.dialer.submit(Remove(lead=99), lambda _: pytest.fail("it was refused"))


async def test_what_follows_from_a_finish_follows_once(centre: Centre) -> None:  # R5.3
    offer = await centre.dialer.next("A")
    assert isinstance(offer, Offer)
    seen: list[Finished] = []
    command = finish(offer, "unreached", cause="busy")
    for _ in range(2):
        await centre.dialer.finish(command, seen.append)
    assert len(seen) == 1
