"""What Kafka's labs stand on: topics, groups, settings, the wire that nobody gets past, and several nodes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psutil
import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import ConfigResource

import backlab
from services import ports, ready
from services.errors import ServerError
from services.kafka import Kafka
from services.kafka_probe import brokers_at
from services.kafka_topics import Topics

SILENT = {"log_level": 2}
TELEMETRY = ("GetTelemetrySubscriptions", "PushTelemetry")  # a client may ask for these now and then


@pytest.fixture
def topics(kafka: Kafka) -> Topics:
    """What it holds."""
    return Topics(kafka.bootstrap)


def values(topics: Topics, topic: str) -> list[bytes]:
    return [message.value() or b"" for message in topics.read(topic)]


def test_what_was_filled_in_is_read_back(topics: Topics) -> None:
    """Each record once and in order, keyed ones by their key; ends and lag are known."""
    topics.create("turns", 2)
    assert topics.fill("turns", (b"%d" % n for n in range(10))) == 10
    assert values(topics, "turns") == [b"0", b"2", b"4", b"6", b"8", b"1", b"3", b"5", b"7", b"9"]
    assert topics.ends("turns") == {0: 5, 1: 5}
    topics.create("keyed", 6)
    topics.fill("keyed", ((b"customer %d" % (n % 7), b"%d" % n) for n in range(700)))
    homes = {(message.key(), message.partition()) for message in topics.read("keyed")}
    assert len(homes) == 7
    assert sum(topics.ends("keyed").values()) == 700
    topics.create("one", 3)
    topics.fill("one", [b"x"], partition=2)
    assert topics.ends("one") == {0: 0, 1: 0, 2: 1}


def test_a_topic_that_does_not_exist_is_an_error_and_is_not_made(topics: Topics) -> None:
    """A typing error in a lab must not look like an empty topic."""
    with pytest.raises(KafkaException, match="UNKNOWN_TOPIC_OR_PART"):
        topics.ends("nothing")
    with pytest.raises(KafkaException, match="UNKNOWN_TOPIC_OR_PART"):
        topics.fill("nothing", [b"x"])


def consumed(bootstrap: str, group: str, topic: str, count: int) -> int:
    """Read `count` records as a member of a group, commit, and leave."""
    options = {"group.id": group, "auto.offset.reset": "earliest", "session.timeout.ms": 1000, **SILENT}
    member = Consumer({"bootstrap.servers": bootstrap, **options})  # type: ignore[dict-item]
    seen = 0
    try:
        member.subscribe([topic])
        while seen < count:
            seen += len([1 for message in member.consume(count - seen, 10) if message.error() is None])
        member.commit(asynchronous=False)
    finally:
        member.close()
    return seen


def test_a_group_of_a_lab_does_not_wait(kafka: Kafka, topics: Topics) -> None:
    """A session of one second is allowed, and what a group has committed is seen from outside."""
    topics.create("orders")
    topics.fill("orders", [b"x"] * 10)
    assert topics.committed("billing", "orders") == {}
    assert consumed(kafka.bootstrap, "billing", "orders", 4) == 4
    assert topics.committed("billing", "orders") == {0: 4}
    assert topics.lag("billing", "orders") == {0: 6}


def test_records_of_an_aborted_transaction_are_seen_only_on_request(kafka: Kafka, topics: Topics) -> None:
    """Transactions work on one node; the markers take offsets, too."""
    topics.create("ledger")
    options = {"bootstrap.servers": kafka.bootstrap, "transactional.id": "t", **SILENT}
    producer = Producer(options)  # type: ignore[arg-type]
    producer.init_transactions(20)
    for value, end in ((b"kept", producer.commit_transaction), (b"dropped", producer.abort_transaction)):
        producer.begin_transaction()
        producer.produce("ledger", value)
        producer.flush(10)
        end(10)
    assert values(topics, "ledger") == [b"kept"]
    assert [message.value() for message in topics.read("ledger", committed=False)] == [b"kept", b"dropped"]
    assert topics.ends("ledger") == {0: 4}


def test_a_callers_settings_win(backend: str) -> None:
    """On both back ends a line of server.properties is what the broker says it has."""
    wanted = {"auto.create.topics.enable": "true", "log.retention.ms": "123456", "num.io.threads": "3"}
    with Kafka(backend=backend, settings=wanted) as kafka:
        asked = ConfigResource(ConfigResource.Type.BROKER, str(kafka.node))
        topics = Topics(kafka.bootstrap)
        has = topics.admin.describe_configs([asked])[asked].result()
    assert {name: has[name].value for name in wanted} == wanted
    assert has["group.initial.rebalance.delay.ms"].value == "0"


def test_a_wrong_setting_is_told_in_kafkas_words(backend: str) -> None:
    """The broker refuses to start, and its reason is in the error."""
    with pytest.raises(ServerError, match=r"(?s)ended while it started.*num\.io\.threads"):
        Kafka(backend=backend, settings={"num.io.threads": "many"}).start()


def test_a_port_that_is_taken_between_choice_and_bind_is_replaced() -> None:
    """The start takes other ports and succeeds; all of them stay for a restart."""
    kafka = Kafka(backend="native")
    kafka.prepare()
    machine = kafka._machine = kafka._new_machine()
    thief = ports.reserve(kafka.port_of("faulty"))
    assert thief._socket is not None
    thief._socket.listen()
    try:
        with kafka:
            assert kafka.tries == 2
            assert kafka.port_of("faulty") != thief.port
            assert brokers_at(kafka.host, kafka.port) == {1: kafka.bootstrap}
            assert kafka.machine is machine
    finally:
        thief.close()


def test_a_client_behind_the_wire_is_never_sent_past_it(backend: str) -> None:
    """No connection goes to the broker's own listener, and the wire counts what the client says it sent."""
    told: list[int] = [0]  # what the client says how often it has produced

    def listen(statistics: str) -> None:
        told.append(sum(broker["req"]["Produce"] for broker in json.loads(statistics)["brokers"].values()))

    with backlab.bench("kafka", backend=backend) as bench:
        wire = bench.wire("kafka")
        behind = bench.via(wire, bench.kafka.bootstrap)
        Topics(bench.kafka.bootstrap).create("orders", 3)
        assert set(brokers_at("127.0.0.1", wire.port).values()) == {behind}
        wire.reset_counts()
        options = {"bootstrap.servers": behind, "statistics.interval.ms": 50, "stats_cb": listen, **SILENT}
        producer = Producer(options)  # type: ignore[arg-type]
        for number in range(99):
            producer.produce("orders", b"x", partition=number % 3)
        assert producer.flush(10) == 0
        remote = {link.raddr.port for link in psutil.Process().net_connections("tcp") if link.raddr}
        assert not remote & {bench.kafka.port_of("faulty")}
        counts = wire.counts()
        assert counts.opaque == 0
        assert counts.messages["answer"] == counts.statements + counts.control
        assert counts.messages["Produce"] >= 3
        assert set(counts.messages) <= {"Produce", "ApiVersions", "Metadata", "answer", *TELEMETRY}
        assert ready.true(lambda: producer.poll(0.05) >= 0 and told[-1] == counts.messages["Produce"])


