"""The documents that describe this face: `/openapi.json`, and `/docs` for people. Made once, from the route table."""

from typing import Final

from .page import render
from .table import Access, Call, Reply, Route, View, tagged
from .values import to_json

HTML: Final = "text/html; charset=utf-8"
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""The page brings its own style and needs nothing else, so nothing else may run in it."""


class OpenApi(View):
    """An OpenAPI 3.1 document."""

    openapi: str


async def openapi(call: Call) -> Reply:
    """For programs."""
    return Reply(200, raw=to_json(call.face.document))


async def docs(call: Call) -> Reply:
    """For people."""
    headers = (("content-type", HTML), ("content-security-policy", POLICY))
    return Reply(200, raw=render(call.face.document).encode(), headers=headers)


ROUTES: Final = tagged(
    "About",
    Route("GET", "/openapi.json", Access.ANYONE, "This API as an OpenAPI document", openapi, answer=OpenApi),
    Route("GET", "/docs", Access.ANYONE, "This API as a page", docs, answer=str, media="text/html"),
)
