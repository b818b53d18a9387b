"""HTTP/1.1 requests and answers are counted right, whatever bodies they carry and however they are cut."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.client import ProxyServer
from tests.chaos.recording import Recorder, Recording, chopped, counted, single_bytes

count = partial(counted, "http")

DECOY = b"x\r\n\r\nGET /no HTTP/1.1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n0\r\n\r\n"  # a body that looks like heads


class Handler(BaseHTTPRequestHandler):
    """Answers with each kind of body that there is."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/chunks":
            self._head(200, {"Transfer-Encoding": "chunked", "Trailer": "Digest"})
            for part in (DECOY, b"y" * 3000):
                self.wfile.write(b"%X;name=value\r\n%b\r\n" % (len(part), part))
            self.wfile.write(b"0\r\nDigest: none\r\n\r\n")
        elif self.path == "/until-close":
            self._head(200, {"Connection": "close"})
            self.wfile.write(DECOY)
        elif self.path in ("/204", "/304"):
            self._head(int(self.path[1:]), {})
        else:
            self._head(200, {"content-length": str(len(DECOY))})
            self.wfile.write(DECOY)

    def do_HEAD(self) -> None:
        self._head(200, {"Content-Length": "1000"})

    def do_POST(self) -> None:
        if "Content-Length" in self.headers:
            self.rfile.read(int(self.headers["Content-Length"]))
        else:
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        self._head(409, {"Content-Length": "0"})

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where the server listens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def recording(port: int) -> Recording:
    """One kept-alive connection with every kind of body in both directions, closed by the last answer."""
    relay = Recorder("127.0.0.1", port)
    connection = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=10)
    with closing(connection):
        for method, path in [
            ("GET", "/"),
            ("HEAD", "/"),
            ("GET", "/204"),
            ("GET", "/304"),
            ("GET", "/chunks"),
        ]:
            connection.request(method, path)
            connection.getresponse().read()
        connection.request("POST", "/", DECOY, {"Expect": "100-continue"})
        connection.getresponse().read()
        connection.request("POST", "/", iter([DECOY, b"z" * 5000]), encode_chunked=True)
        connection.getresponse().read()
        connection.request("GET", "/until-close")
        assert connection.getresponse().read() == DECOY
    relay.thread.join(10)
    return relay.passed


def test_all_requests_and_answers_are_found(recording):
    """Also an interim answer; nothing that only looks like a head."""
    counted = count(recording)
    assert counted["messages"] == {
        "GET": 5, "HEAD": 1, "POST": 2, "100": 1, "200": 4, "204": 1, "304": 1, "409": 2,
    }  # fmt: skip
    assert (counted["statements"], counted["opaque"]) == (8, 0)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_counts_do_not_depend_on_where_the_network_cuts(recording, data):
    """Any chopping of the recorded session counts the same."""
    assert count(chopped(recording, data)) == count(recording)


def test_counts_survive_the_smallest_pieces(recording):
    """One byte at a time."""
    assert count(single_bytes(recording)) == count(recording)


@pytest.mark.parametrize(
    "pieces",
    [
        [("up", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")],
        [("up", b"\x16\x03\x01")],
        [("up", b"CONNECT a:1 HTTP/1.1\r\n\r\n"), ("down", b"HTTP/1.1 200 OK\r\n\r\n")],
        [("up", b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"), ("down", b"HTTP/1.1 101 Go\r\n\r\n")],
    ],
    ids=["HTTP/2", "TLS", "CONNECT", "WebSocket"],
)
def test_another_protocol_from_here_on_is_opaque(pieces):
    """Nothing after it is counted."""
    before = count(pieces)
    assert before["opaque"] == 1
    assert count([*pieces, ("up", b"GET / HTTP/1.1\r\n\r\n")]) == before


def test_pipelined_requests_are_counted_one_by_one():
    """Three in one packet, one of them HEAD: its answer's length is no body."""
    up = b"GET /a HTTP/1.1\r\n\r\n" + b"HEAD /b HTTP/1.1\r\n\r\n" + b"GET /c HTTP/1.1\n\n"
    down = b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok" + b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    counted = count([("up", up), ("down", down + b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")])
    assert counted["messages"] == {"GET": 2, "HEAD": 1, "200": 2, "404": 1}


def test_requests_are_counted_through_the_wire(port):
    """Ten requests on one kept-alive connection are ten statements and ten round trips."""
    with ProxyServer() as proxy:
        wire = proxy.proxy("http", upstream=f"127.0.0.1:{port}", protocol="http")
        with closing(http.client.HTTPConnection(wire.host, wire.port, timeout=10)) as connection:
            for _ in range(10):
                connection.request("GET", "/")
                assert connection.getresponse().read() == DECOY
            counts = wire.counts()
    assert (counts.connections, counts.statements, counts.round_trips) == (1, 10, 10)
    assert counts.messages == {"GET": 10, "200": 10}
