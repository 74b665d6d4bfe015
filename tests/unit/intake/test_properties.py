"""Any file at all: it is loaded with counts that add up, or refused with a reason (R9.5, R9.8)."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nextlead.core.commands import IntakeReject, IntakeRow
from nextlead.core.setup_model import TemplateField
from nextlead_adapters.intake.wire import Chunk, Done, Failed, Header, Job, Message, Reading, decode_message
from nextlead_adapters.intake.worker_main import read_file

FIELDS = (TemplateField("name"), TemplateField("size", "number"))
READING = Reading(region="US", fields=FIELDS)
CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n\r"), max_size=10)
PHONE = st.sampled_from(["4155550100", "+44 20 7946 0018", "", "nobody"]) | CELL


def read(content: bytes) -> list[Message]:
    out = io.BytesIO()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "leads.csv"
        path.write_bytes(content)
        job = Job(path=str(path), reading=READING, chunk_rows=3, memory_bytes=0, cpu_s=0)
        read_file(job, out)
    return unframed(out.getvalue())


def unframed(sent: bytes) -> list[Message]:
    messages = []
    while sent:
        end = 4 + int.from_bytes(sent[:4], "big")
        messages.append(decode_message(sent[4:end]))
        sent = sent[end:]
    return messages


def rows_of(messages: list[Message]) -> list[IntakeRow | IntakeReject]:
    assert isinstance(messages[0], Header)
    assert isinstance(messages[-1], Done)
    chunks = [message for message in messages[1:-1] if isinstance(message, Chunk)]
    assert len(chunks) == len(messages) - 2
    return sorted((row for chunk in chunks for row in (*chunk.rows, *chunk.rejects)), key=lambda row: row.row)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.tuples(PHONE, CELL, CELL), max_size=12),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be"]),
    separator=st.sampled_from([",", ";", "\t"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
@example(rows=[("", "Ā", "Ā")], encoding="utf-16-be", separator=",", line_end="\n")  # NULs that are lower bytes
def test_a_table_that_was_written_right_is_read_right(
    rows: list[tuple[str, str, str]], encoding: str, separator: str, line_end: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([("phone", "name", "size"), *rows])
    found = rows_of(read(text.getvalue().encode(encoding)))
    assert [row.cells for row in found] == rows
    assert all(row.reasons for row in found if isinstance(row, IntakeReject))
    assert all(row.numbers for row in found if isinstance(row, IntakeRow))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: b"phone,name\n4155550100,a\n" + tail))
def test_any_bytes_are_a_table_or_a_refusal(content: bytes) -> None:
    messages = read(content)
    if isinstance(messages[-1], Failed):
        assert messages[-1].rule
        assert not any(isinstance(message, Chunk) for message in messages)
    else:
        rows_of(messages)


NASTY = st.text(st.sampled_from('",;\t\r\n\0a1é '), max_size=120)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(NASTY, NASTY)
def test_whatever_the_quotes_good_lines_at_the_ends_are_loaded_and_no_character_is_lost(head: str, tail: str) -> None:
    """The first good row comes whatever follows it; a row behind the mess is in some row's cells at least."""
    messages = read(f"phone,name\n4155550100,first\n{head}\n4155550101,mark{tail}".encode())
    if isinstance(messages[-1], Failed):
        return
    found = rows_of(messages)
    assert isinstance(found[0], IntakeRow)
    assert found[0].cells == ("4155550100", "first")
    assert any("mark" in cell for row in found for cell in row.cells)
