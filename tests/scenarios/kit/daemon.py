"""A daemon process with a manual clock, to start, kill and start again on the same store."""

import re
import signal
import ssl
from pathlib import Path
from typing import Final

import httpx
from processes.start import environment, start

from .times import moment

ADMIN_TOKEN: Final = "scenario-admin-token-0123456789abcdef"
_NO_CERTIFICATES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing is encrypted here, and to read the system's certificates takes longer than many a scenario."""
_LISTENS: Final = "nextlead serves on "


class DaemonDied(Exception):
    """It ended before it listened; the message has what it wrote."""


class Daemon:
    """`client` has no token; every call says who makes it. Files in `schemes` are read at the next start."""

    def __init__(self, folder: Path, now_ms: int) -> None:
        self._folder = folder
        self._store = folder / "scenario.db"
        self._log = folder / "daemon.log"
        self._config = folder / "daemon.toml"
        self.schemes = folder / "schemes"
        self.start(now_ms)

    def start(self, now_ms: int) -> None:
        time = moment(now_ms).isoformat()
        command = ["serve", "--port", "0", "--store", f"sqlite:///{self._store}", "--clock", f"manual={time}"]
        if self.schemes.is_dir():
            self._config.write_text(f"[schemes]\nfolder = '{self.schemes}'\n")
            command += ["--config", str(self._config)]
        with self._log.open("a") as log:
            self._process = start(command, log.fileno(), self._folder, environment(NEXTLEAD_ADMIN_TOKEN=ADMIN_TOKEN))
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(_LISTENS):
                self.url = httpx.URL(line.removeprefix(_LISTENS).strip())
                break
        else:
            self._end()
            raise DaemonDied(self._log.read_text())
        self.client = httpx.Client(base_url=self.url, timeout=300, verify=_NO_CERTIFICATES)

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def metric(self, name: str) -> int:
        """The sum of a metric's series."""
        text = self.client.get("/metrics").raise_for_status().text
        found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
        return sum(int(float(value)) for value in found)

    def kill(self) -> None:
        """At once, in the middle of whatever it does."""
        self._process.send_signal(signal.SIGKILL)
        self.client.close()
        self._end()

    def freeze(self) -> None:
        """It does nothing any more, though connections to it can be made."""
        self._process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        """The orderly end, if it lives; it must be one."""
        if not self.lives:
            return
        self._process.send_signal(signal.SIGTERM)
        self.client.close()
        code = self._end()
        assert code == 0, f"the daemon ended with {code}:\n{self._log.read_text()}"

    def _end(self) -> int:
        code = self._process.wait(timeout=300)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code
