"""In which lines of a TOML text its keys stand: `tomllib` gives values without their places, and people look for lines.

A path names a key from the top: `("closures", "expired")`, `("results", 2, "code")`. Headers have paths like keys. The
text need not be right: the scanner goes as far as it understands.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Final, NamedTuple

Path = tuple[str | int, ...]

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_KEY: Final = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
_TEXT: Final = re.compile(r'''"""(?:\\.|[^\\])*?"{3,5}|\'{3}.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^'\n]*\'''', re.DOTALL)
_SCALAR: Final = re.compile(r"[^,\]}#\n]+")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_DEPTH_MAX: Final = 20


class Twice(NamedTuple):
    """A key that is there twice."""

    path: Path
    first: int
    second: int


class Lines:
    """The lines of a text's keys, counted from 1."""

    def __init__(self, text: str) -> None:
        self.last = text.rstrip().count("\n") + 1
        self.twice: Twice | None = None
        """The first key that is given a second time."""
        self._at: dict[Path, int] = {}
        for path, line in _Scanner(text).places():
            if path in self._at and self.twice is None:
                self.twice = Twice(path, self._at[path], line)
            self._at.setdefault(path, line)

    def of(self, path: Path) -> int:
        """Where it stands; of what is not there the table it would be in, and where that is missing the last line."""
        while path and path not in self._at:
            path = path[:-1]
        return self._at[path] if path else self.last


def spell(path: Path) -> str:
    """As people write it: `results[2].code`, `rules."fields.region.*"`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            word = part if _BARE.fullmatch(part) else f'"{part}"'
            text += f".{word}" if text else word
    return text


class _Lost(Exception):
    """The text is no TOML from here on."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted = 0
        self._line = 1
        self._arrays: dict[Path, int] = {}

    def places(self) -> Iterator[tuple[Path, int]]:
        """Every key and header with its line, in the order of the text."""
        table: Path = ()
        try:
            while self._peek_after(_BLANK):
                line = self._line_here()
                if self._take("["):
                    table = self._header()
                    yield table, line
                else:
                    yield from self._pair(table, 0)
        except _Lost:
            return

    def _header(self) -> Path:
        is_array = self._take("[")
        path = self._inside(self._dotted())
        self._need("]]" if is_array else "]")
        if not is_array:
            return path
        self._arrays[path] = self._arrays.get(path, -1) + 1
        return (*path, self._arrays[path])

    def _inside(self, names: list[str]) -> Path:
        """A header's path: below an array of tables it means the last one."""
        path: Path = ()
        for at, name in enumerate(names):
            path = (*path, name)
            if path in self._arrays and at < len(names) - 1:
                path = (*path, self._arrays[path])
        return path

    def _pair(self, table: Path, depth: int) -> Iterator[tuple[Path, int]]:
        line = self._line_here()
        path = (*table, *self._dotted())
        self._need("=")
        yield path, line
        yield from self._value(path, depth)

    def _value(self, path: Path, depth: int) -> Iterator[tuple[Path, int]]:
        if depth > _DEPTH_MAX:
            raise _Lost
        self._match(_SPACE)
        if self._take("["):
            yield from self._array(path, depth + 1)
        elif self._take("{"):
            yield from self._inline(path, depth + 1)
        elif not self._match(_TEXT) and not self._match(_SCALAR):
            raise _Lost

    def _array(self, path: Path, depth: int) -> Iterator[tuple[Path, int]]:
        at = 0
        while self._peek_after(_BLANK) != "]":
            item = (*path, at)
            yield item, self._line_here()
            yield from self._value(item, depth)
            self._match(_BLANK)
            at += 1
            if not self._take(","):
                break
        self._match(_BLANK)
        self._need("]")

    def _inline(self, path: Path, depth: int) -> Iterator[tuple[Path, int]]:
        while self._peek_after(_BLANK) != "}":
            yield from self._pair(path, depth)
            self._match(_BLANK)
            if not self._take(","):
                break
        self._need("}")

    def _dotted(self) -> list[str]:
        names = []
        while True:
            self._match(_SPACE)
            name = self._match(_KEY)
            if not name:
                raise _Lost
            names.append(_unquoted(name))
            self._match(_SPACE)
            if not self._take("."):
                return names

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]

    def _take(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _need(self, text: str) -> None:
        if not self._take(text):
            raise _Lost

    def _peek_after(self, pattern: re.Pattern[str]) -> str:
        """The character behind the pattern, empty at the end of the text."""
        self._match(pattern)
        return self._text[self._at : self._at + 1]

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line


def _unquoted(name: str) -> str:
    if name[0] not in "\"'":
        return name
    try:
        return next(iter(tomllib.loads(f"{name} = 0")))
    except tomllib.TOMLDecodeError:
        raise _Lost from None
