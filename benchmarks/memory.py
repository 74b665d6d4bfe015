"""What leads cost in memory (T7): the resident size of a process over what it was with an empty organisation."""

import gc
import os
from pathlib import Path

from .calls import Shift
from .engine import Tell, load
from .figures import Result
from .job import Job, build_engine, make_centre

WORKED = 0.6
"""The part of the leads that has been called when memory is measured the second time."""
MB = 1e6
_TURNS = 20_000


def resident_bytes(process: int | str = "self") -> int:
    """The resident size of a process. Linux only: raises `OSError` elsewhere."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def measure_memory(job: Job, tell: Tell) -> Result:
    """T7 for the engine alone: MB over an engine without leads, just loaded and with 60 % of the leads called."""
    build_engine(make_centre(Job(leads=0, agents=job.agents, seed=job.seed)))
    gc.collect()
    empty = resident_bytes()
    tell("loading")
    engine = load(job)
    loaded = resident_bytes()
    shift = Shift(engine, job)
    while shift.worked < WORKED * job.leads:
        tell(f"working {shift.worked * 100 // job.leads} %")
        shift.work(min(_TURNS, max(1, job.leads // 10)))
    gc.collect()
    worked = resident_bytes()
    open_leads = sum(count for (_, status), count in engine.counts().items() if status != "closed")
    return {
        "empty_mb": empty / MB,
        "loaded_mb": (loaded - empty) / MB,
        "worked_mb": (worked - empty) / MB,
        "loaded_bytes_per_lead": (loaded - empty) / job.leads,
        "open_when_worked": float(open_leads),
    }
