"""The route table's vocabulary: what an entry says, what a handler gets and gives.

One `Route` per call of the API. Routing, roles, decoding, the OpenAPI document and the page `/docs` are all made from
the same entries, so none of them can say something else than the others.
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from msgspec import UNSET, Meta, Struct
from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from nextlead.core.commands import Command
from nextlead.core.errors import NotFound
from nextlead.core.model import Answer

from .values import to_json

if TYPE_CHECKING:
    from .services import Face, Services
    from .uploads import Upload

V = TypeVar("V")

Headers = Mapping[str, str]
"""Of a request, in lower case; of a repeated one the last."""


class Access(Enum):
    """Who may make a call, by the roles of docs/http.md. The roles above may do all that those below may."""

    ANYONE = frozenset[str]()
    AGENT = frozenset({"agent", "supervisor", "admin", "operator"})
    SUPERVISOR = frozenset({"supervisor", "admin", "operator"})
    ADMIN = frozenset({"admin", "operator"})
    OPERATOR = frozenset({"operator"})
    METRICS = frozenset({"metrics", "admin", "operator"})


class Caller(Struct, frozen=True):
    """Who calls. `agent` is the code of an agent's token, else empty; `by` goes into the history."""

    token: str
    role: str
    by: str
    agent: str = ""
    agent_no: int = 0


NOBODY: Final = Caller(token="", role="none", by="")


class Body(Struct, forbid_unknown_fields=True):
    """Base of request bodies and queries: what they do not name is refused, not ignored."""


class View(Struct):
    """Base of answers."""


class NoQuery(Body):
    """A call without query parameters."""


PageLimit = Annotated[int, Meta(ge=1, le=1000, description="How many at most.")]
PageAfter = Annotated[str, Meta(max_length=200, description="The `next` of the page before.")]


class Paging(Body):
    """Query of a list."""

    limit: PageLimit = 100
    after: PageAfter = ""


class BulkQuery(Body):
    """With `dry_run` nothing happens; the answer says what would."""

    dry_run: bool = False


Keep = Callable[[int, object], Command]


class Call:
    """One request on its way through a handler. `caller`, `query` and `body` are what the route's entry says.

    `file` is what came with a multipart body, which has the body as its `options`. `keep` makes the command that keeps
    an answer, given its status and body; None without an Idempotency-Key. `admitted` says whether the caller may go on,
    for answers that do. `services` are those of the organisation that the token belongs to; a call that needs no token
    has none.
    """

    __slots__ = (
        "admitted",
        "body",
        "caller",
        "face",
        "file",
        "headers",
        "keep",
        "params",
        "query",
        "receive",
        "route",
        "scope",
        "services",
    )

    services: "Services"

    def __init__(self, face: "Face", route: "Route", scope: Scope, receive: Receive) -> None:
        self.face = face
        self.route = route
        self.scope = scope
        self.receive = receive
        self.params: dict[str, str] = scope.get("path_params", {})
        self.headers: Headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.caller = NOBODY
        self.admitted: Callable[[], bool] = lambda: False
        self.query: Any = None
        self.body: Any = None
        self.file: Upload | None = None
        self.keep: Keep | None = None

    async def submit(
        self,
        command: Command | Callable[[], Command],
        view: Callable[[Any], V],
        kept: Callable[[V], object | None] | None = None,
    ) -> V:
        """Carry out a command: its reply as `view` shows it at that moment, given when it is durable.

        A function makes the command when it is its turn (see `Dialer.submit`).

        With an Idempotency-Key the view is kept as the answer in the same commit, or what `kept` makes of it; when
        that is None, another command's answer will be.
        """
        views: list[V] = []

        def then(reply: Any) -> Command | None:
            views.append(view(reply))
            body = views[0] if kept is None else kept(views[0])
            return None if self.keep is None or body is None else self.keep(self.route.status, body)

        await self.services.dialer.submit(command, then)
        return views[0]

    def code(self) -> str:
        """The path's `{code}`."""
        return self.params["code"]

    def id(self, kind: str) -> int:
        """The path's `{id}`; raises `NotFound` for what was never an id."""
        text = self.params["id"]
        if not (text.isascii() and text.isdigit() and len(text) <= 15):
            raise NotFound(kind, text[:40])
        return int(text)

    @property
    def is_agent(self) -> bool:
        """Whether the caller sees only what is its own."""
        return self.caller.role == "agent"


class Reply(Struct):
    """An answer that is more than a body. `body` of UNSET is an empty one; `raw` is sent as it is."""

    status: int
    body: object = UNSET
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None

    def payload(self) -> bytes:
        """The bytes of the body."""
        if self.raw is not None:
            return self.raw
        return b"" if self.body is UNSET else to_json(self.body)


class Stream(Struct):
    """An answer that goes on: `run(send)` sends it all, its start included."""

    run: Callable[[Send], Awaitable[None]]


Handler = Callable[[Call], Awaitable[object]]
Again = Callable[[Call, Answer, Any], Awaitable[Reply | None]]


class Route(Struct, frozen=True):
    """An entry of the table.

    `answer` of None: no content. `also` are other statuses it answers on purpose, with a word why. `own`: an agent's
    token reaches it only for that agent's `{code}`. `repeatable`: an Idempotency-Key is honoured (every POST but
    `next`); `again` gives a first answer again from what was kept of it, and its decoded body, where that needs more
    than the data of leads, or None if the call is to be made anew. `instead` is the type of another answer with the
    same status. `form` is the type of `options` of a multipart body
    with a `file`; with a `body` as well, either is taken. `media` is what the answer comes as, `or_media` what it comes
    as for who prefers that: as text, whatever its type.
    """

    method: str
    path: str
    access: Access
    summary: str
    handler: Handler
    body: Any = None
    answer: Any = None
    instead: Any = None
    query: type[Body] = NoQuery
    status: int = 200
    also: Mapping[int, str] = {}
    tag: str = ""
    own: bool = False
    repeatable: bool = True
    again: Again | None = None
    form: Any = None
    media: str = "application/json"
    or_media: str = ""
    always: bool = False


def tagged(tag: str, *routes: Route) -> tuple[Route, ...]:
    """Entries of one chapter of the documents."""
    return tuple(replace(route, tag=tag) for route in routes)
