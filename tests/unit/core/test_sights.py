"""What agents see is kept, and what they saw before is not."""

from unit.core.centre import Centre

from nextlead.core.commands import PutSession
from nextlead.core.sight import Sight


def seen_by(centre: Centre) -> set[int]:
    """Every sight that somebody holds on to, by identity."""
    state = centre.engine.state
    found: list[Sight] = [*state.sights.values(), *(sight for viewers in state.viewers.values() for sight in viewers)]
    return {id(sight) for sight in found}


def test_a_sight_is_let_go_when_the_set_up_changes() -> None:
    centre = Centre()
    centre.load(12125550100)
    for _ in range(5):
        for agent in ("a", "b"):
            centre(PutSession(agent=agent, campaigns=("c1",)))
        centre.ask("a")
        centre.ask("b")
    state = centre.engine.state
    assert seen_by(centre) == {id(sight) for sight in state.sights.values()}
    assert {len(viewers) for viewers in state.viewers.values()} <= {1, 2}, "each agent once"
