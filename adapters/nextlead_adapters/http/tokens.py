"""Calls on tokens. A secret is made here, shown once, and kept as a hash."""

import secrets
from functools import partial
from hashlib import sha256
from typing import Final

from msgspec import UNSET

from nextlead.core.commands import DeleteToken, PutToken
from nextlead.core.engine import Engine
from nextlead.core.model import Token

from .fields import refer
from .lists import Page, page
from .problems import malformed
from .setup_shapes import TokenBody, TokenMade, TokenView
from .setup_views import token_view
from .table import Access, Call, Paging, Route, tagged

TOKEN_BYTES: Final = 32


def new_secret() -> tuple[str, str]:
    """A token's text, which is shown once, and the hash that is kept of it."""
    secret = secrets.token_urlsafe(TOKEN_BYTES)
    return secret, sha256(secret.encode()).hexdigest()


async def make_token(call: Call) -> object:
    """The secret is made here, shown once, and kept as a hash."""
    body: TokenBody = call.body
    agent = None if body.agent is UNSET else body.agent
    if (body.role == "agent") != (agent is not None):
        raise malformed("agent", "goes with the role agent, and that role needs it")
    refer(call.services.engine, "agent", agent, "agent")
    secret, digest = new_secret()

    def view(token: Token) -> TokenMade:
        made = token_view(call.services.engine, token)
        return TokenMade(made.id, made.role, made.agent, made.created, secret)

    return await call.submit(PutToken(by=call.caller.by, sha256=digest, role=body.role, agent=agent), view)


async def list_tokens(call: Call) -> object:
    """Without their secrets, in the order they were made."""

    def read(engine: Engine) -> object:
        return page(engine.tokens.values(), call.query, lambda row: f"{row.id:012}", partial(token_view, engine))

    return await call.services.dialer.read(read)


async def delete_token(call: Call) -> None:
    """It is refused from now on."""
    await call.services.dialer.submit(DeleteToken(by=call.caller.by, id=call.id("token")))


ROUTES: Final = tagged(
    "Tokens",
    Route("GET", "/v1/tokens", Access.ADMIN, "List tokens", list_tokens, answer=Page[TokenView], query=Paging),
    Route("POST", "/v1/tokens", Access.ADMIN, "Make a token", make_token, TokenBody, TokenMade, status=201),
    Route("DELETE", "/v1/tokens/{id}", Access.ADMIN, "Delete a token", delete_token, status=204),
)
