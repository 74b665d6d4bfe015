"""What the web framework can do by itself: one address that answers a small JSON, on the server that the daemon has.

`python -m benchmarks.bare` says on stdout where it listens; SIGTERM ends it.
"""

import asyncio
import signal
import socket
import sys
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from nextlead_adapters.config import HttpConfig
from nextlead_adapters.server import run_loop, uvicorn_config

PATH: Final = "/answer"
_ANSWER: Final = {
    "id": 4711,
    "campaign": "c1",
    "status": "unprocessed",
    "attempts": 0,
    "number": "+12025550123",
    "ok": 1,
}


async def _answer(_request: Request) -> JSONResponse:
    return JSONResponse(_ANSWER)


async def _serve() -> None:
    app = Starlette(routes=[Route(PATH, _answer)])
    server = uvicorn.Server(uvicorn_config(app, HttpConfig()))
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)

    def stop() -> None:
        server.should_exit = True

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve(sockets=[listener])


if __name__ == "__main__":
    run_loop(_serve())
