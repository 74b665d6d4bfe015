"""The asynchronous shell around the engine: clocks, the group-commit writer, waiting agents, the dialer."""

from .clock import ManualClock, SystemClock
from .dialer import Dialer

__all__ = ["Dialer", "ManualClock", "SystemClock"]
