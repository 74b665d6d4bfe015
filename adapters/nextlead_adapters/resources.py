"""Files that travel with the package: the configuration, the sample list, rule packs, status schemes.

In a wheel they lie in `nextlead_adapters/_data`; in a checkout they are the `config` folder of the repository itself.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def resource(name: str) -> Traversable:
    """A file or folder by its path under `config`, `sample/leads.csv` for one. Raises `FileNotFoundError`."""
    for root in (files("nextlead_adapters") / "_data", Path(__file__).resolve().parents[2] / "config"):
        found = root.joinpath(*name.split("/"))
        if found.is_file() or found.is_dir():
            return found
    raise FileNotFoundError(f"{name} did not come with this installation of nextlead")
