"""The Python client of Toxiproxy, toxiproxy-python, drives our proxy unchanged."""

from contextlib import closing

import pytest
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from chaos.client import ProxyServer
from tests.chaos.conftest import Echo, ask, connect_to, is_closed


@pytest.fixture
def toxiproxy(server: ProxyServer) -> Toxiproxy:
    """Its client, pointed at our process."""
    client = Toxiproxy()
    host, port = server.api.address.split(":")
    client.update_api_consumer(host, int(port))
    return client


def test_it_creates_finds_and_destroys_proxies(toxiproxy, echo: Echo):
    """Also a list of them, of which one is there already."""
    assert toxiproxy.running()
    assert b"2." in toxiproxy.version()
    made = toxiproxy.create(upstream=echo.address, name="a")
    with pytest.raises(ProxyExists):
        toxiproxy.create(upstream=echo.address, name="a")
    again = {"name": "a", "upstream": made.upstream, "listen": made.listen}
    new = {"name": "b", "upstream": echo.address, "listen": "127.0.0.1:0"}
    assert [proxy.name for proxy in toxiproxy.populate([again, new])] == ["b"]
    assert set(toxiproxy.proxies()) == {"a", "b"}
    assert toxiproxy.get_proxy("c") is None
    toxiproxy.destroy_all()
    assert toxiproxy.proxies() == {}


def test_it_takes_a_proxy_down_and_up_again(toxiproxy, echo: Echo):
    """Connections are cut, new ones refused, and accepted afterwards."""
    proxy = toxiproxy.create(upstream=echo.address, name="a")
    with closing(connect_to(proxy.listen)) as connection:
        assert ask(connection, b"hello") == b"hello"
        with proxy.down():
            assert is_closed(connection)
            with pytest.raises(ConnectionRefusedError):
                connect_to(proxy.listen)
    with closing(connect_to(proxy.listen)) as connection:
        assert ask(connection, b"hello") == b"hello"


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("latency", {"latency": 1, "jitter": 1}),
        ("bandwidth", {"rate": 1000}),
        ("slow_close", {"delay": 10}),
        ("timeout", {"timeout": 10}),
        ("reset_peer", {"timeout": 10}),
        ("slicer", {"average_size": 10, "size_variation": 2, "delay": 10}),
        ("limit_data", {"bytes": 1000}),
    ],
)
def test_it_adds_reads_and_destroys_each_toxic(toxiproxy, echo: Echo, kind, attributes):
    """The attributes come back as they were given, the fault acts, and a reset ends it."""
    proxy = toxiproxy.create(upstream=echo.address, name="a")
    proxy.add_toxic(type=kind, attributes=attributes)
    assert proxy.get_toxic(f"{kind}_downstream").attributes == attributes
    with closing(connect_to(proxy.listen)) as connection:
        if kind in ("timeout", "reset_peer"):
            connection.sendall(b"hello")
            assert is_closed(connection)
        else:
            assert ask(connection, b"hello") == b"hello"
    proxy.destroy_toxic(f"{kind}_downstream")
    proxy.add_toxic(type=kind, name="again", stream="upstream", toxicity=0.5)
    assert set(proxy.toxics()) == {"again"}
    toxiproxy.reset()
    assert proxy.toxics() == {}


def test_it_knows_our_errors(toxiproxy, echo: Echo):
    """Each status becomes the exception that the client has for it."""
    proxy = toxiproxy.create(upstream=echo.address, name="a")
    with pytest.raises(InvalidToxic, match="invalid toxic type"):
        proxy.add_toxic(type="gremlin")
    with pytest.raises(NotFound, match="toxic not found"):
        proxy.destroy_toxic("b")
    proxy.destroy()
    with pytest.raises(NotFound, match="proxy not found"):
        proxy.toxics()
