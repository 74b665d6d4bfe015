"""Hot calls on a real socket: however the bytes come, each request gets its answer, in order."""

import socket
from email.utils import parsedate_to_datetime
from typing import Any

from test_socket import TOKEN, Client, client  # noqa: F401 - a fixture


def request(line: str, body: bytes = b"{}", *more: str) -> bytes:
    lines = (f"{line} HTTP/1.1", "Host: nextlead", f"Authorization: Bearer {TOKEN}", *more)
    return (
        "\r\n".join((*lines, "Content-Type: application/json", f"Content-Length: {len(body)}", "", "")).encode() + body
    )


NEXT = request("POST /v1/agents/a/next")
HEALTH = request("GET /healthz", b"")
NO_LEASE = request("POST /v1/leases/1-00000000000000000000000000000000/finish", b'{"outcome":"unresolved"}')
MALFORMED = request("POST /v1/agents/a/next", b'{"waits":1}')
KEYED = request("POST /v1/agents/a/session", b'{"campaigns":["c"]}', "Idempotency-Key: one").replace(b"POST", b"PUT", 1)
CALLS = (NEXT, NO_LEASE, HEALTH, NEXT, MALFORMED, NO_LEASE, KEYED, NEXT)
STATUSES = [204, 404, 200, 204, 400, 404, 200, 204]


def exchange(client: Client, *pieces: bytes, answers: int) -> list[tuple[int, dict[str, str]]]:  # noqa: F811
    """Send the pieces, each as a segment of its own; status and headers of so many answers."""
    address = client.daemon.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=300) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            sock.sendall(piece)
        with sock.makefile("rb") as stream:
            return [_answer(stream) for _ in range(answers)]


def _answer(stream: Any) -> tuple[int, dict[str, str]]:
    status = int(stream.readline().split()[1])
    headers = dict(line.decode().rstrip().split(": ", 1) for line in iter(stream.readline, b"\r\n"))
    stream.read(int(headers.get("content-length", 0)))
    return status, headers


def statuses(found: list[tuple[int, dict[str, str]]]) -> list[int]:
    return [status for status, _ in found]


def test_requests_without_waiting_for_answers_get_them_in_order(client: Client) -> None:  # noqa: F811
    assert statuses(exchange(client, *CALLS, answers=len(CALLS))) == STATUSES
    assert statuses(exchange(client, b"".join(CALLS), answers=len(CALLS))) == STATUSES


def test_requests_in_pieces(client: Client) -> None:  # noqa: F811
    whole = b"".join(CALLS)
    for size in (17, 100, 230, 333):
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert statuses(exchange(client, *pieces, answers=len(CALLS))) == STATUSES, size


def test_an_answer_has_a_date_and_no_more_headers_than_others(client: Client) -> None:  # noqa: F811
    (_, nothing), (_, refused) = exchange(client, NEXT, MALFORMED, answers=2)
    assert parsedate_to_datetime(nothing.pop("date"))
    assert parsedate_to_datetime(refused.pop("date"))
    assert nothing == {"nextlead-reason": "no_lead"}
    assert set(refused) == {"content-type", "content-length"}


def test_a_connection_that_is_to_be_closed_is(client: Client) -> None:  # noqa: F811
    last = request("POST /v1/agents/a/next", b"{}", "Connection: close")
    address = client.daemon.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=300) as sock:
        sock.sendall(NEXT + last)
        with sock.makefile("rb") as stream:
            assert statuses([_answer(stream), _answer(stream)]) == [204, 204]
            assert stream.read() == b""
