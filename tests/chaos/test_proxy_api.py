"""The API answers as Toxiproxy's does, so that its clients work unchanged."""

import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from chaostoxi.proxy import actions as proxy_actions
from chaostoxi.toxic import actions as toxic_actions

from chaos.client import ProxyServer
from chaos.steering import Api
from services.errors import BacklabError
from tests.chaos.conftest import ask, connect, read

UPSTREAM = "127.0.0.1:9"


def raw(address: str, method: str, path: str, body: str = "", agent: str = "") -> tuple[int, object]:
    """Status and JSON of one request, whatever the status."""
    connection = http.client.HTTPConnection(address, timeout=5)
    connection.request(method, path, body, {"User-Agent": agent} if agent else {})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text else None


@pytest.fixture
def api(server: ProxyServer) -> Api:
    """The API of a process with one proxy "a" that carries one toxic."""
    server.api.ask("POST", "/proxies", {"name": "a", "listen": "127.0.0.1:0", "upstream": UPSTREAM})
    server.api.ask("POST", "/proxies/a/toxics", {"type": "latency", "attributes": {"latency": 5}})
    return server.api


def test_chaostoolkit_toxiproxy_works_against_it(server, postgres):
    """Its actions create, change, disable, enable and delete a proxy, add and remove a toxic, and reset."""
    port = server.api.address.split(":")[1]
    configuration = {"toxiproxy_host": "127.0.0.1", "toxiproxy_port": port}
    upstream = {"upstream_host": "127.0.0.1", "upstream_port": postgres.port, "listen_host": "127.0.0.1"}
    assert proxy_actions.create_proxy("pg", **upstream, configuration=configuration)
    url = postgres.url.replace(f":{postgres.port}/", f":{configuration['pg_PORT']}/")
    assert toxic_actions.create_latency_toxic("pg", "slow", latency=1, configuration=configuration)
    with psycopg.connect(url, connect_timeout=10) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert server.api.ask("GET", "/proxies/pg/toxics/slow/receipt")["chunks"] > 0
    assert toxic_actions.delete_toxic("pg", "slow", configuration=configuration)
    assert proxy_actions.disable_proxy("pg", configuration=configuration)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=10)
    assert proxy_actions.enable_proxy("pg", configuration=configuration)
    psycopg.connect(url, connect_timeout=10).close()
    assert proxy_actions.reset(configuration=configuration)
    proxy_actions.delete_proxy("pg", configuration=configuration)
    assert server.api.ask("GET", "/proxies") == {}


def test_a_proxy_and_its_toxic_look_as_in_toxiproxy(api):
    """Field for field; a toxic without a name is called after its type and stream."""
    toxic = {
        "attributes": {"latency": 5, "jitter": 0},
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1.0,
    }
    shown = api.ask("GET", "/proxies/a")
    assert shown.pop("listen").startswith("127.0.0.1:")
    assert shown == {"name": "a", "upstream": UPSTREAM, "enabled": True, "toxics": [toxic]}
    assert api.ask("GET", "/proxies/a/toxics") == [toxic]
    assert api.ask("GET", "/proxies/a/toxics/latency_downstream") == toxic
    assert raw(api.address, "GET", "/version")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_is_not_named_in_an_update_stays(api, method):
    """POST as in version 2.0, PATCH as since 2.6."""
    api.ask(method, "/proxies/a/toxics/latency_downstream", {"attributes": {"jitter": 2}})
    assert api.ask("GET", "/proxies/a/toxics")[0]["attributes"] == {"latency": 5, "jitter": 2}
    assert api.ask(method, "/proxies/a", {"enabled": False})["enabled"] is False
    assert api.ask("GET", "/proxies/a")["upstream"] == UPSTREAM


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "/proxies/b", "", 404, "proxy not found"),
        ("DELETE", "/proxies/b", "", 404, "proxy not found"),
        ("GET", "/proxies/a/toxics/b", "", 404, "toxic not found"),
        ("DELETE", "/proxies/a/toxics/b", "", 404, "toxic not found"),
        ("POST", "/proxies", '{"name": "a", "upstream": "127.0.0.1:9"}', 409, "proxy already exists"),
        ("POST", "/proxies", '{"upstream": "127.0.0.1:9"}', 400, "missing required field: name"),
        ("POST", "/proxies", '{"name": "b"}', 400, "missing required field: upstream"),
        ("POST", "/proxies", "", 400, "bad request body: EOF"),
        ("POST", "/proxies", "[]", 400, "bad request body: a JSON object is needed"),
        ("POST", "/proxies/a/toxics", '{"type": "latency"}', 409, "toxic already exists"),
        ("POST", "/proxies/a/toxics", '{"type": "fire"}', 400, "invalid toxic type"),
        (
            "POST",
            "/proxies/a/toxics",
            '{"type": "latency", "stream": "sideways"}',
            400,
            "stream was invalid, can be either upstream or downstream",
        ),
        (
            "POST",
            "/populate",
            '[{"name": "b"}]',
            400,
            "missing required field: upstream at proxy 1",
        ),
    ],
)
def test_refusals_have_toxiproxys_words_and_codes(api, method, path, body, status, error):
    """The body repeats the status, as the Go client expects it."""
    assert raw(api.address, method, path, body) == (status, {"error": error, "status": status})


