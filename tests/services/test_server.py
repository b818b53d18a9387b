"""What every server does, of every kind and on every back end."""

from __future__ import annotations

import socket

import psycopg
import pytest
import redis

from services import ready
from services.errors import ServerError
from services.postgres import Postgres
from services.server import Server

REFUSALS = (psycopg.Error, redis.RedisError)


def remember(server: Server, value: str) -> None:
    """Store one value by the server's own protocol."""
    if isinstance(server, Postgres):
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS memory (value text)")
            connection.execute("INSERT INTO memory VALUES (%s)", [value])
        return
    with redis.Redis.from_url(server.url) as client:
        client.set("memory", value)
        client.save()


def recall(server: Server, within_s: int = 5) -> str:
    """Fetch it again; raises one of REFUSALS when nobody answers in time."""
    if isinstance(server, Postgres):
        with psycopg.connect(server.url, connect_timeout=within_s) as connection:
            row = connection.execute("SELECT value FROM memory").fetchone()
            assert row is not None
            return str(row[0])
    options = {"socket_timeout": within_s, "retry": None, "decode_responses": True}
    with redis.Redis.from_url(server.url, **options) as client:
        return str(client.get("memory"))


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_started_server_answers_and_says_what_it_is(server: Server) -> None:
    """`start()` returns when the protocol answers; version, port, url and ids are known."""
    assert server.start() is server
    assert server.running
    assert server.version.split(".")[0] == {"postgres": "18", "redis": "8"}[server.name]
    assert str(server.port) in server.url
    assert len(server.ids) == 1
    remember(server, "hello")
    assert recall(server) == "hello"


def test_start_and_stop_may_be_repeated(server: Server) -> None:
    """A second `start()` finds the running server, a second `stop()` finds nothing to do."""
    server.stop()
    url = server.start().url
    assert server.start().url == url
    server.stop()
    server.stop()
    assert not server.running


def test_a_stopped_server_leaves_no_port_and_forgets_its_data(server: Server) -> None:
    """After `stop()` nobody listens, and the next `start()` is a fresh server."""
    remember(server.start(), "old")
    port = server.port
    server.stop()
    assert not listens(port)
    server.start()
    with pytest.raises((*REFUSALS, AssertionError)):
        assert recall(server) == "old"


def test_a_restart_keeps_data_port_and_password(server: Server) -> None:
    """Clients find the same address and the same data after `restart()`."""
    remember(server.start(), "kept")
    url = server.url
    assert server.restart().url == url
    assert recall(server) == "kept"


def test_a_killed_server_finds_its_data_when_it_starts_again(server: Server) -> None:
    """`kill()` is a crash: nobody answers until `start()`, which recovers what was written."""
    remember(server.start(), "written")
    port = server.port
    server.kill()
    assert not server.running
    assert not listens(port)
    with pytest.raises(ServerError, match="does not run"):
        server.pause()
    server.start()
    assert server.port == port
    assert recall(server) == "written"


def test_a_paused_server_answers_nobody_until_it_is_resumed(server: Server) -> None:
    """`pause()` freezes it with its connections; `resume()` lets it go on with the same data."""
    remember(server.start(), "thawed")
    server.pause()
    assert server.running
    with pytest.raises(REFUSALS):
        recall(server, within_s=2)
    server.resume()
    assert recall(server) == "thawed"


def test_a_paused_server_can_be_killed_and_stopped(server: Server) -> None:
    """Nobody has to remember to resume it first, before a `kill()` either."""
    server.start().pause()
    server.kill()
    assert not server.running
    server.start().pause()
    server.stop()
    assert not server.running


def test_logs_are_there_while_it_runs_and_after(server: Server) -> None:
    """`logs(n)` gives the last n lines, also of a server that has been stopped."""
    server.start()
    assert ready.true(lambda: "ready to accept" in server.logs(50).lower())
    assert len(server.logs(1).splitlines()) == 1
    server.stop()
    assert "ready to accept" in server.logs(200).lower()


def test_what_needs_a_started_server_says_so(server: Server) -> None:
    """Asking a server that was never started is answered with what to do."""
    with pytest.raises(ServerError, match=r"call `start\(\)` first"):
        _ = server.url


def test_it_listens_on_the_loopback_address_only(server: Server) -> None:
    """No other address of this machine reaches it."""
    server.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect(("192.0.2.1", 9))  # sends nothing; it only tells which address would be used
        address = route.getsockname()[0]
    with socket.socket() as probe:
        probe.settimeout(2)
        assert probe.connect_ex((address, server.port)) != 0
