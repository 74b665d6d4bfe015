"""Stand-ins for tests, of this project and of those who build on it: they pass the same suite as the real parts."""

from .faulty_store import Died, FaultyStore
from .memory_store import MemoryStore
from .reference import ReferenceModel

__all__ = ["Died", "FaultyStore", "MemoryStore", "ReferenceModel"]
