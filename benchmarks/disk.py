"""The disk under it all: what it is, and how long it takes to make 4 KiB durable."""

import os
from pathlib import Path
from time import perf_counter_ns
from types import TracebackType
from typing import Final, Self

_BLOCK: Final = bytes(4_096)
_BLOCKS: Final = 4_096
_VOLATILE: Final = frozenset({"tmpfs", "ramfs", "devtmpfs"})

_sync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class Probe:
    """A file of 16 MiB, all written, of which one block at a time is written again and synced."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "probe"
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        self._at = 0
        os.pwrite(self._file, _BLOCK * _BLOCKS, 0)
        os.fsync(self._file)

    def sync_ns(self) -> int:
        """Write a block and make it durable: how long that took."""
        self._at = (self._at + 1) % _BLOCKS
        started = perf_counter_ns()
        os.pwrite(self._file, _BLOCK, self._at * len(_BLOCK))
        _sync(self._file)
        return perf_counter_ns() - started

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)
        self._path.unlink()


def file_system(folder: Path) -> str:
    """Type and device of the file system that a folder is on, as far as it can be told."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return "unknown"
    inside = [mount for mount in mounts if folder.resolve().is_relative_to(mount[1])]
    if not inside:
        return "unknown"
    device, _, kind, *_ = max(inside, key=lambda mount: len(mount[1]))
    return f"{kind} ({device})"


def is_volatile(folder: Path) -> bool:
    """Whether nothing written there is ever durable, so that a durable benchmark would say nothing."""
    return file_system(folder).split()[0] in _VOLATILE


def settle(path: Path, *, forget: bool = False) -> None:
    """Have all of a file written, so that its writing does not go on under what is measured next.

    With `forget` it also leaves the system's cache, as after a reboot; where the system can't do that, it stays.
    """
    file = os.open(path, os.O_RDWR)
    try:
        os.fsync(file)
        if forget and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(file)
