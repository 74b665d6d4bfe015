"""Stand-ins for tests, of this project and of those who build on it: they pass the same suite as the real parts.

The reference model is loaded when first asked for: the dialer itself uses the memory store, and no model.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .faulty_store import Died, FaultyStore
from .memory_database import MemoryDatabase
from .memory_store import MemoryStore

if TYPE_CHECKING:
    from .reference import ReferenceModel

__all__ = ["Died", "FaultyStore", "MemoryDatabase", "MemoryStore", "ReferenceModel"]


def __getattr__(name: str) -> object:
    """Import what was asked for; guarded by `tests/cli/test_lazy.py`."""
    if name != "ReferenceModel":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(".reference", __name__).ReferenceModel
