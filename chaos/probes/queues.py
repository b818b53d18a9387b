"""Probes on work that waits: how long a queue is, how far a consumer is behind.

Annotations stay real types here: `chaos discover` reads them.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from chaos import theatre
from services import ready
from services.errors import BacklabError

Answer = TypeVar("Answer")
LENGTHS = {"list": "llen", "stream": "xlen", "zset": "zcard", "set": "scard"}


def queue_length(queue: str, server: str = "redis") -> int:
    """How many entries wait: in a list, stream or set of Redis, in a queue of RabbitMQ.

    A key that does not exist is an empty queue of Redis. For a queue in a table, ask `sql_value`.
    """
    running = theatre.current().stage.server(server)
    if running.name == "rabbitmq":
        return _rabbit(running.url, queue)
    if running.name != "redis":
        raise BacklabError(f"{server} has no queues that this probe knows", "ask redis or rabbitmq")
    import redis  # loaded with the stage's Redis; experiments without one never need it

    with redis.Redis.from_url(running.url, socket_timeout=5, retry=None) as client:
        kind = client.type(queue).decode()
        if kind == "none":
            return 0
        if kind not in LENGTHS:
            raise BacklabError(f"{queue} is a {kind} of Redis, which is no queue", "name another key")
        return int(getattr(client, LENGTHS[kind])(queue))


def _rabbit(url: str, queue: str) -> int:
    import pika  # type: ignore[import-untyped]  # ships no types

    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        return int(connection.channel().queue_declare(queue, passive=True).method.message_count)
    except pika.exceptions.ChannelClosedByBroker as refusal:
        raise BacklabError(f"RabbitMQ has no queue {queue!r}", "declare it first") from refusal
    finally:
        connection.close()


def consumer_lag(group: str, topic: str, server: str = "kafka") -> int:
    """Offsets of a topic that a consumer group has not committed yet, over all partitions."""
    return sum(_asked(lambda topics: topics.lag(group, topic), group, topic, server).values())


def time_lag(group: str, topic: str, server: str = "kafka") -> float:
    """Seconds that the oldest message which a group has not committed lies there; 0 where none does."""
    return _asked(lambda topics: topics.age_s(group, topic), group, topic, server)


def _asked(ask: Callable[[Any], Answer], group: str, topic: str, server: str) -> Answer:
    from confluent_kafka import KafkaException

    from services.kafka_topics import Topics

    try:
        return ask(Topics(theatre.current().stage.server(server).bootstrap))
    except (KafkaException, ready.NotReady) as refusal:
        why = refusal.args[0].str() if isinstance(refusal, KafkaException) else refusal
        what = f"Kafka does not tell the lag of {group} on {topic} ({why})"
        raise BacklabError(what, "create the topic first, and ask while the broker runs") from refusal
