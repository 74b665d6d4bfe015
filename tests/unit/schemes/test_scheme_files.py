"""R13.1: scheme files are read whole, and one that is not right is refused with file, line and key."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextlead.core.model import SYSTEM_CLOSURES, Status
from nextlead.core.schemes import Scheme, Shown
from nextlead.core.setup_model import DEFAULT_RESULTS, Campaign, Duplicates, TemplateResult
from nextlead_adapters import scheme_files
from nextlead_adapters.resources import resource
from nextlead_adapters.scheme_files import (
    SchemeError,
    check_campaigns,
    parse_scheme,
    read_scheme,
    read_schemes,
    shipped_schemes,
)

GOOD = """\
title = "Here"
about = '''
For one,
and for two.'''
statuses = ["New", "Busy", "Done", "Lost"]
over_activities = ["removed"]

[[results]]
code = "yes"
label = "Yes"
category = "success"
[[results]]
code = "never"
label = "Never again"
category = "negative"
do_not_call = true
shown = { status = "Lost", reason = "Never", label = "Lost for good" }

[open]
unprocessed = { status = "New" }
automatic_redial = { status = "Busy", reason = "Nobody answers" }
common_redial = { status = "Busy" }
private_redial = { status = "Busy" }
vip_redial = { status = "Busy" }
unresolved = { status = "Busy" }
pending_validation = { status = "Busy" }

[closures]
max_call_attempts = { status = "Lost" }
abandoned = { status = "Lost" }
invalid_phone_number = { status = "Lost" }
expired = { status = "Lost", ours = true }
removed = { status = "Lost" }
anonymized = { status = "Lost" }
do_not_call = { status = "Lost" }
global_do_not_call = { status = "Lost" }
duplicate = { status = "Lost" }
not_accepted = { status = "Lost" }

[categories]
success = { status = "Done", reason = "{label}" }
negative = { status = "Lost", reason = "{code}", label = "{label}!" }
invalid = { status = "Lost" }

[rules]
"Fields.Region.*" = { status = "Lost", reason = "Too far" }
countries = { status = "Lost", reason = "Abroad" }

[activities]
sms_in = { status = "Busy" }

