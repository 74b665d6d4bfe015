"""The compiled engine does what the sources say: the same replies, changes, refusals and days, byte for byte.

It comes from a wheel, as it is shipped but not optimised: the same code, compiled in half of the time.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from compile_engine import MODULES
from conftest import ROOT, environment

from nextlead_adapters.compiled import engine_form

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(engine_form() == "compiled", reason="there is no interpreted engine to compare it with"),
]

CALLS = Path(__file__).with_name("calls.py")
SEEDS = ("simulate", "--seed", "11", "--seeds", "3", "--days", "0.2", "--jobs", "1", "--json")


@pytest.fixture
def roots(tmp_path: Path) -> dict[str, list[Path]]:
    """Where the packages lie, by form: in the checkout, and in a wheel that is unpacked."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        pytest.skip(f"a C compiler compiles the engine, and there is no {compiler} (Debian: apt install gcc)")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("Python's headers are missing, by which the engine is compiled (Debian: apt install python3-dev)")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=ROOT, env=environment(HATCH_BUILD_HOOKS_ENABLE="1", MYPYC_OPT_LEVEL="0"),
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    [wheel] = tmp_path.glob("nextlead-*.whl")
    assert not wheel.name.endswith("-any.whl"), "it is for this machine only"
    shutil.unpack_archive(wheel, tmp_path / "unpacked", "zip")
    return {"interpreted": [ROOT / "engine", ROOT / "adapters"], "compiled": [tmp_path / "unpacked"]}


def test_it_does_what_the_sources_say(roots: dict[str, list[Path]]) -> None:
    """One test, so that it is built once, whoever runs the tests of this file."""
    all_of_it_is_compiled(roots)
    same_replies_changes_and_refusals(roots)
    same_days_when_everything_goes_wrong(roots)


def all_of_it_is_compiled(roots: dict[str, list[Path]]) -> None:
    said = by_form(roots, Path(__file__).with_name("files.py"))
    for form, [root, *_] in roots.items():
        told = json.loads(said[form])
        assert told["form"] == form
        suffix = ".py" if form == "interpreted" else sysconfig.get_config_var("EXT_SUFFIX")
        assert told["files"] == [str(root / "nextlead" / "core" / module) + suffix for module in MODULES]


def same_replies_changes_and_refusals(roots: dict[str, list[Path]]) -> None:
    scenes: dict[str, dict[str, Any]] = {form: json.loads(said) for form, said in by_form(roots, CALLS).items()}
    assert scenes["compiled"] == scenes["interpreted"]
    counts: Counter[str] = Counter()
    for scene in scenes["compiled"].values():
        assert scene["problems"] == []
        counts.update(scene["counts"])
    assert counts.keys() >= {"Offer", "Finished", "NoLead", "Lead", "Explanation", "Idle", "Campaign", "Agent"}
    assert counts.keys() >= {"LeaseEnded", "UnknownLease", "WrongStatus", "NotFound", "NotAllowed", "Leased"}
    assert max(scene["ranks"] for scene in scenes["compiled"].values()) > 7, "redials of all classes must be among them"


def same_days_when_everything_goes_wrong(roots: dict[str, list[Path]]) -> None:
    said = by_form(roots, "-m", "nextlead_adapters.cli", *SEEDS)
    assert said["compiled"] == said["interpreted"]
    told = json.loads(said["compiled"])
    assert (len(told["digests"]), told["failures"]) == (3, [])


def by_form(roots: dict[str, list[Path]], *arguments: str | Path) -> dict[str, str]:
    """What a program prints on each engine; both run at once."""
    running = {
        form: subprocess.Popen(
            [sys.executable, *arguments],
            env=environment(PYTHONPATH=os.pathsep.join(map(str, (*found, ROOT))), PYTHONHASHSEED="0"),
            stdout=subprocess.PIPE,
            text=True,
        )
        for form, found in roots.items()
    }
    said = {form: process.communicate()[0] for form, process in running.items()}
    assert [process.returncode for process in running.values()] == [0, 0], said
    return said
