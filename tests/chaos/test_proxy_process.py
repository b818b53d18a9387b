"""The process: starts like toxiproxy-server, fails in sentences, and never leaves anybody hanging."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import psutil
import psycopg
import pytest

from chaos.client import ProxyServer
from services import ready
from tests.chaos.conftest import ask, connect, read

OWNS_A_PROXY = """
import sys
from chaos.client import ProxyServer
server = ProxyServer().start()
print(server.pid, flush=True)
sys.stdin.read()
"""


def start(*options: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m chaos.proxy` until it ends."""
    argv = [sys.executable, "-m", "chaos.proxy", *options]
    return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)


def test_a_taken_port_is_one_sentence_and_exit_code_2():
    """What, where, why, and what to do next."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = start("--port", str(port))
    assert ended.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use" in ended.stderr
    assert "choose another with --port" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("{", "cannot be used (bad request body: Expecting property name"),
        ('{"name": "a"}', "cannot be used (bad request body: a list of proxies is needed)"),
        ('[{"name": "a"}]', "cannot be used (missing required field: upstream at proxy 1)"),
        ('[{"name": "a", "upstream": "b:1", "protocol": "smtp"}]', "unknown protocol 'smtp'"),
    ],
)
def test_a_bad_config_file_is_one_sentence_and_exit_code_2(tmp_path, content, message):
    """The file is named, and an example follows."""
    config = tmp_path / "proxies.json"
    if content is not None:
        config.write_text(content)
    ended = start("--port", "0", "--config", str(config))
    assert ended.returncode == 2
    assert str(config) in ended.stderr
    assert message in ended.stderr
    assert '"upstream": "127.0.0.1:5432"' in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_config_file_creates_its_proxies(tmp_path, echo):
    """As with toxiproxy-server -config."""
    config = tmp_path / "proxies.json"
    config.write_text(json.dumps([{"name": "echo", "listen": "127.0.0.1:0", "upstream": echo.address}]))
    with ProxyServer(config=config) as server:
        listen = server.api.ask("GET", "/proxies/echo")["listen"]
        host, port = listen.split(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            assert ask(connection, b"hello") == b"hello"


def test_a_dead_upstream_closes_the_client_at_once(server):
    """Refused there means closed here, not a hanging connection."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        upstream = f"127.0.0.1:{gone.getsockname()[1]}"
    wire = server.proxy("gone", upstream=upstream)
    with connect(wire) as connection, contextlib.suppress(ConnectionResetError):  # as good: it is closed
        assert connection.recv(1) == b""
    with pytest.raises(psycopg.OperationalError, match=r"closed|reset"):
        psycopg.connect(f"postgresql://postgres@{wire.host}:{wire.port}/x", connect_timeout=10)


def test_a_reader_that_does_not_read_stops_its_writer(wire):
    """Backpressure: of an endless stream the proxy takes a few megabytes and no more."""
    connection, taken = connect(wire), 0
    connection.settimeout(0.5)
    with contextlib.suppress(TimeoutError):
        while taken < 256 << 20:
            taken += connection.send(b"x" * (1 << 20))
    assert taken < 64 << 20
    connection.settimeout(10)
    assert len(read(connection, taken)) == taken


def test_killing_the_proxy_in_mid_transfer_ends_both_sides(server, wire):
    """Clients get an error or an end at once instead of waiting."""
    connection, ended = connect(wire), threading.Event()

    def pour() -> None:
        try:
            while connection.send(b"x" * 65_536):
                pass
        except OSError:
            ended.set()

    threading.Thread(target=pour, daemon=True).start()
    assert ready.true(lambda: wire.counts().bytes_up > 0)
    os.kill(server.pid, signal.SIGKILL)
    assert ended.wait(10)


@pytest.mark.parametrize("attempt", range(5))
def test_the_proxy_ends_with_the_process_that_owns_it(attempt):
    """SIGKILL to the owner: the proxy process is gone within 2 s, and with it all its faults."""
    argv = [sys.executable, "-c", OWNS_A_PROXY]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert psutil.pid_exists(pid)
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
    assert ready.true(lambda: not _lives(pid), within_s=2)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_start_and_stop_may_be_repeated(echo):
    """Idempotent verbs; a stopped server says what to do."""
    server = ProxyServer().start()
    pid = server.pid
    assert server.start().pid == pid
    server.stop()
    server.stop()
    assert not server.running


def test_counts_tell_bytes_connections_and_round_trips(wire):
    """Three questions, three answers: three round trips, also when a question comes in two pieces."""
    with connect(wire) as connection:
        for text in (b"one", b"two", b"three"):
            ask(connection, text)
        counts = wire.counts()
    assert (counts.connections, counts.round_trips) == (1, 3)
    assert counts.bytes_up == counts.bytes_down == 11
    assert wire.reset_counts() == counts
    assert wire.counts().bytes_up == 0


def test_postgres_statements_are_counted_through_the_wire(server, postgres):
    """What the driver sent by itself is set apart from what was asked."""
    wire = server.proxy("postgres", upstream=f"127.0.0.1:{postgres.port}", protocol="postgres")
    with psycopg.connect(wire.through(postgres.url), connect_timeout=10) as connection:
        connection.prepare_threshold = None  # or psycopg asks once more, to prepare what it sees often
        wire.reset_counts()
        for number in range(25):
            connection.execute("SELECT generate_series(1, %s::int)", [number]).fetchall()
        connection.commit()
    counts = wire.counts()
    assert (counts.statements, counts.control, counts.rows) == (25, 2, sum(range(25)))
    assert counts.round_trips == 27
