"""Topics and groups of a Kafka, for what surrounds a lab: make topics, fill, read back, ask for offsets.

Labs use confluent_kafka itself for what they teach; this is for preparing and judging.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from services import ready
from services.errors import BacklabError
from services.kafka_client import SOON
from services.kafka_probe import knows_topic

WITHIN_S, POLL_S = 15.0, 0.1
LEADERLESS = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}
BY_KEY = -1
# One request at a time keeps the order; an idempotent producer would first wait for an id, half a second.
IN_ORDER = {"acks": "all", "linger.ms": 5, "max.in.flight": 1, "partitioner": "murmur2_random"}
Record = bytes | tuple[bytes | None, bytes | None]  # a value, or a key and a value


class Topics:
    """What a Kafka at `bootstrap` holds, seen from outside any lab."""

    def __init__(self, bootstrap: str) -> None:
        self.client: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap, **SOON}
        self.admin = AdminClient(self.client)

    def create(
        self,
        name: str,
        partitions: int = 1,
        *,
        replication: int = 1,
        replicas: list[list[int]] | None = None,
        config: Mapping[str, str] | None = None,
    ) -> str:
        """Make a topic and return its name once every broker knows it.

        `replicas` are the nodes of each partition, its leader first.
        """
        spread: dict[str, Any] = (
            {"replica_assignment": replicas} if replicas else {"replication_factor": replication}
        )
        topic = NewTopic(
            name, num_partitions=len(replicas or []) or partitions, config=dict(config or {}), **spread
        )
        _done(self.admin.create_topics([topic], request_timeout=WITHIN_S))
        self._await_everywhere(name)
        return name

    def _await_everywhere(self, topic: str) -> None:
        """The controller answers before all brokers have heard; a client asks any of them."""
        deadline = time.monotonic() + WITHIN_S
        for broker in self.admin.list_topics(timeout=WITHIN_S).brokers.values():
            while not _known(str(broker.host), broker.port, topic):
                if time.monotonic() > deadline:
                    what = f"broker {broker.id} has not heard of the new topic {topic} within {WITHIN_S:g} s"
                    raise BacklabError(what, "look at its log (`logs()`)")
                time.sleep(0.01)

    def delete(self, *names: str) -> None:
        """Delete topics."""
        _done(self.admin.delete_topics(list(names), request_timeout=WITHIN_S))

    def fill(self, topic: str, records: Iterable[Record], partition: int | None = None) -> int:
        """Append records in order, each acknowledged by all replicas; returns how many.

        They go to `partition`, else by the hash of their key as Java's clients compute it, else in turn.
        """
        refused: list[Any] = []
        producer = Producer({**self.client, **IN_ORDER})
        turn = itertools.cycle(self._partitions(topic))
        count = 0
        for record in records:
            key, value = record if isinstance(record, tuple) else (None, record)
            number = partition if partition is not None else (next(turn) if key is None else BY_KEY)
            _appended(producer, topic, value, key, number, refused)
            count += 1
        late = producer.flush(WITHIN_S)
        if refused or late:
            why = refused[0] if refused else f"not acknowledged within {WITHIN_S:g} s"
            what = f"{late + len(refused)} of {count} records did not get into {topic} ({why})"
            raise BacklabError(what, "look at the broker's log (`logs()`)")
        return count

    def read(self, topic: str, *, committed: bool = True) -> list[Message]:
        """All records from the beginning to the end as it is now, partition by partition.

        `committed` leaves out those of open and aborted transactions.
        """
        level = "read_committed" if committed else "read_uncommitted"
        consumer = Consumer({
            **self.client,
            "group.id": "backlab-reads",
            "isolation.level": level,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,
        })  # fmt: skip
        try:
            return sorted(_drained(consumer, topic, self._partitions(topic)), key=_place)
        finally:
            consumer.close()

    def ends(self, topic: str) -> dict[int, int]:
        """The next offset of each partition, as a reader of everything sees it.

        Brokers know a new topic a moment before its partitions have their leaders: then they are asked again.
        """
        asked = {TopicPartition(topic, number): OffsetSpec.latest() for number in self._partitions(topic)}

        def ask() -> dict[int, int]:
            found = self.admin.list_offsets(asked, request_timeout=WITHIN_S)
            try:
                return {place.partition: future.result().offset for place, future in found.items()}
            except KafkaException as error:
                if error.args[0].code() in LEADERLESS:
                    raise ready.Again(str(error)) from error
                raise

        return ready.until(ask, within_s=WITHIN_S, every_s=0.02)

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """The offset that a group has committed in each partition; partitions without one are left out."""
        from services.kafka_groups import Groups  # takes 0.1 s to import

        with Groups(str(self.client["bootstrap.servers"]), WITHIN_S) as groups:
            found = groups.committed([group])[group]
        return {number: offset for (name, number), offset in sorted(found.items()) if name == topic}

    def lag(self, group: str, topic: str) -> dict[int, int]:
        """How many offsets of each partition a group has not committed yet."""
        done = self.committed(group, topic)
        return {number: end - done.get(number, 0) for number, end in self.ends(topic).items()}

    def age_s(self, group: str, topic: str) -> float:
        """Seconds that the oldest message which a group has not committed lies there; 0 where none does.

        What the log has thrown away, markers and open transactions do not count.
        """
        done = self.committed(group, topic)
        waiting = [
            message.timestamp()[1]
            for message in self.read(topic)
            if (message.offset() or 0) >= done.get(message.partition() or 0, 0)
        ]
        return max(0.0, time.time() - min(waiting) / 1000) if waiting else 0.0

    def leaders(self, topic: str) -> dict[int, int]:
        """The node that leads each partition."""
        return {number: each.leader for number, each in self._metadata(topic).partitions.items()}

    def _partitions(self, topic: str) -> list[int]:
        return sorted(self._metadata(topic).partitions)

    def _metadata(self, topic: str) -> Any:
        found = self.admin.list_topics(topic, timeout=WITHIN_S).topics[topic]
        if found.error:
            raise KafkaException(found.error)
        return found


def _appended(
    producer: Producer, topic: str, value: bytes | None, key: bytes | None, partition: int, refused: list[Any]
) -> None:
    """Hand a record to the producer, waiting while its queue is full; errors go to `refused`."""

    def told(error: Any, _message: Message) -> None:
        if error:
            refused.append(error)

    while True:
        try:
            producer.produce(topic, value, key, partition, on_delivery=told)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def _known(host: str, port: int, topic: str) -> bool:
    """Whether a broker knows the topic; one that is gone needs not."""
    try:
        return knows_topic(host, port, topic)
    except OSError:
        return True


def _done(futures: Mapping[str, Any]) -> None:
    for future in futures.values():
        future.result()


def _place(message: Message) -> tuple[int, int]:
    return message.partition() or 0, message.offset() or 0


def _drained(consumer: Consumer, topic: str, partitions: list[int]) -> Iterable[Message]:
    """Every message until each partition has said that this was its end."""
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
    left, silent = set(partitions), 0
    while left:
        came = consumer.consume(10_000, timeout=POLL_S)
        silent = 0 if came else silent + 1
        if silent * POLL_S > WITHIN_S:
            what = (
                f"{topic} was not read to its end within {WITHIN_S:g} s, partitions {sorted(left)} are silent"
            )
            raise BacklabError(what, "look at the broker's log (`logs()`)")
        for message in came:
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                left.discard(message.partition() or 0)
            elif not error.retriable():
                raise KafkaException(error)
