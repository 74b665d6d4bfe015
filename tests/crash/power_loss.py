"""A disk that loses power: what it is sure to have after a trace of writes and syncs (`disk_trace.c`), and what it may
have besides.

What we take a disk to be, which is less than Linux promises:

1. What was written to a file is sure when a sync of that file has returned. Of what was written later any part may be
   there, in any order, in whole sectors of 512 bytes; what lies around a sector is not harmed.
2. So for a file's length; what is missing below it are zeros.
3. Names (made, renamed, removed) are sure when a sync of the folder has returned. Of later changes there are none,
   some or all, in their order, as every journalling file system has it; a sync of the file alone does nothing for its
   name.
"""

import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

SECTOR: Final = 512
_HEAD: Final = struct.Struct("<B3xIQQ")


class Step(NamedTuple):
    """One record of a trace. `kind` is a letter as in `disk_trace.c`, or M: a mark that the test wrote."""

    kind: str
    inode: int
    offset: int
    data: bytes


class Mark:
    """Writes what was acknowledged between the steps of the traced process."""

    def __init__(self, trace: Path) -> None:
        self._file = trace.open("ab", buffering=0)

    def __call__(self, text: str) -> None:
        """It stands behind everything that has returned by now."""
        data = text.encode()
        self._file.write(_HEAD.pack(ord("M"), len(data), 0, 0) + data)

    def close(self) -> None:
        """No more marks."""
        self._file.close()


def read_trace(trace: Path) -> list[Step]:
    """The steps in their order."""
    data, at, steps = trace.read_bytes(), 0, []
    while at < len(data):
        kind, count, inode, offset = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        steps.append(Step(chr(kind), inode, offset, data[at : at + count]))
        at += count
    return steps


class _File:
    """One inode: what is sure, and the writes and truncates (no data) since, with the number of their step."""

    def __init__(self) -> None:
        self.sure = bytearray()
        self.later: list[tuple[int, Step]] = []

    def sync(self) -> None:
        for _, step in self.later:
            _apply(self.sure, step)
        self.later.clear()


Names = dict[str, int | None]
"""A change of names that comes whole: the inode behind each, None for a name that goes."""


class Disk:
    """The folder's files as they stand on the disk, step by step."""

    def __init__(self) -> None:
        self.steps = 0
        self._files: dict[int, _File] = {}
        self._names: Names = {}
        self._later: list[tuple[int, Names]] = []

    def play(self, step: Step) -> None:
        """Take a step of the trace."""
        self.steps += 1
        match step.kind:
            case "C":
                self._files[step.inode] = _File()
                self._later.append((self.steps, {step.data.decode(): step.inode}))
            case "W" | "T":
                self._files[step.inode].later.append((self.steps, step))
            case "S":
                self._files[step.inode].sync()
            case "D":
                self._names = self._all_names()
                self._later.clear()
            case "U":
                self._later.append((self.steps, {step.data.decode(): None}))
            case "R":
                old, new = step.data.decode().split("\0")
                self._later.append((self.steps, {old: None, new: self._all_names()[old]}))
            case "M":
                pass
            case _:
                raise AssertionError(step)

    def after(self, loss: "Loss") -> dict[str, bytes]:
        """The files by name that such a loss of power leaves."""
        names = dict(self._names)
        for at, change in self._later:
            if not loss.keeps_names(at):
                break
            names |= change
        return {name: self._content(self._files[inode], loss) for name, inode in names.items() if inode is not None}

    def _all_names(self) -> Names:
        names = dict(self._names)
        for _, change in self._later:
            names |= change
        return names

    @staticmethod
    def _content(file: _File, loss: "Loss") -> bytes:
        content = bytearray(file.sure)
        for at, step in file.later:
            for part in loss.kept(at, step):
                _apply(content, part)
        return bytes(content)


class Loss:
    """What is kept of that which is not sure: this is the least of it, nothing."""

    def keeps_names(self, at: int) -> bool:
        """Whether a change of names of step `at` is there; all later ones are not if it is not."""
        return False

    def kept(self, at: int, step: Step) -> Iterator[Step]:
        """The parts of a write or truncate of step `at` that are there."""
        yield from ()


class Everything(Loss):
    """All of it is there, as after a process that was killed."""

    def keeps_names(self, at: int) -> bool:
        return True

    def kept(self, at: int, step: Step) -> Iterator[Step]:
        yield step


class Torn(Loss):
    """Everything up to a step, which is itself there in part: a disk that keeps the order."""

    def __init__(self, dice: random.Random, last: int) -> None:
        self._dice = dice
        self._last = last

    def keeps_names(self, at: int) -> bool:
        return at < self._last

    def kept(self, at: int, step: Step) -> Iterator[Step]:
        if at < self._last:
            yield step
        elif at == self._last:
            yield from (part for part in sectors(step) if self._dice.random() < 0.5)


class Mixed(Loss):
    """Any of it, each write (or each sector) with a probability, and the names up to some change."""

    def __init__(self, dice: random.Random, share: float, *, whole: bool) -> None:
        self._dice = dice
        self._share = share
        self._whole = whole

    def keeps_names(self, at: int) -> bool:
        return self._dice.random() < self._share

    def kept(self, at: int, step: Step) -> Iterator[Step]:
        parts = (step,) if self._whole else sectors(step)
        yield from (part for part in parts if self._dice.random() < self._share)


def losses(dice: random.Random, steps: int) -> Iterator[Loss]:
    """The kinds of loss after so many steps, one of each."""
    yield Loss()
    yield Everything()
    yield Torn(dice, steps - dice.randrange(min(steps, 40)))
    for share in (0.1, 0.5, 0.9):
        yield Mixed(dice, share, whole=dice.random() < 0.5)


def sectors(step: Step) -> Iterator[Step]:
    """A write by the sectors of the disk that it touches; a truncate as it is."""
    if step.kind == "T":
        yield step
        return
    at = 0
    while at < len(step.data):
        size = SECTOR - (step.offset + at) % SECTOR
        yield Step("W", step.inode, step.offset + at, step.data[at : at + size])
        at += size


def _apply(content: bytearray, step: Step) -> None:
    if step.kind == "T":
        del content[step.offset :]
    missing = step.offset - len(content)
    if missing > 0:
        content += bytes(missing)
    if step.kind == "W":
        content[step.offset : step.offset + len(step.data)] = step.data
