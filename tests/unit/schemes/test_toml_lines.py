"""The lines of keys: the scanner understands every text that TOML does, and says the same of what is in it."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextlead_adapters.resources import resource
from nextlead_adapters.toml_lines import Lines, Path, spell

TEXT = '''\
# [not] = a header
title = "x # no comment" # one
about = """
a = 1
[b]\\"""
""""
'single'."dou.ble".bare = 1
many = [ 1, # ]
  "],", { k = 2, "z" = [3] },
]

[closures]
expired = { status = "a=}", reason = 'b"' }
when = 1979-05-27 07:32:00
[[results]]
code = "a"
  [[ results ]]
code = "b"
[results.shown]
status = \'\'\'
[no]
\'\'\'\'
[results.shown.deeper]
last = -1_0.5e3'''

EXPECTED: dict[Path, int] = {
    ("title",): 2,
    ("about",): 3,
    ("single", "dou.ble", "bare"): 7,
    ("many",): 8,
    ("many", 0): 8,
    ("many", 1): 9,
    ("many", 2): 9,
    ("many", 2, "k"): 9,
    ("many", 2, "z", 0): 9,
    ("closures",): 12,
    ("closures", "expired", "reason"): 13,
    ("closures", "when"): 14,
    ("results", 0): 15,
    ("results", 0, "code"): 16,
    ("results", 1): 17,
    ("results", 1, "code"): 18,
    ("results", 1, "shown"): 19,
    ("results", 1, "shown", "status"): 20,
    ("results", 1, "shown", "deeper", "last"): 24,
}


def test_every_key_is_found() -> None:
    tomllib.loads(TEXT)
    lines = Lines(TEXT)
    assert {path: lines.of(path) for path in EXPECTED} == EXPECTED
    assert lines.twice is None


def test_what_is_not_there_is_where_it_would_be() -> None:
    lines = Lines(TEXT)
    assert lines.of(("closures", "removed", "status")) == 12
    assert lines.of(("results", 1, "label")) == 17
    assert lines.of(("rules", "countries")) == lines.last == 24
    assert lines.of(()) == 24
    assert Lines("").last == 1
    assert Lines("a = 1\n\n\n").last == 1


@pytest.mark.parametrize(
    ("text", "path", "first", "second"),
    [
        ("a = 1\nb = 2\na = 3", ("a",), 1, 3),
        ("[t]\nk = 1\n\n[t.k]\n", ("t", "k"), 2, 4),
        ("[t]\n[u]\n[t]", ("t",), 1, 3),
        ("[t]\nk = 1\n'k' = 2\nk = 3", ("t", "k"), 2, 3),
        ("t = { k = 1, k = 2 }", ("t", "k"), 1, 1),
        ("[[r]]\nc = 1\n[[r]]\nc = 2\nc = 3", ("r", 1, "c"), 4, 5),
    ],
)
def test_a_key_that_is_there_twice(text: str, path: Path, first: int, second: int) -> None:
    assert Lines(text).twice == (path, first, second)


@pytest.mark.parametrize(
    "text", ["[", "[a", "a", "a =", "a = {", "a = [1", "[[x]", '"\\q" = 1', "=", "a = [" * 99, "\x00"]
)
def test_a_text_that_is_no_toml_ends_it(text: str) -> None:
    lines = Lines(f"good = 1\n{text}")
    assert (lines.of(("good",)), lines.last) == (1, 2)


def test_paths_are_spelt_as_people_write_them() -> None:
    assert spell(("results", 2, "code")) == "results[2].code"
    assert spell(("rules", "fields.region.*", "status")) == 'rules."fields.region.*".status'
    assert spell(()) == ""


KEYS = st.sampled_from(["a", "b-1", "c.d", "ü", "[x]", "#", "="])
SCALARS = st.sampled_from(
    ["1", "-2.5", "true", '"x"', '"]}\\""', "'#'", '"""a\nb = 1\n"""', "'''\n[c]'''", "2026-03-02"]
)


def _spelt(key: str) -> str:
    return key if key.replace("-", "").isascii() and key.replace("-", "").isalnum() else f'"{key}"'


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_spelt(key)} = {_inline(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[ # [\n" + "".join(f"{_inline(item)}, # ,\n" for item in value) + "]"
    return str(value)


def _paths(value: Any, path: Path = ()) -> set[Path]:
    found = {path} if path else set()
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found.union(*(_paths(item, (*path, key)) for key, item in items))


@given(st.dictionaries(KEYS, st.recursive(SCALARS, lambda deeper: st.lists(deeper) | st.dictionaries(KEYS, deeper))))
def test_it_finds_what_toml_finds(content: dict[str, Any]) -> None:
    text = "\n".join(f"{_spelt(key)} = {_inline(value)}" for key, value in content.items())
    tomllib.loads(text)
    lines = Lines(text)
    assert lines._at.keys() == _paths(content)
    assert all(f"{_spelt(key)} = " in text.split("\n")[lines.of((key,)) - 1] for key in content)


@pytest.mark.parametrize("name", ["hero", "luckyonline", "smartlists"])
def test_it_finds_all_of_a_shipped_scheme(name: str) -> None:
    text = resource(f"schemes/{name}.toml").read_text()
    wanted = _paths(tomllib.loads(text))
    assert wanted - Lines(text)._at.keys() <= {("results",)}
