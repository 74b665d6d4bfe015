"""What commands print: whole numbers and names in any terminal, columns parted by tabs without one."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from rich.console import Console

from nextlead_adapters.cli import output
from nextlead_adapters.cli.client import Unreachable

COLUMNS = ("id", "public_status", "phones", "due", "told")
ROW = (458, "SMS in Progress", ["+19195550100"], "2026-11-22T14:26:10.017Z", "a note of some length, " * 3)


def terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> io.StringIO:
    screen = io.StringIO()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setattr(output, "console", Console(file=screen, force_terminal=True, width=width, highlight=False))
    return screen


@pytest.mark.parametrize("width", [40, 80, 200])
def test_numbers_and_names_stay_whole(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, width)
    output.print_table(COLUMNS, [ROW])
    said = screen.getvalue()
    assert "…" not in said
    for whole in ("458", "SMS in Progress", "+19195550100", "2026-11-22T14:26:10.017Z"):
        assert whole in said
    assert said.count("length,") == 3


def test_only_long_texts_are_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, 40)
    output.print_table(("id", "told"), [(1, "a note of some length, " * 3)])
    assert {len(line.rstrip()) <= 40 for line in screen.getvalue().splitlines()[1:]} == {True}
    assert screen.getvalue().count("note") == 3


def test_what_looks_like_markup_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, 80)
    output.print_table(("name",), [("[red]list[/red]",)])
    assert "[red]list[/red]" in screen.getvalue()


def test_without_a_terminal_columns_are_parted_by_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("id", "phones"), [(1, ["+1", "+2"]), (2, None)])
    assert capsys.readouterr().out == "id\tphones\n1\t+1, +2\n2\t\n"


@pytest.mark.parametrize("words", ["a\x1b[2J\x1b]0;b", "a\nb", "a\r\tb", "a\x9b2Jb", " a  b\x00"])
def test_what_people_wrote_steers_no_terminal(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("note", "phones"), [(words, [words])])
    output.print_facts({"note": words, "data": {"name": words}, "nested": [{"name": words}]})
    said = capsys.readouterr().out
    assert said.count("\n") == 5
    assert all(char.isprintable() for char in said.replace("\n", "").replace("\t", ""))
    assert "a" in said
    assert "b" in said


def test_counts_by_public_status_have_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    public = [{"status": "Trash", "reason": "Bad", "label": "Trash: Bad", "count": 2}]
    output.print_facts({"counts": {"open": 1, "public": public}, "none": []})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["counts.open", "counts.public.Trash: Bad", "none"]


def test_a_download_that_breaks_off_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise Unreachable

    with pytest.raises(Unreachable):
        output.save(pieces(), tmp_path / "leads.csv")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.chdir(tmp_path)
    for nowhere in (tmp_path / "no folder" / "leads.csv", tmp_path, Path()):
        with pytest.raises(typer.Exit):
            output.save([b"all"], nowhere)
        assert list(tmp_path.iterdir()) == []
