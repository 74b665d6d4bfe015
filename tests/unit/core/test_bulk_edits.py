"""One action for many leads (SPEC R10.1): each as if alone, refusals counted."""

import pytest
from unit.core.intake_desk import ANN, BOB, CY, DI, Desk, row

from nextlead.core.commands import Block, EditLeads, PutTeam, Remove
from nextlead.core.errors import Invalid
from nextlead.core.model import Status
from nextlead.core.replies import Bulk
from nextlead.core.setup_model import team_owner


def desk_of_four() -> Desk:
    """Lead 1 a redial of agent a, lead 2 on her screen, lead 3 closed, lead 4 untouched; there is no lead 9."""
    desk = Desk()
    desk.loaded("load", row(1, ANN), row(2, BOB), row(3, CY), row(4, DI))
    desk.promise()
    assert desk.next().lead.id == 2
    desk(Remove(lead=3))
    return desk


ALL = (1, 2, 3, 4, 9, 4)


def test_remove_closes_or_marks() -> None:  # R10.1 R1.5
    desk = desk_of_four()
    assert desk(EditLeads(leads=ALL, action="remove", by="admin")) == Bulk(3, {"wrong_status": 1, "not_found": 1})
    assert [desk.lead(lead).closure for lead in (1, 3, 4)] == ["removed"] * 3
    assert desk.lead(2).mark == "removed"
    assert {event.actor for event in desk.changes.events if event.kind == "removed" and event.lead != 3} == {"admin"}


def test_release_gives_redials_back() -> None:  # R4.6
    desk = desk_of_four()
    reply = desk(EditLeads(leads=ALL, action="release"))
    assert reply == Bulk(1, {"leased": 1, "wrong_status": 2, "not_found": 1})
    promise = desk.lead(1).promise
    assert promise is not None
    assert promise.released_ms == desk.now_ms


def test_priority_is_set_also_on_a_leased_lead() -> None:  # R1.5 R2.3
    desk = desk_of_four()
    assert desk(EditLeads(leads=ALL, action="priority", priority=2)) == Bulk(3, {"wrong_status": 1, "not_found": 1})
    assert [desk.lead(lead).priority for lead in (1, 2, 3, 4)] == [2, 2, 0, 2]


def test_owner_is_not_set_on_a_leased_lead() -> None:  # R1.5
    desk = desk_of_four()
    desk(PutTeam(code="sales"))
    reply = desk(EditLeads(leads=ALL, action="owner", owner="team:sales"))
    assert reply == Bulk(2, {"leased": 1, "wrong_status": 1, "not_found": 1})
    sales = team_owner(desk.engine.teams.by_code["sales"].no)
    assert [desk.lead(lead).owner == sales for lead in (1, 2, 3, 4)] == [True, False, False, True]


def test_reopen_takes_the_rows_of_the_archive() -> None:  # R1.4
    desk = desk_of_four()
    desk(Block(numbers=(DI,)))
    rows = tuple(desk.lead(lead) for lead in (3, 4))
    reply = desk(EditLeads(leads=(*ALL, 3), action="reopen", rows=rows))
    assert reply == Bulk(1, {"wrong_status": 3, "not_found": 1})
    assert desk.lead(3).status is Status.UNPROCESSED
    assert desk(EditLeads(leads=(3,), action="reopen", rows=rows)) == Bulk(0, {"wrong_status": 1})


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (EditLeads(leads=(1, 4), action="priority", priority=1001), "priority"),
        (EditLeads(leads=(1, 4), action="owner", owner="team:nobody"), "owner"),
        (EditLeads(leads=(1, 4), action="owner"), "owner"),
        (EditLeads(leads=(1, 4), action="delete"), "action"),  # type: ignore[arg-type]
    ],
)
def test_what_is_wrong_for_all_is_refused_whole(command: EditLeads, field: str) -> None:
    desk = desk_of_four()
    with pytest.raises(Invalid) as refusal:
        desk(command)
    assert refusal.value.field == field
    assert desk.lead(4).version == 0
