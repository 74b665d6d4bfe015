"""Questions for leads that are saved by name: smart lists (SPEC R13.4). What they ask is the faces' affair."""

from .commands import DeleteFilter, PutFilter
from .errors import Conflict, Invalid, NotFound
from .model import SavedFilter
from .settings_check import check_code
from .state import State

FILTERS_MOST = 1000


def put_filter(state: State, command: PutFilter) -> SavedFilter:
    """Make or change one."""
    check_code(command.name, "name")
    if command.name != command.name.strip():
        raise Invalid("name", "must not begin or end with a space")
    if command.name not in state.filters and len(state.filters) >= FILTERS_MOST:
        raise Conflict(f"there are {FILTERS_MOST} saved filters already")
    row = SavedFilter(command.name, command.body, command.description, command.by, state.now_ms)
    state.filters[row.name] = row
    state.record("filter", row.name, row)
    return row


def delete_filter(state: State, command: DeleteFilter) -> None:
    """Forget one."""
    if state.filters.pop(command.name, None) is None:
        raise NotFound("filter", command.name)
    state.record("filter", command.name, None)
