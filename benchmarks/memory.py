"""What leads cost in memory (T7): the resident size of a process over what it was with an empty organisation."""

import gc

from .calls import Shift
from .engine import Tell, empty_bytes, load
from .figures import Result
from .job import Job
from .resident import MB, resident_bytes

WORKED = 0.6
"""The part of the leads that has been called when memory is measured the second time."""
_TURNS = 20_000


def measure_memory(job: Job, tell: Tell) -> Result:
    """T7 for the engine alone: MB over an engine without leads, just loaded and with 60 % of the leads called."""
    empty = empty_bytes(job)
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
