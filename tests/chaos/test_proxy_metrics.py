"""/metrics reads as Prometheus reads it, with Toxiproxy's names, and tells what a fault has swallowed."""

import http.client

from prometheus_client.parser import text_string_to_metric_families

from chaos.client import Wire
from services import ready
from tests.chaos.conftest import ask, connect


def scrape(wire: Wire) -> dict[tuple[str, str], float]:
    """Values by what was counted and direction, of one proxy."""
    connection = http.client.HTTPConnection(wire.api.address, timeout=5)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(answer.read().decode()))
    connection.close()
    samples = [sample for family in families for sample in family.samples]
    assert {family.type for family in families} == {"counter"}
    for sample in samples:
        assert set(sample.labels) == {"direction", "proxy", "listener", "upstream"}
    return {
        (sample.name, sample.labels["direction"]): sample.value
        for sample in samples
        if sample.labels["proxy"] == wire.name
    }


def test_bytes_are_told_by_direction(wire):
    """Open connections and closed ones together; a reset of the counts leaves them alone."""
    with connect(wire) as connection:
        ask(connection, b"12345")
        wire.reset_counts()
    with connect(wire) as connection:
        ask(connection, b"678")
        names = ("toxiproxy_proxy_received_bytes_total", "toxiproxy_proxy_sent_bytes_total")
        expected = {(name, stream): 8 for name in names for stream in ("upstream", "downstream")}
        assert scrape(wire) == expected


def test_what_a_fault_drops_is_received_and_not_sent(wire):
    """The server has answered five bytes, the client got none."""
    with connect(wire) as connection, wire.fault("swallow"):
        connection.sendall(b"12345")
        assert ready.true(lambda: wire.counts().bytes_down == 5)
        told = scrape(wire)
    assert told["toxiproxy_proxy_received_bytes_total", "downstream"] == 5
    assert told["toxiproxy_proxy_sent_bytes_total", "downstream"] == 0


def test_a_proxy_may_have_any_name(server, echo):
    """Quotes, backslashes and line breaks are escaped."""
    wire = server.proxy('a "b" \\\n', upstream=echo.address)
    assert len(scrape(wire)) == 4
