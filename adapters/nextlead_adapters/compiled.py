"""Whether the engine that runs here is compiled (docs/operating.md); what `compile_engine.py` at the root makes."""

from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from typing import Literal


def engine_form() -> Literal["interpreted", "compiled"]:
    """Which of the two an `import` of the engine gives. Imports nothing of it but the packages that it is in."""
    spec = find_spec("nextlead.core.state")
    assert spec is not None
    assert spec.origin is not None
    return "compiled" if spec.origin.endswith(tuple(EXTENSION_SUFFIXES)) else "interpreted"
