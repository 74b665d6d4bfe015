"""Status schemes as files (SPEC 13): those that are shipped (`config/schemes/*.toml`), and those of a folder of yours.

Rules of this file:

1. A scheme is read strictly. What is unmapped, mapped twice, unknown or not in `statuses` is an error, and names file,
   line and key: a lead must never be without a word, and a wrong word must not be found out by those who read it.
2. A scheme is read whole before anything is started with it. What is wrong further down is told at the next start.
3. The name of a scheme is that of its file, and campaigns keep it. So no file may take the name of a shipped one.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from nextlead.core.schemes import Scheme
from nextlead.core.setup_model import Campaign

from .resources import resource
from .scheme_content import TABLES, scheme_of
from .scheme_shapes import Fault
from .toml_lines import Lines, spell

FOLDER: Final = "schemes"

_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.toml")
_NOT_TOML: Final = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", re.DOTALL)
_BYTES_MAX: Final = 1024 * 1024


class SchemeError(Exception):
    """A scheme can't be used, or is not there; the message names file, line and key, or campaign and scheme."""


# -- folders and files ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def shipped_schemes() -> Mapping[str, Scheme]:
    """The schemes that came with this installation, by name; read once. Raises `SchemeError`."""
    files = sorted((file for file in resource(FOLDER).iterdir() if file.name.endswith(".toml")), key=lambda f: f.name)
    return {scheme.name: scheme for scheme in (parse_scheme(file.read_bytes(), file.name) for file in files)}


def read_schemes(folder: str = "") -> Mapping[str, Scheme]:
    """The shipped schemes, and those of a folder if one is named: its files `*.toml`, hidden ones aside, by name.

    Raises `SchemeError`.
    """
    mine = map(read_scheme, _files_of(Path(folder))) if folder else ()
    return {**shipped_schemes(), **{scheme.name: scheme for scheme in mine}}


def read_scheme(file: Path) -> Scheme:
    """The scheme in a file of yours. Raises `SchemeError`."""
    scheme = parse_scheme(_read(file), str(file))
    if scheme.name in shipped_schemes():
        raise SchemeError(f"{file}: a scheme of the name {scheme.name} is shipped; give this one another name")
    return scheme


def _files_of(folder: Path) -> list[Path]:
    try:
        files = sorted(folder.iterdir())
    except OSError as error:
        raise SchemeError(f"{folder}: the folder of schemes can't be read: {error.strerror}") from None
    return [file for file in files if file.suffix.lower() == ".toml" and not file.name.startswith(".")]


def _read(file: Path) -> bytes:
    try:
        if file.is_symlink() and not file.exists():
            raise SchemeError(f"{file}: is a link that leads nowhere")
        if file.exists() and not file.is_file():
            raise SchemeError(f"{file}: is not a file")
        if file.stat().st_size > _BYTES_MAX:
            raise SchemeError(f"{file}: has more than {_BYTES_MAX} bytes")
        return file.read_bytes()
    except OSError as error:
        raise SchemeError(f"{file}: can't be read: {error.strerror}") from None


def check_campaigns(campaigns: Iterable[Campaign], schemes: Mapping[str, Scheme]) -> None:
    """Raises `SchemeError` if the scheme of a campaign is not there (any more), naming all of these."""
    missing = list(missing_schemes(campaigns, schemes))
    if missing:
        raise SchemeError(f"{'; '.join(missing)}; put its file back into the folder that `[schemes] folder` names")


def missing_schemes(campaigns: Iterable[Campaign], schemes: Mapping[str, Scheme]) -> Iterator[str]:
    """What is to be said of each campaign whose scheme is not there."""
    for campaign in campaigns:
        if campaign.scheme not in schemes:
            yield f"campaign {campaign.code} has the scheme {campaign.scheme}, and there is none of that name"


# -- one file -------------------------------------------------------------------------------------------------------


def parse_scheme(text: bytes, file: str) -> Scheme:
    """The scheme in a TOML text; `file` is what errors call it, and its last part the name. Raises `SchemeError`."""
    name = Path(file).name
    if not _NAME.fullmatch(name):
        raise SchemeError(f"{file}: a scheme's name has small letters, digits and single hyphens, then .toml")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise SchemeError(f"{file}:{line}: not TOML: it is not UTF-8") from None
    lines = Lines(decoded)
    try:
        return scheme_of(name.removesuffix(".toml"), _load(decoded, file, lines))
    except Fault as fault:
        where = f"{file}:{lines.of(fault.path)}"
        raise SchemeError(": ".join(part for part in (where, spell(fault.path), fault.rule) if part)) from None


def _load(text: str, file: str, lines: Lines) -> dict[str, Any]:
    """TOML's own errors, with the line; for a key that is there twice with both."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise SchemeError(f"{file}:1: not TOML that can be read: it is nested too deep") from None
    except ValueError as error:
        said = _NOT_TOML.fullmatch(str(error))
        rule, line = (said[1], int(said[2] or lines.last)) if said else (str(error), 1)
        twice = lines.twice
        if twice is None or twice.second > line:
            raise SchemeError(f"{file}:{line}: not TOML: {rule}") from None
        what = "is mapped twice" if twice.path[0] in TABLES and len(twice.path) == 2 else "is there twice"
        raise SchemeError(f"{file}:{twice.second}: {spell(twice.path)}: {what}, first in line {twice.first}") from None
