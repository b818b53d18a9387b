"""Consumers of a group as threads, bare confluent_kafka, which write down what they own and what they read.

crew.join("A") ──▶ thread: poll, handle, commit ──▶ log of events: own, lose, read at an offset, kicked, left
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from services.kafka_client import SOON

PROTOCOLS: dict[str, dict[str, str]] = {
    "eager": {"partition.assignment.strategy": "range"},
    "cooperative": {"partition.assignment.strategy": "cooperative-sticky"},
    "KIP-848": {"group.protocol": "consumer"},
    "static": {"partition.assignment.strategy": "range"},
}


@dataclass(frozen=True)
class Event:
    """What happened to a partition: it was read at an offset, or what = own, lose, left, kicked."""

    t_s: float
    member: str
    partition: int
    what: str
    offset: int = -1


@dataclass
class Crew:
    """The members of one group on one topic; `handle_s` is how long a member takes for each message."""

    bootstrap: str
    topic: str
    protocol: str = "eager"
    handle_s: float = 0.01
    more: Mapping[str, Any] = field(default_factory=dict)
    log: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began_s = time.monotonic()
        self._stops: dict[str, threading.Event] = {}
        self._threads: dict[str, threading.Thread] = {}

    def now_s(self) -> float:
        """Seconds since the crew was made."""
        return time.monotonic() - self.began_s

    def join(self, member: str) -> None:
        """A new member comes."""
        self._stops[member] = threading.Event()
        self._threads[member] = threading.Thread(target=self._work, args=(member,), daemon=True)
        self._threads[member].start()

    def leave(self, member: str) -> None:
        """A member closes its consumer in good order; returns when it has."""
        self._stops[member].set()
        self._threads[member].join(15)

    def stop(self) -> None:
        """Everybody leaves at once; what happens now is no longer written down."""
        self.log = list(self.log)
        for stop in self._stops.values():
            stop.set()
        for thread in self._threads.values():
            thread.join(15)

    def is_up(self, member: str) -> bool:
        """Whether the member's thread runs: what a health check that asks the process would say."""
        return self._threads[member].is_alive()

    def _settings(self, member: str) -> dict[str, Any]:
        made = {
            "bootstrap.servers": self.bootstrap, "group.id": self.topic, "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "fetch.wait.max.ms": 20, **PROTOCOLS[self.protocol], **SOON,
        }  # fmt: skip
        if self.protocol != "KIP-848":  # there the broker decides
            made |= {"session.timeout.ms": 1500, "heartbeat.interval.ms": 200}
        if self.protocol == "static":
            made["group.instance.id"] = member
        return made | dict(self.more)

    def _work(self, member: str) -> None:
        log, stop = self.log, self._stops[member]

        def note(what: str, places: list[TopicPartition]) -> None:
            log.extend(Event(self.now_s(), member, place.partition, what) for place in places)

        consumer = Consumer(self._settings(member))
        consumer.subscribe(
            [self.topic],
            on_assign=lambda _, places: note("own", places),
            on_revoke=lambda _, places: note("lose", places),
            on_lost=lambda _, places: note("lose", places),
        )
        handled = 0
        while not stop.is_set():
            message = consumer.poll(0.02)
            if message is None:
                continue
            if message.error() is not None:
                log.append(Event(self.now_s(), member, -1, "kicked"))
                continue
            event = Event(self.now_s(), member, message.partition() or 0, "read", message.offset() or 0)
            log.append(event)
            stop.wait(self.handle_s)
            handled += 1
            if handled % 10 == 0 or self.handle_s > 0.5:
                _commit(consumer)
        consumer.close()
        log.append(Event(self.now_s(), member, -1, "left"))


def _commit(consumer: Consumer) -> None:
    """Say how far we are; a member that was put out of the group is refused, and goes on."""
    try:
        consumer.commit(asynchronous=False)
    except KafkaException:
        return