[upload_rules]
on_invalid = "close"
duplicates = { among = "open", action = "close" }
"""
LINES = GOOD.splitlines()
LAST = len(LINES)


def line_of(start: str) -> int:
    return next(at for at, line in enumerate(LINES, 1) if line.startswith(start))


def refusal(text: str | bytes) -> str:
    with pytest.raises(SchemeError) as error:
        parse_scheme(text if isinstance(text, bytes) else text.encode(), "here.toml")
    return str(error.value)


def test_a_file_is_a_scheme() -> None:
    scheme = parse_scheme(GOOD.encode(), "some/where/here.toml")
    assert (scheme.name, scheme.title, scheme.about) == ("here", "Here", "For one, and for two.")
    assert scheme.statuses == ("New", "Busy", "Done", "Lost")
    assert scheme.results == (
        TemplateResult("yes", "Yes", "success"),
        TemplateResult("never", "Never again", "negative", do_not_call=True),
    )
    assert scheme.by_status["automatic_redial"] == Shown("Busy", "Nobody answers", "Busy: Nobody answers")
    assert scheme.by_closure["expired"] == Shown("Lost", None, "Lost", ours=True)
    assert scheme.by_result == {"never": Shown("Lost", "Never", "Lost for good")}
    assert scheme.by_category["success"] == Shown("Done", "{label}", "Done: {label}")
    assert scheme.by_category["negative"] == Shown("Lost", "{code}", "{label}!")
    assert [pattern for pattern, _ in scheme.by_rule] == ["fields.region.*", "countries"]
    assert [kind.code for kind in scheme.by_activity] == ["sms_in"]
    assert scheme.over_activities == {"removed"}
    assert scheme.on_invalid == "close"
    assert scheme.duplicates == Duplicates(among="open", action="close")


def test_what_may_be_left_out() -> None:
    text = GOOD[: GOOD.index("[[results]]")] + GOOD[GOOD.index("[open]") : GOOD.index("[rules]")]
    scheme = parse_scheme(text.replace('over_activities = ["removed"]', "").encode(), "here.toml")
    assert scheme.results == DEFAULT_RESULTS
    assert (scheme.by_result, scheme.by_rule, scheme.by_activity) == ({}, (), {})
    assert (scheme.on_invalid, scheme.duplicates) == (Scheme("x").on_invalid, Scheme("x").duplicates)


def test_windows_editors_are_no_reason_to_refuse() -> None:
    text = GOOD.replace("\n", "\r\n").encode("utf-8-sig")
    assert parse_scheme(text, "here.toml") == parse_scheme(GOOD.encode(), "here.toml")
    broken = text.replace(b'expired = { status = "Lost"', b'expired = { status = "Lots"')
    assert refusal(broken).startswith(f"here.toml:{line_of('expired')}: closures.expired.status: ")


@pytest.mark.parametrize("code", [status.code for status in Status if status is not Status.CLOSED])
def test_a_status_that_is_not_mapped_is_refused_with_the_line_of_its_table(code: str) -> None:
    line = LINES[line_of(f"{code} = {{") - 1]
    assert refusal(GOOD.replace(f"\n{line}\n", "\n")) == f"here.toml:{line_of('[open]')}: open.{code}: is not mapped"


@pytest.mark.parametrize("code", sorted(SYSTEM_CLOSURES))
def test_a_closure_that_is_not_mapped_is_refused_with_the_line_of_its_table(code: str) -> None:
    line = LINES[line_of(f"{code} = {{") - 1]
    wanted = f"here.toml:{line_of('[closures]')}: closures.{code}: is not mapped"
    assert refusal(GOOD.replace(f"\n{line}\n", "\n")) == wanted


@pytest.mark.parametrize("code", ["success", "negative", "invalid"])
def test_a_category_that_is_not_mapped_is_refused(code: str) -> None:
    line = LINES[line_of(f"{code} = {{") - 1]
    wanted = f"here.toml:{line_of('[categories]')}: categories.{code}: is not mapped"
    assert refusal(GOOD.replace(f"\n{line}\n", "\n")) == wanted


def test_several_that_are_not_mapped_are_told_at_once() -> None:
    two = GOOD.replace(LINES[line_of("expired") - 1], "").replace(LINES[line_of("abandoned") - 1], "")
    assert refusal(two).endswith(": closures.abandoned: is not mapped, nor is expired")
    none = GOOD[: GOOD.index("[closures]")] + GOOD[GOOD.index("[categories]") :]
    said = refusal(none)
    assert said.startswith(
        f"here.toml:{len(none.splitlines())}: closures.abandoned: is not mapped, nor are anonymized, "
    )
    assert all(closure in said for closure in SYSTEM_CLOSURES)


@pytest.mark.parametrize(
    "again", ['expired = { status = "New" }', '"expired" = { status = "New" }', "[closures.expired]"]
)
def test_a_closure_that_is_mapped_twice_is_refused_with_both_lines(again: str) -> None:
    first = line_of("expired")
    text = GOOD.replace("\n[categories]", f"{again}\n[categories]")
    wanted = f"here.toml:{line_of('[categories]') - 1}: closures.expired: is mapped twice, first in line {first}"
    assert refusal(text) == wanted


def test_other_keys_that_are_there_twice() -> None:
    text = GOOD.replace("about", 'title = "There"\nabout', 1)
    assert refusal(text) == "here.toml:2: title: is there twice, first in line 1"
    text = GOOD.replace("[categories]", '[closures]\nexpired = { status = "New" }\n[categories]')
    first, second = line_of("[closures]"), line_of("[categories]")
    assert refusal(text) == f"here.toml:{second}: closures: is there twice, first in line {first}"


@pytest.mark.parametrize(
    ("line", "instead", "at", "message"),
    [
        ('title = "Here"\n', "", LAST - 1, "title: is required"),
        ('title = "Here"', 'title = ""', 1, "title: must be 1 to 200 printable characters"),
        ('title = "Here"', 'titel = "Here"\ntitle = "Here"', 1, "titel: is not known"),
        ('title = "Here"', "title = 3", 1, "title: expected `str`, got `int`"),
        ('["New", "Busy", "Done", "Lost"]', "[]", 5, "statuses: has none"),
        ('"Done", "Lost"]', '"Done", "Lost", "done!"]', 5, "statuses[4]: done! is the same as Done"),
        ('"Done", "Lost"]', '"Done", "Lost",\n\n"-"]', 7, "statuses[4]: has neither letter nor digit"),
        ('"Done", "Lost"]', '"Done", "Lost",\n"Kept"]', 6, "statuses[4]: nothing is shown as Kept"),
        ('"Done", "Lost"]', '"Done", " Lost"]', 5, "statuses[3]: must be 1 to 200 printable characters"),
        ('"Done", "Lost"]', '"Done", 4]', 5, "statuses[3]: expected `str`, got `int`"),
        ('["removed"]', '["gone"]', 6, "over_activities[0]: gone is not one of abandoned, anonymized, "),
        ('["removed"]', '["removed", "removed"]', 6, "over_activities[1]: removed is there twice"),
        ('[activities]\nsms_in = { status = "Busy" }\n', "", 6, "over_activities[0]: there are no activities"),
        ('code = "yes"', 'code = "expired"', 9, "results[0].code: expired is a closure or status of the system's own"),
        ('code = "yes"', 'code = "closed"', 9, "results[0].code: closed is a closure or status of the system's own"),
        ('code = "yes"', 'code = "y/n"', 9, "results[0].code: must be 1 to 64 letters, digits or "),
        ('code = "never"', 'code = "yes"', 13, "results[1].code: yes is there twice"),
        ('code = "never"\n', "", 12, "results[1].code: is required"),
        ('category = "negative"', 'category = "bad"', 15, "results[1].category: must be one of success, negative, "),
        ('label = "Yes"', 'label = ""', 10, "results[0].label: must be 1 to 200"),
        ('label = "Yes"', 'lable = ""', 10, "results[0].lable: is not known"),
        ("do_not_call = true", 'do_not_call = "yes"', 16, "results[1].do_not_call: expected `bool`, got `str`"),
        ('shown = { status = "Lost", ', 'shown = { status = "Loss", ', 17, "results[1].shown.status: Loss is not in sta"),
        ('reason = "Never"', 'raison = "Never"', 17, "results[1].shown.raison: is not known"),
        ("unprocessed =", "closed =", 20, "open.closed: is not one of unprocessed, "),
        ('unprocessed = { status = "New" }', 'unprocessed = "New"', 20, "open.unprocessed: expected a table, got `str`"),
        ('"Busy", reason = "Nobody answers"', "3", 21, "open.automatic_redial.status: expected `str`, got `int`"),
        ('"Busy", reason = "Nobody answers"', '"Busy", reason = ""', 21, "open.automatic_redial.reason: must be 1 to"),
        ('"Busy", reason = "Nobody answers"', '"Bussy"', 21, "open.automatic_redial.status: Bussy is not in statuses (New,"),
        ('common_redial = { status = "Busy" }', "common_redial = { }", 22, "open.common_redial.status: is required"),
        ("expired =", "Expired =", line_of("expired"), "closures.Expired: is not one of abandoned, "),
        ("ours = true", "ours = 1", line_of("expired"), "closures.expired.ours: expected `bool`, got `int`"),
        ('expired = { status = "Lost"', 'expired = { status = "{code}"', line_of("expired"), "closures.expired.status: {code} st"),
        ("{label}!", "{lable}!", line_of("negative ="), "categories.negative.label: {lable} stands for nothing here"),
        ("negative =", "bad =", line_of("negative ="), "categories.bad: is not one of success, negative, invalid"),
        ("countries =", "country =", line_of("countries"), "rules.country: fits no rule that a row may break (countries,"),
        ("Region.*", "Region", line_of('"Fields'), 'rules."Fields.Region": fits no rule that a row may break'),
        ("countries =", '"fields.region.*" =', line_of("countries"), 'rules."fields.region.*": is mapped twice'),
        ("sms_in =", "none =", line_of("sms_in"), "activities.none: is not one of sms_out, sms_in, "),
        ('"close"\ndup', '"drop"\ndup', line_of("on_invalid"), "upload_rules.on_invalid: must be file or close"),
        ('among = "open"', 'among = "some"', LAST, "upload_rules.duplicates.among: must be one of open, all"),
        ('among = "open"', 'match = ["name"]', LAST, "upload_rules.duplicates.match: 'name': there is no field 'name'"),
        ('among = "open"', "mach = []", LAST, "upload_rules.duplicates.mach: is not known"),
        ("[upload_rules]", "[upload]", line_of("[upload_rules]"), "upload: is not known"),
        ("[open]", "[open", line_of("[open]"), "not TOML: Expected ']' at the end of a table declaration"),
        ('title = "Here"', 'title = "Here', 1, "not TOML: Illegal character"),
        ('title = "Here"', "title = 0123", 1, "not TOML: Expected newline or end of document after a statement"),
    ],
)  # fmt: skip
def test_errors_name_file_line_key_and_rule(line: str, instead: str, at: int, message: str) -> None:
    assert line in GOOD
    assert refusal(GOOD.replace(line, instead, 1)).startswith(f"here.toml:{at}: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "here.toml:1: title: is required"),
        (b"# only\n\n", "here.toml:1: title: is required"),
        (b'title = "a"\nabout = "\xff"', "here.toml:2: not TOML: it is not UTF-8"),
        ('title = "a"'.encode("utf-16"), "here.toml:1: not TOML: it is not UTF-8"),
        (b"a = " + b"[" * 100_000, "here.toml:1: not TOML that can be read: it is nested too deep"),
        (b"a = " + b"9" * 5_000, "here.toml:1: not TOML: Exceeds the limit"),
        (b"a = 1\n\nb = ", "here.toml:3: not TOML: Invalid value"),
        (b"a = '''\n\n", "here.toml:1: not TOML: Expected"),
    ],
)
def test_texts_that_are_none(text: bytes, message: str) -> None:
    assert refusal(text).startswith(message)


@pytest.mark.parametrize("name", ["Here.toml", "a b.toml", ".toml", "a--b.toml", "here.TOML", "here", "ä.toml"])
def test_a_name_fits_into_an_address(name: str) -> None:
    with pytest.raises(SchemeError, match="a scheme's name has small letters"):
        parse_scheme(GOOD.encode(), name)


@settings(max_examples=300)
@given(st.sampled_from(sorted(shipped_schemes())), st.data())
def test_whatever_is_wrong_is_told_with_a_line_of_the_file(name: str, data: st.DataObject) -> None:
    lines = resource(f"schemes/{name}.toml").read_text().splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at, other = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        line, piece = (
            lines[at],
            data.draw(st.sampled_from(["", '"', "'", "[", "{ ", "}", "=", ".", "#", "1", "\\", "x"])),
        )
        cut = data.draw(st.integers(0, len(line)))
        lines[at : at + 1] = data.draw(st.sampled_from([[], [line, lines[other]], [line[:cut] + piece + line[cut:]]]))
        if not lines:
            return
    message = "here.toml:1: "
    try:
        parse_scheme("\n".join(lines).encode(), "here.toml")
    except SchemeError as error:
        message = str(error)
    said = re.match(r"here\.toml:(\d+): ", message)
    assert said is not None, message
    assert 1 <= int(said[1]) <= len(lines), message


# -- folders --------------------------------------------------------------------------------------------------------


def test_a_folder_comes_on_top_of_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "here.toml").write_text(GOOD)
    (tmp_path / "there-2.toml").write_text(GOOD)
    for name in ("README.md", ".here.toml", ".#here.toml", "here.toml~", "here.toml.bak"):
        (tmp_path / name).write_text("none")
    assert list(read_schemes(str(tmp_path))) == ["hero", "luckyonline", "smartlists", "here", "there-2"]
    assert list(read_schemes()) == list(shipped_schemes()) == ["hero", "luckyonline", "smartlists"]


@pytest.mark.parametrize("name", ["hero", "luckyonline", "smartlists"])
def test_the_name_of_a_shipped_scheme_is_taken(tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.toml"
    file.write_text(GOOD)
    with pytest.raises(SchemeError, match=rf"^{file}: a scheme of the name {name} is shipped"):
        read_schemes(str(tmp_path))


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SchemeError, match=r"gone: the folder of schemes can't be read: No such file or directory"):
        read_schemes(str(tmp_path / "gone"))
    (tmp_path / "file").write_text("")
    with pytest.raises(SchemeError, match=r"file: the folder of schemes can't be read: Not a directory"):
        read_schemes(str(tmp_path / "file"))


def test_what_is_not_a_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "here.toml"
    with pytest.raises(SchemeError, match=r"here.toml: can't be read: No such file or directory$"):
        read_scheme(file)
    file.mkdir()
    with pytest.raises(SchemeError, match=r"here.toml: is not a file$"):
        read_schemes(str(tmp_path))
    file.rmdir()
    file.symlink_to(tmp_path / "gone.toml")
    with pytest.raises(SchemeError, match=r"here.toml: is a link that leads nowhere$"):
        read_schemes(str(tmp_path))
    file.unlink()
    file.symlink_to(file)
    with pytest.raises(SchemeError, match=r"here.toml: is a link that leads nowhere$"):
        read_schemes(str(tmp_path))


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text(GOOD)
    (tmp_path / "here.toml").symlink_to(tmp_path / "kept")
    assert "here" in read_schemes(str(tmp_path))


def test_a_file_that_cannot_be_read_or_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "here.toml"
    file.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(SchemeError, match=r"here.toml: has more than 1048576 bytes$"):
        read_schemes(str(tmp_path))
    file.write_text(GOOD)

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(scheme_files.Path, "read_bytes", refuse)
    with pytest.raises(SchemeError, match=r"here.toml: can't be read: Permission denied$"):
        read_schemes(str(tmp_path))


def test_errors_of_a_folder_name_the_whole_path(tmp_path: Path) -> None:
    file = tmp_path / "here.toml"
    file.write_text(GOOD.replace('title = "Here"', ""))
    with pytest.raises(SchemeError, match=rf"^{file}:\d+: title: is required$"):
        read_schemes(str(tmp_path))


def test_campaigns_whose_scheme_is_gone_are_named() -> None:
    campaigns = [
        Campaign(1, "a", "A", 2),
        Campaign(2, "b", "B", 2, scheme="gone"),
        Campaign(3, "c", "C", 2, scheme="so"),
    ]
    check_campaigns(campaigns[:1], shipped_schemes())
    with pytest.raises(SchemeError) as error:
        check_campaigns(campaigns, shipped_schemes())
    assert "campaign b has the scheme gone" in str(error.value)
    assert "campaign c has the scheme so" in str(error.value)
    assert "campaign a" not in str(error.value)
