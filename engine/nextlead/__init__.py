"""nextlead: a dialer scheduling engine. A real list in, the right lead out, nothing lost.

`Engine` is the pure engine: no I/O, no clock, time is an argument. `open_dialer` opens the asynchronous dialer over a
store: what the daemon itself uses. Both are loaded when first asked for, so that the engine alone pulls in no adapter.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextlead_adapters.bootstrap import open_dialer

    from .core.engine import Engine

__all__ = ["Engine", "open_dialer"]

_HOMES = {"Engine": "nextlead.core.engine", "open_dialer": "nextlead_adapters.bootstrap"}


def __getattr__(name: str) -> object:
    """Import what was asked for; guarded by `tests/cli/test_lazy.py`."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
