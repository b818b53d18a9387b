"""Kafka's clients as the workers want them: nothing lost, nothing read before it is committed, soon back."""

from __future__ import annotations

import logging
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from services.shop.settings import Settings
from services.shop.workers.events import Event, Unreadable, read

log = logging.getLogger("shop.worker")

WITHIN_S = 15.0
SOON = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 500}  # the default waits up to 10 s


def producer(settings: Settings, **more: Any) -> Producer:
    """Acknowledged by all replicas, in order, each message once however often it is sent."""
    own = {"bootstrap.servers": settings.kafka_bootstrap, "enable.idempotence": True, "linger.ms": 2}
    # Java's clients choose partitions by murmur2; librdkafka's default differs, and one order would be in two
    return Producer({**own, **SOON, "partitioner": "murmur2_random", **more})


def consumer(settings: Settings, group: str, topic: str) -> Consumer:
    """Reads a topic's committed messages from the beginning; commits only what it is told to.

    A fixed instance id lets a successor take over at once, where a new member would wait until the group has
    given the dead one up.
    """
    own = {
        "bootstrap.servers": settings.kafka_bootstrap,
        "group.id": named(settings, group),
        "group.instance.id": f"{group}-1",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "fetch.wait.max.ms": 50,
    }
    made = Consumer({**own, **SOON})
    made.subscribe([named(settings, topic)])
    return made


def named(settings: Settings, name: str) -> str:
    """A topic, group or transaction of this run."""
    return f"{name}{settings.run_suffix}"


def ensure_topics(settings: Settings, *names: str) -> None:
    """Make the topics that are missing; safe to repeat."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap, **SOON})
    topics = [NewTopic(named(settings, name), settings.partitions, replication_factor=1) for name in names]
    for made in admin.create_topics(topics, request_timeout=WITHIN_S).values():
        try:
            made.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise


def event_in(message: Message) -> Event | None:
    """The event in a message; None, and a line in the log, where there is none: readers go on after it.

    Raises `KafkaException` where the client hands over an error instead of a message.
    """
    error = message.error()
    if error is not None:
        raise KafkaException(error)
    try:
        return read(message.value())
    except Unreadable as why:
        log.warning("skipped %s[%s]@%s: %s", message.topic(), message.partition(), message.offset(), why)
        return None
