"""The database's files before SQLite opens them: whether the place and the file can be trusted, and whose they are.

1. A lock needs a file system that has locks, so network file systems are refused.
2. Files are made for their owner's eyes only; SQLite gives its side files the database's permissions.
3. The lock is `NAME.lock`, held through the operating system until the process ends; the file itself stays and holds
   the process number of the last holder, and below it how many commits it has seen durable. That is never too many, as
   it is written after each commit, and after a loss of power maybe too few, as it is not synced.
"""

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from nextlead.ports import StoreRefused

_MAGIC: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100
_WAL_HEADER_BYTES: Final = 32
_FRAME_HEADER_BYTES: Final = 24
_MOUNTS: Final = Path("/proc/mounts")
_NETWORK: Final = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "gfs2", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"}
)
_NETWORK_FUSE: Final = ("fuse.ceph", "fuse.gluster", "fuse.rclone", "fuse.s3fs", "fuse.smb", "fuse.sshfs")


def check_place(path: Path) -> None:
    """Raises `StoreRefused` unless the file may live there."""
    if str(path) in ("", ":memory:") or path.is_dir():
        raise StoreRefused(f"a store needs the name of a file, not {str(path)!r}")
    if not path.parent.is_dir():
        raise StoreRefused(f"there is no folder {path.parent}")
    kind = file_system(path.parent)
    if kind in _NETWORK or kind.startswith(_NETWORK_FUSE):
        raise StoreRefused(f"{path} is on a network file system ({kind}), which does not lock reliably")


def file_system(folder: Path, mounts: Path = _MOUNTS) -> str:
    """Type of the file system a folder is on: of the deepest, last mount. Empty where the system does not tell."""
    if not mounts.exists():
        return ""
    folder = folder.resolve()
    depth, found = 0, ""
    for line in mounts.read_text().splitlines():
        at, kind = Path(_unescape(line.split()[1])), line.split()[2]
        if folder.is_relative_to(at) and len(at.parts) >= depth:
            depth, found = len(at.parts), kind
    return found


def create(path: Path) -> None:
    """Make the file, empty, if it is not there."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, stat.S_IRUSR | stat.S_IWUSR))
    except FileExistsError:
        pass
    except OSError as error:
        raise StoreRefused(f"{path} can't be made: {error.strerror}") from error


def check_header(path: Path) -> None:
    """Raises `StoreRefused` unless the file is empty, or a database as long as its header says.

    Pages that a checkpoint did not reach may be missing at its end, but then they are in the write-ahead log.
    """
    try:
        header, size = _head(path), path.stat().st_size
    except OSError as error:
        raise StoreRefused(f"{path} can't be read: {error.strerror}") from error
    if not header and _frames(path, 1):
        raise StoreRefused(f"{path} is damaged: it is empty, but it has a log")
    if not header:
        return
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise StoreRefused(f"{path} is not a database")
    page_bytes = int.from_bytes(header[16:18], "big")
    page_bytes = 65_536 if page_bytes == 1 else page_bytes
    pages = int.from_bytes(header[28:32], "big")
    if page_bytes < 512 or size // page_bytes + _frames(path, page_bytes) < pages:
        raise StoreRefused(
            f"{path} is damaged: its header promises {pages} pages of {page_bytes} bytes, it has {size} bytes"
        )


class Standing:
    """Whether the database's files are those that were opened.

    Deleted or replaced ones can be written on, but nobody finds that again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = [(f"{path}{end}", _identity(Path(f"{path}{end}"))) for end in ("", "-wal", "-shm")]

    def check(self) -> None:
        """Raises `StoreRefused` if one of them is gone. Three system calls."""
        for name, identity in self._files:
            try:
                status = os.stat(name)  # noqa: PTH116 - with every commit
            except OSError:
                status = None
            if status is None or (status.st_dev, status.st_ino) != identity:
                raise StoreRefused(
                    f"{name} was deleted, moved or replaced under the daemon, which ends so that nothing is written "
                    "that would be lost"
                )


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEADER_BYTES)


def _frames(path: Path, page_bytes: int) -> int:
    wal = path.with_name(path.name + "-wal")
    size = wal.stat().st_size if wal.exists() else 0
    return max(0, size - _WAL_HEADER_BYTES) // (page_bytes + _FRAME_HEADER_BYTES)


def _unescape(mount: str) -> str:
    return mount.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")


class Lock:
    """The right to write, held through the operating system: it ends with the process, however that ends.

    A record lock (`fcntl`), because a worker process forked later must not hold it on after we die. Record locks do not
    keep a process from itself, so what it holds is remembered; and closing the file anywhere in the process gives the
    lock up, so the file is not even read while we hold it.
    """

    _held: Final[set[tuple[int, int]]] = set()

    def __init__(self, path: Path) -> None:
        self.acknowledged = 0
        """Commits that were durable when it was given back last, at least."""
        self._path = Path(f"{path}.lock")
        self._fd: int | None = None
        self._pid_bytes = 0
        self._identity = (0, 0)

    def take(self) -> None:
        """Raises `StoreRefused` naming the holder's process number when it is held."""
        if self._fd is not None:
            return
        create(self._path)
        if self.held_here():
            raise self._refusal(str(os.getpid()))
        fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = _lines(fd)[0]
            os.close(fd)
            raise self._refusal(holder or "unknown") from None
        count = _lines(fd)[1]
        self.acknowledged = int(count) if count.isascii() and count.isdigit() else 0
        os.ftruncate(fd, 0)
        self._pid_bytes = os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        if self.acknowledged:
            os.pwrite(fd, f"{self.acknowledged}\n".encode(), self._pid_bytes)
        self._identity = _identity(self._path)
        self._held.add(self._identity)
        self._fd = fd

    def note(self, commits: int) -> None:
        """So many are durable. A disk that does not take it has taken the commit, so that is no error."""
        if self._fd is not None:
            with suppress(OSError):
                os.pwrite(self._fd, b"%d\n" % commits, self._pid_bytes)

    def held_here(self) -> bool:
        """Whether this process holds it, through whichever object."""
        return self._path.exists() and _identity(self._path) in self._held

    def give_back(self) -> None:
        """Nothing happens if it is not held."""
        if self._fd is None:
            return
        self._held.discard(self._identity)
        os.close(self._fd)
        self._fd = None

    def _refusal(self, holder: str) -> StoreRefused:
        return StoreRefused(f"{self._path.name.removesuffix('.lock')} is in use by process {holder}")


def _lines(fd: int) -> tuple[str, str]:
    """The holder's process number, and the count of commits; empty where there is none."""
    lines = os.pread(fd, 64, 0).decode(errors="replace").split("\n")
    return lines[0].strip(), lines[1] if len(lines) > 1 else ""


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
