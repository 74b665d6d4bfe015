"""What went on in slices when the process ended goes on (`jobs.py`, rule 2)."""

from .blocking import CloseBlocked
from .dropping import Delete, Drop
from .expiry import Expire
from .model import Job
from .state import State, Task


def resume_jobs(state: State) -> None:
    """Begin again, in the order they came, before time acts: what they do was decided before. Nobody waits."""
    for job in sorted(state.jobs.values(), key=lambda job: job.id):
        state.tasks.append(_task(state, job))


def _task(state: State, job: Job) -> Task:
    match job.kind:
        case "delete":
            return Delete(state, job.id, job.pool)
        case "drop":
            return Drop(state, job.id, job.pool)
        case "block":
            return CloseBlocked(state, job)
        case "expire":
            return Expire(state, job.id, job.pool, job.at_ms)
        case _:
            raise AssertionError(f"job {job.id} is of kind {job.kind}")
