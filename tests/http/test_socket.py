"""What only a real daemon on a real socket shows: clients that go, bodies that are cut, the end of the process."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

TOKEN = "the-token-of-the-socket-tests"


class Client:
    def __init__(self, daemon: Any) -> None:
        self.daemon = daemon
        self.http = httpx.Client(base_url=daemon.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=300)

    def ok(self, method: str, path: str, body: object = None) -> Any:
        answer = self.http.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def metric(self, name: str) -> float:
        families = text_string_to_metric_families(self.http.get("/metrics").text)
        return next(sample.value for family in families for sample in family.samples if sample.name == name)

    def until(self, name: str, value: float) -> None:
        while self.metric(name) != value:
            pass

    def raw(self, head: str, body: bytes = b"") -> socket.socket:
        """Send a request by hand; the connection stays open."""
        address = urlsplit(self.daemon.url)
        assert address.hostname
        assert address.port
        sock = socket.create_connection((address.hostname, address.port), timeout=300)
        lines = f"{head}\r\nHost: nextlead\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n"
        sock.sendall(lines.encode() + b"Content-Type: application/json\r\n\r\n" + body)
        return sock


@pytest.fixture
def client(start_nextlead: Callable[..., Any]) -> Iterator[Client]:
    daemon = start_nextlead("serve", "--store", "memory:", "--clock", "manual", NEXTLEAD_ADMIN_TOKEN=TOKEN)
    client = Client(daemon)
    with client.http:
        client.ok("PUT", "/v1/campaigns/c", {})
        client.ok("PUT", "/v1/agents/a", {"campaigns": ["c"]})
        client.ok("PUT", "/v1/agents/a/session", {"campaigns": ["c"]})
        yield client


def test_a_client_that_hangs_up_waits_no_more(client: Client) -> None:  # R5.5
    waiting = client.raw("POST /v1/agents/a/next HTTP/1.1", b'{"wait": 60}')
    client.until("nextlead_agents_waiting", 1)
    waiting.close()
    client.until("nextlead_agents_waiting", 0)
    client.ok("POST", "/v1/leads", {"campaign": "c", "leads": [{"phone": "+14155550100"}]})
    assert client.metric("nextlead_leases") == 0


def test_a_waiting_client_is_answered_when_a_lead_comes(client: Client) -> None:
    waiting = client.raw("POST /v1/agents/a/next HTTP/1.1", b'{"wait": 60}')
    client.until("nextlead_agents_waiting", 1)
    client.ok("POST", "/v1/leads", {"campaign": "c", "leads": [{"phone": "+14155550100"}]})
    assert waiting.recv(65536).startswith(b"HTTP/1.1 200")
    waiting.close()


def test_a_watcher_that_hangs_up_is_let_go(client: Client) -> None:
    watcher = client.raw("GET /v1/events HTTP/1.1")
    assert watcher.recv(65536).startswith(b"HTTP/1.1 200")
    client.ok("POST", "/v1/leads", {"campaign": "c", "leads": [{"phone": "+14155550100"}]})
    client.ok("POST", "/v1/agents/a/next")
    text = b""
    while b"\n\n" not in text.partition(b"event: leased")[2]:
        text += watcher.recv(65536)
    watcher.close()
    assert client.ok("GET", "/readyz") == {"status": "ready"}


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(client: Client) -> None:
    address = urlsplit(client.daemon.url)
    assert address.hostname
    with socket.create_connection((address.hostname, address.port or 0), timeout=300) as sock:
        head = (
            f"POST /v1/leads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 999999999\r\n\r\n"
        )
        sock.sendall(head.encode())
        answer = sock.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer.lower()


def test_bytes_that_are_not_http(client: Client) -> None:
    address = urlsplit(client.daemon.url)
    assert address.hostname
    with socket.create_connection((address.hostname, address.port or 0), timeout=300) as sock:
        sock.sendall(b"\x00\x01\x02 hello\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 400")
    assert client.ok("GET", "/readyz") == {"status": "ready"}


def test_an_upload_over_a_socket(client: Client, tmp_path: Path) -> None:
    rows = "".join(f"+1415555{at:04},Lead {at}\n" for at in range(100, 200))
    file = tmp_path / "list.csv"
    file.write_text(f"phone,name\n{rows}")
    options = json.dumps({"campaign": "c", "mapping": {"name": None}})
    with file.open("rb") as opened:
        answer = client.http.post("/v1/pools", files={"file": opened}, data={"options": options})
    assert (answer.status_code, answer.json()["counts"]["valid"]) == (201, 100)


def test_the_end_of_the_daemon_answers_those_who_wait_and_ends_the_events(client: Client) -> None:
    watcher = client.raw("GET /v1/events HTTP/1.1")
    assert watcher.recv(65536).startswith(b"HTTP/1.1 200")
    waiting = client.raw("POST /v1/agents/a/next HTTP/1.1", b'{"wait": 60}')
    client.until("nextlead_agents_waiting", 1)
    ended: list[tuple[int, str]] = []
    stopping = threading.Thread(target=lambda: ended.append(client.daemon.stop()))
    stopping.start()
    assert waiting.recv(65536).startswith(b"HTTP/1.1 204")
    while watcher.recv(65536):
        pass
    stopping.join()
    assert ended[0][0] == 0
