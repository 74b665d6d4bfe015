"""The command line: each scenario a command, everything once by `short`, the files that come of it."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks.__main__ import main
from benchmarks.child import ChildFailed, measure
from benchmarks.display import Display, left_text
from benchmarks.engine import Tell
from benchmarks.figures import Result, Runs, column
from benchmarks.files import Measured, Outcome, read_file, write_file
from benchmarks.options import parse, wish_of
from benchmarks.plots import OURS, bar, bar_plot
from benchmarks.report import Figure, at_least, figure
from benchmarks.running import NoDisk, run_scenario
from benchmarks.scenarios import MEASURES, SCENARIOS, engine
from benchmarks.scenarios.base import Option, Scenario, Short, Steps, Task, Wish
from benchmarks.short import in_words, run_short
from benchmarks.surroundings import surroundings
from msgspec.structs import replace
from rich.console import Console

WISH = Wish((200,), 10, 5, seed=7, repeat=2, rivals=("redis", "heaps"))


def display() -> Display:
    return Display(Console(file=io.StringIO(), width=160))


def scenario(**more: Any) -> Scenario:
    def steps(wish: Wish) -> Steps:
        ours = {"ours": Task("it", wish.job(wish.main_size), wish.operations, wish.folder, wish.options)}
        return ours | {name: Task(f"{name}_it", wish.job(wish.main_size), wish.operations) for name in wish.rivals}

    def figures(runs: Runs, wish: Wish) -> list[Figure]:
        return [
            figure("T1", f"{step}, {wish.main_size}", "/s", column(runs, step, "rate"), at_least(5), held=wish.rated)
            for step in runs
        ]

    described: dict[str, Any] = {
        "name": "it",
        "help": "what is tried here",
        "targets": ("T1",),
        "measures": {},
        "steps": steps,
        "figures": figures,
        "rivals": {"heaps": lambda _wish: "", "redis": lambda _wish: "redis-server is not installed"},
        "options": (Option("days", "7", "how long"), Option("mode", "a", "which", ("a", "b"))),
        "short": Short(("300", "400"), "20", seconds=1, options={"days": "1"}),
    }
    return Scenario(**described | more)


def rated(tasks: list[Task]) -> Callable[[Task, Tell], Result]:
    def run(task: Task, tell: Tell) -> Result:
        tell("at work")
        tasks.append(task)
        return {"rate": float(len(tasks))}

    return run


def test_a_scenario_is_run_in_rounds_and_every_repetition_is_kept(tmp_path: Path) -> None:
    tasks: list[Task] = []
    with display() as shown:
        found = run_scenario(scenario(versions=lambda _wish: {"Redis": "7"}), WISH, tmp_path, shown, run=rated(tasks))
    assert [task.measure for task in tasks] == ["it", "heaps_it", "it", "heaps_it"]
    assert found.repetitions == {"ours": [{"rate": 1}, {"rate": 3}], "heaps": [{"rate": 2}, {"rate": 4}]}
    assert found.medians == {"ours": {"rate": 2}, "heaps": {"rate": 3}}
    assert found.missing == ["redis: redis-server is not installed"]
    assert (found.settings["seed"], found.settings["rivals"]) == (7, ("heaps",))
    assert (found.scenario, found.versions, found.durability) == ("it", {"Redis": "7"}, "none: memory only")


def test_rounds_before_one_that_failed_count(tmp_path: Path) -> None:
    tasks: list[Task] = []
    do = rated(tasks)

    def fails_late(task: Task, tell: Tell) -> Result:
        if len(tasks) == 5:
            raise ChildFailed("heaps_it ended with 1")
        return do(task, tell)

    with display() as shown:
        found = run_scenario(scenario(), replace(WISH, repeat=4), tmp_path, shown, run=fails_late)
    assert found.repetitions == {"ours": [{"rate": 1}, {"rate": 3}], "heaps": [{"rate": 2}, {"rate": 4}]}
    assert found.failed == "heaps_it ended with 1 in round 3 of 4: figures are of the rounds before it"
    assert found.failed in found.warnings


def test_what_is_durable_gets_a_folder_on_a_disk_or_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks: list[Task] = []
    durable = scenario(on_disk=True, rivals={}, durability="each commit synced")
    monkeypatch.setattr("benchmarks.running.is_volatile", lambda _folder: False)
    with display() as shown:
        found = run_scenario(durable, replace(WISH, rivals=()), tmp_path / "new", shown, run=rated(tasks))
    assert Path(tasks[0].folder).parent == tmp_path / "new"
    assert not Path(tasks[0].folder).exists(), "the folder is gone afterwards"
    assert found.durability.startswith("each commit synced; ")
    assert found.settings["folder"] == ""
    monkeypatch.setattr("benchmarks.running.is_volatile", lambda _folder: True)
    with display() as shown, pytest.raises(NoDisk, match="nothing is durable there"):
        run_scenario(durable, replace(WISH, rivals=()), tmp_path, shown, run=rated(tasks))


def test_short_runs_each_scenario_once_and_says_what_failed(tmp_path: Path) -> None:
    tasks: list[Task] = []

    def fails(_wish: Wish) -> Steps:
        raise ChildFailed("it ended with 1")

    chosen = [scenario(), scenario(name="other", steps=fails), scenario(name="long", short=None)]
    with display() as shown:
        outcomes, failed = run_short(chosen, WISH, tmp_path, shown, run=rated(tasks))
    assert [outcome.scenario for outcome in outcomes] == ["it"]
    assert failed == ["other: it ended with 1"]
    assert [(task.job.leads, task.operations, task.job.seed) for task in tasks] == [(400, 20, 7)] * 2
    assert tasks[0].options == {"days": "1", "mode": "a"}
    said = in_words(outcomes, failed).splitlines()
    assert said[0] == (
        "Short, already at this size, of what is wanted at full size: "
        "T1 ours, 400 (1.00 /s, wanted >= 5); T1 heaps, 400 (2.00 /s, wanted >= 5)."
    )
    assert said[1] == "Not measured here: other: it ended with 1; redis: redis-server is not installed."


def test_options_of_a_scenario_come_as_text_and_rivals_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    made = scenario(many_sizes=True)
    monkeypatch.setattr("benchmarks.options.SCENARIOS", (made,))
    usual = wish_of(made, parse(["it"]))
    assert usual.options == {"days": "7", "mode": "a"}
    assert (usual.sizes, usual.operations, usual.repeat) == ((1_000_000,), 100_000, 5)
    assert usual.rivals == ("heaps", "redis")
    asked = ["it", "--leads", "2k", "1k", "--days", "2", "--mode", "b", "--rivals", "none", "--only", "T1"]
    wish = wish_of(made, parse(asked))
    assert (wish.sizes, wish.rivals, wish.only) == ((1_000, 2_000), (), ("T1",))
    assert wish.options == {"days": "2", "mode": "b"}
    assert parse(["short", "--rivals", "redis"]).rivals == ["redis"]
    for wrong in (["it", "--mode", "c"], ["it", "--leads", "10"], ["it", "--rivals", "nobody"], ["it", "--only", "T2"]):
        with pytest.raises(SystemExit):
            parse(wrong)


def test_every_scenario_says_what_it_runs_and_can_be_asked_for_by_a_process() -> None:
    for found in SCENARIOS:
        wish = wish_of(found, parse([found.name]))
        for task in [*found.prepare(wish).values(), *found.steps(wish).values()]:
            assert task.measure in MEASURES
        assert found.short is not None, "or `make bench` leaves it out without a word"


def test_a_run_from_the_command_line_to_a_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.running.run_child", measure)
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    asked = ["engine", "--leads", "200", "--operations", "100", "--agents", "5", "--only", "T1", "--repeat", "1"]
    for path in (first, second):
        assert main([*asked, "--seed", "3", "--json", str(path), "--no-plots"]) == 0
    said = capsys.readouterr().out
    assert "next + finish, 200" in said
    [outcome] = read_file(first).outcomes
    assert (outcome.scenario, outcome.settings["seed"]) == ("engine", 3)
    assert [list(tmp_path.glob(kind)) for kind in ("*.svg", "*.png")] == [[], []]
    assert main(["compare", str(first), str(second)]) == 0
    assert "next + finish, 200" in capsys.readouterr().out
    assert main(["table", str(first)]) == 0
    assert "| T1 | next + finish, 200 |" in capsys.readouterr().out


def test_a_comparison_fails_when_asked_to_and_something_is_worse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / "old.json", tmp_path / "new.json"]
    for path, rate in zip(paths, (9.0, 1.0), strict=True):
        write(path, rate)
    assert main(["compare", *map(str, paths)]) == 0
    assert main(["compare", *map(str, paths), "--fail"]) == 1
    assert main(["compare", *map(str, reversed(paths)), "--fail"]) == 0
    assert "1 better" in capsys.readouterr().out
    write(paths[1], 1.0, 2)
    assert main(["compare", *map(str, paths), "--fail"]) == 0, "two repetitions are not enough to know"
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    for name, why in (("none.json", "No such file"), ("other.json", "missing required field")):
        assert main(["compare", str(paths[0]), str(tmp_path / name)]) == 2
        assert why in capsys.readouterr().out


def test_plots_lie_beside_the_file_or_their_absence_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib draws the plots: pip install -e '.[dev]'")
    drawn = scenario(plots=lambda _runs, _wish: [bar_plot("rates", "Rates", "/s", [bar(OURS, [1.0])])])
    for module in ("__main__", "options"):
        monkeypatch.setattr(f"benchmarks.{module}.SCENARIOS", (drawn,))
    monkeypatch.setattr("benchmarks.running.run_child", rated([]))
    asked = ["it", "--leads", "200", "--repeat", "1", "--json"]
    assert main([*asked, str(tmp_path / "run.json")]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run-it-rates.png", "run-it-rates.svg", "run.json"]
    monkeypatch.setattr("benchmarks.__main__.can_draw", lambda: False)
    assert main([*asked, str(tmp_path / "bare" / "it.json")]) == 0
    assert [path.name for path in (tmp_path / "bare").iterdir()] == ["it.json"]
    assert "matplotlib is not installed" in capsys.readouterr().out


def write(path: Path, rate: float, repeat: int = 3) -> None:
    rows = [figure("T1", "it", "/s", [rate] * repeat)]
    write_file(path, Measured(surroundings(), [Outcome("it", "It", "none", {}, rows)]))


def test_how_long_is_left_follows_from_how_long_the_same_took(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("benchmarks.display.monotonic", lambda: now[0])
    said = io.StringIO()
    shown = Display(Console(file=said, width=160))
    shown.plan("it", ["a", "b", "a", "b"])
    assert shown.left_s() == 0
    shown.plan("it", ["a", "b", "a", "b"], expected_s=40, later_s=100)
    assert shown.left_s() == 140
    for name, took_s in (("a", 10), ("b", 30)):
        with shown.step(name, name):
            now[0] += took_s
    assert shown.left_s() == 140
    assert said.getvalue().splitlines() == ["it: a, about 2 min left", "it: b, about 2 min left"]
    assert [left_text(seconds) for seconds in (0, 2, 38, 200)] == [
        "",
        "about 5 s left",
        "about 40 s left",
        "about 3 min left",
    ]


def test_the_engines_plots_show_every_size() -> None:
    wish = Wish((200, 400), 100, 5, 1, 1, only=("T1",))
    runs = {name: [measure(task, lambda _stage: None)] for name, task in engine.steps(wish).items()}
    throughput, memory, latency = engine.plots(runs, wish)
    assert [x for x, _ in throughput.series[0].points] == [x for x, _ in memory.series[0].points] == [200, 400]
    assert [series.label for series in latency.series] == [f"{OURS}, next", f"{OURS}, finish"]


def ticks_of(process: str) -> int:
    """Processor time of its own so far."""
    return int(Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[11])


@pytest.mark.skipif(sys.platform != "linux", reason="looks for children in /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_measures_does_not_go_on_when_the_command_is_ended(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-m", "benchmarks", "engine", "--only", "T7", "--leads", "400k", "--repeat", "1"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "memory" in process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not (found := children.read_text(encoding="ascii").split()):
            pass
        while ticks_of(found[0]) < 10:  # it is at work, and the command knows of it
            pass
        process.send_signal(number)
    assert process.returncode == 128 + number
    assert not [child for child in found if Path(f"/proc/{child}").exists()]
