"""Each fault does what its name says, to the bytes and the turns it says, and leaves a receipt of it."""

import os
import socket
from contextlib import closing
from random import Random

import pytest

from chaos.faults import fault as faults
from chaos.faults.slicer import Slicer
from services.errors import BacklabError
from tests.chaos.conftest import ask, connect, is_closed, is_silent, read

TOXIPROXYS = {
    "latency": {"latency": 0, "jitter": 0},
    "bandwidth": {"rate": 0},
    "slow_close": {"delay": 0},
    "timeout": {"timeout": 0},
    "reset_peer": {"timeout": 0},
    "slicer": {"average_size": 0, "size_variation": 0, "delay": 0},
    "limit_data": {"bytes": 0},
}
OURS = {"swallow": {"nth": 1, "of_proxy": 0}, "stop": {}, "per_call": {"delay": 0, "jitter": 0}}


@pytest.mark.parametrize(("kind", "attributes"), (TOXIPROXYS | OURS).items())
def test_names_attributes_and_defaults_are_toxiproxys(server, wire, kind, attributes):
    """And ours beside them."""
    made = server.api.ask("POST", "/proxies/echo/toxics", {"type": kind})
    assert (made["name"], made["attributes"]) == (f"{kind}_downstream", attributes)


def test_nothing_else_is_registered():
    """A new fault comes with its line above."""
    assert set(faults.known()) == TOXIPROXYS.keys() | OURS.keys()


def test_an_attribute_that_a_fault_does_not_know_is_named(wire):
    """Also when only its unit is wrong: a slicer pauses for microseconds."""
    with pytest.raises(BacklabError, match=r"slicer has no attribute delay_ms.*delay_us"):
        wire.fault("slicer", delay_ms=1)


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_bandwidth_carries_so_many_bytes_in_a_second(wire, stream):
    """100 kB at 200 kB/s take half a second, within a factor of two; nothing is lost."""
    sent = os.urandom(100_000)
    with closing(connect(wire)) as connection, wire.fault("bandwidth", rate_kb_s=200, stream=stream) as fault:
        assert ask(connection, sent) == sent
        receipt = fault.receipt()
    assert receipt.bytes == len(sent)
    assert 400 <= receipt.active_ms <= 1000


def test_bandwidth_throttles_the_writer(wire):
    """It can send little more than the buffers of its kernel take."""
    with closing(connect(wire)) as connection, wire.fault("bandwidth", rate_kb_s=10, stream="upstream"):
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.sendall(b"x" * (256 << 20))


def test_a_bandwidth_of_zero_lets_nothing_pass_until_it_changes(server, wire):
    """And nothing is lost by the change."""
    server.api.ask("POST", "/proxies/echo/toxics", {"type": "bandwidth", "name": "thin"})
    with closing(connect(wire)) as connection:
        connection.sendall(b"hello")
        assert is_silent(connection)
        server.api.ask("POST", "/proxies/echo/toxics/thin", {"attributes": {"rate": 1000}})
        assert read(connection, 5) == b"hello"


def test_slow_close_delays_the_end_and_not_the_data(wire):
    """The answer is there while the connection still seems open."""
    with wire.fault("slow_close", delay_ms=300) as fault, closing(connect(wire)) as connection:
        assert ask(connection, b"hello") == b"hello"
        connection.shutdown(socket.SHUT_WR)
        assert is_silent(connection)
        assert is_closed(connection)
        receipt = fault.receipt()
    assert (receipt.delayed_ms, receipt.bytes) == (300, 0)
    assert receipt.touched


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_timeout_drops_the_data_and_closes_after_silence(wire, stream):
    """The receipt knows the bytes; the connection ends by itself."""
    with wire.fault("timeout", timeout_ms=200, stream=stream) as fault, closing(connect(wire)) as connection:
        connection.sendall(b"hello")
        assert is_closed(connection)
        receipt = fault.receipt()
    assert receipt.bytes == 5
    assert receipt.active_ms >= 200


def test_a_timeout_of_zero_holds_the_connection_until_the_fault_ends(wire):
    """Then it closes, because data was lost."""
    with closing(connect(wire)) as connection:
        with wire.fault("timeout", timeout_ms=0):
            connection.sendall(b"hello")
            assert is_silent(connection)
        assert is_closed(connection)


def test_a_timeout_may_be_set_while_connections_hang(server, wire):
    """From 0 to something: they close."""
    server.api.ask("POST", "/proxies/echo/toxics", {"type": "timeout", "name": "hang"})
    with closing(connect(wire)) as connection:
        connection.sendall(b"hello")
        assert is_silent(connection)
        server.api.ask("POST", "/proxies/echo/toxics/hang", {"attributes": {"timeout": 1}})
        assert is_closed(connection)


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_reset_peer_resets_both_sides(server, stream):
    """Not an end but a RST, for the client and for the server, also on a connection that exists."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        wire = server.proxy("reset", upstream=f"127.0.0.1:{listening.getsockname()[1]}")
        client = connect(wire)
        accepted, _ = listening.accept()
        accepted.settimeout(10)
        with (
            closing(client),
            closing(accepted),
            wire.fault("reset_peer", stream=stream, timeout_ms=5) as fault,
        ):
            (client if stream == "upstream" else accepted).sendall(b"x")
            for side in (client, accepted):
                with pytest.raises(ConnectionResetError):
                    side.recv(1)
            assert fault.receipt().connections == 1


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_slicer_cuts_into_small_packets(wire, stream):
    """Nothing is lost, and who reads gets less at once than what was sent."""
    sent = os.urandom(2000)
    fault = wire.fault("slicer", average_size=100, size_variation=20, delay_us=2000, stream=stream)
    with closing(connect(wire)) as connection, fault:
        connection.sendall(sent)
        parts = [connection.recv(4096)]
        while sum(map(len, parts)) < len(sent):
            parts.append(connection.recv(4096))
        assert b"".join(parts) == sent
        assert len(parts) > 5
        assert fault.receipt().delayed_ms >= 15 * 2


@pytest.mark.parametrize(("average", "variation"), [(100, 0), (100, 99), (1, 0), (0, 0), (5, 50), (-3, -3)])
def test_slices_cover_the_chunk_once(average, variation):
    """In order, none empty, each near the average: also for values that stop Toxiproxy."""
    slicer = Slicer(average, variation)
    ends = list(slicer.ends(0, 1000, Random(1)))
    sizes = [b - a for a, b in zip([0, *ends], ends, strict=False)]
    assert ends[-1] == 1000
    assert min(sizes) >= 1
    assert max(sizes) <= max(average, 1) + max(variation, 0)


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_limit_data_passes_so_many_bytes_and_closes(wire, stream):
    """Over several chunks; what passed before the fault does not count."""
    with closing(connect(wire)) as connection:
        ask(connection, b"x" * 50)
        with wire.fault("limit_data", bytes=8, stream=stream) as fault:
            assert ask(connection, b"12345") == b"12345"
            arrived = ask(connection, b"67890")  # a cut question closes faster than its answer comes back
            assert arrived == b"678" or (stream == "upstream" and arrived == b"")
            assert is_closed(connection)
            assert fault.receipt().bytes == 2


def test_what_passes_a_limit_is_not_cut_off_by_a_delay_behind_it(wire):
    """The connection closes when the last byte has arrived, not when the limit is reached."""
    with (
        wire.fault("limit_data", bytes=5),
        wire.fault("latency", latency_ms=50),
        closing(connect(wire)) as connection,
    ):
        connection.sendall(b"1234567")
        assert read(connection, 7) == b"12345"
