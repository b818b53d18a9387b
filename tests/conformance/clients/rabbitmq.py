"""RabbitMQ by pika."""

from __future__ import annotations

import logging
import re

import pika  # type: ignore[import-untyped]  # pika ships no types
from pika.adapters.utils.connection_workflow import (  # type: ignore[import-untyped]
    AMQPConnectorException,
)
from pika.exceptions import AMQPError, ChannelClosedByBroker  # type: ignore[import-untyped]

from services.server import Server
from tests.conformance.clients.client import Client

QUEUE = "memory"
logging.getLogger("pika").setLevel(logging.CRITICAL)  # it logs each refusal that this suite asks for


class RabbitMQClient(Client):
    """A value is a persistent message in a durable queue, confirmed; recalled without being taken away.

    RabbitMQ with Mnesia syncs a declaration before it answers, but not yet the decision to keep it, without
    which the declaration counts for nothing after a crash. The sync of a second one takes that along.
    """

    major = 4
    oldest_major = 3  # Debian 12's
    refusals = (OSError, AMQPError, AMQPConnectorException)
    ready_words = "server startup complete"
    keeps = frozenset({"restart", "kill"})

    def remember(self, server: Server, value: str) -> None:
        with pika.BlockingConnection(pika.URLParameters(server.url)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.queue_declare(QUEUE, durable=True)
            channel.queue_declare("another", durable=True)
            kept = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
            channel.basic_publish("", QUEUE, value.encode(), kept, mandatory=True)

    def recall(self, server: Server, within_s: float = 5) -> str:
        asked = pika.URLParameters(server.url)
        asked.socket_timeout = asked.stack_timeout = asked.blocked_connection_timeout = within_s
        with pika.BlockingConnection(asked) as connection:
            try:
                _, _, body = connection.channel().basic_get(QUEUE)
            except ChannelClosedByBroker:
                return ""  # no such queue
            return (body or b"").decode()

    def knock(self, server: Server, password: str) -> None:
        pika.BlockingConnection(pika.URLParameters(re.sub(r":[^:@/]+@", f":{password}@", server.url))).close()
