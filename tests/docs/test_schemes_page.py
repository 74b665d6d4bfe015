"""`docs/schemes.md` says what the scheme files say, and the scheme that it has people write works in a real daemon."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path

import msgspec
import pytest
from conftest import ROOT, StartNextlead, environment
from docs.test_commands import PRINTED_URL, blocks, tools

from nextlead.core.conditions import Condition
from nextlead.core.model import Status
from nextlead.core.schemes import Shown, shown_as
from nextlead.core.setup_model import Template
from nextlead_adapters.scheme_content import STATUSES
from nextlead_adapters.scheme_files import SchemeError, parse_scheme, shipped_schemes
from nextlead_adapters.scheme_shapes import MappedShape, ResultShape, RulesShape, SchemeShape

PAGE = ROOT / "docs" / "schemes.md"
SCHEMES = list(shipped_schemes().values())
SERVE = "nextlead serve --config nextlead.toml"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def word(shown: Shown) -> str:
    return f"{shown.label} (*ours*)" if shown.ours else shown.label


def statuses() -> str:
    closures = SCHEMES[0].by_closure
    codes = [*(f"`{code}`" for code in STATUSES), *(f"closed: `{code}`" for code in closures)]
    columns = [[word(one) for one in (*(scheme.by_status[code] for code in STATUSES), *map(scheme.by_closure.get, closures))]
               for scheme in SCHEMES]  # fmt: skip
    return table(["in the engine", *(f"`{scheme.name}`" for scheme in SCHEMES)], zip(codes, *columns, strict=True))


def results() -> str:
    rows = []
    for scheme in SCHEMES:
        for result in scheme.results:
            shown = shown_as(scheme, Template(results=scheme.results), Condition(Status.CLOSED, result.code))
            extra = ", do-not-call" if result.do_not_call else ""
            rows.append(
                [f"`{scheme.name}`", f"`{result.code}`", result.label, f"{result.category}{extra}", word(shown)]
            )
        for category, shown in scheme.by_category.items():
            said = word(shown).replace("{label}", "its label")
            rows.append([f"`{scheme.name}`", "one of yours", "", category, said])
    return table(["scheme", "result", "label", "category", "the lead is"], rows)


def rules() -> str:
    (scheme,) = [scheme for scheme in SCHEMES if scheme.by_rule]
    rows = [
        (", ".join(f"`{rule}`" for rule, _ in run), word(shown))
        for shown, run in groupby(scheme.by_rule, lambda r: r[1])
    ]
    return table(["rule", f"`{scheme.name}`"], [*rows, ("any other", word(scheme.by_closure["not_accepted"]))])


def activities() -> str:
    (scheme,) = [scheme for scheme in SCHEMES if scheme.by_activity]
    rows = [(f"`{kind.code}`", word(shown)) for kind, shown in scheme.by_activity.items()]
    over = ", ".join(f"`{code}`" for code in scheme.by_closure if code in scheme.over_activities)
    return table(["latest activity", f"`{scheme.name}`"], rows) + f"\n\nOver activities stand {over}."


@pytest.mark.parametrize("part", [statuses, results, rules, activities])
def test_tables_are_those_of_the_files(part: Callable[[], str]) -> None:
    assert part() in PAGE.read_text(), f"it should have:\n{part()}"


@pytest.mark.parametrize("shape", [SchemeShape, ResultShape, MappedShape, RulesShape])
def test_every_key_of_a_file_is_told(shape: type[msgspec.Struct]) -> None:
    told = PAGE.read_text().partition("## What may stand in a file")[2]
    keys = [field.name for field in msgspec.structs.fields(shape)]
    assert [key for key in keys if not re.search(rf"[`\[]{key}[`\]= ]", told)] == []


# -- the fourth scheme ----------------------------------------------------------------------------------------------
# Its blocks are `bash`, not `sh`: they are for a folder and a daemon of their own, not for the demo.


def steps() -> tuple[list[str], list[str]]:
    """The commands before the daemon is started, and those after."""
    commands = blocks(PAGE, "bash")
    at = commands.index(SERVE)
    return commands[:at], commands[at + 1 :]


def written() -> str:
    found = re.search(r"<<'END'\n(.*?)^END$", blocks(PAGE, "bash")[0], re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture
def paste(tmp_path: Path) -> Callable[..., str]:
    """Run commands of the page in the test's folder; what they print."""
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("the commands need curl and bash")
    path = tools(tmp_path / "bin")

    def run(commands: list[str], url: str = "") -> str:
        script = "\n".join(["set -euo pipefail", *commands]).replace(PRINTED_URL, url or PRINTED_URL)
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=environment(PATH=path), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def test_the_scheme_that_the_page_writes_works(  # R13.1
    start_nextlead: StartNextlead, nextlead: Callable[..., "subprocess.CompletedProcess[str]"],
    paste: Callable[..., str], tmp_path: Path,
) -> None:  # fmt: skip
    before, after = steps()
    assert "schemes/solar.toml: the scheme solar can be used" in paste(before)

    daemon = start_nextlead(*SERVE.split()[1:])
    said = paste(after, daemon.url)
    counted = json.loads(said.splitlines()[-1])
    shown = {row["label"]: row["count"] for row in counted["items"]}
    assert shown == {
        "To call": 1,
        "Not for us: No roof of their own": 1,
        "Not for us: Too far away": 1,
        "Not for us: Asked twice": 1,
    }
    assert all(label in PAGE.read_text().partition("statistics?campaign=roofs")[2] for label in shown)
    assert daemon.stop() == (0, "")

    (tmp_path / "schemes" / "solar.toml").rename(tmp_path / "solar.toml")
    again = nextlead(*SERVE.split()[1:], "--port", "0", cwd=tmp_path)
    assert again.returncode == 1
    assert "campaign roofs has the scheme solar, and there is none of that name" in again.stderr
    assert "Traceback" not in again.stderr
    proved = nextlead("verify", "--config", "nextlead.toml", cwd=tmp_path)
    assert proved.returncode == 1
    assert "campaign roofs has the scheme solar" in proved.stdout

    (tmp_path / "solar.toml").rename(tmp_path / "schemes" / "solar.toml")
    assert nextlead("verify", "--config", "nextlead.toml", cwd=tmp_path).returncode == 0


def test_the_message_that_the_page_shows_is_the_one_that_comes() -> None:
    (said,) = blocks(PAGE, "text")
    lines = [line for line in written().splitlines() if not line.startswith("unresolved =")]
    assert len(lines) == len(written().splitlines()) - 1
    with pytest.raises(SchemeError) as error:
        parse_scheme("\n".join(lines).encode(), "schemes/solar.toml")
    assert str(error.value) == said


def test_the_page_has_nobody_paste_what_a_test_leaves_out() -> None:
    kinds = set(re.findall(r"^```(\w+)$", PAGE.read_text(), re.MULTILINE))
    assert kinds == {"sh", "bash", "text"}
    assert SERVE in blocks(PAGE, "bash")
