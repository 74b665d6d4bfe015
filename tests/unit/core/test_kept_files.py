"""Original files, kept in parts (SPEC R9.12)."""

import pytest
from unit.core.intake_desk import Desk

from nextlead.core.commands import ActOnPool, AddFile, AddFilePart, ClosePool, DropFile, OpenPool, SwapFile
from nextlead.core.errors import InUse, Invalid, NotFound
from nextlead.core.model import File, FilePart


def kept(desk: Desk, *parts: bytes) -> int:
    """A file of these parts."""
    file = desk(AddFile())
    assert isinstance(file, File)
    for part in parts:
        desk(AddFilePart(file=file.id, body=part))
    return file.id


def pool_with(desk: Desk, file: int) -> int:
    """A pool that names it."""
    return desk(OpenPool(campaign="c1", file=file, file_bytes=3)).id  # type: ignore[attr-defined,no-any-return]


def test_parts_are_numbered_as_they_come() -> None:
    desk = Desk()
    first, second = kept(desk, b"ab", b"c"), kept(desk, b"x")
    assert desk.changes.parts == [FilePart(first, 0, b"ab"), FilePart(first, 1, b"c"), FilePart(second, 0, b"x")]
    assert desk.changes.rows["file", first] == File(first, 2)
    desk.restart()
    assert desk.engine.state.files == {}


def test_a_file_that_a_pool_names_stays_and_others_go_at_a_start() -> None:
    desk = Desk()
    named, loose = kept(desk, b"ab"), kept(desk, b"c")
    pool_with(desk, named)
    desk.restart()
    assert desk.engine.state.files == {named: File(named, 1)}
    with pytest.raises(NotFound):
        desk(AddFilePart(file=loose, body=b"d"))


def test_a_part_has_a_file_and_something_in_it() -> None:
    desk = Desk()
    with pytest.raises(NotFound):
        desk(AddFilePart(file=1, body=b"x"))
    file = kept(desk)
    with pytest.raises(Invalid):
        desk(AddFilePart(file=file, body=b""))
    assert not desk.changes.parts


def test_the_file_that_a_pool_names_is_whole() -> None:
    desk = Desk()
    file = kept(desk, b"abc")
    pool_with(desk, file)
    with pytest.raises(InUse):
        desk(AddFilePart(file=file, body=b"d"))
    with pytest.raises(InUse):
        desk(DropFile(file=file))


def test_a_file_that_no_pool_names_can_be_dropped() -> None:
    desk = Desk()
    file = kept(desk, b"abc")
    desk(DropFile(file=file))
    assert desk.changes.rows["file", file] is None
    with pytest.raises(NotFound):
        desk(DropFile(file=file))


def test_a_swapped_file_takes_the_place_of_the_old_one() -> None:  # R10.6
    desk = Desk()
    old, new = kept(desk, b"abc"), kept(desk, b"a")
    pool = pool_with(desk, old)
    with pytest.raises(InUse):
        desk(SwapFile(pool=pool, file=old, file_bytes=3, erased=1))
    desk(SwapFile(pool=pool, file=new, file_bytes=1, erased=2))
    row = desk.engine.pools[pool]
    assert (row.file, row.file_bytes, row.file_erased) == (new, 1, 2)
    assert desk.engine.state.files == {new: File(new, 1)}
    assert desk.changes.rows["file", old] is None
    desk(SwapFile(pool=pool, file=0, file_bytes=0, erased=1))
    row = desk.engine.pools[pool]
    assert (row.file, row.file_bytes, row.file_erased) == (0, 0, 3)
    assert desk.engine.state.files == {}
    with pytest.raises(NotFound):
        desk(SwapFile(pool=99, file=0, file_bytes=0, erased=0))


def test_a_deleted_pool_takes_its_file_with_it() -> None:  # R9.11
    desk = Desk()
    file = kept(desk, b"abc")
    pool = pool_with(desk, file)
    desk(ClosePool(pool=pool))
    desk(ActOnPool(pool=pool, action="delete"))
    assert desk.changes.rows["file", file] is None
    assert desk.engine.state.files == {}


def test_verify_sees_a_file_that_is_not_kept() -> None:
    desk = Desk()
    file = kept(desk, b"abc")
    pool_with(desk, file)
    desk.engine.state.files.clear()
    assert desk.engine.verify() == [f"pool 1: its file {file} is not kept"]


def test_what_was_not_read_to_its_end_is_not_kept() -> None:  # R9.5, R10.6
    desk = Desk()
    file = kept(desk, b"abc")
    pool = pool_with(desk, file)
    desk(ClosePool(pool=pool, error="cancelled"))
    assert (desk.engine.pools[pool].file, desk.engine.pools[pool].file_bytes) == (0, 0)
    assert desk.changes.rows["file", file] is None
