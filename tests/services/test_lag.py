"""The lag monitor against a real Kafka, and its arithmetic against recordings of real runs."""

from __future__ import annotations

import time

import httpx
import pytest
from confluent_kafka import Producer, TopicPartition

from datasets.lag import Recording, recordings
from services import ready
from services.kafka import Kafka
from services.kafka_client import SOON
from services.kafka_topics import Topics
from services.shop.lag.age import ages_s
from services.shop.lag.monitor import Monitor
from services.shop.lag.peculiar import commit
from services.shop.lag.scene import Case, Scene

SAMPLING_S = 0.75  # two samples lie half a second apart


@pytest.mark.parametrize("recording", recordings(), ids=lambda recording: recording.name)
def test_an_age_from_samples_is_that_of_the_message_to_one_sampling_period(recording: Recording) -> None:
    """At the end of every recorded group, busy or strange, in every partition."""
    for group in recording.groups:
        last = len(recording.groups[group]["samples"]) - 1
        true = recording.true_ages_s(group, last)
        told = ages_s(recording.rows(group))
        assert [age is None for age in told] == [age is None for age in true]
        assert all(
            abs(a - b) < SAMPLING_S
            for a, b in zip(told, true, strict=True)
            if a is not None and b is not None
        )


def test_a_group_without_a_commit_is_unknown_and_not_behind(kafka: Kafka) -> None:
    """Minus one thousand and one is no lag."""
    topics = Topics(kafka.bootstrap)
    topics.fill(topics.create("new"), [b"x"] * 5)
    monitor = Monitor(kafka.bootstrap, {"nobody": "new"})
    [place] = monitor.sample()["nobody"]
    monitor.close()
    assert (place.position, place.next, place.lag) == (None, None, None)


def test_what_the_log_threw_away_and_markers_are_not_waited_for(kafka: Kafka) -> None:
    """The next message is looked for where a group stands still."""
    topics = Topics(kafka.bootstrap)
    topics.fill(topics.create("cut"), [b"x"] * 30)
    topics.create("marked")
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": "t", **SOON})
    producer.init_transactions(15)
    producer.begin_transaction()
    producer.produce("marked", b"x", partition=0)
    producer.commit_transaction(15)
    commit(kafka.bootstrap, "cut", "cut", 10)
    commit(kafka.bootstrap, "marked", "marked", 1)
    topics.admin.delete_records([TopicPartition("cut", 0, 20)])
    monitor = Monitor(kafka.bootstrap, {"cut": "cut", "marked": "marked"})

    def seen() -> tuple[object, ...]:
        found = monitor.sample()
        [cut], [marked] = found["cut"], found["marked"]
        return cut.start, cut.next, cut.lag, marked.next, marked.lag

    assert ready.true(lambda: seen() == (20, 20, 10, None, 1), within_s=10, every_s=0.1), seen()
    monitor.close()
    assert topics.age_s("marked", "marked") == 0
    assert topics.age_s("cut", "cut") > 0


def test_a_scene_shows_a_dead_group_and_a_healthy_one_apart(kafka: Kafka) -> None:
    """Real processes; the monitor's page says the same as its recording."""
    cases = [Case("well", 20, 60, 2), Case("gone", 20, 60, 1, dies_at_s=1.0, incident_from_s=1.0)]
    with Scene(kafka.bootstrap, cases, every_s=0.25) as scene:
        ages = {}
        for rows in scene.play(4.5):
            ages = {group: ages_s(mine) for group, mine in rows.items() if mine}
        page = httpx.get(f"{scene.monitor.url}/metrics").text
    gone, well = ages["gone"][0], max(age or 0 for age in ages["well"])
    assert gone is not None
    assert gone > 2
    assert well < gone / 2
    assert 'shop_consumer_age_seconds{group="gone",partition="0"}' in page


def test_the_age_of_a_topic_is_read_from_its_messages(kafka: Kafka) -> None:
    """No history is needed, since the messages carry their time."""
    topics = Topics(kafka.bootstrap)
    topics.fill(topics.create("read"), [b"x"] * 3)
    time.sleep(0.3)
    assert topics.age_s("nobody", "read") >= 0.3
    commit(kafka.bootstrap, "reader", "read", 3)
    assert topics.age_s("reader", "read") == 0
