"""`python -m nextlead_adapters.cli`: the same as `nextlead`."""

from .main import run

run()
