"""Consumer groups seen from outside: where they stand, also while the brokers come and go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services import ready
from services.kafka import Kafka
from services.kafka_groups import Groups


@pytest.fixture
def kafka(backend: str) -> Iterator[Kafka]:
    """A running Kafka on each back end."""
    with Kafka(backend=backend) as running:
        yield running


def test_groups_that_nobody_has_loaded_yet_can_be_asked_for(kafka: Kafka) -> None:
    """A broker that has just started says "come again", once for each of its 50 logs of offsets.

    Whatever a client makes of that answer: it must not end the process that asks.
    """
    groups = Groups(kafka.bootstrap, 15)
    strangers = [f"stranger-{number}" for number in range(60)]
    for _ in ("new", "came back from a kill"):
        assert groups.committed(strangers) == {name: {} for name in strangers}
        kafka.kill()
        kafka.start()
    groups.close()


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
