"""RESULTS.md is made whole of files of runs."""

from pathlib import Path

import pytest
from benchmarks.files import About, Measured, Outcome, write_file
from benchmarks.plots import OURS, Axis, Plot, by_x
from benchmarks.publish import NotPublished, doubts, publish
from benchmarks.report import at_least, at_most, figure
from msgspec.structs import replace

pytest.importorskip("matplotlib", reason="matplotlib draws the plots: pip install -e '.[dev]'")

ABOUT = About(
    at="2026-01-02T03:04:05+00:00",
    command="python -m benchmarks engine --json engine.json",
    commit="abcdef0123456789",
    changed_files=0,
    machine={"processor": "a processor", "cores": 2, "memory_gib": 24.0, "system": "Linux", "load_average": 0.1},
    versions={"python": "3.11.7"},
)
PLOT = Plot("throughput", "By leads", Axis("leads", "log"), Axis("operations/s"), [by_x(OURS, [(1e5, [2.0])])])
ENGINE = Outcome(
    "engine",
    "The engine alone",
    "none: memory only",
    {},
    [
        figure("T1", "next + finish, 1M", "/s", [140_000, 150_000], at_least(150_000)),
        figure("T10", "longest turn", "ms", [3], at_most(10)),
        figure("T1", "without a target", "us", [1]),
    ],
    plots=[PLOT],
    took_s=1270,
)
DURABLE = Outcome(
    "durable",
    "The dialer",
    "synchronous FULL",
    {},
    [figure("T5", "next p99", "ms", [2], at_most(3))],
    missing=["Redis: redis-server is not installed"],
    warnings=["agents: up to 2 % of `next` found no lead"],
    versions={"PostgreSQL": "16.2"},
)

PAGE = """\
# Results

<!-- Written by `python -m benchmarks publish`. What people wrote stands in `commentary/`: change it there. -->

What people wrote first.

## How it was measured

- Measured 2026-01-02T03:04:05+00:00, commit `abcdef0123`, load 0.1 before it began, by `python -m benchmarks engine --json engine.json`.
- Measured 2026-01-02T03:04:05+00:00, commit `abcdef0123`, load 0.1 before it began, by `python -m benchmarks durable`.

Machine: a processor, 2 cores, 24.0 GiB; Linux.
Versions: python 3.11.7.

The same again, from the root of a checkout:

```sh
python -m benchmarks engine --json engine.json
python -m benchmarks durable
```

## Targets

2 of 3 figures with a target meet it.

| | what | measured | target | met |
| --- | --- | ---: | ---: | --- |
| T1 | next + finish, 1M | 145,000 /s | >= 150,000 | **no** |
| T5 | next p99 | 2.00 ms | <= 3 | yes |
| T10 | longest turn | 3.00 ms | <= 10 | yes |

## engine

The engine alone; 21 min.

Durability: none: memory only.

It is fast because.

![By leads](plots/engine-throughput.svg)

| | what | median | least | greatest | unit | target | met |
| --- | --- | ---: | ---: | ---: | --- | --- | --- |
| T1 | next + finish, 1M | 145,000 | 140,000 | 150,000 | /s | >= 150,000 | **no** |
| T10 | longest turn | 3.00 | 3.00 | 3.00 | ms | <= 10 | yes |
| T1 | without a target | 1.00 | 1.00 | 1.00 | us |  |  |

## durable

The dialer; 1 min.

Durability: synchronous FULL.
Beside it: PostgreSQL 16.2.
Not run: Redis: redis-server is not installed.
Note: agents: up to 2 % of `next` found no lead.

| | what | median | least | greatest | unit | target | met |
| --- | --- | ---: | ---: | ---: | --- | --- | --- |
| T5 | next p99 | 2.00 | 2.00 | 2.00 | ms | <= 3 | yes |
"""


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    durable, engine = tmp_path / "durable.json", tmp_path / "engine.json"
    write_file(engine, Measured(ABOUT, [ENGINE]))
    write_file(durable, Measured(replace(ABOUT, command="python -m benchmarks durable"), [DURABLE]))
    return [engine, durable]


def test_the_page_is_made_whole(files: list[Path], tmp_path: Path) -> None:
    commentary, page = tmp_path / "commentary", tmp_path / "RESULTS.md"
    commentary.mkdir()
    (commentary / "README.md").write_text("What people wrote first.\n", encoding="utf-8")
    (commentary / "engine.md").write_text("It is fast because.\n", encoding="utf-8")
    page.write_text("what an older run said", encoding="utf-8")
    old = tmp_path / "plots" / "engine-of-long-ago.svg"
    old.parent.mkdir()
    old.touch()
    (old.parent / "somebody.png").touch()
    written = publish(files, page, ("engine", "durable"), commentary)
    assert page.read_text(encoding="utf-8") == PAGE
    names = ["engine-throughput.png", "engine-throughput.svg"]
    found = sorted(path.name for path in old.parent.iterdir())
    assert found == [*names, "somebody.png"], "what an older run drew is gone, and nothing else"
    assert sorted(written) == sorted([page, *(old.parent / name for name in names)])


def test_runs_on_two_machines_each_say_on_which(files: list[Path], tmp_path: Path) -> None:
    other = replace(ABOUT, machine=ABOUT.machine | {"processor": "another"}, command="python -m benchmarks durable")
    write_file(files[1], Measured(other, [DURABLE]))
    publish(files, tmp_path / "RESULTS.md", ())
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    for processor in ("a processor", "another"):
        assert f"Machine: {processor}, 2 cores" in text


def test_a_scenario_is_published_from_one_file_only(files: list[Path], tmp_path: Path) -> None:
    with pytest.raises(NotPublished, match="two of the files have engine"):
        publish([files[0], *files], tmp_path / "RESULTS.md", ())
    assert not (tmp_path / "RESULTS.md").exists()


def test_runs_that_do_not_belong_together_say_so(files: list[Path], tmp_path: Path) -> None:
    few = replace(ENGINE, repetitions={"speed 1M": [{"x": 1.0}] * 4}, plots=[])
    busy = replace(ABOUT, machine=ABOUT.machine | {"load_average": 1.5}, commit="fedcba9876543210", changed_files=2)
    write_file(files[0], Measured(busy, [few]))
    publish(files, tmp_path / "RESULTS.md", ())
    said = [line for line in (tmp_path / "RESULTS.md").read_text(encoding="utf-8").splitlines() if line[:4] == "- **"]
    assert said == [
        "- **The files are of different commits: fedcba9876, abcdef0123.**",
        "- **The run of engine was of a checkout with changes that are not in commit fedcba9876.**",
        "- **The machine was busy before the run of engine: load 1.5 on 2 cores.**",
        "- **Engine was run 4 times only.**",
    ]


@pytest.mark.parametrize("name", ["week", "freshness"])
def test_what_is_run_once_is_no_doubt(files: list[Path], name: str) -> None:
    once = replace(ENGINE, scenario=name, repetitions={"a step": [{"x": 1.0}]})
    assert doubts([Measured(ABOUT, [once])]) == []
