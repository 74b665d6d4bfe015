import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from nextlead_adapters.logs import configure_logs


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_json_has_event_level_time_and_facts() -> None:
    out = io.StringIO()
    configure_logs("auto", "info", out)
    structlog.get_logger().warning("store failing", tries=3)
    line = json.loads(out.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "store failing", "level": "warning", "tries": 3}


def test_console_is_for_people() -> None:
    out = io.StringIO()
    configure_logs("console", "info", out)
    structlog.get_logger().info("ready", leads=5)
    assert "ready" in out.getvalue()
    assert "leads=5" in out.getvalue()
    assert "{" not in out.getvalue()


def test_level_is_kept() -> None:
    out = io.StringIO()
    configure_logs("json", "error", out)
    structlog.get_logger().warning("not this")
    logging.getLogger("uvicorn.error").warning("nor this")
    assert out.getvalue() == ""


def test_libraries_come_out_in_the_same_form() -> None:
    out = io.StringIO()
    configure_logs("json", "info", out)
    logging.getLogger("uvicorn.error").error("address %s in use", "x")
    line = json.loads(out.getvalue())
    assert (line["event"], line["level"]) == ("address x in use", "error")


def test_debug_is_ours_alone() -> None:  # R10.6
    """At debug a library says what passes through it, rows of persons for one."""
    out = io.StringIO()
    configure_logs("json", "debug", out)
    logging.getLogger("aiosqlite").debug("executing %s", "a row of a person")
    structlog.get_logger().debug("ours")
    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["ours"]


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_has_no_local_variables(form: str) -> None:
    out = io.StringIO()
    configure_logs(form, "info", out)
    try:
        _fail_with("tok" + "en-in-a-local")
    except ValueError:
        structlog.get_logger().exception("it failed")
        logging.getLogger("uvicorn.error").exception("theirs failed too")
    assert out.getvalue().count("in _fail_with") == 2
    assert "token-in-a-local" not in out.getvalue()


def _fail_with(secret: str) -> None:
    raise ValueError(len(secret))
