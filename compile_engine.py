"""Compiles the hot part of the engine with mypyc: an option of the build, off by default (docs/operating.md).

`HATCH_BUILD_HOOKS_ENABLE=1 pip install .` puts shared libraries beside the modules; `make compiled` does so in a
checkout. Python takes a library before the module of the same name; it does what the source says, only faster.
"""

import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns, move
from tempfile import TemporaryDirectory
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES: Final = Path(__file__).resolve().parent / "engine"

# What every `next` and `finish` runs through. mypyc calls a function directly only from modules that it compiles
# together, so what these call all the time is here too; more than these takes longer to compile and is hardly faster.
# Classes that inherit from one another are all here or none of them is: the two kinds do not mix. So `engine`, whose
# class people may inherit from, is not.
MODULES: Final = (
    "awake",
    "calling_hours",
    "choose",
    "conditions",
    "contacts",
    "counts",
    "deadlines",
    "firing",
    "footprints",
    "fresh",
    "glance",
    "keys",
    "leads",
    "leases",
    "lifetimes",
    "order",
    "outcomes",
    "pages",
    "places",
    "queues",
    "redials",
    "sight",
    "state",
    "stock",
    "timers",
    "tokens",
    "transitions",
    "work",
)

# Whether types are right is for `make lint`. The package names the adapters for type checkers; the engine needs none.
_MYPY: Final = "[mypy]\n[mypy-nextlead_adapters.*]\nfollow_imports = skip\nignore_missing_imports = True\n"


def compile_engine(root: Path) -> list[Path]:
    """Put the libraries into `root` as they lie beside the modules in a root of sources; where they are now.

    `MYPYC_OPT_LEVEL` is that of the C compiler (default 3). Raises `RuntimeError` when it can't be done.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        # Compiled from here, tracebacks name `nextlead/core/...`, which Python finds wherever it is installed.
        copytree(SOURCES / "nextlead", folder / "nextlead", ignore=ignore_patterns("*.so", "__pycache__"))
        (folder / "mypy.ini").write_text(_MYPY, encoding="utf-8")
        files = [f"nextlead/core/{module}.py" for module in MODULES]
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "mypyc", "--config-file=mypy.ini", *files],
            cwd=folder,
            env={"MYPYC_DEBUG_LEVEL": "0", **os.environ},
            check=False,
        )
        if done.returncode:
            raise RuntimeError("mypyc failed; it needs a C compiler and Python's headers (Debian: gcc, python3-dev)")
        made = [path.relative_to(folder) for path in folder.rglob("*.so") if "build" not in path.parts]
        for path in made:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            move(folder / path, root / path)
    return [root / path for path in made]


class CompiledEngine(BuildHookInterface[Any]):
    """What Hatch calls when it builds a wheel and the hook is enabled; an editable installation stays interpreted."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and have the libraries put into the wheel, which is for this Python and this machine only then."""
        if version == "editable":
            return
        self._folder = TemporaryDirectory()
        root = Path(self._folder.name)
        build_data["force_include"] |= {str(path): str(path.relative_to(root)) for path in compile_engine(root)}
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """The wheel is written."""
        if version != "editable":
            self._folder.cleanup()


if __name__ == "__main__":
    compile_engine(SOURCES)
