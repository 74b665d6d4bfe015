"""Calls to `next` that wait for their answer, each on a connection of its own: no threads, no guessing.

A call counts as waiting when the daemon says so itself (`nextlead_agents_waiting` of /metrics).
"""

import json
import select
from http.client import HTTPConnection, HTTPException
from typing import Final

from .daemon import Daemon

_ROUNDS: Final = 2000
"""Round trips to the daemon before giving up; each takes a millisecond or so."""
_LONGEST_S: Final = 60


class HttpWaits:
    def __init__(self) -> None:
        self._open: list[HTTPConnection] = []

    def start(self, daemon: Daemon, agent: str, token: str) -> HTTPConnection:
        """Ask, and come back when the call is answered or waits."""
        before = self._waiting(daemon)
        silent = [other for other in self._open if not has_answer(other)]
        call = ask(daemon, agent, token, _LONGEST_S)
        self._open.append(call)
        for _ in range(_ROUNDS):
            superseded = any(map(has_answer, silent))
            if has_answer(call) or superseded or self._waiting(daemon) > before:
                return call
        raise AssertionError("the call neither waits nor was it answered")

    def settled(self, daemon: Daemon, call: HTTPConnection) -> bool:
        """Whether the call has an answer, when no answer is on its way to anyone."""
        for _ in range(_ROUNDS):
            silent = [other for other in self._open if not has_answer(other)]
            if self._waiting(daemon) == len(silent):
                return has_answer(call)
        raise AssertionError("the daemon says that others wait than those who do")

    def forget(self, daemon: Daemon, call: HTTPConnection) -> None:
        """Hang up, and come back when the daemon knows."""
        self._open.remove(call)
        call.close()
        silent = [other for other in self._open if not has_answer(other)]
        for _ in range(_ROUNDS):
            if self._waiting(daemon) <= len(silent):
                return
        raise AssertionError("the daemon still waits for who hung up")

    def taken(self, call: HTTPConnection) -> None:
        """Its answer was read."""
        self._open.remove(call)

    def clear(self) -> None:
        for call in self._open:
            call.close()
        self._open.clear()

    def _waiting(self, daemon: Daemon) -> int:
        return daemon.metric("nextlead_agents_waiting")


def ask(daemon: Daemon, agent: str, token: str, wait_s: int) -> HTTPConnection:
    """Send the request of a `next`; its answer is read another time."""
    call = HTTPConnection(daemon.url.host, daemon.url.port, timeout=300)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    call.request("POST", f"/v1/agents/{agent}/next", json.dumps({"wait": wait_s}), headers)
    return call


def has_answer(call: HTTPConnection) -> bool:
    return call.sock is None or bool(select.select([call.sock], [], [], 0)[0])


def was_answered(call: HTTPConnection) -> bool:
    """Whether anything came back before the other side was gone."""
    try:
        call.getresponse()
    except (HTTPException, OSError):
        return False
    else:
        return True
    finally:
        call.close()