@pytest.mark.parametrize(
    "body", ["{", '{"name": 3, "upstream": "x"}', '{"name": "b", "upstream": "nowhere"}']
)
def test_nonsense_is_refused_and_the_proxy_goes_on(api, body):
    """Bad JSON, wrong types, an address without a port: an error in words, and the next request works."""
    status, answer = raw(api.address, "POST", "/proxies", body)
    assert status in (400, 500)
    assert answer["error"]
    assert list(api.ask("GET", "/proxies")) == ["a"]


@pytest.mark.parametrize(
    "sent", [b"nonsense\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET /proxies HTTP/9\r\n\r\n"]
)
def test_what_is_not_http_is_answered_and_closed(api, sent):
    """An error, the end of that connection, and the API goes on."""
    host, port = api.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(sent + b"\r\n" * 2)
        assert read(connection, 1 << 16).startswith(b"HTTP/1.1 400 ")
    assert list(api.ask("GET", "/proxies")) == ["a"]


def test_two_that_create_the_same_proxy_at_once_get_one(server):
    """One is created, the other refused, however their requests overlap."""
    body = json.dumps({"name": "twin", "listen": "127.0.0.1:0", "upstream": UPSTREAM})
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: raw(server.api.address, "POST", "/proxies", body)[0], range(8)))
    assert sorted(answers) == [201] + [409] * 7


def test_a_wrong_attribute_changes_nothing(api):
    """A refused toxic is not there afterwards."""
    body = '{"type": "latency", "name": "b", "attributes": {"latency": "much"}}'
    status, answer = raw(api.address, "POST", "/proxies/a/toxics", body)
    assert (status, answer["error"]) == (
        400,
        "bad request body: attribute latency must be a number, not 'much'",
    )
    assert len(api.ask("GET", "/proxies/a/toxics")) == 1


def test_a_port_that_is_taken_is_refused(api):
    """The error names the address; the proxy is not created."""
    taken = api.ask("GET", "/proxies/a")["listen"]
    body = json.dumps({"name": "b", "listen": taken, "upstream": UPSTREAM})
    status, answer = raw(api.address, "POST", "/proxies", body)
    assert (status, answer["error"]) == (500, f"listen tcp {taken}: bind: address already in use")
    assert list(api.ask("GET", "/proxies")) == ["a"]


def test_populate_replaces_what_differs_and_leaves_the_rest(api):
    """A proxy that leads the same way keeps its toxics; one that leads elsewhere is new."""
    listen = api.ask("GET", "/proxies/a")["listen"]
    same = {"name": "a", "listen": listen, "upstream": UPSTREAM}
    other = {"name": "b", "listen": "127.0.0.1:0", "upstream": UPSTREAM, "enabled": False}
    made = api.ask("POST", "/populate", [same, other])["proxies"]
    assert [len(proxy["toxics"]) for proxy in made] == [1, 0]
    assert [proxy["enabled"] for proxy in made] == [True, False]
    made = api.ask("POST", "/populate", [{**same, "upstream": "127.0.0.1:10"}])["proxies"]
    assert made[0]["toxics"] == []


def test_reset_enables_all_proxies_and_ends_all_faults(api):
    """Also the receipt says how it ended."""
    api.ask("POST", "/proxies/a", {"enabled": False})
    api.ask("POST", "/reset")
    shown = api.ask("GET", "/proxies/a")
    assert (shown["enabled"], shown["toxics"]) == (True, [])
    assert api.ask("GET", "/proxies/a/toxics/latency_downstream/receipt")["ended"] == "reset"


def test_a_page_in_a_browser_cannot_steer_it(api):
    """As the original does, against DNS rebinding."""
    assert raw(api.address, "GET", "/proxies", agent="Mozilla/5.0")[0] == 403


def test_changing_the_upstream_drops_connections_and_leads_elsewhere(server, echo, wire):
    """The listening port stays."""
    connection = connect(wire)
    assert ask(connection, b"before") == b"before"
    server.api.ask("POST", "/proxies/echo", {"upstream": UPSTREAM})
    assert connection.recv(1) == b""
    server.api.ask("POST", "/proxies/echo", {"upstream": echo.address})
    assert ask(connect(wire), b"after") == b"after"


def test_the_client_says_what_was_refused(server):
    """A BacklabError with the API's words."""
    with pytest.raises(BacklabError, match="unknown protocol 'smtp', can be one of http, kafka, p"):
        server.proxy("a", upstream=UPSTREAM, protocol="smtp")


def test_a_name_may_hold_what_a_path_must_spell(server: ProxyServer) -> None:
    """Spaces, a slash, an accent: each client spells them its way, and the proxy knows the name."""
    wire = server.proxy("lru / with caf\u00e9", upstream=UPSTREAM)
    with wire.fault("latency", latency_ms=5):
        (toxic,) = server.api.ask("GET", f"{wire.path}/toxics")
        assert toxic["type"] == "latency"
    assert server.api.ask("GET", f"{wire.path}/toxics") == []
