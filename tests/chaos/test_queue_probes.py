"""The probes on queues against a real Kafka and a real RabbitMQ, on both back ends."""

from __future__ import annotations

from collections.abc import Iterator

import pika
import pytest
from confluent_kafka import Consumer, TopicPartition

from chaos import probes, theatre
from chaos.stage import Plan
from services import kafka_topics
from services.errors import BacklabError
from services.kafka_topics import Topics


@pytest.fixture(scope="module")
def servers(backend: str) -> Iterator[dict[str, str]]:
    """A stage with both, and no load."""
    theatre.curtain_up(Plan.of({"servers": ["kafka", "rabbitmq"]}))
    stage = theatre.current().stage
    yield {"kafka": stage.server("kafka").bootstrap, "rabbitmq": stage.server("rabbitmq").url}
    theatre.curtain_down()


def test_consumer_lag_and_time_lag_tell_what_a_group_has_not_committed(servers: dict[str, str]) -> None:
    """Over all partitions; a group that nobody has seen has everything before it."""
    topics = Topics(servers["kafka"])
    topics.fill(topics.create("parcels", 2), [b"x"] * 10)
    reader = Consumer({"bootstrap.servers": servers["kafka"], "group.id": "reader"})
    reader.commit(
        offsets=[TopicPartition("parcels", 0, 5), TopicPartition("parcels", 1, 2)], asynchronous=False
    )
    assert probes.consumer_lag("reader", "parcels") == 3
    assert probes.consumer_lag("stranger", "parcels") == 10
    assert probes.time_lag("reader", "parcels") > 0
    reader.commit(offsets=[TopicPartition("parcels", 1, 5)], asynchronous=False)
    reader.close()
    assert probes.consumer_lag("reader", "parcels") == 0
    assert probes.time_lag("reader", "parcels") == 0


def test_a_topic_that_does_not_exist_is_one_sentence(servers: dict[str, str]) -> None:
    """It must not look like a group that is up to date."""
    for probe in (probes.consumer_lag, probes.time_lag):
        with pytest.raises(BacklabError, match="lag of reader on nothing"):
            probe("reader", "nothing")


def test_a_kafka_that_does_not_answer_is_one_sentence(
    servers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of an experiment, where a broker may well be down."""
    monkeypatch.setattr(kafka_topics, "WITHIN_S", 1.0)
    kafka = theatre.current().stage.server("kafka")
    kafka.kill()
    try:
        with pytest.raises(BacklabError, match="does not tell the lag of reader on parcels"):
            probes.consumer_lag("reader", "parcels")
    finally:
        kafka.start()


def test_queue_length_of_rabbitmq_counts_what_waits(servers: dict[str, str]) -> None:
    """A queue that nobody has declared is an error, not an empty one."""
    connection = pika.BlockingConnection(pika.URLParameters(servers["rabbitmq"]))
    channel = connection.channel()
    channel.queue_declare("jobs")
    assert probes.queue_length("jobs", "rabbitmq") == 0
    channel.confirm_delivery()
    for _ in range(3):
        channel.basic_publish("", "jobs", b"x")
    assert probes.queue_length("jobs", "rabbitmq") == 3
    connection.close()
    with pytest.raises(BacklabError, match="no queue 'nothing'"):
        probes.queue_length("nothing", "rabbitmq")
