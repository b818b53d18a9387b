"""A real PostgreSQL, an echo server, the proxy process, and a stage on both back ends to break things on."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from chaos import actions, theatre
from chaos.client import ProxyServer, Wire
from chaos.stage import Plan
from chaos.theatre import Performance, Window
from services.postgres import Postgres

BACKENDS = ["native", pytest.param("container", marks=pytest.mark.container)]
PLAN = {
    "servers": ["postgres", "redis"],
    "wires": ["postgres", "redis"],
    "load": {"read": "read-stock", "reserve": "reserve-stock", "cached": "cache-or-database"},
    "screens": 2,
    "period_s": 0.05,
}


class Echo:
    """A TCP server that sends back what it gets, until its client stops sending."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, closing(client.makefile("rb", buffering=0)) as incoming:
            try:
                while data := incoming.read(1 << 16):
                    client.sendall(data)
            except OSError:
                return


def connect(wire: Wire) -> socket.socket:
    """A connection through a wire that gives up after 10 s."""
    return connect_to(f"{wire.host}:{wire.port}")


def connect_to(address: str) -> socket.socket:
    """A connection to "host:port" that gives up after 10 s."""
    host, port = address.split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def ask(connection: socket.socket, text: bytes) -> bytes:
    """Send something to the echo server and read all of it back."""
    connection.sendall(text)
    return read(connection, len(text))


def read(connection: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes, or what there is when the other side ends."""
    parts, missing = [], size
    while missing and (part := connection.recv(min(missing, 1 << 20))):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def is_silent(connection: socket.socket) -> bool:
    """Nothing arrives in a tenth of a second."""
    connection.settimeout(0.1)
    try:
        return not connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(10)


def is_closed(connection: socket.socket) -> bool:
    """It ends, gently or not, within ten seconds."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def last(performance: Performance) -> Window:
    """The window of the last fault, lifted."""
    actions.lift_faults()
    return performance.windows[-1]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for all tests of this folder."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def echo() -> Iterator[Echo]:
    """One echo server for all tests of this folder."""
    server = Echo()
    yield server
    server.listening.close()


@pytest.fixture
def server() -> Iterator[ProxyServer]:
    """A proxy process of the test's own."""
    with ProxyServer(seed=1) as proxy:
        yield proxy


@pytest.fixture
def wire(server: ProxyServer, echo: Echo) -> Wire:
    """A wire to the echo server."""
    return server.proxy("echo", upstream=echo.address)


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each back end in turn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKLAB_BACKEND", request.param)
        yield str(request.param)


@pytest.fixture(scope="module")
def stage(backend: str) -> Iterator[Performance]:
    """One stage with Postgres, Redis, a wire to each, and screens that call them."""
    theatre.curtain_up(Plan.of(PLAN))
    yield theatre.current()
    theatre.curtain_down()


@pytest.fixture
def performance(stage: Performance) -> Iterator[Performance]:
    """The stage, with no fault on before and after a test."""
    yield stage
    actions.lift_faults()
