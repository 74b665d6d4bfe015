"""The process that reads one uploaded file. Started by `worker.Worker`, never by people.

It gets a `Job` on standard input and writes frames of `wire` to standard output; a full pipe holds it up. It limits
itself before it opens the file: memory, processor time, no files written. Whatever a hostile file does to it, the
daemon goes on.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from nextlead.core.commands import IntakeReject, IntakeRow
from nextlead.core.errors import Invalid

from .encodings import Unreadable
from .erasing import give_without
from .files import Record
from .mapping import Matcher
from .numbers import Numbers
from .rows import RowChecker
from .tables import AnyTable, open_table
from .upload_rules import compile_rules
from .wire import Chunk, Done, Failed, Header, Job, Message, decode_job, frame

try:
    import resource
except ImportError:  # pragma: no cover - only where the system has no limits to set
    resource = None  # type: ignore[assignment]

_CHUNK_CHARS_MAX: Final = 1 << 20
_NICENESS: Final = 5


def read_file(job: Job, out: BinaryIO) -> None:
    """Read the file of a job to the end and write what is in it; what is wrong with it becomes `Failed`."""
    reading = job.reading
    try:
        matcher = Matcher(reading.fields, reading.mapping)
        if job.erase:
            give_without(job, matcher, lambda message: _send(out, message))
        else:
            with closing(open_table(Path(job.path), reading.sheet, matcher.knows)) as table:
                _read_table(job, matcher, table, out)
        _send(out, Done())
    except Unreadable as problem:
        _send(out, Failed("file", str(problem)))
    except Invalid as problem:
        _send(out, Failed(problem.field, problem.rule))
    except OSError as problem:
        _send(out, Failed("file", f"can't be opened: {problem.strerror}"))


def _read_table(job: Job, matcher: Matcher, table: AnyTable, out: BinaryIO) -> None:
    reading = job.reading
    plan = matcher.plan(table.columns)
    columns = tuple(table.columns)
    _send(out, Header(columns, plan.unmatched, table.encoding, table.separator, table.size_bytes, table.notes))
    rules = compile_rules(reading.rules, reading.fields)
    checker = RowChecker(plan, Numbers(reading.region), frozenset(job.owners), rules, reading.match)
    _read_rows(table, checker, job, out)


def _read_rows(table: AnyTable, checker: RowChecker, job: Job, out: BinaryIO) -> None:
    rows: list[IntakeRow] = []
    rejects: list[IntakeReject] = []
    chars = 0
    for record in _new_rows(table, job):
        cells = tuple(record.cells)
        if record.problem:
            found: IntakeRow | IntakeReject = checker.broken(record.row, f"row {record.problem}", cells)
        else:
            found = checker.check(record.row, record.cells, cells)
        if isinstance(found, IntakeRow):
            rows.append(found)
        else:
            rejects.append(found)
        chars += sum(map(len, cells))
        if len(rows) + len(rejects) >= job.chunk_rows or chars > _CHUNK_CHARS_MAX:
            _send(out, Chunk(tuple(rows), tuple(rejects), table.done_bytes()))
            rows, rejects, chars = [], [], 0
    if rows or rejects:
        _send(out, Chunk(tuple(rows), tuple(rejects), table.done_bytes()))


def _new_rows(table: AnyTable, job: Job) -> Iterator[Record]:
    known = frozenset(job.known)
    return islice((record for record in table.rows() if record.row not in known), job.taken, None)


def _send(out: BinaryIO, message: Message) -> None:
    out.write(frame(message))
    out.flush()


def _limit(job: Job) -> None:
    sys.dont_write_bytecode = True
    os.nice(_NICENESS)
    if resource is not None:
        for kind, soft, hard in (
            (resource.RLIMIT_AS, job.memory_bytes, job.memory_bytes),
            (resource.RLIMIT_CPU, job.cpu_s, job.cpu_s + 5),
            (resource.RLIMIT_FSIZE, 0, 0),
            (resource.RLIMIT_CORE, 0, 0),
        ):
            resource.setrlimit(kind, (soft, hard))


def main() -> None:
    """Read one job, do it, end."""
    job = decode_job(sys.stdin.buffer.read())
    out = sys.stdout.buffer
    try:
        _limit(job)
        read_file(job, out)
    except MemoryError:
        _send(out, Failed("file", "needs more memory than an upload may take"))
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
