"""Redis' commands are counted as the server itself counts them, however they are pipelined and cut."""

from collections.abc import Iterator
from functools import partial

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.client import ProxyServer
from chaos.wire.redis import CONTROL
from services.redis import Redis
from tests.chaos.recording import Recorder, Recording, chopped, counted, single_bytes

count = partial(counted, "redis")


def statements(counted: dict[str, object]) -> dict[str, int]:
    """Commands by name, without those that drivers send by themselves."""
    messages = dict(counted["messages"])  # type: ignore[call-overload]
    return {name: number for name, number in messages.items() if name.isupper() and name not in CONTROL}


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    """One Redis for all tests of this file."""
    with Redis(backend="native") as started:
        yield started


def session(client: redis.Redis) -> None:
    """Short and long values, lists, maps, nil, an error, pipeline, transaction, script, nested answers."""
    client.set("a", b"x" * 100_000)
    assert client.get("a") == b"x" * 100_000
    assert client.get("no such key") is None
    client.rpush("list", *[b"\r\n*1\r\n$3\r\nGET", b"", b"y" * 65])
    assert len(client.lrange("list", 0, -1)) == 3
    client.hset("map", mapping={"a": 1, "b": 2})
    assert client.hgetall("map") == {b"a": b"1", b"b": b"2"}
    with pytest.raises(redis.ResponseError):
        client.incr("list")
    with client.pipeline(transaction=False) as pipeline:
        for number in range(50):
            pipeline.set(f"key{number}", number)
            pipeline.get(f"key{number}")
        assert len(pipeline.execute()) == 100
    with client.pipeline(transaction=True) as pipeline:
        assert pipeline.incr("n").incr("n").execute() == [1, 2]
    client.eval("return {1, {2, {3, 'four'}}}", 0)
    client.xadd("stream", {"f": "v"})
    client.xrange("stream")


@pytest.fixture(scope="module", params=[2, 3])
def recording(server: Redis, request: pytest.FixtureRequest) -> Recording:
    """A real session in RESP 2 and in RESP 3; the server's own counts are compared with ours."""
    relay = Recorder(server.host, server.port)
    with redis.Redis.from_url(server.url, socket_timeout=10) as observer:
        observer.flushall()
        observer.config_resetstat()
        url = server.url.replace(f":{server.port}/", f":{relay.port}/")
        with redis.Redis.from_url(url, protocol=request.param, socket_timeout=10) as client:
            session(client)
        stats = observer.info("commandstats")
    relay.thread.join(10)
    calls = {name.removeprefix("cmdstat_").upper(): value["calls"] for name, value in stats.items()}
    own = {"CONFIG|RESETSTAT", "INFO"} | {name for name in calls if name.split("|")[0] in CONTROL}
    expected = {name: number for name, number in calls.items() if name not in own}
    assert statements(count(relay.passed)) == expected
    return relay.passed


def test_each_command_has_its_reply(recording):
    """As many answers as commands, errors set apart: ours, and what redis-py asked in vain at first."""
    counted = count(recording)
    messages = dict(counted["messages"])
    assert messages["error"] in (1, 2)
    assert messages["reply"] + messages["error"] == counted["statements"] + counted["control"]
    assert counted["opaque"] == 0


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_counts_do_not_depend_on_where_the_network_cuts(recording, data):
    """Any chopping of the recorded session counts the same."""
    assert count(chopped(recording, data)) == count(recording)


def test_counts_survive_the_smallest_pieces(recording):
    """One byte at a time."""
    assert count(single_bytes(recording)) == count(recording)


@pytest.mark.parametrize(
    ("up", "messages"),
    [
        (b"PING\r\nset a 1\n\r\nGET a\r\n", {"PING": 1, "SET": 1, "GET": 1}),
        (b"*1\r\n$4\r\nping\r\n*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n", {"PING": 2}),
        (b"*1\r\n$2\r\n\xff\xfe\r\n", {"(no name)": 1}),
    ],
)
def test_lines_as_from_telnet_are_commands_too(up, messages):
    """Empty lines and empty arrays are not; a name that is none is counted without it."""
    assert count([("up", up)])["messages"] == messages


@pytest.mark.parametrize(
    ("direction", "data"),
    [("up", b"\x16\x03\x01\x02"), ("up", b"*x\r\n"), ("up", b"*1\r\n:1\r\n"), ("down", b"HTTP/1.1 400\r\n")],
)
def test_what_is_not_redis_is_opaque(direction, data):
    """TLS from its first byte; and from then on nothing is counted."""
    assert count([(direction, data), ("up", b"PING\r\n")])["opaque"] == 1


def test_pushed_messages_and_attributes_are_told_apart():
    """Of RESP 3: a push is nobody's reply, an attribute stands before its value."""
    down = b">2\r\n+message\r\n$2\r\nhi\r\n|1\r\n+ttl\r\n:1\r\n*2\r\n:1\r\n:2\r\n%1\r\n+a\r\n_\r\n+OK\r\n"
    assert count([("down", down)])["messages"] == {"push": 1, "reply": 3}


def test_a_pipeline_takes_few_round_trips_through_the_wire(server):
    """Five hundred commands, counted by the proxy."""
    with ProxyServer() as proxy:
        wire = proxy.proxy("redis", upstream=f"{server.host}:{server.port}", protocol="redis")
        with redis.Redis.from_url(wire.through(server.url), socket_timeout=10) as client:
            client.ping()
            wire.reset_counts()
            with client.pipeline(transaction=False) as pipeline:
                for number in range(500):
                    pipeline.set("a", number)
                pipeline.execute()
            counts = wire.counts()
    assert (counts.statements, counts.messages["SET"], counts.messages["reply"]) == (500, 500, 500)
    assert counts.round_trips < 50  # not 500: few, because the answers begin before the last question
