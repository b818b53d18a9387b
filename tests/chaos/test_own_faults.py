"""The faults that Toxiproxy has not, and the cut: by turns of the wire, lifted without a loss."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from chaos.client import ProxyServer, Wire
from chaos.faults import fault as faults
from services import ready
from tests.chaos.conftest import Echo, ask, connect, is_closed, is_silent, read


def swallowed(wire: Wire, connections: int, turns: int) -> list[int]:
    """Per connection, how many of its questions stay without an answer."""
    missing = []
    for _ in range(connections):
        with closing(connect(wire)) as connection:
            connection.settimeout(0.2)
            missing.append(0)
            for number in range(turns):
                try:
                    assert ask(connection, b"%d" % number) == b"%d" % number
                except TimeoutError:
                    missing[-1] += 1
    return missing


@pytest.mark.parametrize(("of_proxy", "expected"), [(0, [1, 1]), (1, [0, 1])])
def test_swallow_takes_the_nth_answer_of_each_connection_or_of_the_proxy(wire, of_proxy, expected):
    """The fourth of the proxy is the second connection's."""
    nth = 4 if of_proxy else 2
    with wire.fault("swallow", nth=nth, of_proxy=of_proxy) as fault:
        assert swallowed(wire, connections=2, turns=3) == expected
    assert fault.receipt().bytes == sum(expected)


class Chatty(Echo):
    """Answers each byte in three chunks, one after the other has reached the proxy."""

    def __init__(self) -> None:
        self.wire: Wire
        super().__init__()

    def _serve(self, client: socket.socket) -> None:
        sent = 0
        with client:
            while client.recv(1):
                for part in (b"a", b"b", b"c"):
                    client.sendall(part)
                    sent += 1
                    assert ready.true(lambda: self.wire.counts().bytes_down >= sent)  # noqa: B023


@pytest.fixture
def chatty(server: ProxyServer) -> Iterator[Wire]:
    """A wire to a server that answers in three chunks."""
    behind = Chatty()
    behind.wire = server.proxy("chatty", upstream=behind.address)
    yield behind.wire
    behind.listening.close()


def test_swallow_takes_all_chunks_of_an_answer_and_the_work_was_done(chatty):
    """The server has answered in full: bytes reached the proxy, none the client."""
    with closing(connect(chatty)) as connection, chatty.fault("swallow", nth=1) as fault:
        connection.sendall(b"?")
        assert ready.true(lambda: fault.receipt().bytes == 3)
        connection.sendall(b"?")
        assert read(connection, 3) == b"abc"
    assert fault.receipt().bytes == 3


def test_per_call_delays_each_round_trip_once(chatty):
    """Five turns at 5 ms, three chunks each: 25 ms, where latency says 75."""
    with (
        closing(connect(chatty)) as connection,
        chatty.fault("latency", latency_ms=5) as each,
        chatty.fault("per_call", delay_ms=5) as once,
    ):
        for _ in range(5):
            connection.sendall(b"?")
            assert read(connection, 3) == b"abc"
        assert (once.receipt().chunks, once.receipt().delayed_ms) == (5, 25)
        assert each.receipt().delayed_ms == 75


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_stop_holds_everything_and_loses_nothing(wire, stream):
    """Also the end of the stream; all of it arrives when the fault is lifted."""
    with closing(connect(wire)) as connection:
        with wire.fault("stop", stream=stream) as fault:
            connection.sendall(b"hello")
            connection.shutdown(socket.SHUT_WR)
            assert is_silent(connection)
            assert fault.receipt().bytes == 5
        assert read(connection, 6) == b"hello"


def test_a_lease_lifts_a_stop(server, wire):
    """Nobody has to delete it."""
    server.api.ask("POST", "/proxies/echo/toxics", {"type": "stop", "lease_s": 0.3})
    with closing(connect(wire)) as connection:
        assert ask(connection, b"hello") == b"hello"


def test_disabling_a_proxy_cuts_its_connections(server, wire):
    """And refuses new ones until it is enabled; its faults stay."""
    server.api.ask("POST", "/proxies/echo/toxics", {"type": "stop", "name": "held", "stream": "upstream"})
    with closing(connect(wire)) as connection:
        connection.sendall(b"hello")
        server.api.ask("POST", "/proxies/echo", {"enabled": False})
        assert is_closed(connection)
    with pytest.raises(ConnectionRefusedError):
        connect(wire)
    server.api.ask("POST", "/proxies/echo", {"enabled": True})
    assert [toxic["name"] for toxic in server.api.ask("GET", "/proxies/echo/toxics")] == ["held"]
    server.api.ask("POST", "/reset")
    with closing(connect(wire)) as connection:
        assert ask(connection, b"hello") == b"hello"


def test_every_fault_spares_a_connection_that_its_toxicity_spares(wire):
    """In both streams; none of them leaves a trace in its receipt."""
    for kind in faults.known():
        for stream in ("upstream", "downstream"):
            with wire.fault(kind, stream=stream, toxicity=0) as fault, closing(connect(wire)) as connection:
                assert ask(connection, b"hello") == b"hello", kind
            assert not fault.receipt().touched, kind


def test_every_fault_ends_with_its_lease(server, wire):
    """Whatever it did meanwhile: a new connection works, and the receipt says how the fault ended."""
    for kind in faults.known():
        body = {"type": kind, "name": kind, "lease_s": 0.2}
        server.api.ask("POST", "/proxies/echo/toxics", body)
        with closing(connect(wire)) as connection:
            connection.sendall(b"hello")
            assert ready.true(lambda: server.api.ask("GET", "/proxies/echo/toxics") == []), kind
        receipt = server.api.ask("GET", f"/proxies/echo/toxics/{kind}/receipt")
        assert receipt["ended"] == "lease ended"
        with closing(connect(wire)) as connection:
            assert ask(connection, b"hello") == b"hello", kind
