"""Tells the service manager how the daemon is, if there is one that wants to know (`Type=notify`).

It says where to in `NOTIFY_SOCKET`; without it nothing is said. A message that can't be sent is lost: how the daemon is
does not depend on who hears of it.

- `READY=1` once the daemon listens. A standby that waits is up as well, so it is no use to wait for more; `/readyz`
  tells who serves.
- `STATUS=` is what `systemctl status` shows: that it waits for the owner, loads, serves.
- `WATCHDOG=1` from the event loop, in half the time that the unit gives (`WatchdogSec`): a loop that stands still for
  so long is ended and started again.
- `STOPPING=1` when it was told to end.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

_SOCKET: Final = "NOTIFY_SOCKET"
_WATCHDOG_US: Final = "WATCHDOG_USEC"
_WATCHDOG_PID: Final = "WATCHDOG_PID"


def started(status: str) -> None:
    """The daemon is up, and does this."""
    _tell("READY=1", f"STATUS={status}")


def status(text: str) -> None:
    """What the daemon does now, in a line for people."""
    _tell(f"STATUS={text}")


def stopping() -> None:
    """The daemon was told to end, and answers what is in flight."""
    _tell("STOPPING=1", "STATUS=ending")


@asynccontextmanager
async def watchdog() -> AsyncIterator[None]:
    """As long as the block lasts, show that the event loop turns; nothing if nobody looks."""
    every_s = _watchdog_s()
    if not every_s:
        yield
        return
    watching = asyncio.create_task(_turn(every_s), name="nextlead-watchdog")
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def _watchdog_s() -> float:
    """Half of what the unit allows; 0 when it is not asked of this process."""
    text, pid = os.environ.get(_WATCHDOG_US, ""), os.environ.get(_WATCHDOG_PID, "")
    if not text.isdigit() or (pid and pid != str(os.getpid())) or _SOCKET not in os.environ:
        return 0.0
    return int(text) / 2_000_000


async def _turn(every_s: float) -> None:
    while True:
        _tell("WATCHDOG=1")
        await asyncio.sleep(every_s)


def _tell(*lines: str) -> None:
    """One datagram. An address that begins with @ is an abstract one."""
    address = os.environ.get(_SOCKET, "")
    if not address:
        return
    place = f"\0{address[1:]}" if address.startswith("@") else address
    message = "\n".join(line.replace("\n", " ") for line in lines)
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.setblocking(False)
        out.sendto(message.encode(), place)
