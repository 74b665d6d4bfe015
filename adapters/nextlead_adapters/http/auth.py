"""Who calls: bearer tokens, known by their SHA-256 only.

Rules of this file: a token's text is hashed and forgotten; it is in no log, no error and no cache key. A hash that is
looked up says nothing about its neighbours, so the lookup needs no constant time; the operator's is compared so anyway.
"""

import hmac
from hashlib import sha256

from nextlead.core.engine import Engine
from nextlead.core.model import Token

from .problems import ProblemError, forbidden, unauthorized
from .table import NOBODY, Access, Caller, Headers

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")


class Gatekeeper:
    """Knows callers by their tokens. `loopback`: the daemon listens on this machine only."""

    def __init__(self, engine: Engine, operator_token_sha256: str | None, *, loopback: bool) -> None:
        self._engine = engine
        self._operator = operator_token_sha256
        self._loopback = loopback
        self._ids: dict[str, int] = {}  # hash -> id, of tokens that were seen; checked against the engine each time

    def admit(self, access: Access, headers: Headers) -> Caller:
        """The caller, if it may make calls of this access; raises a 401 or 403."""
        if access is Access.ANYONE:
            return NOBODY
        given = headers.get("authorization")
        if given is None and access is Access.METRICS and self._is_local(headers):
            return NOBODY
        caller = self._caller(given)
        if caller.role not in access.value:
            raise forbidden(caller.role)
        return caller

    def admits(self, access: Access, headers: Headers) -> bool:
        """Whether the caller still may: a token may be deleted while an answer goes on."""
        try:
            self.admit(access, headers)
        except ProblemError:
            return False
        return True

    def _is_local(self, headers: Headers) -> bool:
        return self._loopback and not any(name in headers for name in _FORWARDED)

    def _caller(self, authorization: str | None) -> Caller:
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise unauthorized()
        digest = sha256(text.strip().encode()).hexdigest()
        if self._operator is not None and hmac.compare_digest(digest, self._operator):
            return Caller("operator", "operator", by="admin")
        token = self._token(digest)
        if token is None:
            raise unauthorized()
        return self._of_token(token)

    def _token(self, digest: str) -> Token | None:
        """O(1) for a token seen before, else O(tokens)."""
        tokens = self._engine.tokens
        token = tokens.get(self._ids.get(digest, 0))
        if token is not None and token.sha256 == digest:
            return token
        self._ids.pop(digest, None)
        for token in tokens.values():
            if token.sha256 == digest:
                self._ids[digest] = token.id
                return token
        return None

    def _of_token(self, token: Token) -> Caller:
        name = f"token:{token.id}"
        if token.role != "agent":
            return Caller(
                token=name, role=token.role, by="admin" if token.role == "admin" else f"{token.role}:{token.id}"
            )
        agent = self._engine.agents.by_no.get(token.agent)
        if agent is None:
            raise unauthorized()
        return Caller(token=name, role="agent", by=f"agent:{agent.code}", agent=agent.code, agent_no=agent.no)
