"""Small C libraries that stand between a process and the system (`LD_PRELOAD`), compiled when a test asks for one."""

import shutil
import subprocess
from pathlib import Path

import pytest


def shim(source: str, folder: Path) -> str:
    """The library made of `source`, a file beside this one; it is put into `folder`. Skips where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler here: install gcc (Debian: apt-get install gcc libc6-dev)")
    made = folder / Path(source).with_suffix(".so").name
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(made)]
    command += [str(Path(__file__).with_name(source)), "-ldl", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return str(made)
