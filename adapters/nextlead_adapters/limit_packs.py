"""Rule packs: what the law of some places says of hours and limits, as data with its sources (`config/limits/*.toml`).

Rules of this file:

1. A pack has keys of a campaign's `dialer`, and they are read by the same code. What it does not name, it leaves
   as it is in a campaign.
2. A pack is read strictly: a key that does not exist, a source without its link, a window that is none are errors, and
   name file, key and rule.
3. A pack is an example, not legal advice, and says so wherever it is shown.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib.resources.abc import Traversable
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from nextlead.core.errors import Invalid

from .http.hours_shapes import HoursShape, Limits, hours_over, limits_of
from .http.problems import ProblemError, of_error, of_validation
from .http.table import Body, View
from .http.values import dec_hook
from .resources import resource

FOLDER: Final = "limits"
NOTICE: Final = "An example, not legal advice."
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

Text = Annotated[str, Meta(min_length=1, max_length=2000)]


class PackError(Exception):
    """A pack can't be used; the message names file, key and rule."""


class PackSource(Body):
    """Where a pack has it from: the law, its section, in short what it says, and when that was noted.

    Laws change, and what was noted may be from a page that tells of the law: open the link before you rely on it.
    """

    law: Text
    section: Text
    says: Text
    link: Annotated[str, Meta(pattern="^https?://", max_length=500)]
    noted: date


class PackFile(Body):
    """What stands in a pack's file."""

    title: Text
    about: Text
    sources: Annotated[tuple[PackSource, ...], Meta(min_length=1, max_length=20)]
    calling_hours: HoursShape | UnsetType = UNSET
    contact_limits: Limits | UnsetType = UNSET


class LimitPack(View):
    """A pack: hours and limits as in `dialer`, and their sources. It is an example, not legal advice."""

    name: str
    title: str
    about: str
    sources: tuple[PackSource, ...]
    calling_hours: HoursShape | UnsetType = UNSET
    contact_limits: Limits | UnsetType = UNSET
    notice: str = NOTICE


@lru_cache(maxsize=1)
def shipped_packs() -> Mapping[str, LimitPack]:
    """The packs that came with this installation, by name; read once. Raises `PackError`."""
    return read_packs(resource(FOLDER))


def read_packs(folder: Traversable) -> Mapping[str, LimitPack]:
    """The packs of a folder by name, which is that of the file. Raises `PackError`."""
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    packs = [parse_pack(file.read_bytes(), file.name) for file in files]
    return {pack.name: pack for pack in packs}


def parse_pack(text: bytes, file: str) -> LimitPack:
    """The pack in a TOML text; `file` is what errors call it. Raises `PackError`."""
    name = file.removesuffix(".toml")
    if not _NAME.fullmatch(name):
        raise PackError(f"{file}: a pack's name has small letters, digits and single hyphens")
    try:
        found = msgspec.toml.decode(text, type=PackFile, dec_hook=dec_hook)
        _check(found)
    except msgspec.ValidationError as error:
        raise PackError(_explain(file, of_validation(error, PackFile))) from None
    except msgspec.DecodeError as error:
        raise PackError(f"{file}: not TOML: {error}") from None
    except Invalid as error:
        raise PackError(_explain(file, of_error(error))) from None
    except ProblemError as error:
        raise PackError(_explain(file, error)) from None
    return LimitPack(name, found.title, found.about, found.sources, found.calling_hours, found.contact_limits)


def _check(found: PackFile) -> None:
    """What types don't say. Raises `Invalid`, or a problem that names the key."""
    if found.calling_hours is UNSET and found.contact_limits is UNSET:
        raise Invalid("", "has neither calling_hours nor contact_limits")
    hours_over(None, found.calling_hours, "calling_hours")
    limits_of(found.contact_limits, "contact_limits")


def _explain(file: str, problem: ProblemError) -> str:
    errors = problem.problem.errors
    assert not isinstance(errors, UnsetType)
    return ": ".join(part for part in (file, errors[0].field, errors[0].message) if part)
