"""What the demo shows: the agents and their calls, live in a terminal, as plain lines elsewhere."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

_LINES = 12
_STYLE = {"idle": "dim", "call": "green", "done": "default"}


class Screen:
    """Gets told by the agents (`tell`); shows it. `calls` counts finished calls."""

    def __init__(self, console: Console, agents: list[str]) -> None:
        self._console = console
        self._now: dict[str, tuple[str, str]] = dict.fromkeys(agents, ("idle", "starts work"))
        self._past: deque[str] = deque(maxlen=_LINES)
        self._tally: Counter[str] = Counter()
        self.calls = 0
        self._live: Live | None = None

    def tell(self, agent: str, state: str, words: str) -> None:
        """An agent says what it does."""
        if state == "done":
            self.calls += 1
            self._tally[words.rpartition("-> ")[2]] += 1
            self._past.append(f"{datetime.now().astimezone():%H:%M:%S}  {agent:<6} {words}")
        self._now[agent] = (state, words)
        if self._live is not None:
            self._live.update(self._picture())
        else:
            self._console.print(f"{agent:<6} {'calls ' if state == 'call' else ''}{words}", markup=False)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Live until left, where there is a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with Live(self._picture(), console=self._console, refresh_per_second=8, transient=False) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def _picture(self) -> Group:
        table = Table(box=None, header_style="bold", padding=(0, 2))
        table.add_column("agent")
        table.add_column("doing", no_wrap=True)
        for agent, (state, words) in self._now.items():
            table.add_row(agent, Text(f"on the phone: {words}" if state == "call" else words, style=_STYLE[state]))
        tally = ", ".join(f"{count} {place}" for place, count in self._tally.most_common())
        past = Text("\n".join(self._past), style="dim")
        return Group(table, Text(f"\n{self.calls} calls   {tally}\n", no_wrap=False, overflow="fold"), past)
