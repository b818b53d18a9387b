"""The lag monitor: asks the brokers where a log begins and ends, and where each group stands in it.

positions first ──▶ then starts and ends ──▶ a look at the next message, where a group stands still
The other way round a group that is quick would be ahead of a log that has grown meanwhile: negative lag.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from services.kafka_client import SOON
from services.kafka_groups import Groups

WITHIN_S, LOOK_S, AGAIN_S = 10.0, 0.25, 5.0


@dataclass(frozen=True)
class Place:
    """One partition: the log from `start` to `end`, the group's `position`, and the `next` message there.

    `position` is None where the group has committed nothing (the protocol's -1001 is no lag), `next` where
    no message is left to read, though offsets may be: markers of transactions, offsets compacted away.
    """

    partition: int
    start: int
    position: int | None
    next: int | None
    end: int

    @property
    def lag(self) -> int | None:
        """Offsets between position and end; what the log has thrown away no longer counts."""
        return None if self.position is None else max(0, self.end - max(self.position, self.start))


@dataclass(frozen=True)
class Look:
    """What a read at a position found: the next message's offset; `end` is -1 until somebody has read."""

    position: int
    end: int
    ahead: int | None
    at_s: float


class Monitor:
    """Looks at `groups` (group -> topic) of one Kafka; each `sample()` is one look at all of them."""

    def __init__(self, bootstrap: str, groups: Mapping[str, str]) -> None:
        self.groups = dict(groups)
        self._admin = AdminClient({"bootstrap.servers": bootstrap, **SOON})
        self._committed = Groups(bootstrap, WITHIN_S)
        self._reader = Consumer({
            "bootstrap.servers": bootstrap,
            "group.id": "lag-monitor",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,
            **SOON,
        })  # fmt: skip
        self._looks: dict[tuple[str, int], Look] = {}
        self.sampled_s = time.monotonic()
        topics = self._admin.list_topics(timeout=WITHIN_S).topics
        self._partitions = {topic: sorted(topics[topic].partitions) for topic in set(groups.values())}
        self._reader.list_topics(timeout=WITHIN_S)  # so that the first look finds the brokers known

    def sample(self) -> dict[str, list[Place]]:
        """Every group's partitions in order; `sampled_s` is when, on the monotonic clock."""
        positions = self._positions()
        starts, ends = self._offsets(OffsetSpec.earliest()), self._offsets(OffsetSpec.latest())
        self.sampled_s = time.monotonic()
        seen = {
            (group, number): (topic, positions[group][number], starts[topic, number], ends[topic, number])
            for group, topic in self.groups.items()
            for number in self._partitions[topic]
        }
        self._look_where_nothing_moves(seen)
        found: dict[str, list[Place]] = {group: [] for group in self.groups}
        for (group, number), (_, position, start, end) in seen.items():
            ahead = self._ahead(group, number, position, start, end)
            found[group].append(Place(number, start, position, ahead, end))
        return found

    def _positions(self) -> dict[str, dict[int, int | None]]:
        found = self._committed.committed(self.groups)
        return {
            group: {number: found[group].get((topic, number)) for number in self._partitions[topic]}
            for group, topic in self.groups.items()
        }

    def _offsets(self, which: Any) -> dict[tuple[str, int], int]:
        asked = {
            TopicPartition(topic, n): which for topic, numbers in self._partitions.items() for n in numbers
        }
        answers = self._admin.list_offsets(asked, request_timeout=WITHIN_S)
        return {(place.topic, place.partition): answer.result().offset for place, answer in answers.items()}

    def _ahead(self, group: str, number: int, position: int | None, start: int, end: int) -> int | None:
        """The offset of the group's next message, as far as it is known; None where there is none."""
        if position is None or max(position, start) >= end:
            return None
        looked = self._looks.get((group, number))
        if looked is None or looked.position != position:
            self._looks[group, number] = Look(position, -1, position, self.sampled_s)
            return max(position, start)
        return None if looked.ahead is None else max(looked.ahead, start)

    def _look_where_nothing_moves(self, seen: Mapping[tuple[str, int], Any]) -> None:
        """Read one message for each group that stands where it stood; once, and now and then again."""
        wanted: dict[tuple[str, int], tuple[str, int]] = {}  # topic and number -> position or start
        asking = {}
        for (group, number), (topic, position, start, end) in seen.items():
            looked = self._looks.get((group, number))
            if position is None or max(position, start) >= end or looked is None:
                continue
            old = self.sampled_s - looked.at_s > AGAIN_S or looked.end < 0
            grown = looked.ahead is None and looked.end != end
            if looked.position == position and (old or grown):
                wanted[topic, number] = (topic, max(position, start))
                asking[group, number] = (topic, position, end)
        found = self._read({place: offset for place, (_, offset) in wanted.items()})
        for (group, number), (topic, position, end) in asking.items():
            if (topic, number) in found:
                ahead = found[topic, number]
                self._looks[group, number] = Look(position, end, ahead, self.sampled_s)

    def _read(self, wanted: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], int | None]:
        """The offset of the first message that a reader of committed ones finds; None: the end came first.

        Places that do not answer in time are left out, and asked again the next time.
        """
        if not wanted:
            return {}
        found: dict[tuple[str, int], int | None] = {}
        self._reader.assign([TopicPartition(topic, n, offset) for (topic, n), offset in wanted.items()])
        until_s = time.monotonic() + LOOK_S
        while len(found) < len(wanted) and (left_s := until_s - time.monotonic()) > 0:
            for message in self._reader.consume(100, timeout=min(left_s, 0.05)):
                place, error = (message.topic() or "", message.partition() or 0), message.error()
                if error is None:
                    found.setdefault(place, message.offset())
                elif error.code() == KafkaError._PARTITION_EOF:
                    found.setdefault(place, None)
        self._reader.assign([])
        return found

    def close(self) -> None:
        """Give the connections back."""
        self._reader.close()
        self._committed.close()
