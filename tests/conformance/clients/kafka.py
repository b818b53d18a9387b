"""Kafka by confluent-kafka."""

from __future__ import annotations

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from services.kafka_topics import Topics
from services.server import Server
from tests.conformance.clients.client import Client


class KafkaClient(Client):
    """A value is a record, acknowledged by all replicas."""

    major = 4
    refusals = (KafkaException,)
    ready_words = "kafka server started"
    keeps = frozenset({"restart", "kill"})
    has_password = False  # Kafka as it comes asks for none, and labs on the log do not need one

    def remember(self, server: Server, value: str) -> None:
        topics = Topics(server.url)
        topics.create("memory")
        topics.fill("memory", [value.encode()])

    def recall(self, server: Server, within_s: float = 5) -> str:
        if (
            "memory"
            not in AdminClient({"bootstrap.servers": server.url}).list_topics(timeout=within_s).topics
        ):
            return ""
        return str(Topics(server.url).read("memory")[-1].value(), "utf-8")
