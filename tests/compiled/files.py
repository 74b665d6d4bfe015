"""Which engine PYTHONPATH gives, and from which files: as JSON. Run by `test_compiled.py`, once with each engine."""

import json
from importlib import import_module

from compile_engine import MODULES

from nextlead_adapters.compiled import engine_form

if __name__ == "__main__":
    files = [import_module(f"nextlead.core.{module}").__file__ for module in MODULES]
    print(json.dumps({"form": engine_form(), "files": files}))
