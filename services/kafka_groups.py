"""Where groups of a Kafka stand: what they have committed, asked again while a coordinator is loading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from services import ready

# a broker says so for a moment after the first question about any group, and after it has started
LOADING = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
}


def committed(
    admin: AdminClient, asked: Mapping[str, Sequence[TopicPartition] | None], within_s: float
) -> dict[str, list[TopicPartition]]:
    """Each group's places with the offset committed there (below zero: none); None asks for all that it has.

    Raises `ready.NotReady` when a coordinator has not loaded within `within_s`, `KafkaException` otherwise.
    """
    found: dict[str, list[TopicPartition]] = {}

    def ask() -> None:
        missing = [
            ConsumerGroupTopicPartitions(group, None if places is None else list(places))
            for group, places in asked.items()
            if group not in found
        ]
        answers: dict[str, Any] = {}
        for one in missing:
            answers |= admin.list_consumer_group_offsets([one], request_timeout=within_s)
        for group, answer in answers.items():
            try:
                found[group] = answer.result().topic_partitions
            except KafkaException as error:
                if error.args[0].code() not in LOADING:
                    raise
        if len(found) < len(asked):
            raise ready.Again("the group's coordinator is loading")

    ready.until(ask, within_s=within_s, every_s=0.05)
    return found
