"""What labs need of HAProxy and RabbitMQ beyond the conformance suite."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import psutil
import pytest

from services import ready
from services.haproxy import HAProxy
from services.rabbitmq import RabbitMQ
from tests.conftest import needs_natively

CONFIG = """
frontend shop
    bind "$BIND"
    default_backend replicas
frontend numbers
    bind "$ADMIN"
    stats enable
    stats uri /
backend replicas
    option httpchk GET /ready
    default-server check inter 50ms
    server one {}
    server two {}
"""


@pytest.fixture
def replicas() -> Iterator[list[str]]:
    """Two servers on 127.0.0.1 that say their own address."""

    class Replica(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            port = self.server.server_address[1]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"127.0.0.1:{port}".encode())

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Replica) for _ in range(2)]
    for each in servers:
        threading.Thread(target=each.serve_forever, daemon=True).start()
    yield [f"127.0.0.1:{each.server_port}" for each in servers]
    for each in servers:
        each.shutdown()
        each.server_close()


def test_haproxy_shares_the_load_and_is_ruled_while_it_runs(replicas: list[str], backend: str) -> None:
    """Servers on 127.0.0.1, a second front end, and the runtime API, which takes one of them out."""
    if backend == "native":
        needs_natively("haproxy")
    with HAProxy(backend=backend, config=CONFIG.format(*replicas), ports=["admin"]) as server:
        assert ready.true(lambda: server.command("show stat").count(",UP,") == len(replicas) + 1)
        assert {httpx.get(server.url, timeout=5).text for _ in range(4)} == set(replicas)
        server.command("set server replicas/one state drain")
        assert {httpx.get(server.url, timeout=5).text for _ in range(4)} == {replicas[1]}
        page = httpx.get(f"http://127.0.0.1:{server.port_of('admin')}/", timeout=5)
        assert "replicas" in page.text


def test_rabbitmq_has_its_http_api_when_asked(backend: str) -> None:
    """`management=True` adds it, on a port of its own and with the same password."""
    if backend == "native":
        needs_natively("rabbitmq")
    with RabbitMQ(backend=backend, management=True, settings={"channel_max": "7"}) as server:
        said = ready.until(
            lambda: httpx.get(f"{server.management_url}/api/overview", timeout=5), not_yet=(httpx.HTTPError,)
        )
        assert said.json()["rabbitmq_version"] == server.version
        assert httpx.get(f"http://127.0.0.1:{server.port_of('management')}/api/overview").status_code == 401


def test_rabbitmq_leaves_no_port_mapper_behind() -> None:
    """epmd is a daemon that Erlang starts when a node wants to be found, and that outlives it."""
    needs_natively("rabbitmq")
    before = {process.pid for process in psutil.process_iter() if process.name() == "epmd"}
    with RabbitMQ(backend="native") as server:
        names = [each.name() for each in psutil.Process(server.pid).children(recursive=True)]
        assert "epmd" not in names
    assert {process.pid for process in psutil.process_iter() if process.name() == "epmd"} <= before
