"""Logs: structlog to stderr, as JSON for collectors or as lines for people.

A log line is for an event that a person acts on; the work of agents is not logged but counted (`metrics.py`). What
libraries log through the standard library (uvicorn's errors for one) comes out in the same form.
"""

import json
import logging
import sys
from io import UnsupportedOperation
from typing import TextIO, cast

import structlog
from structlog.typing import Processor

from .log_outlet import Outlet

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
)


def configure_logs(form: str = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (stderr) as `console`, `json`, or `auto`: console on a terminal, else json.

    No log call fails or waits, whatever becomes of the stream (`log_outlet.py`).
    """
    out = stream or sys.stderr
    console = form == "console" or (form == "auto" and out.isatty())
    out = _outlet(out, console=console)
    chain = [*_SHARED, *_rendering(console=console, colors=out.isatty())]
    structlog.configure(
        processors=chain,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *chain[len(_SHARED) :]],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # At debug, libraries log what passes through them: every statement with its rows, for one.
    root.setLevel(max(logging.getLevelNamesMapping()[level.upper()], logging.INFO))
    # What a client library says about each of its requests is not for the person who runs the daemon.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _outlet(stream: TextIO, *, console: bool) -> TextIO:
    """What is only in memory is written at once."""
    try:
        stream.fileno()
    except UnsupportedOperation:
        return stream

    def lost(count: int) -> str:
        told = {"event": "log_lines_lost", "level": "warning", "count": count}
        return f"{count} log lines were lost\n" if console else f"{json.dumps(told)}\n"

    return cast("TextIO", Outlet(stream, lost))


def _rendering(*, console: bool, colors: bool) -> list[Processor]:
    if console:
        # Not the default for tracebacks, which prints local variables too: tokens are among them.
        return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
