"""Experiments E and F: what retention takes away, and offsets that are no messages.

delete_records past a group's position ──▶ the group comes back: earliest, latest or error
transactions ──▶ a marker after each ──▶ lag that no reader can ever work off
"""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from services.kafka_client import SOON
from services.kafka_topics import Topics

WRITTEN, DONE, CUT_AT = 300, 50, 200


def _consumer(bootstrap: str, group: str, **more: Any) -> Consumer:
    return Consumer({
        "bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False,
        "fetch.wait.max.ms": 20, "session.timeout.ms": 6000, **SOON, **more,
    })  # fmt: skip


def _read(consumer: Consumer, until_offset: int, within_s: float) -> tuple[int, str]:
    """Read on to an offset or for so long: how many messages came, and the error that came instead."""
    came, until_s = 0, time.monotonic() + within_s
    while time.monotonic() < until_s:
        message = consumer.poll(0.05)
        error = message.error() if message is not None else None
        if error is not None:
            return came, error.name()
        if message is not None:
            came += 1
            if (message.offset() or 0) + 1 >= until_offset:
                break
    return came, ""


def retention(bootstrap: str, suffix: str = "") -> pd.DataFrame:
    """The log is cut beyond three paused groups; each comes back with another `auto.offset.reset`."""
    topics = Topics(bootstrap)
    policies = ("earliest", "latest", "error")
    logs = {policy: topics.create(f"cut-{policy}{suffix}") for policy in policies}
    for topic in logs.values():
        topics.fill(topic, [b"x"] * WRITTEN)
    consumers = {
        policy: _consumer(bootstrap, f"cut-{policy}{suffix}", **{"auto.offset.reset": policy})
        for policy in policies
    }
    for policy, consumer in consumers.items():
        consumer.commit(offsets=[TopicPartition(logs[policy], 0, DONE)], asynchronous=False)
    places = [TopicPartition(topic, 0, CUT_AT) for topic in logs.values()]
    for cut in topics.admin.delete_records(places).values():
        cut.result()
    rows = {}
    for policy, consumer in consumers.items():
        topic = logs[policy]
        gauge_before = _gauge(topics, f"cut-{policy}{suffix}", topic)
        consumer.assign([TopicPartition(topic, 0, DONE)])
        old, error = _read(consumer, WRITTEN, 0.8 if policy == "latest" else 5)
        new = _next_orders(topics, topic, consumer) if not error else 0
        if new:
            consumer.commit(asynchronous=False)
        consumer.close()
        rows[policy] = {
            "lag before": gauge_before,
            "old messages read": old,
            "new ones read": new,
            "never seen": gauge_before - old if not error else 0,
            "lag after": _gauge(topics, f"cut-{policy}{suffix}", topic),
            "said": error or "nothing",
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _next_orders(topics: Topics, topic: str, consumer: Consumer, tries: int = 6) -> int:
    """Write new messages until one comes: a consumer that is still finding the end does not see the first."""
    for _ in range(tries):
        topics.fill(topic, [b"the next order"], partition=0)
        came, _ = _read(consumer, topics.ends(topic)[0], 1.0)
        if came:
            return came
    return 0


def _gauge(topics: Topics, group: str, topic: str) -> int:
    """Lag as most exporters compute it: end minus position."""
    return sum(topics.lag(group, topic).values())


def phantom(bootstrap: str, transactions: int = 5, suffix: str = "") -> dict[str, int]:
    """A reader of committed messages reads all there is, commits after the last one, and still lags."""
    topics = Topics(bootstrap)
    topic = topics.create(f"markers{suffix}")
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": f"phantom{suffix}", **SOON})
    producer.init_transactions(15)
    for _ in range(transactions):
        producer.begin_transaction()
        producer.produce(topic, b"x", partition=0)
        producer.commit_transaction(15)
    reset = {"auto.offset.reset": "earliest", "isolation.level": "read_committed"}
    consumer = _consumer(bootstrap, topic, **reset)
    consumer.assign([TopicPartition(topic, 0, 0)])
    read, last = 0, None
    while read < transactions:
        message = consumer.poll(5)
        if message is None or message.error() is not None:
            raise KafkaException("the transactions' messages did not come")
        read, last = read + 1, message
    consumer.commit(message=last, asynchronous=False)
    by_message = _gauge(topics, topic, topic)
    until_s = time.monotonic() + 3
    end = topics.ends(topic)[0]
    while consumer.position([TopicPartition(topic, 0)])[0].offset < end and time.monotonic() < until_s:
        consumer.poll(0.05)
    consumer.commit(offsets=consumer.position([TopicPartition(topic, 0)]), asynchronous=False)
    by_position = _gauge(topics, topic, topic)
    consumer.close()
    return {"messages": read, "offsets": end, "lag after the last message": by_message,
            "lag after its marker": by_position}  # fmt: skip