def test_the_wire_names_what_a_group_and_a_transaction_ask(backend: str) -> None:
    """Kafka's API keys are read right off the bytes of a real client."""
    with backlab.bench("kafka", backend=backend) as bench:
        wire = bench.wire("kafka")
        behind = bench.via(wire, bench.kafka.bootstrap)
        topics = Topics(bench.kafka.bootstrap)
        topics.create("orders")
        topics.fill("orders", [b"x"] * 3)
        wire.reset_counts()
        consumed(behind, "billing", "orders", 3)
        group = wire.reset_counts()
        assert group.opaque == 0
        asked = {
            "FindCoordinator",
            "JoinGroup",
            "SyncGroup",
            "OffsetFetch",
            "Fetch",
            "OffsetCommit",
            "LeaveGroup",
        }
        assert asked <= set(group.messages)
        assert not [name for name in group.messages if name.startswith("API key")]
        assert group.messages["answer"] <= group.statements + group.control


@pytest.fixture
def pair(backend: str) -> Iterator[tuple[Kafka, Kafka]]:
    """A controller and broker, and a second broker that joins it."""
    with Kafka(backend=backend) as first, Kafka(joins=first) as second:
        yield first, second


def test_a_second_broker_holds_replicas_and_may_lead(pair: tuple[Kafka, Kafka]) -> None:
    """Its death moves the lead, no acknowledged record is lost, and it comes back with its data."""
    first, second = pair
    assert brokers_at(first.host, first.port) == {1: first.bootstrap, 2: second.bootstrap}
    topics = Topics(first.bootstrap)
    topics.create("orders", replicas=[[2, 1]], config={"min.insync.replicas": "2"})
    assert topics.leaders("orders") == {0: 2}
    topics.fill("orders", [b"%d" % n for n in range(100)])
    second.kill()
    assert ready.true(lambda: topics.leaders("orders") == {0: 1}, within_s=20, every_s=0.1)
    second.start()  # alone, node 1 would show only what it knows that both had: fewer than two are in sync
    topics.fill("orders", [b"again"])
    assert values(Topics(second.bootstrap), "orders") == [*(b"%d" % n for n in range(100)), b"again"]


def test_a_paused_follower_delays_all_and_loses_nothing(pair: tuple[Kafka, Kafka]) -> None:
    """With acks=all nobody is told "written" while the follower sleeps; when it wakes, all are."""
    first, second = pair
    topics = Topics(first.bootstrap)
    topics.create("orders", replicas=[[1, 2]], config={"min.insync.replicas": "2"})
    topics.fill("orders", [b"before"])
    second.pause()
    acknowledged: list[object] = []
    producer = Producer({"bootstrap.servers": first.bootstrap, "acks": "all", **SILENT})
    producer.produce("orders", b"while", on_delivery=lambda error, _message: acknowledged.append(error))
    assert producer.flush(1) == 1
    second.resume()
    assert producer.flush(20) == 0
    assert acknowledged == [None]
    assert values(topics, "orders") == [b"before", b"while"]
