"""Consumer groups seen from outside: where they stand, also while the brokers come and go."""

from __future__ import annotations

import threading

import pytest

from services import ready
from services.kafka import Kafka
from services.kafka_groups import Groups
from services.kafka_topics import Topics


def test_groups_that_nobody_has_loaded_yet_can_be_asked_for(kafka: Kafka) -> None:
    """A broker that has just started says "come again", once for each of its 50 logs of offsets.

    Whatever a client makes of that answer: it must not end the process that asks.
    """
    strangers = [f"stranger-{number}" for number in range(60)]
    with Groups(kafka.bootstrap, 15) as groups:
        for _ in ("new", "came back from a kill"):
            assert groups.committed(strangers) == {name: {} for name in strangers}
            kafka.kill()
            kafka.start()


def test_a_kafka_that_is_down_is_told_in_time(kafka: Kafka) -> None:
    """And found again when it is back, by the same client."""
    groups = Groups(kafka.bootstrap, 3)
    assert groups.names() == []
    assert groups.connections == 1
    kafka.kill()
    with pytest.raises(ready.NotReady):
        groups.names()
    kafka.start()
    assert groups.names() == []
    groups.close()
    assert groups.connections == 0


def test_who_finds_no_kafka_leaves_no_thread() -> None:
    """The panel looks for a silent one every few seconds, maybe for hours."""
    before = set(threading.enumerate())
    with Groups("127.0.0.1:9", 0.2) as groups, pytest.raises(ready.NotReady):
        groups.names()
    assert set(threading.enumerate()) == before


def test_who_has_asked_for_a_lag_leaves_no_thread(kafka: Kafka) -> None:
    """A client that nobody closes would look for its broker for the rest of a kernel's life."""
    before = set(threading.enumerate())
    topics = Topics(kafka.bootstrap)
    topics.fill(topics.create("orders"), [b"x"] * 3)
    assert topics.lag("nobody", "orders") == {0: 3}
    assert set(threading.enumerate()) == before
