"""Who calls: bearer tokens, known by their SHA-256 only.

Rules of this file: a token's text is hashed and forgotten; it is in no log, no error and no cache key. A hash that is
looked up says nothing about its neighbours, so the lookup needs no constant time; the operator's is compared so anyway.
Of which organisation a call is comes from here, and from nowhere else.
"""

import hmac
from hashlib import sha256
from typing import Final

from nextlead.core.model import Token
from nextlead.core.setup_model import Agent

from .problems import ProblemError, forbidden, unauthorized
from .services import Face, Services
from .table import NOBODY, Access, Caller, Headers

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")

_OPERATOR: Final = Caller("operator", "operator", by="admin")
_Made = tuple[Token, Agent | None, Caller | None]
"""The rows that a caller was made of, and the caller."""


class Gatekeeper:
    """Knows callers by their tokens. `loopback`: the daemon listens on this machine only."""

    def __init__(self, face: Face, operator_token_sha256: str | None, *, loopback: bool) -> None:
        self._face = face
        self._operator = operator_token_sha256
        self._loopback = loopback
        self._known: dict[str, tuple[Services, int]] = {}  # hash -> whose it is, and its id; checked each time
        self._newest: dict[int, int] = {}  # organisation -> id of the newest token when they were looked through
        self._callers: dict[str, _Made] = {}  # by hash

    def admit(self, access: Access, headers: Headers) -> tuple[Caller, Services | None]:
        """The caller, if it may make calls of this access, and what its organisation has; raises a 401 or 403.

        Who needs no token is of no organisation.
        """
        if access is Access.ANYONE:
            return NOBODY, None
        given = headers.get("authorization")
        if given is None and access is Access.METRICS and self._is_local(headers):
            return NOBODY, None
        found = self.known(digest_of_bearer(given))
        if found is None:
            raise unauthorized()
        if found[0].role not in access.value:
            raise forbidden(found[0].role)
        return found

    def admits(self, access: Access, headers: Headers) -> bool:
        """Whether the caller still may: a token may be deleted while an answer goes on."""
        try:
            self.admit(access, headers)
        except ProblemError:
            return False
        return True

    def _is_local(self, headers: Headers) -> bool:
        return self._loopback and not any(name in headers for name in _FORWARDED)

    def known(self, digest: str) -> tuple[Caller, Services] | None:
        """Who calls with the token of that SHA-256, in hex, and what its organisation has; None for a stranger."""
        if not digest:
            return None
        if self._operator is not None and hmac.compare_digest(digest, self._operator):
            return _OPERATOR, self._face.services(self._face.organisations.default)
        found = self._look_up(digest)
        if found is None and self._learn():
            found = self._look_up(digest)
        if found is None:
            return None
        services, token = found
        caller = self._of_token(digest, services, token)
        return None if caller is None else (caller, services)

    def _look_up(self, digest: str) -> tuple[Services, Token] | None:
        """O(1)."""
        known = self._known.get(digest)
        if known is None:
            return None
        services, id_ = known
        token = services.engine.tokens.get(id_)
        if token is not None and token.sha256 == digest:
            return services, token
        del self._known[digest]
        self._callers.pop(digest, None)
        return None

    def _learn(self) -> bool:
        """Take in tokens that were made since; whether there are any.

        O(organisations), and O(tokens) of those whose newest token is another one than the last time. Nothing else can
        have brought one: ids are not used again, and a new token is the last of the dict.
        """
        learnt = False
        for tenant in self._face.organisations.all():
            tokens = tenant.dialer.engine.state.tokens
            newest = next(reversed(tokens), 0)
            if newest != self._newest.get(tenant.organisation.no, 0):
                self._newest[tenant.organisation.no] = newest
                services = self._face.services(tenant)
                self._known.update((token.sha256, (services, token.id)) for token in tokens.values())
                learnt = True
        return learnt

    def _of_token(self, digest: str, services: Services, token: Token) -> Caller | None:
        """O(1); the same caller as before while token and agent are the rows that they were."""
        agent = services.engine.agents.by_no.get(token.agent) if token.role == "agent" else None
        kept = self._callers.get(digest)
        if kept is not None and kept[0] is token and kept[1] is agent:
            return kept[2]
        caller = _caller_of(token, agent)
        self._callers[digest] = (token, agent, caller)
        return caller


def digest_of_bearer(authorization: str | None) -> str:
    """The SHA-256, in hex, of the token in an `Authorization` header; empty if it has none."""
    scheme, _, text = (authorization or "").partition(" ")
    return sha256(text.strip().encode()).hexdigest() if scheme.lower() == "bearer" and text else ""


def _caller_of(token: Token, agent: Agent | None) -> Caller | None:
    """None for the token of an agent who was deleted."""
    name = f"token:{token.id}"
    if token.role != "agent":
        return Caller(token=name, role=token.role, by="admin" if token.role == "admin" else f"{token.role}:{token.id}")
    if agent is None:
        return None
    return Caller(token=name, role="agent", by=f"agent:{agent.code}", agent=agent.code, agent_no=agent.no)
