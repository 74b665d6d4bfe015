"""The pure engine: how fast `next` and `finish` are, with all leads open (T1) and with most of them blocked (T2).

Each repetition is a process of its own (`child.py`). After loading, what lives long is put out of the garbage
collector's sight, as the runtime does; the collector itself stays on.
"""

import gc
from collections.abc import Callable
from time import perf_counter, process_time

from nextlead.core.engine import Engine
from nextlead.runtime.recovery import COLLECT

from .calls import Shift, Tally
from .figures import Result, spread
from .job import Job, build_engine, make_centre
from .resident import MB, resident_bytes

Tell = Callable[[str], None]
"""Told what goes on, for whoever looks at the progress."""

NS_PER_US = 1_000
REDIAL_RANK_MOST = 7


def measure_speed(job: Job, operations: int, tell: Tell) -> Result:
    """T1, T2: operations per second, and how long each took; what the leads take in memory, MB over an empty engine.

    A quarter as many operations come first, unmeasured: retries and promised calls then fall due among the measured.
    """
    tell("loading")
    empty, started = empty_bytes(job), perf_counter()
    engine = load(job)
    loaded: Result = {"load_s": perf_counter() - started, "loaded_mb": (resident_bytes() - empty) / MB}
    tell("working")
    shift = Shift(engine, job)
    shift.work(operations // 8 + job.agents)
    started_s = process_time()
    tally = shift.work(operations // 2)
    cpu_s = process_time() - started_s
    return loaded | {"cpu_us_per_operation": cpu_s * 1e6 / tally.operations} | speeds(tally)


def empty_bytes(job: Job) -> int:
    """The resident size of this process with the job's organisation and no lead."""
    build_engine(make_centre(Job(leads=0, agents=job.agents, seed=job.seed)))
    gc.collect()
    return resident_bytes()


def load(job: Job) -> Engine:
    """An engine with the job's leads. The collector rests meanwhile and sees none of them afterwards.

    It looks as often as in the daemon.
    """
    gc.disable()
    engine = build_engine(make_centre(job))
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    gc.enable()
    return engine


def speeds(tally: Tally) -> Result:
    """The figures of a shift; times in microseconds, shares of all `next` in per cent.

    `operations_per_s` counts the time inside the engine; `_with_agents` all of it, dice and clocks included.
    """
    inside_ns = sum(tally.next_ns) + sum(tally.finish_ns)
    result = {
        "operations": float(tally.operations),
        "operations_per_s": tally.operations / inside_ns * 1e9,
        "operations_per_s_with_agents": tally.operations / tally.elapsed_ns * 1e9,
    }
    for name, times in (("next", tally.next_ns), ("finish", tally.finish_ns)):
        result[f"{name}_mean_us"] = sum(times) / max(1, len(times)) / NS_PER_US
        result |= spread(name, times, "us", NS_PER_US)
    promised = sum(count for rank, count in tally.ranks.items() if rank <= REDIAL_RANK_MOST)
    shares = {"set_redials": promised, "retries": tally.ranks.get(8, 0), "new": tally.ranks.get(9, 0)}
    for name, count in (shares | {"none": tally.none}).items():
        result[f"share_{name}"] = 100 * count / max(1, len(tally.next_ns))
    return result
