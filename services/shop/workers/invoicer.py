"""The invoicer: consumes orders, produces invoices; how often, if it dies in between, is its mode.

transaction    ──▶ begin ──▶ produce ... ──▶ offsets into the transaction ──▶ commit     each paid order once
commit_after   ──▶ produce ... ──▶ flush ──▶ commit offsets                              a crash repeats
commit_before  ──▶ commit offsets ──▶ produce ... ──▶ flush                              a crash loses
"""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID, uuid5

from confluent_kafka import KafkaException, Message, TopicPartition

from services.shop.settings import Settings
from services.shop.workers import kafka
from services.shop.workers.events import INVOICES, ORDERS, Event
from services.shop.workers.steps import step

GROUP = "invoicer"
NAMESPACE = UUID("9d0f7c1e-54a0-4c8e-9a52-6f1d3f0b7a11")  # of our invoices; any fixed one would do
MODES = ("transaction", "commit_after", "commit_before")


class Invoicer:
    """One turn handles one batch of messages."""

    STEPS: ClassVar[tuple[str, ...]] = (
        "begin",
        "produce",
        "flush",
        "send_offsets",
        "commit",
        "commit_offset",
    )

    def __init__(self, settings: Settings) -> None:
        kafka.ensure_topics(settings, ORDERS, INVOICES)
        self._topic, self._batch_size = kafka.named(settings, INVOICES), settings.batch_size
        self._in_transactions = settings.one_of("invoicer_mode", MODES) == "transaction"
        self._commits_first = settings.invoicer_mode == "commit_before"
        self._producer = kafka.producer(
            settings, **({"transactional.id": kafka.named(settings, GROUP)} if self._in_transactions else {})
        )
        if self._in_transactions:
            self._producer.init_transactions(kafka.WITHIN_S)  # ends what a dead predecessor left open
        self._consumer = kafka.consumer(settings, GROUP, ORDERS)

    def ready(self) -> bool:
        return bool(self._consumer.assignment())

    def turn(self) -> bool:
        batch = self._consumer.consume(self._batch_size, timeout=0.05)
        if not batch:
            return False
        if self._in_transactions:
            self._exactly_once(batch)
        elif self._commits_first:
            self._commit_offsets()
            self._produce(batch)
            self._flush()
        else:
            self._produce(batch)
            self._flush()
            self._commit_offsets()
        return True

    def _exactly_once(self, batch: list[Message]) -> None:
        """Invoices and position become visible together; whatever fails ends the process, and nothing is."""
        step("begin")
        self._producer.begin_transaction()
        self._produce(batch)
        step("send_offsets")
        self._producer.send_offsets_to_transaction(
            self._positions(), self._consumer.consumer_group_metadata(), kafka.WITHIN_S
        )
        step("commit")
        self._producer.commit_transaction(kafka.WITHIN_S)

    def _produce(self, batch: list[Message]) -> None:
        for message in batch:
            event = kafka.event_in(message)
            if event and event.type == "order.paid":
                step("produce")
                self._producer.produce(self._topic, **invoice(event).message())

    def _flush(self) -> None:
        step("flush")
        if self._producer.flush(kafka.WITHIN_S):
            raise KafkaException("the broker did not acknowledge in time")

    def _commit_offsets(self) -> None:
        step("commit_offset")
        self._consumer.commit(offsets=self._positions(), asynchronous=False)

    def _positions(self) -> list[TopicPartition]:
        """After the last message of the batch, in each partition that has any."""
        places = self._consumer.position(self._consumer.assignment())
        return [place for place in places if place.offset >= 0]

    def close(self) -> None:
        self._consumer.close()


def invoice(event: Event) -> Event:
    """The invoice of a paid order; its id follows from the event's, so that a repeated one can be told."""
    data = {"order_id": event.key, "of_event": str(event.id), **event.data}
    id_ = uuid5(NAMESPACE, str(event.id))
    return event.model_copy(update={"id": id_, "type": "invoice.issued", "data": data})
