"""What the consumer groups of a Kafka have committed, for who watches them from outside.

names() ──▶ committed(names) ──▶ ends(places)      questions to the brokers, asked again while one loads

A client of its own, in pure Python: a broker says "not coordinator" for a moment after its start, and at that
answer to this question librdkafka 2.16 takes the whole process down (confluentinc/librdkafka issue 5040).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Self, TypeVar

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import RetriableError
from kafka.metrics.metrics_reporter import AbstractMetricsReporter

from services import ready

Answer = TypeVar("Answer")
Place = tuple[str, int]  # a topic and the number of its partition
AGAIN_S = 0.05
TYPES = ["classic", "consumer"]  # a share group has no offsets of this kind
logging.getLogger("kafka").addHandler(logging.NullHandler())  # else its warnings land below a learner's cell


class Groups:
    """The groups of the Kafka at `bootstrap`; each question raises `ready.NotReady` after `within_s`.

    What no repetition mends raises a `kafka.errors.KafkaError`. The client has a thread, which looks for its
    broker until `close()`; a `with` block closes it, too.
    """

    def __init__(self, bootstrap: str, within_s: float) -> None:
        self._bootstrap, self._within_s = bootstrap, within_s
        self._client: KafkaAdminClient | None = None
        self._gauges = _Gauges()

    def names(self) -> list[str]:
        """Every group that the brokers know, with members or without."""
        groups = self._ask(lambda client: client.list_groups(types_filter=TYPES))
        return [group["group_id"] for group in groups]

    def committed(self, groups: Iterable[str]) -> dict[str, dict[Place, int]]:
        """Each group's offsets, where it has committed one."""
        names = list(groups)
        found = self._ask(lambda client: client.list_group_offsets(names)) if names else {}
        return {
            name: {tuple(place): said.offset for place, said in found[name].items() if said.offset >= 0}
            for name in names
        }

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """The next offset of each partition, as a reader of everything sees it."""
        wanted = {TopicPartition(*place): OffsetSpec.LATEST for place in places}
        found = self._ask(lambda client: client.list_partition_offsets(wanted)) if wanted else {}
        return {tuple(place): said.offset for place, said in found.items()}

    @property
    def connections(self) -> int:
        """How many connections these questions hold."""
        return int(self._gauges.value("connection-count"))

    def close(self) -> None:
        """Give the connections back; safe to repeat, and to ask again afterwards."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, question: Callable[[KafkaAdminClient], Answer]) -> Answer:
        return ready.until(
            lambda: question(self._opened()),
            within_s=self._within_s,
            every_s=AGAIN_S,
            not_yet=(RetriableError,),
        )

    def _opened(self) -> KafkaAdminClient:
        if self._client is None:
            limit_ms = round(self._within_s * 1000)
            self._client = _Client(
                bootstrap_servers=self._bootstrap,
                bootstrap_timeout_ms=limit_ms,
                request_timeout_ms=limit_ms,
                reconnect_backoff_ms=20,
                reconnect_backoff_max_ms=500,
                metric_reporters=[lambda: self._gauges],
            )
        return self._client


class _Client(KafkaAdminClient):
    """One that takes its thread along when it does not find its broker, which kafka-python 3.0 forgets."""

    _closed = False  # else close() takes one that is not complete for one that is closed

    def __init__(self, **configs: Any) -> None:
        try:
            super().__init__(**configs)
        except BaseException:
            self.close()
            raise


class _Gauges(AbstractMetricsReporter):
    """What a client counts of itself, by name."""

    def __init__(self) -> None:
        self._metrics: dict[str, Any] = {}

    def value(self, name: str) -> float:
        return float(self._metrics[name].value()) if name in self._metrics else 0.0

    def init(self, metrics: Any) -> None:
        for metric in metrics:
            self.metric_change(metric)

    def metric_change(self, metric: Any) -> None:
        self._metrics[metric.metric_name.name] = metric

    def metric_removal(self, metric: Any) -> None:
        self._metrics.pop(metric.metric_name.name, None)

    def configure(self, configs: Any) -> None:
        """There is nothing to configure."""

    def close(self) -> None:
        self._metrics.clear()
