"""Original files that are kept, in parts (SPEC R9.12). A pool names its file; what no pool names goes."""

from msgspec.structs import replace

from .commands import AddFile, AddFilePart, DropFile, SwapFile
from .errors import InUse, Invalid, NotFound
from .model import File, FilePart, Pool
from .state import State


def add_file(state: State, _command: AddFile) -> File:
    """An empty file, to which parts are added."""
    return _keep(state, File(state.next_record()))


def add_file_part(state: State, command: AddFilePart) -> File:
    """The next part. A file that a pool names is whole already (`InUse`). O(pools)."""
    file = need_free_file(state, command.file)
    if not command.body:
        raise Invalid("body", "must not be empty")
    state.changes.parts.append(FilePart(file.id, file.parts, command.body))
    return _keep(state, replace(file, parts=file.parts + 1))


def swap_file(state: State, command: SwapFile) -> Pool:
    """The pool's original is another file, or none, from now on. O(pools)."""
    pool = state.pools.get(command.pool)
    if pool is None:
        raise NotFound("pool", command.pool)
    if command.file:
        need_free_file(state, command.file)
    if pool.file:
        _drop(state, pool.file)
    erased = pool.file_erased + command.erased
    state.put_pool(replace(pool, file=command.file, file_bytes=command.file_bytes, file_erased=erased))
    return state.pools[pool.id]


def drop_file(state: State, command: DropFile) -> None:
    """A file that no pool names goes. O(pools)."""
    _drop(state, need_free_file(state, command.file).id)


def drop_file_of(state: State, pool: Pool) -> None:
    """The pool is gone, and its file with it."""
    if pool.file:
        _drop(state, pool.file)


def drop_unnamed(state: State) -> None:
    """At a start: nobody will add to a file that was not named by then."""
    named = {pool.file for pool in state.pools.values()}
    for file in [file for file in state.files if file not in named]:
        _drop(state, file)


def need_free_file(state: State, file: int) -> File:
    """A file that no pool names. Raises `NotFound`, `InUse`. O(pools)."""
    found = state.files.get(file)
    if found is None:
        raise NotFound("file", file)
    if any(pool.file == file for pool in state.pools.values()):
        raise InUse(f"file {file} is a pool's original")
    return found


def _keep(state: State, file: File) -> File:
    state.files[file.id] = file
    state.record("file", file.id, file)
    return file


def _drop(state: State, file: int) -> None:
    if state.files.pop(file, None) is not None:
        state.record("file", file, None)
