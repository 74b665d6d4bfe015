"""A daemon process with a manual clock, to start, kill and start again on the same store."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx

from .times import moment

ADMIN_TOKEN: Final = "scenario-admin-token-0123456789abcdef"
_REPO: Final = Path(__file__).parents[3]
_LISTENS: Final = "nextlead serves on "


class DaemonDied(Exception):
    """It ended before it listened; the message has what it wrote."""


class Daemon:
    """`client` has no token; every call says who makes it. Files in `schemes` are read at the next start."""

    def __init__(self, folder: Path, now_ms: int) -> None:
        self._store = folder / "scenario.db"
        self._log = folder / "daemon.log"
        self._config = folder / "daemon.toml"
        self.schemes = folder / "schemes"
        self.start(now_ms)

    def start(self, now_ms: int) -> None:
        time = moment(now_ms).isoformat()
        command = [sys.executable, "-m", "nextlead_adapters.cli", "serve", "--port", "0"]
        command += ["--store", f"sqlite:///{self._store}", "--clock", f"manual={time}"]
        if self.schemes.is_dir():
            self._config.write_text(f"[schemes]\nfolder = '{self.schemes}'\n")
            command += ["--config", str(self._config)]
        paths = [str(_REPO / "engine"), str(_REPO / "adapters"), os.environ.get("PYTHONPATH", "")]
        env = {**os.environ, "NEXTLEAD_ADMIN_TOKEN": ADMIN_TOKEN, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        with self._log.open("a") as log:
            self._process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(_LISTENS):
                self.url = httpx.URL(line.removeprefix(_LISTENS).strip())
                break
        else:
            self._end()
            raise DaemonDied(self._log.read_text())
        self.client = httpx.Client(base_url=self.url, timeout=300)

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
