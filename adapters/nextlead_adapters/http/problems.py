"""What goes wrong, as problem answers (RFC 9457). `STATUS_OF` is where the engine's errors get their statuses."""

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from nextlead.core import errors

from .choices import choices_at
from .table import Reply
from .times import format_time


class FieldError(Struct, frozen=True):
    """A field, as the path of its keys (`leads[2].phone`; empty for the whole body), and the rule it breaks."""

    field: str
    message: str


class Problem(Struct, omit_defaults=True):
    """A problem. `code` is stable; `errors` names fields of bad input; `facts` are what a program may use.

    `next_permitted`, of a time outside calling hours, is when they open next: null if they don't (SPEC R4.2).
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: tuple[FieldError, ...] | UnsetType = UNSET
    facts: dict[str, str | int | float | bool | None] | UnsetType = UNSET
    next_permitted: str | UnsetType | None = UNSET


OWN: Final[dict[str, tuple[int, str]]] = {
    "malformed": (400, "The request is malformed."),
    "malformed_json": (400, "The body is not JSON."),
    "unauthorized": (401, "A valid token is needed."),
    "forbidden": (403, "This token's role may not do that."),
    "method_not_allowed": (405, "This address does not take that method."),
    "idempotency_conflict": (409, "The Idempotency-Key was used with another body."),
    "too_large": (413, "The body is too large."),
    "unsupported_media_type": (415, "The body is of the wrong type."),
    "internal_error": (500, "The daemon made a mistake."),
}
"""Problems of this face itself: status and title by code. The others are the engine's errors."""


class ProblemError(Exception):
    """Stops a request with a problem answer."""

    def __init__(
        self, status: int, code: str, title: str, detail: str = "", errors: tuple[FieldError, ...] = ()
    ) -> None:
        super().__init__(detail or title)
        self.problem = Problem(
            type=f"/docs#{code}", title=title, status=status, detail=detail or title, code=code, errors=errors or UNSET
        )
        self.headers: tuple[tuple[str, str], ...] = ()

    def with_header(self, name: str, value: str) -> "ProblemError":
        """The same with a header of the answer."""
        self.headers += ((name, value),)
        return self


def own(code: str, detail: str, errors: tuple[FieldError, ...] = ()) -> ProblemError:
    """A problem of this face."""
    status, title = OWN[code]
    return ProblemError(status, code, title, detail, errors)


STATUS_OF: Final[tuple[tuple[type[errors.NextleadError], int], ...]] = (
    (errors.Invalid, 422),
    (errors.NotFound, 404),
    (errors.UnknownLease, 404),
    (errors.Conflict, 409),
    (errors.NotAllowed, 422),
    (errors.NotReady, 503),
    (errors.NextleadError, 422),
)
"""The first class that an error is an instance of decides."""

MEDIA: Final = "application/problem+json"
_WRONG_CHOICE: Final = re.compile(r"Invalid (enum )?value .*", re.DOTALL)
RETRY_AFTER_S: Final = "1"


def of_error(error: errors.NextleadError) -> ProblemError:
    """The problem answer for a refusal of the engine."""
    status = _status_of(type(error))
    fields = (FieldError(error.field, error.rule),) if isinstance(error, errors.Invalid) else ()
    made = ProblemError(status, error.code, error.title(), error.detail, fields)
    facts = {_fact_name(name): _fact(name, value) for name, value in error.facts.items()}
    if facts:
        made.problem.facts = facts
        made.problem.next_permitted = facts.get("next_permitted", UNSET)  # type: ignore[assignment]
    return made.with_header("retry-after", RETRY_AFTER_S) if status == 503 else made


def _status_of(kind: type[errors.NextleadError]) -> int:
    return next(status for base, status in STATUS_OF if issubclass(kind, base))


def _fact_name(name: str) -> str:
    return name.removesuffix("_ms")


def _fact(name: str, value: object) -> str | int | float | bool | None:
    if name.endswith("_ms") and isinstance(value, int):
        return format_time(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def problem_reply(error: ProblemError) -> Reply:
    """A problem as an answer."""
    return Reply(error.problem.status, error.problem, (("content-type", MEDIA), *error.headers))


def malformed(field: str, message: str, code: str = "malformed") -> ProblemError:
    """400: the input is not of the right form, and this field says why."""
    return own(code, f"{field}: {message}" if field else message, (FieldError(field, message),))


def of_validation(error: msgspec.ValidationError, kind: Any) -> ProblemError:
    """400 with the field that msgspec names: `Expected ... - at `$.leads[2].phone``, or a missing or unknown one.

    Of `kind`, the type that was asked for, are the values that a wrong choice could have been.
    """
    text = str(error)
    message, found, place = text.rpartition(" - at `$")
    if not found:
        message, place = text, "`"
    field = place.removesuffix("`").removeprefix(".")
    for start, rule in (
        ("Object missing required field `", "is required"),
        ("Object contains unknown field `", "is not known"),
    ):
        if message.startswith(start):
            name = message.removeprefix(start).removesuffix("`")
            return malformed(f"{field}.{name}" if field else name, rule)
    if _WRONG_CHOICE.fullmatch(message) and (known := choices_at(kind, field)):
        return malformed(field, f"must be one of {', '.join(known)}")
    return malformed(field, message[:1].lower() + message[1:])


def not_found() -> ProblemError:
    """404 for an address that there is not."""
    error = errors.NotFound("address", "like that")
    return of_error(error)


def forbidden(role: str) -> ProblemError:
    """403: this role may not do it."""
    return own("forbidden", f"A token of role {role} may not do that.")


def unauthorized() -> ProblemError:
    """401: no token, or one that is not known (any more)."""
    made = own("unauthorized", "Send a known token as `Authorization: Bearer TOKEN`.")
    return made.with_header("www-authenticate", "Bearer")


def too_large(limit: int) -> ProblemError:
    """413. The rest of the body is not read, so the connection closes."""
    return own("too_large", f"At most {limit} bytes are taken.").with_header("connection", "close")


def wrong_method(allowed: Iterable[str]) -> ProblemError:
    """405 with what the address takes."""
    names = ", ".join(sorted(allowed))
    return own("method_not_allowed", f"It takes {names}.").with_header("allow", names)


def wrong_type(expected: str) -> ProblemError:
    """415."""
    return own("unsupported_media_type", f"Send it as {expected}.")


def our_fault() -> ProblemError:
    """500: a fault in the daemon, never of the input. Only the log says which."""
    return own("internal_error", "It is in the daemon's log.")


def catalogue() -> list[dict[str, str | int]]:
    """All problems there are: code, status, title; by status and code."""
    found = {code: (status, title) for code, (status, title) in OWN.items()}
    kinds: list[type[errors.NextleadError]] = [errors.NextleadError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        found[kind.code] = (_status_of(kind), kind.title())
    found.pop(errors.NextleadError.code)
    rows = sorted((status, code, title) for code, (status, title) in found.items())
    return [{"code": code, "status": status, "title": title} for status, code, title in rows]
