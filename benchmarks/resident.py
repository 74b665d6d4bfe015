"""How large a process is."""

import os
from pathlib import Path
from typing import Final

MB: Final = 1e6


def resident_bytes(process: int | str = "self") -> int:
    """The resident size of a process. Linux only: raises `OSError` elsewhere."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
