"""Logs whose offsets deceive: idle, cut off, compacted, with markers of transactions, without a commit.

each is one partition, written for ten seconds or not at all, and a group that stands where it was put
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from services.kafka_client import SOON
from services.kafka_topics import Topics
from services.shop.lag.logs import came_ms
from services.shop.lag.monitor import Monitor

COMPACTED = {
    "cleanup.policy": "compact",
    "segment.ms": "1000",
    "min.cleanable.dirty.ratio": "0.01",
    "min.compaction.lag.ms": "0",
}


def commit(bootstrap: str, group: str, topic: str, offset: int) -> None:
    """Put a group there."""
    client = Consumer({"bootstrap.servers": bootstrap, "group.id": group, **SOON})
    client.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    client.close()


def _send(producer: Producer, topic: str, count: int, key: bytes | None = None) -> None:
    for number in range(count):
        producer.produce(topic, b"%d" % number, key, partition=0)
    producer.flush(5)


def played(bootstrap: str, seconds: float) -> dict[str, dict[str, Any]]:
    """Write for a while, look twice a second, return a recording's groups."""
    topics, plain = Topics(bootstrap), Producer({"bootstrap.servers": bootstrap, **SOON})
    in_transactions = Producer({"bootstrap.servers": bootstrap, "transactional.id": "peculiar", **SOON})
    in_transactions.init_transactions(15)
    names = ("idle", "cut off", "compacted", "markers", "no commit")
    topic = {name: name.replace(" ", "-") for name in names}
    for name in names:
        topics.create(topic[name], config=COMPACTED if name == "compacted" else {})
    _send(plain, topic["idle"], 20)
    for name in names[:-1]:
        commit(bootstrap, topic[name], topic[name], 20 if name == "idle" else 0)
    acts: list[Callable[[float], None]] = [
        lambda t_s: _send(plain, topic["cut off"], 5),
        lambda t_s: _send(plain, topic["compacted"], 5, key=b"%d" % (int(t_s) % 2)),
        lambda t_s: _send(plain, topic["no commit"], 5),
        lambda t_s: _transaction(in_transactions, bootstrap, topic["markers"]),
    ]
    monitor = Monitor(bootstrap, {name: name for name in topic.values()})
    samples, began, before_the_cut = _watched(monitor, topics, topic, acts, seconds)
    came = {name: came_ms(topics, topic[name], began) for name in names}
    came["cut off"][0][: len(before_the_cut[0])] = before_the_cut[0]
    return {
        name: {"case": {"name": name, "partitions": 1}, "samples": samples[name], "came_ms": came[name]}
        for name in names
    }


def _transaction(producer: Producer, bootstrap: str, topic: str) -> None:
    """Two messages and a marker; the group has read the messages and says so."""
    producer.begin_transaction()
    for number in range(2):
        producer.produce(topic, b"%d" % number, partition=0)
    producer.commit_transaction(10)
    commit(bootstrap, topic, topic, Topics(bootstrap).ends(topic)[0] - 1)


def _watched(
    monitor: Monitor,
    topics: Topics,
    topic: dict[str, str],
    acts: list[Callable[[float], None]],
    seconds: float,
) -> tuple[dict[str, list[Any]], float, list[list[int | None]]]:
    began = time.time()
    samples: dict[str, list[Any]] = {name: [] for name in topic}
    before: list[list[int | None]] = []  # the log that is about to be cut
    round_number = 0
    while (t_s := time.time() - began) < seconds:
        if round_number % 2 == 0 and t_s < seconds * 0.6:
            for act in acts:
                act(t_s)
        if not before and t_s > seconds / 2:
            before = came_ms(topics, topic["cut off"], began)
            end = topics.ends(topic["cut off"])[0]
            place = TopicPartition(topic["cut off"], 0, end - 12)
            topics.admin.delete_records([place])[place].result()
        found = monitor.sample()
        at = round(time.time() - began - (time.monotonic() - monitor.sampled_s), 3)
        for name in topic:
            places = [[p.start, p.position, p.next, p.end] for p in found[topic[name]]]
            samples[name].append([at, places])
        round_number += 1
        time.sleep(max(0.0, 0.5 * round_number - (time.time() - began)))
    monitor.close()
    return samples, began, before
