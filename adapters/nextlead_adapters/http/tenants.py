"""The organisations that a daemon serves, as this face is given them (SPEC 0).

Rules of this file:

1. Which organisation a call is about comes from its token, never from its address. Only the operator's calls on
   organisations name one.
2. A tenant is in `all()` from the moment it can be called until the daemon ends: loaded, its clock where the others'
   are, its copy of the global do-not-call list in line.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from nextlead.core.errors import Conflict, NotAllowed
from nextlead.ports import DEFAULT, Organisation
from nextlead.runtime.dialer import Dialer

from ..global_list import GlobalList
from .ports import Intake, Privacy

EXISTS: Final = "there is an organisation with this code already"


class Tenant:
    """One organisation that is served, and the parts that are its own. `organisation` changes when it is renamed."""

    __slots__ = ("dialer", "intake", "organisation", "privacy")

    def __init__(self, organisation: Organisation, dialer: Dialer, intake: Intake, privacy: Privacy) -> None:
        self.organisation = organisation
        self.dialer = dialer
        self.intake = intake
        self.privacy = privacy


class Organisations(Protocol):
    """All organisations of the daemon. Made by `bootstrap`, which opens and closes them."""

    @property
    def global_list(self) -> GlobalList:
        """The do-not-call list of all of them."""
        ...

    @property
    def default(self) -> Tenant:
        """The one that is there from the first start; the operator's token is an admin's there."""
        ...

    def all(self) -> Sequence[Tenant]:
        """All of them by number, `default` first. Never empty; it changes only by `create`."""
        ...

    def by_code(self, code: str) -> Tenant | None:
        """The one with this code. O(1)."""
        ...

    async def create(self, code: str, name: str) -> Tenant:
        """Make one; it is durable, opened and served when this returns. The code was checked.

        Of two calls with one code at the same time, one raises `Conflict`, as for a code that is there already.
        Raises `NotReady` when the daemon is about to end, `StoreError` when the database can't now.
        """
        ...

    async def rename(self, code: str, name: str) -> Tenant:
        """Give it another name; durable when this returns. Raises `NotFound` and `StoreError`."""
        ...


class OneOrganisation:
    """A daemon of one organisation, to which none can be added: for a library's user, benchmarks and tests."""

    def __init__(self, dialer: Dialer, intake: Intake, privacy: Privacy, organisation: Organisation = DEFAULT) -> None:
        self._tenant = Tenant(organisation, dialer, intake, privacy)
        self.global_list = GlobalList(dialer)

    @property
    def default(self) -> Tenant:
        """The only one."""
        return self._tenant

    def all(self) -> Sequence[Tenant]:
        """The only one."""
        return (self._tenant,)

    def by_code(self, code: str) -> Tenant | None:
        """The only one, if this is its code."""
        return self._tenant if code == self._tenant.organisation.code else None

    async def create(self, code: str, name: str) -> Tenant:  # noqa: ARG002 - as `Organisations` has it
        """Refused."""
        if self.by_code(code) is not None:
            raise Conflict(EXISTS)
        raise NotAllowed("this daemon has one organisation only")

    async def rename(self, code: str, name: str) -> Tenant:  # noqa: ARG002 - as `Organisations` has it
        """Refused."""
        raise NotAllowed("this daemon's organisation can't be renamed")
