"""A database with a past: leads loaded, called in any order, edited, closed and deleted, so that its pages were split
and joined many times. Some of the people in it are to be forgotten."""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from contract.build import NOON, commit, event, fresh, lead, pool, reject

from nextlead.core.activity_model import Logged
from nextlead.core.model import Blocked, Call, Contacted, Erasure, Event, FreshLead, Lead, LeadData, Reject, Status

LOADED = 1_000
NAME = re.compile("(Zo\u00eb-[0-9a-f]{18})".encode())
TEXT = re.compile(rb"(?=(1[23][0-9]{9}))")
NUMBER = re.compile(rb"(?=([\x02\x03].{4}))", re.DOTALL)


def number_of(id_: int) -> int:
    """Eleven digits, no two alike."""
    return 12_000_000_000 + id_ * 7_919 % 999_999_937


def name_of(id_: int) -> str:
    """No part of it is in another's."""
    return f"Zoë-{random.Random(id_).randbytes(9).hex()}"


def traces(id_: int) -> Iterator[bytes]:
    """What may not be found: the number as text, and as the bytes that SQLite and MessagePack make of it; the name."""
    number = number_of(id_)
    yield str(number).encode()
    yield number.to_bytes((number.bit_length() + 7) // 8, "big")
    yield name_of(id_).encode()


def found(folder: Path, ids: list[int]) -> set[str]:
    """Names of the files in which a trace of these is left."""
    wanted = {trace for id_ in ids for trace in traces(id_)}
    files = [file for file in folder.iterdir() if file.is_file() and not file.name.endswith(".lock")]
    return {file.name for file in files if any(map(wanted.__contains__, like_a_trace(file.read_bytes())))}


def like_a_trace(data: bytes) -> Iterator[bytes]:
    """Everything that looks like one, wherever it begins: to look for each of hundreds would take minutes."""
    for look in (NAME, TEXT, NUMBER):
        yield from (match[1] for match in look.finditer(data))


def data_of(id_: int, padding: int = 0) -> bytes:
    return msgspec.json.encode({"name": name_of(id_), "phone": f"+{number_of(id_)}", "note": "x" * padding})


class Town:
    """Writes the past, commit by commit; `rows` are the leads as they are, `last` the last commit.

    `ids` are who lives there: towns that share none have nobody in common.
    """

    def __init__(self, leads: int, seed: int = 1, first: int = 1) -> None:
        self.random = random.Random(seed)
        self.ids = range(first, first + leads)
        self.rows: dict[int, Lead] = {}
        self.gone: set[int] = set()
        """Deleted or forgotten."""
        self.last = 0

    async def live(self, store: Any, turns: int) -> None:
        """Load everybody, then so many commits of calls."""
        await self._commit(store, pool(1, source="file"), pool(2))
        for at in range(0, len(self.ids), LOADED):
            ids = self.ids[at : at + LOADED]
            await self._commit(store, fresh=[self._fresh(i) for i in ids], rejects=[self._reject(i) for i in ids[::10]])
        for _ in range(turns):
            await self.turn(store)

    async def forget(self, store: Any, ids: list[int]) -> list[Erasure]:
        """The engine's part: rows without what is personal, and what is to be erased. They are left alone then."""
        standing = [i for i in ids if i not in self.gone]
        events = [self._event(i, "anonymized") for i in standing]
        rows = [self._anonymised(i) for i in standing]
        erasures = [Erasure(row.id, row.id, row.pool, row.last_commit, row.silent) for row in rows]
        erasures.append(Erasure(self.ids[-1] + self.last, 0, 0, 0, forget=tuple(number_of(i) for i in ids)))
        self.gone |= set(ids)
        removed = {("blocked", number_of(i)): None for i in ids} | {("contacted", i): None for i in ids}
        await self._commit(store, *rows, *erasures, events=events, rows=removed)
        return erasures

    def _fresh(self, id_: int) -> FreshLead:
        return fresh(id_, numbers=(number_of(id_),), data=data_of(id_, self.random.choice((0, 10, 300))))

    def _reject(self, id_: int) -> Reject:
        made = reject(id_, "duplicate", 1, number_of(id_))
        return msgspec.structs.replace(made, cells=(name_of(id_), f"+{number_of(id_)}"))

    async def turn(self, store: Any) -> None:
        """Sixty leads are called, some edited, some only beaten (which leaves no event), some deleted, some blocked."""
        ids = [i for i in self.random.sample(self.ids, 60) if i not in self.gone]
        called, beaten, gone = ids[:40], ids[40:50], ids[50:52]
        events = [self._event(i) for i in called]
        rows = [self._called(i) for i in called] + [self._beaten(i) for i in beaten]
        self.rows |= {row.id: row for row in rows}
        self.gone |= set(gone)
        edits = [LeadData(i, data_of(i, self.random.choice((0, 50, 900, 6_000)))) for i in called[:10]]
        blocked = [Blocked(number_of(i), f"{name_of(i)} asked", NOON, "user:M") for i in called[10:12]]
        left = [Contacted(row.id, 10, row.calls) for row in rows if row.closure and row.id in called]
        await self._commit(store, *rows, *edits, *blocked, *left, events=events, gone=gone)

    def _called(self, id_: int) -> Lead:
        status = self.random.choice((Status.PRIVATE_REDIAL, Status.COMMON_REDIAL, Status.CLOSED))
        more: dict[str, Any] = {"closure": "success", "closed_ms": NOON} if status is Status.CLOSED else {}
        more["retries"] = tuple(range(self.random.randrange(20)))
        more["calls"] = (Call(NOON, number_of(id_)),) * self.random.randrange(1, 4)
        return lead(id_, status, numbers=(number_of(id_),), last_commit=self.last + 1, **more)

    def _beaten(self, id_: int) -> Lead:
        row = self._row(id_)
        return msgspec.structs.replace(row, silent=(*row.silent, self.last + 1))

    def _anonymised(self, id_: int) -> Lead:
        more = {"closed_ms": NOON, "erased": True, "last_commit": self.last + 1}
        return lead(id_, Status.CLOSED, closure="anonymized", numbers=(), **more)

    def _event(self, id_: int, kind: str = "finished") -> Event:
        note = f"{name_of(id_)} on +{number_of(id_)} " * self.random.randrange(4)
        row = self._row(id_)
        if kind == "anonymized":
            return event(id_, kind, row.last_commit, silent=row.silent)
        said = f"{name_of(id_)} on +{number_of(id_)}" if self.random.random() < 0.5 else ""
        logged = Logged("call", "out", "no_sale", said, NOON)
        return event(id_, kind, row.last_commit, silent=row.silent, number=number_of(id_), note=note, logged=logged)

    def _row(self, id_: int) -> Lead:
        return self.rows.get(id_) or lead(id_, Status.UNPROCESSED, numbers=(number_of(id_),))

    async def _commit(self, store: Any, *rows: Any, **more: Any) -> None:
        self.last += 1
        await commit(store, self.last, *rows, **more)
