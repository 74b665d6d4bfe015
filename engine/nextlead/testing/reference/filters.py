"""Questions for leads that are saved by name (SPEC R13.4)."""

from nextlead.core.commands import DeleteFilter, PutFilter
from nextlead.core.errors import Conflict, NotFound

from .records import Filter
from .world import World

MOST = 1000


def put_filter(world: World, command: PutFilter) -> None:
    """Made or changed."""
    if command.name not in world.filters and len(world.filters) >= MOST:
        raise Conflict("a thousand filters are there")
    world.filters[command.name] = Filter(command.body, command.description, command.by, world.now_ms)


def delete_filter(world: World, command: DeleteFilter) -> None:
    """Gone."""
    if command.name not in world.filters:
        raise NotFound("filter", command.name)
    del world.filters[command.name]
