"""The loop around `handle_poison`: a consumer on a real Kafka that asks what to do with failures.

poll ──▶ handle ──ok──▶ commit
             └──fails──▶ decide(message, error, attempt) ──▶ "retry" | "skip" | "dead letter" with headers
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from services.kafka_client import SOON
from services.kafka_topics import Topics

Decide = Callable[[dict[str, Any], dict[str, Any], int], dict[str, Any]]
POISON, BROKEN, STRANGE = b"poison", b"\xff\xfe", b"order.vanished"
TIRED = b"the database is away"
AWAY = 4  # attempts until the database is back


@dataclass
class Run:
    """What came of it: values handled by partition in order, and the dead letters as they lie in Kafka."""

    handled: dict[int, list[bytes]] = field(default_factory=dict)
    attempts: dict[tuple[int, int], int] = field(default_factory=dict)
    letters: list[Message] = field(default_factory=list)
    left: int = 0


def failure(value: bytes | None, attempt: int) -> dict[str, Any] | None:
    """Why a message cannot be handled now; None where it can. `retriable` says whether waiting may help."""
    if value is None:
        return {"type": "Tombstone", "text": "no value", "retriable": False}
    if value == POISON:
        return {"type": "ValueError", "text": "total is not a number", "retriable": False}
    if value == STRANGE:
        return {"type": "UnknownEvent", "text": "nobody handles order.vanished", "retriable": False}
    if value == TIRED and attempt <= AWAY:
        return {"type": "OperationalError", "text": "the database does not answer", "retriable": True}
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return {"type": "UnicodeDecodeError", "text": error.reason, "retriable": False}
    return None


def described(message: Message) -> dict[str, Any]:
    """What `handle_poison` is told of a message; its value stays with the loop."""
    key = message.key()
    return {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "key": key.decode(errors="replace") if key is not None else None,
    }


def work_off(
    bootstrap: str, topic: str, dead: str, decide: Decide, rounds: int = 40, within_s: float = 30.0
) -> Run:
    """Read a topic to its end or until `rounds` attempts are used up; each partition keeps its order."""
    topics, run = Topics(bootstrap), Run()
    ends = topics.ends(topic)
    client = {"bootstrap.servers": bootstrap, **SOON}
    producer = Producer(client)
    consumer = Consumer({**client, "group.id": topic, "enable.auto.commit": False, "fetch.wait.max.ms": 20})
    consumer.assign([TopicPartition(topic, number, 0) for number in ends])
    done = dict.fromkeys(ends, 0)
    until_s = time.monotonic() + within_s
    while done != ends and rounds > 0 and time.monotonic() < until_s:
        message = consumer.poll(0.1)
        if message is None or message.error() is not None:
            continue
        rounds -= 1
        if _attempt(message, run, producer, dead, decide):
            done[message.partition() or 0] = (message.offset() or 0) + 1
        else:
            consumer.seek(TopicPartition(topic, message.partition() or 0, message.offset() or 0))
    producer.flush(10)
    consumer.close()
    run.letters = topics.read(dead)
    run.left = sum(ends.values()) - sum(done.values())
    return run


def _attempt(message: Message, run: Run, producer: Producer, dead: str, decide: Decide) -> bool:
    """One attempt; whether the partition may go on to its next message."""
    place = (message.partition() or 0, message.offset() or 0)
    attempt = run.attempts[place] = run.attempts.get(place, 0) + 1
    value = message.value()
    error = failure(value, attempt)
    if error is None:
        run.handled.setdefault(place[0], []).append(value or b"")
        return True
    said = decide(described(message), error, attempt)
    if said["do"] == "dead letter":
        headers = {name: str(text) for name, text in said.get("headers", {}).items()}
        producer.produce(dead, value, message.key(), headers=headers)
    return bool(said["do"] != "retry")
