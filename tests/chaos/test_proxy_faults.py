"""Faults do what they say and no more: nothing lost, nothing reordered, nothing left, and a receipt."""

import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from chaos.client import ProxyServer
from services import ready
from tests.chaos.conftest import ask, connect, read

HOLDS_A_FAULT = """
import sys
from chaos.steering import Api
api = Api(sys.argv[1])
holder = api.hold()
api.ask("POST", "/proxies/echo/toxics", {"type": "latency", "name": "held", "holder": holder.name})
print("active", flush=True)
sys.stdin.read()
"""


def test_latency_delays_each_answer_once(wire):
    """Ten answers at 3 ms each: the receipt says 30 ms, one connection, all bytes."""
    connection = connect(wire)
    with wire.fault("latency", latency_ms=3) as fault:
        for _ in range(10):
            ask(connection, b"x" * 100)
    receipt = fault.receipt()
    assert receipt.delayed_ms == 30
    assert (receipt.connections, receipt.chunks, receipt.bytes) == (1, 10, 1000)
    assert receipt.active_ms >= 30
    assert receipt.ended == "deleted"


def test_a_fault_that_touched_nothing_says_so(wire):
    """Nobody connected: the receipt is empty."""
    with wire.fault("latency", latency_ms=3) as fault:
        pass
    assert not fault.receipt().touched


def test_an_upstream_fault_leaves_the_answers_alone(wire):
    """Only what the client sends is delayed: one receipt counts it, the other is empty."""
    connection = connect(wire)
    with (
        wire.fault("latency", latency_ms=1, stream="upstream") as fault,
        wire.fault("latency", latency_ms=1, stream="downstream", toxicity=0) as other,
    ):
        ask(connection, b"hello")
    assert fault.receipt().bytes == 5
    assert not other.receipt().touched


def test_nothing_is_lost_or_reordered_while_faults_come_and_go(wire):
    """Four megabytes of noise arrive as they were sent, with jitter switched on and off all the time."""
    sent = os.urandom(4 << 20)
    connection = connect(wire)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(read(connection, len(sent))))
    reader.start()
    for at in range(0, len(sent), 1 << 18):
        with (
            wire.fault("latency", latency_ms=2, jitter_ms=2),
            wire.fault("latency", latency_ms=3, jitter_ms=1, stream="upstream"),
            wire.fault("latency", latency_ms=1),
        ):
            connection.sendall(sent[at : at + (1 << 18)])
    reader.join(30)
    assert received == [sent]


def test_what_is_delayed_still_arrives_after_the_sender_has_ended(wire):
    """A client that says it is done gets all of its answer."""
    connection = connect(wire)
    with wire.fault("latency", latency_ms=20), wire.fault("latency", latency_ms=20, stream="upstream"):
        connection.sendall(b"x" * 100_000)
        connection.shutdown(socket.SHUT_WR)
        assert len(read(connection, 200_000)) == 100_000


def test_latency_does_not_throttle(wire):
    """Chunks are delayed side by side: all of them together take less than half of the sum of delays."""
    connection, sent = connect(wire), b"x" * (32 << 20)
    with wire.fault("latency", latency_ms=50) as fault:
        writer = threading.Thread(target=connection.sendall, args=(sent,))
        writer.start()
        assert len(read(connection, len(sent))) == len(sent)
        writer.join()
        receipt = fault.receipt()
    assert receipt.active_ms < receipt.delayed_ms / 2


def test_the_same_seed_draws_the_same_jitter(echo):
    """A run can be repeated; another seed is another run."""

    def delayed_ms(seed: int) -> float:
        with ProxyServer(seed=seed) as server:
            wire = server.proxy("echo", upstream=echo.address)
            server.api.ask("POST", "/proxies/echo/toxics", {"type": "latency", "attributes": {"jitter": 4}})
            connection = connect(wire)
            for _ in range(20):
                ask(connection, b"x")
            connection.close()
            return float(
                server.api.ask("GET", "/proxies/echo/toxics/latency_downstream/receipt")["delayed_ms"]
            )

    assert delayed_ms(1) == delayed_ms(1) != delayed_ms(2)


def test_toxicity_chooses_some_connections(wire):
    """Of forty connections a half-toxic fault hits some and spares some."""
    with wire.fault("latency", latency_ms=1, toxicity=0.5) as fault:
        for _ in range(40):
            with connect(wire) as connection:
                ask(connection, b"x")
    assert 5 < fault.receipt().connections < 35


def test_a_lease_ends_by_itself_unless_renewed(server, wire):
    """The fault of a holder that is silent for lease_s ends; one that is renewed lives on."""
    for name in ("silent", "renewed"):
        server.api.ask("POST", "/proxies/echo/toxics", {"type": "latency", "name": name, "lease_s": 0.5})

    def is_over() -> bool:
        server.api.ask("POST", "/proxies/echo/toxics/renewed/renew")
        return [toxic["name"] for toxic in server.api.ask("GET", "/proxies/echo/toxics")] == ["renewed"]

    assert ready.true(is_over, within_s=5)
    assert server.api.ask("GET", "/proxies/echo/toxics/silent/receipt")["ended"] == "lease ended"


def test_a_plain_toxic_lives_until_it_is_deleted(server, wire):
    """Without a lease it outlives the connection that made it, as in Toxiproxy."""
    server.api.ask("POST", "/proxies/echo/toxics", {"type": "latency"})
    server.api.hold().close()
    assert len(server.api.ask("GET", "/proxies/echo/toxics")) == 1


@pytest.mark.parametrize("attempt", range(5))
def test_no_fault_outlives_its_killed_holder(server, wire, attempt):
    """SIGKILL to a process that holds a fault on a proxy that lives on: the fault is gone within 2 s."""
    argv = [sys.executable, "-c", HOLDS_A_FAULT, server.api.address]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"active\n"
        assert len(server.api.ask("GET", "/proxies/echo/toxics")) == 1
        os.kill(holder.pid, signal.SIGKILL)
        assert ready.true(lambda: server.api.ask("GET", "/proxies/echo/toxics") == [], within_s=2)
    assert server.api.ask("GET", "/proxies/echo/toxics/held/receipt")["ended"] == "holder gone"
