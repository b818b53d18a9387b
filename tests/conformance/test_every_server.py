"""What every server does, of every kind and on every back end."""

from __future__ import annotations

import socket
from collections.abc import Callable

import psutil
import pytest

from services import ready
from services.errors import ServerError
from services.kinds import make
from services.server import START_S, Server
from tests.conformance.clients.client import Client

MEGABYTE = 1 << 20


def listens(port: int, address: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((address, port)) == 0


def every_port(server: Server) -> list[int]:
    return [server.port, *(server.port_of(name) for name in server.more_ports)]


def test_a_started_server_answers_and_says_what_it_is(server: Server, client: Client, backend: str) -> None:
    """`start()` returns when the protocol answers; version, port, url and ids are known."""
    assert server.start() is server
    assert server.running
    assert client.promises(server.version, backend), server.version
    assert str(server.port) in server.url
    assert len(server.ids) == 1
    client.remember(server, "hello")
    assert client.recall(server) == "hello"


def test_start_and_stop_may_be_repeated(server: Server) -> None:
    """A second `start()` finds the running server, a second `stop()` finds nothing to do."""
    server.stop()
    url = server.start().url
    assert server.start().url == url
    server.stop()
    server.stop()
    assert not server.running


def test_two_of_a_kind_run_beside_each_other(server: Server, client: Client, kind: str, backend: str) -> None:
    """Neither knows of the other: own ports, own data."""
    with make(kind, backend=backend, **client.options()) as other:
        server.start()
        assert not set(every_port(server)) & set(every_port(other))
        client.remember(server, "mine")
        assert client.recall(server) == "mine"
        assert client.recall(other) != "mine"


def test_a_wrong_password_is_refused(server: Server, client: Client) -> None:
    """Where a server has passwords, a random one is made for each start."""
    server.start()
    if client.has_password:
        with pytest.raises(client.refusals):
            client.knock(server, "not-the-password")
    else:
        assert "@" not in server.url


def test_a_stopped_server_leaves_no_port_and_forgets_its_data(server: Server, client: Client) -> None:
    """After `stop()` nobody listens, and the next `start()` is a fresh server."""
    client.remember(server.start(), "old")
    ports = every_port(server)
    server.stop()
    assert not any(map(listens, ports))
    server.start()
    assert client.recall(server) != "old"


def test_a_restart_keeps_data_port_and_password(server: Server, client: Client) -> None:
    """Clients find the same address after `restart()`, and what the kind promises to keep."""
    client.remember(server.start(), "kept")
    url, ports = server.url, every_port(server)
    assert server.restart().url == url
    assert every_port(server) == ports
    assert client.recall(server) == ("kept" if "restart" in client.keeps else "")


def test_a_killed_server_starts_again_with_what_it_promised_to_keep(server: Server, client: Client) -> None:
    """`kill()` is a crash: nobody answers until `start()`, which recovers what was written."""
    client.remember(server.start(), "written")
    port = server.port
    server.kill()
    assert not server.running
    assert not listens(port)
    with pytest.raises(ServerError, match="does not run"):
        server.pause()
    server.start()
    assert server.port == port
    assert client.recall(server) == ("written" if "kill" in client.keeps else "")


def test_a_paused_server_answers_nobody_and_keeps_its_data(server: Server, client: Client) -> None:
    """`pause()` freezes it with its connections; `resume()` lets it go on with the same data."""
    client.remember(server.start(), "thawed")
    server.pause()
    assert server.running
    with pytest.raises(client.refusals):
        client.recall(server, within_s=2)
    server.resume()
    assert client.recall(server) == "thawed"


def test_a_paused_server_can_be_killed_and_stopped(server: Server) -> None:
    """Nobody has to remember to resume it first, before a `kill()` either."""
    server.start().pause()
    server.kill()
    assert not server.running
    server.start().pause()
    server.stop()
    assert not server.running


def test_logs_are_there_while_it_runs_and_after(server: Server, client: Client) -> None:
    """`logs(n)` gives the last n lines, also of a server that has been stopped."""
    server.start()
    assert ready.true(lambda: client.ready_words in server.logs(500).lower()), server.logs(500)
    assert len(server.logs(1).splitlines()) == 1
    server.stop()
    assert client.ready_words in server.logs(200).lower()


def test_a_start_that_fails_shows_the_log(
    server: Server, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not answer in time is named with its last words, and nothing of it is left."""
    monkeypatch.setitem(START_S, backend, 0.0)
    monkeypatch.setattr(server, "answer", refusing(server.not_yet[0]))
    with pytest.raises(ServerError, match=f"{server.name} .*did not answer within 0 s"):
        server.start()
    assert not server.running
    assert server.ids == []


def test_what_needs_a_started_server_says_so(server: Server) -> None:
    """Asking a server that was never started is answered with what to do."""
    with pytest.raises(ServerError, match=r"call `start\(\)` first"):
        _ = server.url


def test_at_rest_it_takes_less_memory_than_it_may(server: Server) -> None:
    """`memory_mb` is what a container is limited to, and no promise of ours that a process breaks."""
    server.start()
    assert 0 < server.memory_bytes < server.memory_mb * MEGABYTE


def test_it_listens_on_the_loopback_address_only(server: Server) -> None:
    """No other address of this machine reaches any of its ports."""
    server.start()
    outside = outside_address()
    assert not any(listens(port, outside) for port in every_port(server))
    if server.pid is not None:
        family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        assert set().union(*map(listening_addresses, family)) <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def listening_addresses(process: psutil.Process) -> set[str]:
    try:
        links = process.net_connections("inet")
    except psutil.NoSuchProcess:
        return set()  # a worker that has ended meanwhile
    return {link.laddr.ip for link in links if link.status == psutil.CONN_LISTEN}


def outside_address() -> str:
    """This machine's address towards the world."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect(("192.0.2.1", 9))  # sends nothing; it only tells which address would be used
        return str(route.getsockname()[0])


def refusing(error: type[BaseException]) -> Callable[[], str]:
    def answer() -> str:
        raise error("not yet")

    return answer
