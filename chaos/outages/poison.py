"""A message that a worker cannot handle: it dies of it, and would again, until somebody steps over it.

start()  a poisonous event ──▶ the worker reads it ──▶ it has died
stop()   the group's position behind the event ──▶ a successor
"""

from __future__ import annotations

from typing import Any

from confluent_kafka import Producer, TopicPartition

from chaos.outages.outage import Outage
from services import ready
from services.errors import BacklabError
from services.shop.worker_server import Worker
from services.shop.workers import kafka

DIES_S, JOINS_S = 10.0, 15.0


class Poisoned(Outage):
    """A worker that died of `value`; the group's name is the worker's, as in the shop."""

    def __init__(self, worker: Worker, topic: str, value: bytes) -> None:
        super().__init__()
        self.worker, self.topic, self.value = worker, topic, value
        self._place: TopicPartition | None = None
        self._died = 0

    def break_it(self) -> None:
        def told(error: Any, message: Any) -> None:
            if error is None:
                self._place = TopicPartition(self.topic, message.partition(), message.offset() + 1)

        producer = Producer({"bootstrap.servers": self.worker.settings.kafka_bootstrap, **kafka.SOON})
        producer.produce(self.topic, self.value, b"poison", on_delivery=told)
        producer.flush(DIES_S)
        if self._place is None:
            raise BacklabError(f"the poison did not get into {self.topic}", "look at Kafka's log (`logs()`)")
        self._died = int(ready.true(lambda: not self.worker.running, within_s=DIES_S, every_s=0.05))

    def mend(self) -> None:
        """Join under the dead member's own name, so that its time-out need not pass, and step over."""
        if self._place is not None and not self.worker.running:
            successor = kafka.consumer(self.worker.settings, self.worker.worker, self.topic)
            try:
                ready.true(lambda: _joined(successor), within_s=JOINS_S, every_s=0.01)
                successor.commit(offsets=[self._place], asynchronous=False)
            finally:
                successor.close()
            self.worker.start()

    def touched(self) -> tuple[int, str]:
        return self._died, "workers that died of it"


def _joined(consumer: Any) -> bool:
    """Whether the group has given it partitions; what it reads meanwhile is not committed."""
    consumer.poll(0.05)
    return bool(consumer.assignment())
